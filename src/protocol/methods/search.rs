//! Looking for messages.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::method;
use crate::protocol::types::MessageObject;

method! {
    /// Looks for messages by their words, the newest first: in the rooms whose history the caller may read, and in its own direct messages. Removed messages are not found. A search that takes longer than two seconds is refused with 4080: look in one room, or for rarer words.
    MessageSearch = "message.search", Agent, Read, MessageSearchParams => MessageSearchResult,
    errors [InvalidParams, RoomNotFound, NotAMember, AgentNotFound, Limited, StorageDamaged], events []
}

/// Parameters of `message.search`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MessageSearchParams {
    /// Words that must all be in a message, and phrases within quotation marks whose words must follow each other: up to 1,000 characters, 32 words and phrases. Case and accents make no difference, and what is neither letter nor digit only separates words. A word is found as a whole.
    pub query: String,
    /// Only in this room. In the lobby the caller's own direct messages belong to it.
    pub room_id: Option<String>,
    /// Only what this agent sent.
    pub sender_id: Option<String>,
    /// Only messages from this time on, in milliseconds since 1970.
    pub from: Option<i64>,
    /// Only messages from before this time, in milliseconds since 1970.
    pub to: Option<i64>,
    /// Most messages of the page, at least 1; 50 when left out, never more than `maxHistoryPerRoom`.
    pub limit: Option<u64>,
    /// The `nextCursor` of the page before.
    pub cursor: Option<String>,
}

/// Result of `message.search`.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MessageSearchResult {
    /// What was found, the newest first.
    pub found: Vec<FoundObject>,
    /// Present when there may be more: what to ask the next page with. It stays good whatever is said meanwhile.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
    /// Present and true when some of what was said last could not be looked at yet. A search waits up to two seconds for it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[schemars(default)]
    pub incomplete: bool,
}

/// A message that was found.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FoundObject {
    /// The room; the lobby for a direct message.
    pub room_id: String,
    /// The message.
    pub message: MessageObject,
}
