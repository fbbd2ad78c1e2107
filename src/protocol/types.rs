//! Objects that several methods and events share.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use super::notifications::MessageRead;
use crate::domain::{
    HistoryEntry, JsonText, MemberView, Message, PauseView, Permission, REMOVED_CONTENT, ReadNotice, RoomView,
    TaskReceipt, TaskView,
};

/// `{"status": "ok"}`: the request was carried out, and what it changed is durable.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Status {
    /// Always `ok`.
    pub status: &'static str,
}

/// The status of everything that succeeds.
pub const OK: Status = Status { status: "ok" };

/// A room. Fields that an older client does not know can be ignored.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RoomObject {
    /// Id of the room.
    pub room_id: String,
    /// Name of the room, 1 to `limits.nameLength` characters (100 by default); not unique.
    pub name: String,
    /// What the room is for; null when that was not said.
    pub description: Option<String>,
    /// Agent id of the owner.
    pub owner_id: String,
    /// Registered name of the owner.
    pub owner_name: String,
    /// `public` or `private`.
    pub visibility: &'static str,
    /// Whether this is the lobby, of which there is exactly one.
    pub is_lobby: bool,
    /// Number of members, online or not.
    pub member_count: usize,
    /// Whether the caller is a member.
    pub is_member: bool,
    /// When the room was made, in milliseconds since 1970.
    pub created_at: i64,
    /// Position of the last message; 0 when there was never one.
    pub seq: u64,
    /// Messages that the caller has not marked as read with `room.markRead`, its own and those from before it joined included. Absent when the caller is not a member.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unread: Option<u64>,
    /// Present and true when the room was deleted; only the controller sees such a room.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[schemars(default)]
    pub deleted: bool,
    /// Present while nobody may speak in the room.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub paused: Option<PauseObject>,
}

/// The pause of a room.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PauseObject {
    /// When it began, in milliseconds since 1970.
    pub since: i64,
    /// Why; null when that was not said.
    pub reason: Option<String>,
    /// The agent that paused it; null when the server did, because agents answered each other without end.
    pub paused_by: Option<String>,
}

impl From<PauseView> for PauseObject {
    fn from(pause: PauseView) -> Self {
        Self {
            since: pause.since_ms,
            reason: pause.reason,
            paused_by: pause.by.map(|by| by.to_string()),
        }
    }
}

impl From<RoomView> for RoomObject {
    fn from(room: RoomView) -> Self {
        Self {
            room_id: room.id.to_string(),
            name: room.name.as_str().to_owned(),
            description: room.description,
            owner_id: room.owner.to_string(),
            owner_name: room.owner_name.as_str().to_owned(),
            visibility: room.visibility.as_str(),
            is_lobby: room.is_lobby,
            member_count: room.member_count,
            is_member: room.is_member,
            created_at: room.created_at_ms,
            seq: room.seq,
            unread: room.unread,
            deleted: room.deleted,
            paused: room.paused.map(Into::into),
        }
    }
}

/// A member of a room.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MemberObject {
    /// Id of the agent.
    pub agent_id: String,
    /// Registered name of the agent.
    pub display_name: String,
    /// `p2p` for a peer beyond the server. Absent from agents of this server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<&'static str>,
    /// What a peer may do: `intimate`, `helper` or `chat`. Absent from agents of this server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub permission: Option<&'static str>,
    /// Whether the agent has a live session.
    pub online: bool,
    /// When it joined, in milliseconds since 1970.
    pub joined_at: i64,
}

impl From<MemberView> for MemberObject {
    fn from(member: MemberView) -> Self {
        Self {
            agent_id: member.id.to_string(),
            display_name: member.name.as_str().to_owned(),
            origin: member.origin.unless_local(),
            permission: member.permission.map(Permission::as_str),
            online: member.online,
            joined_at: member.joined_at_ms,
        }
    }
}

/// A message.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MessageObject {
    /// Id of the message; ids sort by time.
    pub message_id: String,
    /// Agent id of the sender, set by the server.
    pub sender_id: String,
    /// Name of the sender when it was sent.
    pub sender_name: String,
    /// `p2p` when a peer beyond the server sent it. Absent when an agent of this server did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<&'static str>,
    /// What it says, byte for byte; `[removed]` once it was removed.
    pub content: String,
    /// `task`, `result`, `query`, `file` or `ack`. Absent from talk, whose type is `chat`.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<&'static str>,
    /// JSON that goes with it, as it was sent. Absent when there is none, and once the message was removed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Value>")]
    pub data: Option<Box<RawValue>>,
    /// The message that it answers. Absent when it answers none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<String>,
    /// When it was accepted, in milliseconds since 1970; strictly increasing within a room.
    pub timestamp: i64,
    /// Position in the room: 1, 2, 3, … without a gap. Absent from direct messages.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seq: Option<u64>,
    /// The agent that it is for. Present in direct messages only, which lie in the history of the lobby.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to_agent_id: Option<String>,
    /// Present and true once the content was removed.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[schemars(default)]
    pub removed: bool,
}

impl MessageObject {
    /// A message of a room.
    pub fn of_room(message: &Message) -> Self {
        Self {
            message_id: message.id.to_string(),
            sender_id: message.sender.to_string(),
            sender_name: message.sender_name.as_str().to_owned(),
            origin: message.origin.unless_local(),
            content: message.content.to_string(),
            kind: message.kind.unless_chat(),
            data: raw(message.data.as_ref()),
            reply_to: message.reply_to.map(|reply_to| reply_to.to_string()),
            timestamp: message.id.at_ms,
            seq: Some(message.id.row.seq()),
            to_agent_id: None,
            removed: false,
        }
    }
}

