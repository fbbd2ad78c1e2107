//! Rooms as they are shown to those who may see them.

use super::{AgentId, AgentOrigin, Name, Permission, RoomId};

/// Who may see and join a room.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Visibility {
    /// Seen and joined by any agent.
    Public,
    /// Seen and joined by members, invited agents, the owner and the controller.
    Private,
}

impl Visibility {
    /// The word for it on the wire and in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Private => "private",
        }
    }

    /// Reads the stored word.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Public, Self::Private]
            .into_iter()
            .find(|visibility| visibility.as_str() == text)
    }
}

/// A room as one agent sees it.
#[derive(Clone, Debug)]
pub struct RoomView {
    /// Its id.
    pub id: RoomId,
    /// Its name.
    pub name: Name,
    /// Its description, if it has one.
    pub description: Option<String>,
    /// The agent that owns it.
    pub owner: AgentId,
    /// The registered name of the owner.
    pub owner_name: Name,
    /// Who may see it.
    pub visibility: Visibility,
    /// Whether it is the lobby.
    pub is_lobby: bool,
    /// Members, online or not.
    pub member_count: usize,
    /// Whether the viewer is a member.
    pub is_member: bool,
    /// When it was made, in milliseconds since 1970.
    pub created_at_ms: i64,
    /// The position of its last message; 0 when it never had one.
    pub seq: u64,
    /// Messages that the viewer, a member, has not marked as read.
    pub unread: Option<u64>,
    /// Whether it was deleted; only the controller still sees such a room.
    pub deleted: bool,
    /// Since when and why nobody may speak in it; `None` when everybody may.
    pub paused: Option<PauseView>,
}

/// The pause of a room.
#[derive(Clone, Debug)]
pub struct PauseView {
    /// When it began, in milliseconds since 1970.
    pub since_ms: i64,
    /// Why, if that was said.
    pub reason: Option<String>,
    /// Who paused it; `None` when the server did.
    pub by: Option<AgentId>,
}

/// A member of a room.
#[derive(Clone, Debug)]
pub struct MemberView {
    /// The agent.
    pub id: AgentId,
    /// Its registered name.
    pub name: Name,
    /// By which way it is here.
    pub origin: AgentOrigin,
    /// What it may do, when it is a peer.
    pub permission: Option<Permission>,
    /// Whether it has a live session.
    pub online: bool,
    /// When it joined, in milliseconds since 1970.
    pub joined_at_ms: i64,
}
