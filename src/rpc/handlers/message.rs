//! `message.*`.

use super::{checked, reason};
use crate::domain::{AgentId, MessageId, Refusal, RoomId};
use crate::hub::Hub;
use crate::hub::acts::{Content, RemoveMessage, SendDirect, SendMessage, Sent};
use crate::protocol::methods::{
    MessageDm, MessageDmParams, MessageDmResult, MessageRemove, MessageRemoveParams, MessageSend, MessageSendParams,
    MessageSendResult,
};
use crate::protocol::types::{OK, Status};
use crate::rpc::table::{Call, Handler};

impl Handler for MessageSend {
    async fn handle(call: Call<MessageSendParams, MessageSendResult>) {
        let content = checked!(call, content(&call.rpc.hub, &call.params.content));
        let room = RoomId::parse(&call.params.room_id);
        call.submit(SendMessage { room, content }, |Sent { id }| MessageSendResult {
            message_id: id.to_string(),
            timestamp: id.at_ms,
            seq: id.row.seq(),
        })
        .await;
    }
}

impl Handler for MessageDm {
    async fn handle(call: Call<MessageDmParams, MessageDmResult>) {
        let content = checked!(call, content(&call.rpc.hub, &call.params.content));
        let to = AgentId::parse(&call.params.to_agent_id);
        call.submit(SendDirect { to, content }, |Sent { id }| MessageDmResult {
            message_id: id.to_string(),
            timestamp: id.at_ms,
        })
        .await;
    }
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
