//! The methods that find messages and tell what became of them: one function each.

use std::future::Future;

use serde::Deserialize;
use serde_json::json;

use super::ClientError;
use super::methods::{Methods, set, typed};
use super::results::Message;

/// What to look for beside the words.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SearchFilter<'a> {
    /// In this room; wherever the caller may read when none.
    pub room_id: Option<&'a str>,
    /// What this agent sent.
    pub sender_id: Option<&'a str>,
    /// From this time on, in milliseconds since 1970.
    pub from: Option<i64>,
    /// From before this time, in milliseconds since 1970.
    pub to: Option<i64>,
    /// Most messages of the page.
    pub limit: Option<u32>,
    /// The cursor that the page before gave.
    pub cursor: Option<&'a str>,
}

/// A message that was found.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Found {
    /// The room; the lobby for a direct message.
    pub room_id: String,
    /// The message.
    pub message: Message,
}

/// The result of `message.search`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SearchPage {
    /// What was found, the newest first.
    pub found: Vec<Found>,
    /// What to ask the next page with, if there may be one.
    #[serde(default)]
    pub next_cursor: Option<String>,
    /// Whether some of what was said last could not be looked at yet.
    #[serde(default)]
    pub incomplete: bool,
}

/// How far a message got with one agent.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MemberStatus {
    /// The agent.
    pub agent_id: String,
    /// Its registered name.
    pub display_name: String,
    /// `stored`, `delivered` (a socket of the agent took it) or `read` (the agent said so).
    pub state: String,
    /// When the agent last said how far it has read, in milliseconds since 1970.
    #[serde(default)]
    pub read_at: Option<i64>,
}

/// The result of `room.markRead` and `message.markReadDirect`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct ReadMark {
    /// The position up to which the caller has read.
    pub seq: u64,
    /// How many messages there are behind it.
    pub unread: u64,
}

/// Calls that find messages and tell what became of them. Each fails as those of [`Methods`] do.
pub trait ReceiptMethods: Methods {
    /// `message.search`: messages that have all words and `"phrases"` of `query`, the newest first.
    fn search_messages(
        &self,
        query: &str,
        filter: SearchFilter<'_>,
    ) -> impl Future<Output = Result<SearchPage, ClientError>> + Send {
        let mut params = json!({"query": query});
        set(&mut params, "roomId", filter.room_id);
        set(&mut params, "senderId", filter.sender_id);
        set(&mut params, "from", filter.from);
        set(&mut params, "to", filter.to);
        set(&mut params, "limit", filter.limit);
        set(&mut params, "cursor", filter.cursor);
        typed(self, "message.search", params, None)
    }

    /// `message.status`: how far a message got with each of those it is for.
    fn message_status(&self, message_id: &str) -> impl Future<Output = Result<Vec<MemberStatus>, ClientError>> + Send {
        typed(
            self,
            "message.status",
            json!({"messageId": message_id}),
            Some("members"),
        )
    }

    /// `room.markRead`: says that the room was read up to position `seq`.
    fn mark_read(&self, room_id: &str, seq: u64) -> impl Future<Output = Result<ReadMark, ClientError>> + Send {
        typed(self, "room.markRead", json!({"roomId": room_id, "seq": seq}), None)
    }

    /// `message.markReadDirect`: says that direct messages were read up to position `seq`.
    fn mark_read_direct(&self, seq: u64) -> impl Future<Output = Result<ReadMark, ClientError>> + Send {
        typed(self, "message.markReadDirect", json!({"seq": seq}), None)
    }
}

impl<M: Methods> ReceiptMethods for M {}
