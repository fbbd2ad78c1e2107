//! Messages.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use super::{FollowResult, PositionParam, method};
use crate::protocol::types::Status;

/// What kind of message it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum MessageTypeParam {
    /// Talk.
    Chat,
    /// Work to be done. `task.create` makes a task that can be claimed; a message of this type alone does not.
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

method! {
    /// Says something in a room. Answered once it is durable, and shown to others only then.
    MessageSend = "message.send", Agent, Change, MessageSendParams => MessageSendResult,
    errors [InvalidParams, RoomNotFound, NotAMember, MessageTooLong, MessageNotFound, Limited, KeyReused, RoomPaused, StorageUnavailable], events ["message", "room.paused"]
}

/// Parameters of `message.send`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MessageSendParams {
    /// The room.
    pub room_id: String,
    /// What to say: 1 to `maxMessageLength` characters (8,192 by default), kept byte for byte.
    pub content: String,
    /// What kind of message it is; `chat` when left out.
    #[serde(rename = "type")]
    pub kind: Option<MessageTypeParam>,
    /// Any JSON that goes with it, up to `limits.messageDataBytes` bytes; null is the same as none.
    #[schemars(with = "Option<Value>")]
    pub data: Option<Box<RawValue>>,
    /// The message that it answers, of the same room.
    pub reply_to: Option<String>,
    /// A text of 1 to 128 characters that the sender chooses anew for each message. Sending the same message again under the same key within 24 hours, also after a crash or a restart, is answered with the first receipt and shown to nobody; another message under it is refused with 4081.
    pub idempotency_key: Option<String>,
    /// Whether to tell the sender with `message.read` when somebody says that it has read the message.
    #[serde(default)]
    pub want_read: bool,
}

/// Result of `message.send`.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MessageSendResult {
    /// Id of the message.
    pub message_id: String,
    /// When it was accepted, in milliseconds since 1970; strictly increasing within a room.
    pub timestamp: i64,
    /// Position in the room.
    pub seq: u64,
}

method! {
    /// Writes to one agent. Nobody but the two ever sees it. An agent that is offline finds it in the history of the lobby.
    MessageDm = "message.dm", Agent, Change, MessageDmParams => MessageDmResult,
    errors [InvalidParams, AgentNotFound, MessageTooLong, MessageNotFound, Limited, KeyReused, StorageUnavailable], events ["dm"]
}

/// Parameters of `message.dm`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MessageDmParams {
    /// The recipient.
    pub to_agent_id: String,
    /// What to write: 1 to `maxMessageLength` characters (8,192 by default), kept byte for byte.
    pub content: String,
    /// What kind of message it is; `chat` when left out.
    #[serde(rename = "type")]
    pub kind: Option<MessageTypeParam>,
    /// Any JSON that goes with it, up to `limits.messageDataBytes` bytes; null is the same as none.
    #[schemars(with = "Option<Value>")]
    pub data: Option<Box<RawValue>>,
    /// The message that it answers, of the same conversation.
    pub reply_to: Option<String>,
    /// Makes sending it again safe, as for `message.send`.
    pub idempotency_key: Option<String>,
    /// Whether to tell the sender with `message.read` when somebody says that it has read the message.
    #[serde(default)]
    pub want_read: bool,
}

/// Result of `message.dm`.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MessageDmResult {
    /// Id of the message.
    pub message_id: String,
    /// When it was accepted, in milliseconds since 1970.
    pub timestamp: i64,
    /// Position among the direct messages that the caller sent and got; absent when a repeat is answered and the message is not kept any longer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seq: Option<u64>,
}

method! {
    /// Shows this session every direct message that its agent sent or got after a position, in order, and then those to come, as `dm` events.
    MessageFollowDirect = "message.followDirect", Agent, Read, MessageFollowDirectParams => FollowResult,
    errors [InvalidParams, StorageDamaged], events ["dm", "reset"]
}

/// Parameters of `message.followDirect`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MessageFollowDirectParams {
    /// The position up to which the caller has everything; from now on when left out.
    pub since: Option<PositionParam>,
}

method! {
    /// Replaces the content of a message by `[removed]`, for everybody and for good. Sender, room owner and controller may do it.
    MessageRemove = "message.remove", Agent, Change, MessageRemoveParams => Status,
    errors [InvalidParams, Forbidden, MessageNotFound, AlreadyRemoved], events ["message.removed"]
}

/// Parameters of `message.remove`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MessageRemoveParams {
    /// The message.
    pub message_id: String,
    /// Why, for those who are told; up to `limits.reasonLength` characters (1,000 by default).
    pub reason: Option<String>,
}
