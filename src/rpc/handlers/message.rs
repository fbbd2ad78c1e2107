//! `message.*`.

use serde_json::value::RawValue;

use super::{checked, data, reason, retry};
use crate::domain::{AgentId, JsonText, MessageId, MessageKind, Refusal, RoomId};
use crate::hub::Hub;
use crate::hub::acts::{Answers, Content, Extras, RemoveMessage, RetryKey, SendDirect, SendMessage, Sent, SentDirect};
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
        let params = &call.params;
        let words = Words {
            target: &params.room_id,
            content: &params.content,
            kind: params.kind,
            data: params.data.as_deref(),
            reply_to: params.reply_to.as_deref(),
            want_read: params.want_read,
            retry: params.idempotency_key.as_deref(),
        };
        let (content, extras, retry) = checked!(call, words.check(&call.rpc.hub, Self::NAME));
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
        let params = &call.params;
        let words = Words {
            target: &params.to_agent_id,
            content: &params.content,
            kind: params.kind,
            data: params.data.as_deref(),
            reply_to: params.reply_to.as_deref(),
            want_read: params.want_read,
            retry: params.idempotency_key.as_deref(),
        };
        let (content, extras, retry) = checked!(call, words.check(&call.rpc.hub, Self::NAME));
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

/// What somebody says, in a room or to one agent.
struct Words<'a> {
    /// The room or the agent.
    target: &'a str,
    content: &'a str,
    kind: Option<MessageTypeParam>,
    data: Option<&'a RawValue>,
    reply_to: Option<&'a str>,
    want_read: bool,
    /// Makes saying it again safe.
    retry: Option<&'a str>,
}

impl Words<'_> {
    /// Checks all of it. Content is kept as it is, but there must be some.
    fn check(&self, hub: &Hub, method: &str) -> Result<(Content, Extras, Option<RetryKey>), Refusal> {
        if self.content.is_empty() {
            return Err(Refusal::InvalidParams("`content` must not be empty".into()));
        }
        let content = Content::new(self.content, hub.limits().message_length);
        let answers = |id| Answers::Message(MessageId::parse(id));
        let extras = Extras {
            kind: self.kind.map(Into::into).unwrap_or_default(),
            data: data(hub, self.data)?,
            answers: self.reply_to.map_or(Answers::Nothing, answers),
            want_read: self.want_read,
        };
        let parts = [
            method,
            self.target,
            self.content,
            extras.kind.unless_chat().unwrap_or_default(),
            extras.data.as_ref().map_or("", JsonText::as_str),
            self.reply_to.unwrap_or_default(),
            if self.want_read { "wantRead" } else { "" },
        ];
        let retry = retry(self.retry, &parts)?;
        Ok((content, extras, retry))
    }
}

impl Handler for MessageRemove {
    async fn handle(call: Call<MessageRemoveParams, Status>) {
        let reason = checked!(call, reason(&call.rpc.hub, call.params.reason.clone()));
        let message = MessageId::parse(&call.params.message_id);
        call.submit(RemoveMessage { message, reason }, |()| OK).await;
    }
}
