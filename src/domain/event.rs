//! What happens, as those who may know of it are told.

use std::sync::Arc;

use super::{AgentId, DirectMessage, Epoch, Message, MessageId, Name, RoomId, TaskView, Visibility};

/// Something that happened. Who is told is decided where it happened (`hub`); how it looks on the wire in `protocol`.
#[derive(Clone, Debug)]
#[expect(
    missing_docs,
    reason = "each field is documented once, where `protocol::notifications` gives it its wire form"
)]
pub enum Event {
    /// An agent has another registered name.
    AgentRenamed { agent: AgentId, name: Name, previous: Name },
    /// An agent came (its first session) or went (its last).
    Presence { agent: AgentId, name: Name, online: bool },
    /// Somebody spoke in a room.
    Message {
        room: RoomId,
        message: Message,
        removed: bool,
    },
    /// Somebody wrote to one agent.
    Direct {
        message: DirectMessage,
        removed: bool,
        is_own: bool,
    },
    /// A session that follows goes on behind a gap.
    Reset {
        room: Option<RoomId>,
        epoch: Epoch,
        missed_from: u64,
        resumes_from: u64,
    },
    /// A room was made.
    RoomCreated {
        room: RoomId,
        name: Name,
        owner: AgentId,
        visibility: Visibility,
    },
    /// An agent joined a room.
    RoomJoined { room: RoomId, agent: AgentId, name: Name },
    /// An agent left a room, or was taken out of it.
    RoomLeft { room: RoomId, agent: AgentId },
    /// An agent was invited into a room.
    RoomInvited {
        room: RoomId,
        name: Name,
        by: AgentId,
        by_name: Name,
    },
    /// A room was deleted.
    RoomDeleted { room: RoomId },
    /// A room was opened or closed to the public.
    RoomVisibilityChanged { room: RoomId, visibility: Visibility },
    /// A room has another owner.
    RoomOwnerChanged {
        room: RoomId,
        new_owner: AgentId,
        previous_owner: AgentId,
    },
    /// A room was renamed or described anew.
    RoomUpdated {
        room: RoomId,
        name: Name,
        description: Option<String>,
    },
    /// Nobody may speak in a room until it is resumed.
    RoomPaused {
        room: RoomId,
        since_ms: i64,
        reason: Option<String>,
        by: Option<AgentId>,
    },
    /// Everybody in a room may speak again.
    RoomResumed { room: RoomId, by: AgentId },
    /// The content of a message was removed.
    MessageRemoved {
        message: MessageId,
        room: RoomId,
        is_direct: bool,
        removed_by: AgentId,
        reason: Option<String>,
    },
    /// Somebody said that it has read a message, whose sender wants to know.
    MessageRead(ReadNotice),
    /// A task was offered.
    TaskCreated { task: Arc<TaskView> },
    /// A task changed.
    TaskUpdated { task: Arc<TaskView> },
    /// The message of the day changed.
    LobbyMotd {
        content: Option<String>,
        set_by: AgentId,
        set_by_name: Name,
    },
    /// A document changed.
    DocsUpdated {
        name: &'static str,
        version: String,
        updated_by: AgentId,
    },
    /// The receiver was taken out of a room.
    Kicked { room: RoomId, reason: Option<String> },
    /// The receiver's session ends now.
    Disconnected { reason: EndReason },
}

/// What an event is about, which decides whether it is told under a key that is good for some rooms only.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Topic {
    /// A room.
    Room(RoomId),
    /// Direct messages.
    Direct,
    /// Neither: agents, the server, what all of them share.
    Neither,
}

impl Event {
    /// Bytes of what somebody said in it.
    pub fn content_bytes(&self) -> usize {
        match self {
            Self::Message { message, .. } => {
                message.content.len() + message.data.as_ref().map_or(0, |data| data.as_str().len())
            }
            _ => 0,
        }
    }

