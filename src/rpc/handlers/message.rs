//! `message.*`.

use super::{checked, reason, text};
use crate::domain::{AgentId, MessageId, Refusal, RoomId};
use crate::hub::Hub;
use crate::hub::acts::{Content, RemoveMessage, RetryKey, SendDirect, SendMessage, Sent, SentDirect};
use crate::protocol::methods::{
    MessageDm, MessageDmParams, MessageDmResult, MessageRemove, MessageRemoveParams, MessageSend, MessageSendParams,
    MessageSendResult, Method,
};
use crate::protocol::types::{OK, Status};
use crate::rpc::table::{Call, Handler};

/// Unicode code points of an idempotency key.
const KEY_LENGTH: u32 = 128;

impl Handler for MessageSend {
    async fn handle(call: Call<MessageSendParams, MessageSendResult>) {
        let params = &call.params;
        let content = checked!(call, content(&call.rpc.hub, &params.content));
        let retry = checked!(
            call,
            retry(
                Self::NAME,
                &params.room_id,
                &params.content,
                params.idempotency_key.as_deref()
            )
        );
        let room = RoomId::parse(&params.room_id);
        call.submit(SendMessage { room, content, retry }, |Sent { id }| MessageSendResult {
            message_id: id.to_string(),
            timestamp: id.at_ms,
            seq: id.row.seq(),
        })
        .await;
    }
}

impl Handler for MessageDm {
    async fn handle(call: Call<MessageDmParams, MessageDmResult>) {
        let params = &call.params;
        let content = checked!(call, content(&call.rpc.hub, &params.content));
        let retry = checked!(
            call,
            retry(
                Self::NAME,
                &params.to_agent_id,
                &params.content,
                params.idempotency_key.as_deref()
            )
        );
        let to = AgentId::parse(&params.to_agent_id);
        call.submit(SendDirect { to, content, retry }, |SentDirect { id, seq }| {
            MessageDmResult {
                message_id: id.to_string(),
                timestamp: id.at_ms,
                seq,
            }
        })
        .await;
    }
}

/// Checks an idempotency key.
fn retry(method: &str, target: &str, content: &str, key: Option<&str>) -> Result<Option<RetryKey>, Refusal> {
    let Some(key) = key else { return Ok(None) };
    if key.is_empty() {
        return Err(Refusal::InvalidParams("`idempotencyKey` must not be empty".into()));
    }
    text("idempotencyKey", key, KEY_LENGTH)?;
    Ok(Some(RetryKey::new(key, method, target, content)))
}

/// Content is kept as it is, but there must be some.
fn content(hub: &Hub, content: &str) -> Result<Content, Refusal> {
    if content.is_empty() {
        return Err(Refusal::InvalidParams("`content` must not be empty".into()));
    }
    Ok(Content::new(content, hub.limits().message_length))
}

impl Handler for MessageRemove {
    async fn handle(call: Call<MessageRemoveParams, Status>) {
        let reason = checked!(call, reason(&call.rpc.hub, call.params.reason.clone()));
        let message = MessageId::parse(&call.params.message_id);
        call.submit(RemoveMessage { message, reason }, |()| OK).await;
    }
}
