//! `message.*`.

use serde_json::value::RawValue;

use super::{checked, data, reason, retry};
use crate::domain::{AgentId, JsonText, MessageId, MessageKind, Refusal, RoomId};
use crate::hub::Hub;
use crate::hub::acts::{Answers, Content, Extras, RemoveMessage, SendDirect, SendMessage, Sent, SentDirect};
use crate::protocol::methods::{
    MessageDm, MessageDmParams, MessageDmResult, MessageRemove, MessageRemoveParams, MessageSend, MessageSendParams,
    MessageSendResult, MessageTypeParam, Method,
};
use crate::protocol::types::{OK, Status};
use crate::rpc::table::{Call, Handler};

impl From<MessageTypeParam> for MessageKind {
    fn from(param: MessageTypeParam) -> Self {
        match param {
            MessageTypeParam::Chat => Self::Chat,
            MessageTypeParam::Task => Self::Task,
            MessageTypeParam::Result => Self::Result,
            MessageTypeParam::Query => Self::Query,
            MessageTypeParam::File => Self::File,
            MessageTypeParam::Ack => Self::Ack,
        }
    }
}

impl Handler for MessageSend {
    async fn handle(call: Call<MessageSendParams, MessageSendResult>) {
        let (hub, params) = (&call.rpc.hub, &call.params);
        let content = checked!(call, content(hub, &params.content));
        let extras = checked!(
            call,
            extras(
                hub,
                params.kind,
                params.data.as_deref(),
                params.reply_to.as_deref(),
                params.want_read
            )
        );
        let parts = [
            Self::NAME,
            &params.room_id,
            &params.content,
            extras.kind.unless_chat().unwrap_or_default(),
            extras.data.as_ref().map_or("", JsonText::as_str),
            params.reply_to.as_deref().unwrap_or_default(),
            if params.want_read { "wantRead" } else { "" },
        ];
        let retry = checked!(call, retry(params.idempotency_key.as_deref(), &parts));
        let room = RoomId::parse(&params.room_id);
        let act = SendMessage {
            room,
            content,
            extras,
            retry,
        };
        call.submit(act, |Sent { id }| MessageSendResult {
            message_id: id.to_string(),
            timestamp: id.at_ms,
            seq: id.row.seq(),
        })
        .await;
    }
}

impl Handler for MessageDm {
    async fn handle(call: Call<MessageDmParams, MessageDmResult>) {
        let (hub, params) = (&call.rpc.hub, &call.params);
        let content = checked!(call, content(hub, &params.content));
        let extras = checked!(
            call,
            extras(
                hub,
                params.kind,
                params.data.as_deref(),
                params.reply_to.as_deref(),
                params.want_read
            )
        );
        let parts = [
            Self::NAME,
            &params.to_agent_id,
            &params.content,
            extras.kind.unless_chat().unwrap_or_default(),
            extras.data.as_ref().map_or("", JsonText::as_str),
            params.reply_to.as_deref().unwrap_or_default(),
            if params.want_read { "wantRead" } else { "" },
        ];
        let retry = checked!(call, retry(params.idempotency_key.as_deref(), &parts));
        let to = AgentId::parse(&params.to_agent_id);
        let act = SendDirect {
            to,
            content,
            extras,
            retry,
        };
        call.submit(act, |SentDirect { id, seq }| MessageDmResult {
            message_id: id.to_string(),
            timestamp: id.at_ms,
            seq,
        })
        .await;
    }
}

/// What a message carries beside its text.
fn extras(
    hub: &Hub,
    kind: Option<MessageTypeParam>,
    json: Option<&RawValue>,
    reply_to: Option<&str>,
    want_read: bool,
) -> Result<Extras, Refusal> {
    Ok(Extras {
        kind: kind.map(Into::into).unwrap_or_default(),
        data: data(hub, json)?,
        answers: reply_to.map_or(Answers::Nothing, |id| Answers::Message(MessageId::parse(id))),
        want_read,
    })
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
