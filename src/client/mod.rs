//! The client that wardroom's own command line and tests use, and that any Rust program may use.
//!
//! Two layers, both of which make calls through the [`Methods`] trait:
//!
//! - [`Connection`] is one socket. It authenticates only when told to, never reconnects, and shows everything that
//!   arrives: answers to its calls, events in order, frames that belong to neither, and how the server closed.
//! - [`Client`] is one agent. It authenticates, reconnects with exponential back-off and full jitter, and stops for good
//!   when its key is refused. It reads rooms and direct messages without a gap ([`Client::room`]), and sends messages and
//!   changes of tasks again by itself until they are known to be stored.
//!
//! Both notice a link that broke without a word, and reach servers at `wss://` addresses ([`Endpoint::parse_trusting`]).
//!
//! Nothing outlives its handle: dropping a [`Connection`] or a [`Client`] ends the task behind it.

mod backoff;
mod connection;
mod endpoint;
mod error;
#[cfg(test)]
mod follow_tests;
mod following;
mod items;
mod keys;
#[cfg(test)]
mod link_tests;
mod methods;
mod options;
mod peers;
mod positions;
mod pump;
mod queue;
mod receipts;
mod reconnect;
mod results;
mod retry;
#[cfg(test)]
mod retry_tests;
mod streams;
mod supervisor;
mod tasks;
#[cfg(test)]
mod tests;
mod text_socket;
mod trust;
#[cfg(test)]
mod wire_tests;

pub use backoff::Backoff;
pub use connection::{ConnectOptions, Connection};
pub use endpoint::Endpoint;
pub use error::{ClientError, End, RpcError};
pub use following::UNFOLLOWED;
pub use items::{DirectMessage, Item, Items, Removal};
pub use keys::{AuditOptions, AuditPage, IssuedKey, KeyEntry, KeyMethods, KeyOptions, RotateOptions};
pub use methods::Methods;
pub use options::{ApiKey, ClientOptions};
pub use peers::{Guest, JoinOptions, OpenOptions, Opening, PeerMethods, Place};
pub use positions::{FollowReset, FollowResult, Position, Positions, Reset, ResetReason, Resumed};
pub use pump::Event;
pub use queue::EVENTS_DROPPED;
pub use receipts::{Found, MemberStatus, ReadMark, ReceiptMethods, SearchFilter, SearchPage};
pub use reconnect::{Client, DISCONNECTED, RECONNECTED};
pub use results::{
    AgentEntry, Authenticated, Document, DocumentEntry, HistoryPage, InvitedAgent, LobbyName, Message, Pause, Receipt,
    Room, RoomMember, RoomWithMembers, SendOptions,
};
pub use tasks::{Task, TaskFilter, TaskMethods, TaskOptions, TaskOutcome, TaskPage, TaskProgress, TaskReceipt};
pub(crate) use text_socket::{Heard, TextSocket};
pub use trust::Trust;
