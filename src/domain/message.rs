//! Messages: what is said in rooms and between two agents.

use std::sync::Arc;

use super::{AgentId, MessageId, Name, RoomId};

/// What a removed message says from then on.
pub const REMOVED_CONTENT: &str = "[removed]";

/// A message of a room.
#[derive(Clone, Debug)]
pub struct Message {
    /// Its id.
    pub id: MessageId,
    /// Who sent it.
    pub sender: AgentId,
    /// The name of the sender when it was sent.
    pub sender_name: Name,
    /// What it says, byte for byte.
    pub content: Arc<str>,
}

/// A message from one agent to another.
#[derive(Clone, Debug)]
pub struct DirectMessage {
    /// The message itself.
    pub message: Message,
    /// The agent it is for.
    pub recipient: AgentId,
    /// Its position in the mailbox of the party that it is shown to.
    pub seq: u64,
}

/// A message as history shows it.
#[derive(Clone, Debug)]
pub struct HistoryEntry {
    /// The message itself.
    pub message: Message,
    /// The room whose history holds it.
    pub room: RoomId,
    /// The agent it is for, when it is a direct message.
    pub recipient: Option<AgentId>,
    /// Whether its content was removed.
    pub removed: bool,
}