    /// What it is about.
    pub fn topic(&self) -> Topic {
        match self {
            Self::Message { room, .. }
            | Self::Reset { room: Some(room), .. }
            | Self::RoomCreated { room, .. }
            | Self::RoomJoined { room, .. }
            | Self::RoomLeft { room, .. }
            | Self::RoomInvited { room, .. }
            | Self::RoomDeleted { room }
            | Self::RoomVisibilityChanged { room, .. }
            | Self::RoomOwnerChanged { room, .. }
            | Self::RoomUpdated { room, .. }
            | Self::RoomPaused { room, .. }
            | Self::RoomResumed { room, .. }
            | Self::MessageRemoved {
                room, is_direct: false, ..
            }
            | Self::Kicked { room, .. } => Topic::Room(*room),
            Self::TaskCreated { task } | Self::TaskUpdated { task } => Topic::Room(task.room),
            Self::MessageRead(notice) if notice.is_direct => Topic::Direct,
            Self::MessageRead(notice) => Topic::Room(notice.room),
            Self::Direct { .. } | Self::Reset { room: None, .. } | Self::MessageRemoved { is_direct: true, .. } => {
                Topic::Direct
            }
            Self::AgentRenamed { .. }
            | Self::Presence { .. }
            | Self::LobbyMotd { .. }
            | Self::DocsUpdated { .. }
            | Self::Disconnected { .. } => Topic::Neither,
        }
    }
}

/// That somebody has read a message.
#[derive(Clone, Debug)]
pub struct ReadNotice {
    /// The message.
    pub message: MessageId,
    /// The room; the lobby for a direct message.
    pub room: RoomId,
    /// Who has read it.
    pub agent: AgentId,
    /// Its registered name.
    pub name: Name,
    /// When it said so, in milliseconds since 1970.
    pub at_ms: i64,
    /// Whether it is a direct message.
    pub is_direct: bool,
}

/// Why the server ends a session.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum EndReason {
    /// The controller or the operator cut the agent off; it may come back.
    Kicked(Option<String>),
    /// The agent was banned.
    Banned(Option<String>),
    /// The agent was revoked.
    Revoked,
    /// The agent opened one session too many, and this was its oldest.
    Replaced,
    /// The key of the session was revoked.
    KeyRevoked,
    /// The key of the session has expired.
    KeyExpired,
    /// The key of the session was replaced by another one.
    KeyReplaced,
    /// The server stops.
    ShuttingDown,
    /// The server restarts and comes back.
    Restarting,
}

impl EndReason {
    /// Why a server that ends cuts everybody off.
    pub fn of_stop(restarting: bool) -> Self {
        if restarting {
            Self::Restarting
        } else {
            Self::ShuttingDown
        }
    }

    /// Whether the agent is to be shown nothing more, not even what is on its way.
    pub fn is_expulsion(&self) -> bool {
        matches!(
            self,
            Self::Kicked(_) | Self::Banned(_) | Self::Revoked | Self::KeyRevoked | Self::KeyExpired | Self::KeyReplaced
        )
    }

    /// What the agent is told in the `disconnected` event: the reason that was given, else what happened.
    pub fn text(&self) -> &str {
        match self {
            Self::Kicked(Some(reason)) | Self::Banned(Some(reason)) => reason,
            _ => self.what(),
        }
    }

    /// What the close frame says: what happened, and the reason that was given behind it.
    pub fn close_text(&self) -> String {
        match self {
            Self::Kicked(Some(reason)) | Self::Banned(Some(reason)) => format!("{}: {reason}", self.what()),
            _ => self.what().to_owned(),
        }
    }

    fn what(&self) -> &'static str {
        match self {
            Self::Kicked(_) => "kicked",
            Self::Banned(_) => "banned",
            Self::Revoked => "revoked",
            Self::Replaced => "replaced by a newer session",
            Self::KeyRevoked => "the API key was revoked",
            Self::KeyExpired => "the API key has expired",
            Self::KeyReplaced => "the API key was replaced",
            Self::ShuttingDown => "server is shutting down",
            Self::Restarting => "server is restarting",
        }
    }
}
