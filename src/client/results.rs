//! The results of the protocol's methods, as far as a client acts on them. Members that are not known are ignored, as the
//! protocol asks of every client.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;

use super::positions::Resumed;

/// The lobby, as `auth` names it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LobbyName {
    /// Its room id.
    pub room_id: String,
    /// Its name.
    pub name: String,
}

/// The result of `auth`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Authenticated {
    /// The agent's own id.
    pub agent_id: String,
    /// `controller` or `participant`.
    pub role: String,
    /// The name for this session.
    pub display_name: String,
    /// The room that everybody is in.
    pub lobby: LobbyName,
    /// The message of the day, if one is set.
    #[serde(default)]
    pub motd: Option<String>,
    /// Which life of the database positions belong to; another epoch voids them.
    #[serde(default)]
    pub epoch: Option<String>,
    /// `full` or `relaxed`.
    #[serde(default)]
    pub durability: Option<String>,
    /// The server's version.
    #[serde(default)]
    pub version: Option<String>,
    /// How it went with the rooms that were to be resumed, by room id.
    #[serde(default)]
    pub resumed: BTreeMap<String, Resumed>,
    /// The same for direct messages.
    #[serde(default)]
    pub resumed_direct: Option<Resumed>,
}

/// The result of `agent.invite`. Its `Debug` form never shows the key.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InvitedAgent {
    /// The new agent's id.
    pub agent_id: String,
    /// Its registered name.
    pub display_name: String,
    /// Its key, shown this once.
    pub api_key: String,
    /// Always `participant`.
    pub role: String,
}

impl fmt::Debug for InvitedAgent {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("InvitedAgent")
            .field("agent_id", &self.agent_id)
            .field("display_name", &self.display_name)
            .field("role", &self.role)
            .finish_non_exhaustive()
    }
}

/// One row of `agent.list`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AgentEntry {
    /// The agent's id.
    pub agent_id: String,
    /// Its registered name.
    pub display_name: String,
    /// `controller` or `participant`.
    pub role: String,
    /// `p2p` for a peer beyond the server; none: an agent of the server.
    #[serde(default)]
    pub origin: Option<String>,
    /// What a peer may do: `intimate`, `helper` or `chat`.
    #[serde(default)]
    pub permission: Option<String>,
    /// Whether it is kept out.
    pub banned: bool,
    /// Whether it has a live session.
    pub online: bool,
    /// When it was last there, in milliseconds since 1970; none: never.
    pub last_seen: Option<i64>,
}

/// A room, as `room.create`, `room.list` and `room.info` show it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Room {
    /// The room's id.
    pub room_id: String,
    /// Its name; not unique.
    pub name: String,
    /// What it is for, if that was said.
    #[serde(default)]
    pub description: Option<String>,
    /// Who owns it.
    #[serde(default)]
    pub owner_id: Option<String>,
    /// The owner's name.
    #[serde(default)]
    pub owner_name: Option<String>,
    /// `public` or `private`.
    pub visibility: String,
    /// Whether it is the lobby.
    #[serde(default)]
    pub is_lobby: bool,
    /// Members, online or not.
    #[serde(default)]
    pub member_count: u64,
    /// Whether the caller is one.
    #[serde(default)]
    pub is_member: bool,
    /// When it was made, in milliseconds since 1970.
    #[serde(default)]
    pub created_at: Option<i64>,
    /// Position of the last message, 0 when there was never one; none from a server that does not say.
    #[serde(default)]
    pub seq: Option<u64>,
    /// Messages that the caller, a member, has not marked as read.
    #[serde(default)]
    pub unread: Option<u64>,
    /// Whether it was deleted; only the controller sees such a room.
    #[serde(default)]
    pub deleted: bool,
    /// Since when and why nobody may speak in it; none while everybody may.
    #[serde(default)]
    pub paused: Option<Pause>,
}

/// The pause of a room.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Pause {
    /// When it began, in milliseconds since 1970.
    pub since: i64,
    /// Why, if that was said.
    pub reason: Option<String>,
    /// Who paused it; none when the server did, because agents answered each other without end.
    pub paused_by: Option<String>,
}

/// A member of a room.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RoomMember {
    /// The agent's id.
    pub agent_id: String,
    /// Its name.
    pub display_name: String,
    /// `p2p` for a peer beyond the server; none: an agent of the server.
    #[serde(default)]
    pub origin: Option<String>,
    /// What a peer may do: `intimate`, `helper` or `chat`.
    #[serde(default)]
    pub permission: Option<String>,
    /// Whether it has a live session.
    pub online: bool,
    /// When it joined, in milliseconds since 1970.
    pub joined_at: i64,
}

/// The result of `room.info`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct RoomWithMembers {
    /// The room.
    pub room: Room,
    /// Its members.
    pub members: Vec<RoomMember>,
}

/// A message of a room's history.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Message {
    /// The message's id.
    pub message_id: String,
    /// Who sent it.
    pub sender_id: String,
    /// The sender's name at that time.
    pub sender_name: String,
    /// `p2p` when a peer beyond the server sent it; none: an agent of the server.
    #[serde(default)]
    pub origin: Option<String>,
    /// The text; `[removed]` after its removal.
    pub content: String,
    /// `task`, `result`, `query`, `file` or `ack`; none: talk.
    #[serde(default, rename = "type")]
    pub kind: Option<String>,
    /// JSON that goes with it.
    #[serde(default)]
    pub data: Option<serde_json::Value>,
    /// The message that it answers.
    #[serde(default)]
    pub reply_to: Option<String>,
    /// Milliseconds since 1970, strictly increasing within a room.
    pub timestamp: i64,
    /// Position within the room, from 1, without gaps.
    #[serde(default)]
    pub seq: Option<u64>,
    /// Whether the content was taken away.
    #[serde(default)]
    pub removed: bool,
    /// To whom, if it is a direct message.
    #[serde(default)]
    pub to_agent_id: Option<String>,
}

/// What a message carries beside its text.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SendOptions<'a> {
    /// `chat`, `task`, `result`, `query`, `file` or `ack`; none: `chat`.
    pub kind: Option<&'a str>,
    /// JSON that goes with it.
    pub data: Option<serde_json::Value>,
    /// The message that it answers.
    pub reply_to: Option<&'a str>,
    /// Makes sending it again safe.
    pub idempotency_key: Option<&'a str>,
    /// Asks for the event `message.read` when somebody says that it has read the message.
    pub want_read: bool,
}

/// The result of `room.history`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct HistoryPage {
    /// The messages, the oldest first.
    pub messages: Vec<Message>,
    /// Whether the server cut the page short because of its size in bytes: there is more before its first message (of a
    /// page after a position: behind its last), although the page holds fewer messages than asked for.
    #[serde(default)]
    pub more: bool,
}

/// The result of `message.send` and `message.dm`: the message is on disk.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Receipt {
    /// The message's id.
    pub message_id: String,
    /// Milliseconds since 1970.
    pub timestamp: i64,
    /// Position within the room.
    #[serde(default)]
    pub seq: Option<u64>,
}

/// One row of `docs.list`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct DocumentEntry {
    /// The document's name.
    pub name: String,
    /// A number, or whatever string its last editor gave.
    pub version: serde_json::Value,
    /// Whether `docs.update` changes it.
    pub editable: bool,
}

/// The result of `docs.get`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Document {
    /// The document's name.
    pub name: String,
    /// Its text.
    pub content: String,
    /// A number, or whatever string its last editor gave.
    pub version: serde_json::Value,
    /// Whether `docs.update` changes it.
    pub editable: bool,
}
