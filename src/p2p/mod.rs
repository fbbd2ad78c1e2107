//! Links between two agents over WebRTC, understood by link-agent's programs, and wardroom's public Rust API for them.
//!
//! A [`Link`] enters a room on a signaling server, opens an encrypted data channel to whoever else is there, and keeps it
//! up: one WebRTC connection after the other until it is closed. Messages are [`Envelope`]s. What arrives comes as
//! [`LinkEvent`]s, in order; a reader that is slow makes the other side wait.
//!
//! The link itself enters signaling, negotiates the level ([`crate::domain::Permission`]) and holds both sides to it, keeps
//! back what looks private at level `helper`, answers heartbeats, splits and joins what is larger than one message of the
//! channel, and comes back after a loss. It does not acknowledge, store or recognise repeats: whoever uses it does that,
//! and answers with [`Envelope::ack`] after a message is stored.
//!
//! Different from the first sketch of this interface, because the facts asked for it:
//!
//! - [`LinkEvent::Received`] carries the message as text beside the parsed value. `serde_json` sorts the members of an
//!   object and rounds large numbers here; whoever hands the message on as it came takes the text.
//! - [`Envelope::from_shorthand`] reads text for the same reason, and is told whose shorthand it is ([`Shorthand`]).
//! - Envelopes are made with an [`Author`], which knows the name, the clock and the source of ids: [`Link::author`].
//! - The state of the WebRTC connection is asked for apart from the rest ([`Link::ice_details`]), because that waits.
//! - [`LinkOptions`] names whom `wss://` servers must be signed by.

mod addresses;
mod calls;
mod conversation;
mod engine;
mod envelope;
mod events;
mod ice_server;
mod invite;
mod link;
mod machine;
mod options;
mod ordered;
mod pieces;
mod plain;
mod privacy;
mod probe;
mod runtime;
mod secret;
mod shared;
mod shorthand;
mod transport;
mod wire;

pub use crate::signaling::frame::Role;
pub use envelope::{Author, Envelope, EnvelopeError, Priority};
pub use events::{IceDetails, LinkEvent, LinkStatus, Refusal, SendError};
pub use ice_server::{IceServer, IceServerProblem};
pub use invite::{INVITE_FILE, invitation, write_invitation};
pub use link::Link;
pub use options::{Intervals, LinkLimits, LinkOptions};
pub(crate) use ordered::{members, to_text as members_to_text};
pub use plain::plain;
pub use probe::{Mapped, Ways, mapped, ways};
pub use secret::{RoomSecret, WeakSecret};
pub use shorthand::Shorthand;
