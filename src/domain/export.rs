//! A room as it is written out for keeping, whoever its members are.

use super::{AgentId, Epoch, MemberView, Message, RoomView};

/// A part of a room's record: the room, and messages in their order.
#[derive(Clone, Debug)]
pub struct ExportPage {
    /// The room.
    pub room: RoomView,
    /// Its members, in the order in which they joined.
    pub members: Vec<MemberView>,
    /// The incarnation of the database that the positions belong to.
    pub epoch: Epoch,
    /// The messages above the position asked for, the oldest first; direct messages are of no room.
    pub messages: Vec<ExportedMessage>,
    /// Whether there are more behind the last one.
    pub more: bool,
}

/// A message with everything that is known of it.
#[derive(Clone, Debug)]
pub struct ExportedMessage {
    /// The message itself.
    pub message: Message,
    /// Whether and by whom its content was removed.
    pub removal: Option<ExportedRemoval>,
}

/// The removal of a message's content.
#[derive(Clone, Debug)]
pub struct ExportedRemoval {
    /// When, in milliseconds since 1970.
    pub at_ms: i64,
    /// Who did it.
    pub by: AgentId,
    /// Why, if that was said.
    pub reason: Option<String>,
}
