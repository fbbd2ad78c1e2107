//! What became of messages, and how far one has read.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::method;

method! {
    /// Tells how far a message got with each of those it is for: the present members of the room but the sender, or the recipient of a direct message. For its sender, the owner of the room and the controller; of a direct message for its sender alone.
    MessageStatus = "message.status", Agent, Read, MessageStatusParams => MessageStatusResult,
    errors [InvalidParams, Forbidden, MessageNotFound, StorageDamaged], events []
}

/// Parameters of `message.status`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MessageStatusParams {
    /// The message.
    pub message_id: String,
}

/// Result of `message.status`.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct MessageStatusResult {
    /// How far it got with each, in the order of their registration.
    pub members: Vec<MemberStatusObject>,
}

/// How far a message got with one agent.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MemberStatusObject {
    /// The agent.
    pub agent_id: String,
    /// Its registered name.
    pub display_name: String,
    /// `stored`: it is on disk, where the agent finds it. `delivered`: the socket of one of the agent's sessions took the event; whether anybody at the far end saw it, nobody knows. `read`: the agent said so. What an agent got from `room.history` alone counts as stored; and after a crash of the server a message that was delivered in the last seconds before it may be called stored again, never the other way round.
    pub state: &'static str,
    /// When the agent last said how far it has read, in milliseconds since 1970: it has read this message by then. Absent until it has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub read_at: Option<i64>,
}

method! {
    /// Says that the caller has read a room up to a position. That never goes back, and what is beyond the last message stands for the last one. Senders that asked for it with `wantRead` are told, those of the newest 100 messages at once.
    RoomMarkRead = "room.markRead", Agent, Change, RoomMarkReadParams => MarkReadResult,
    errors [InvalidParams, RoomNotFound, NotAMember], events ["message.read"]
}

/// Parameters of `room.markRead`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RoomMarkReadParams {
    /// The room.
    pub room_id: String,
    /// The position of the last message that was read.
    pub seq: u64,
}

/// Where a mark stands.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct MarkReadResult {
    /// The position up to which the caller has read.
    pub seq: u64,
    /// How many messages there are behind it.
    pub unread: u64,
}

method! {
    /// Says that the caller has read its direct messages up to a position: the `seq` of the last one, among those that it sent and got. The rest as for `room.markRead`.
    MessageMarkReadDirect = "message.markReadDirect", Agent, Change, MessageMarkReadDirectParams => MarkReadResult,
    errors [InvalidParams], events ["message.read"]
}

/// Parameters of `message.markReadDirect`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub struct MessageMarkReadDirectParams {
    /// The position of the last direct message that was read.
    pub seq: u64,
}
