//! What a link tells its user.

use serde_json::Value;

use crate::domain::Permission;
use crate::signaling::frame::Role;

/// What happens on a link, in the order in which it happened.
#[derive(Clone, Debug, PartialEq)]
pub enum LinkEvent {
    /// The room was entered for the first time.
    Room {
        /// The room, a secret that lets in whoever knows it.
        room_id: String,
    },
    /// The signaling server gave a role; told at each entering.
    Role {
        /// The role.
        role: Role,
    },
    /// A connection is up; told once for each.
    Connected {
        /// The name that the peer gives itself.
        peer: String,
        /// The level that holds on it.
        permission: Permission,
    },
    /// The peer sent something that is not for the link itself.
    Received {
        /// The message as it came: one JSON value. What was redacted is redacted here too.
        text: String,
        /// The same, parsed; the order of members is not kept.
        value: Value,
        /// Why it is not to be delivered, if so. It is to be acknowledged all the same, or the other side sends it again.
        refused: Option<Refusal>,
    },
    /// Another level holds from now on.
    PermissionChanged {
        /// The level.
        permission: Permission,
    },
    /// The connection is lost, or signaling before there was one.
    Disconnected {
        /// `peer-left`, `datachannel-closed`, `signaling-lost-before-p2p` or `heartbeat-timeout`.
        reason: String,
    },
    /// Another attempt begins after a wait.
    Reconnecting {
        /// How many attempts there were since the last connection, this one included.
        attempt: u32,
    },
    /// No connection came about in the time allowed; the link enters the room anew.
    TimedOut,
    /// Something went wrong that ends nothing by itself.
    Error {
        /// A sentence for people, without secrets.
        message: String,
    },
    /// The link made as many attempts as it was allowed and is closed.
    GaveUp {
        /// How many.
        attempts: u32,
    },
    /// The link is closed; the last event.
    Closed,
}

/// Why a message that arrived is not to be delivered.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Refusal {
    /// The level of the link does not allow messages of this type.
    #[error("messages of type `{kind}` are not allowed at level `{permission}`")]
    NotAllowed {
        /// The type of the message.
        kind: String,
        /// The level that holds.
        permission: Permission,
    },
}

/// Why a message was not sent.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SendError {
    /// There is no connection now.
    #[error("not connected")]
    NotConnected,
    /// The link is closed for good.
    #[error("the link is closed")]
    Closed,
    /// The message is larger than this peer takes.
    #[error("Message too large: {bytes} bytes (max {limit})")]
    TooLarge {
        /// The size of the message as text.
        bytes: usize,
        /// What this peer takes.
        limit: usize,
    },
    /// The level of the link does not allow messages of this type.
    #[error("messages of type `{kind}` are not allowed at level `{permission}`")]
    NotAllowed {
        /// The type of the message.
        kind: String,
        /// The level that holds.
        permission: Permission,
    },
    /// The type belongs to the link itself.
    #[error("messages of type `{kind}` are the link's own")]
    Reserved {
        /// The type of the message.
        kind: String,
    },
    /// The text looks as if it held something private, and the level is `helper`.
    #[error("the text mentions `{pattern}`, which level `helper` keeps back")]
    Private {
        /// What of the text looks private.
        pattern: String,
    },
}

impl SendError {
    /// Whether the same message will be refused again on the same kind of link, however often it is tried.
    #[must_use]
    pub fn is_final(&self) -> bool {
        matches!(
            self,
            Self::TooLarge { .. } | Self::NotAllowed { .. } | Self::Reserved { .. } | Self::Private { .. }
        )
    }
}

/// What a link is doing at one moment.
#[derive(Clone, Debug, PartialEq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each says something of its own, and all are only shown"
)]
pub struct LinkStatus {
    /// Whether messages can be sent.
    pub connected: bool,
    /// Whether the link is between two attempts.
    pub reconnecting: bool,
    /// The room, once it is known. A secret.
    pub room_id: Option<String>,
    /// The role that the signaling server gave last.
    pub role: Option<Role>,
    /// The name of the peer, while there is a connection.
    pub peer: Option<String>,
    /// The level that holds; without a connection the last one that did, or the own one.
    pub permission: Permission,
    /// Whether the peer is a wardroom, which takes messages in pieces.
    pub peer_joins_pieces: bool,
    /// Whether the peer has proven that it knows the secret of [`super::LinkOptions::secret`]. Without, the signaling server
    /// has to be trusted.
    pub proven: bool,
    /// Attempts since the last connection.
    pub attempt: u32,
    /// How many connections there were, the present one included: its number, for [`super::Link::send_on`].
    pub connections: u64,
    /// When the peer was last heard of, in milliseconds since 1970; `None` before the first connection.
    pub last_activity_ms: Option<i64>,
}

/// The state of a WebRTC connection, for whoever looks for a fault.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct IceDetails {
    /// The state of the search for a path.
    pub ice_state: String,
    /// The state of the connection as a whole.
    pub state: String,
    /// The state of the search for own addresses.
    pub gathering_state: String,
    /// The state of offer and answer.
    pub signaling_state: String,
    /// The pair of addresses in use, as `local - remote`, each `type address:port`.
    pub selected_pair: Option<String>,
    /// Bytes sent on the path.
    pub bytes_sent: u64,
    /// Bytes received on the path.
    pub bytes_received: u64,
    /// The last round trip measured on the path, in milliseconds.
    pub round_trip_ms: Option<f64>,
}
