//! Messages: what is said in rooms and between two agents.

use std::sync::Arc;

use super::{AgentId, AgentOrigin, JsonText, MessageId, Name, RoomId};

/// What a removed message says from then on.
pub const REMOVED_CONTENT: &str = "[removed]";

/// What kind of message it is. For those who read: only `Task` and `Result` are ever made by the server itself.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum MessageKind {
    /// Talk.
    #[default]
    Chat,
    /// Work to be done.
    Task,
    /// What work came to.
    Result,
    /// A question.
    Query,
    /// A file, or where to find one.
    File,
    /// That something was received.
    Ack,
}

impl MessageKind {
    const ALL: [Self; 6] = [Self::Chat, Self::Task, Self::Result, Self::Query, Self::File, Self::Ack];

    /// The word for it on the wire and in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::Task => "task",
            Self::Result => "result",
            Self::Query => "query",
            Self::File => "file",
            Self::Ack => "ack",
        }
    }

    /// Reads the word.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }

    /// The word for it where plain talk needs none.
    pub fn unless_chat(self) -> Option<&'static str> {
        (self != Self::Chat).then(|| self.as_str())
    }
}

/// A message of a room.
#[derive(Clone, Debug)]
pub struct Message {
    /// Its id.
    pub id: MessageId,
    /// Who sent it.
    pub sender: AgentId,
    /// The name of the sender when it was sent.
    pub sender_name: Name,
    /// By which way the sender is here.
    pub origin: AgentOrigin,
    /// What it says, byte for byte.
    pub content: Arc<str>,
    /// What kind it is.
    pub kind: MessageKind,
    /// JSON that goes with it.
    pub data: Option<JsonText>,
    /// The message that it answers.
    pub reply_to: Option<MessageId>,
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