impl From<HistoryEntry> for MessageObject {
    fn from(entry: HistoryEntry) -> Self {
        let mut object = Self::of_room(&entry.message);
        if let Some(recipient) = entry.recipient {
            object.seq = None;
            object.to_agent_id = Some(recipient.to_string());
        }
        if entry.removed {
            object.removed = true;
            REMOVED_CONTENT.clone_into(&mut object.content);
        }
        object
    }
}

/// The version of a document: a number or a text.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum DocumentVersion {
    /// A number.
    Number(u64),
    /// A text of 1 to 64 characters.
    Text(String),
}

impl DocumentVersion {
    /// Reads the stored form.
    pub fn from_json(json: &str) -> Self {
        serde_json::from_str(json).unwrap_or_else(|_| Self::Text(json.to_owned()))
    }

    /// The form in which it is stored.
    pub fn to_json(&self) -> String {
        match self {
            Self::Number(number) => number.to_string(),
            Self::Text(text) => serde_json::Value::String(text.clone()).to_string(),
        }
    }
}

/// JSON as it is put into an answer.
pub(super) fn raw(data: Option<&JsonText>) -> Option<Box<RawValue>> {
    // It was read as JSON before it was stored.
    data.and_then(|data| RawValue::from_string(data.as_str().to_owned()).ok())
}

/// A task without what never changes and may be long: what it says at length, and its data.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TaskSummaryObject {
    /// Id of the task, which is that of the message that opened it.
    pub task_id: String,
    /// The room that it was offered in.
    pub room_id: String,
    /// What is to be done, in one line; `[removed]` once the message that opened it was removed.
    pub title: String,
    /// The agent that offered it.
    pub creator: String,
    /// The agent that alone may claim it; null when any member may.
    pub assignee: Option<String>,
    /// `submitted`, `accepted`, `working`, `completed`, `failed`, `canceled` or `rejected`; nothing changes it after one of the last four.
    pub state: &'static str,
    /// How often it was claimed. The holder shows this number to prove that its claim is the latest.
    pub generation: u64,
    /// Counts the changes of the task from 1: of two events, the one with the higher number is the newer.
    pub revision: u64,
    /// The agent that holds it; null while nobody does.
    pub holder: Option<String>,
    /// When the lease of the holder ends, in milliseconds since 1970; null while nobody holds it.
    pub lease_expires_at: Option<i64>,
    /// What its holder last said of the work, or why it was canceled; null when that was not said.
    pub note: Option<String>,
    /// The message that holds its result. Absent until there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result_message_id: Option<String>,
    /// When it was offered, in milliseconds since 1970.
    pub created_at: i64,
    /// When it last changed, in milliseconds since 1970.
    pub updated_at: i64,
}

impl From<&TaskView> for TaskSummaryObject {
    fn from(task: &TaskView) -> Self {
        Self {
            task_id: task.id.to_string(),
            room_id: task.room.to_string(),
            title: task.title.as_str().to_owned(),
            creator: task.creator.to_string(),
            assignee: task.assignee.map(|agent| agent.to_string()),
            state: task.state.as_str(),
            generation: task.generation,
            revision: task.revision,
            holder: task.holder.map(|agent| agent.to_string()),
            lease_expires_at: task.lease_expires_at_ms,
            note: task.note.clone(),
            result_message_id: task.result.map(|result| result.to_string()),
            created_at: task.id.at_ms,
            updated_at: task.updated_at_ms,
        }
    }
}

/// A task.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TaskObject {
    /// What is short.
    #[serde(flatten)]
    pub summary: TaskSummaryObject,
    /// What is to be done, at length; null when that was not said.
    pub description: Option<String>,
    /// JSON that goes with it, as it was sent. Absent when there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Value>")]
    pub data: Option<Box<RawValue>>,
}

impl From<&TaskView> for TaskObject {
    fn from(task: &TaskView) -> Self {
        Self {
            summary: task.into(),
            description: task.description.clone(),
            data: raw(task.data.as_ref()),
        }
    }
}

/// What whoever changed a task is told. The same again under the same `idempotencyKey`.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TaskReceiptObject {
    /// The task, and the message that opened it.
    pub task_id: String,
    /// Where it stands.
    pub state: &'static str,
    /// How often it was claimed. After `task.claim`, what to show with every later call about this claim.
    pub generation: u64,
    /// Counts the changes of the task from 1.
    pub revision: u64,
    /// When the lease ends, in milliseconds since 1970. Absent when nobody holds the task.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lease_expires_at: Option<i64>,
    /// The message that holds the result. Absent until there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result_message_id: Option<String>,
    /// When it changed, in milliseconds since 1970.
    pub timestamp: i64,
}

impl From<TaskReceipt> for TaskReceiptObject {
    fn from(receipt: TaskReceipt) -> Self {
        Self {
            task_id: receipt.task.to_string(),
            state: receipt.state.as_str(),
            generation: receipt.generation,
            revision: receipt.revision,
            lease_expires_at: receipt.lease_expires_at_ms,
            result_message_id: receipt.result.map(|result| result.to_string()),
            timestamp: receipt.at_ms,
        }
    }
}

impl From<&ReadNotice> for MessageRead {
    fn from(read: &ReadNotice) -> Self {
        Self {
            message_id: read.message.to_string(),
            room_id: read.room.to_string(),
            agent_id: read.agent.to_string(),
            display_name: read.name.as_str().to_owned(),
            read_at: read.at_ms,
        }
    }
}
