//! What became of messages, and how far one has read.

use crate::domain::{MessageId, RoomId};
use crate::hub::acts::{MarkRead, Reading};
use crate::hub::{MemberStatus, Reached};
use crate::protocol::methods::{
    MarkReadResult, MemberStatusObject, MessageMarkReadDirect, MessageMarkReadDirectParams, MessageStatus,
    MessageStatusParams, MessageStatusResult, RoomMarkRead, RoomMarkReadParams,
};
use crate::rpc::table::{Call, Handler};

impl From<Reading> for MarkReadResult {
    fn from(Reading { seq, unread }: Reading) -> Self {
        Self { seq, unread }
    }
}

impl From<MemberStatus> for MemberStatusObject {
    fn from(status: MemberStatus) -> Self {
        Self {
            agent_id: status.id.to_string(),
            display_name: status.name.as_str().to_owned(),
            state: match status.reached {
                Reached::Stored => "stored",
                Reached::Delivered => "delivered",
                Reached::Read => "read",
            },
            read_at: status.read_at_ms,
        }
    }
}

impl Handler for MessageStatus {
    async fn handle(call: Call<MessageStatusParams, MessageStatusResult>) {
        let message = MessageId::parse(&call.params.message_id);
        let status = call.rpc.hub.message_status(call.caller, message).await;
        call.reply.send(status.map(|members| MessageStatusResult {
            members: members.into_iter().map(Into::into).collect(),
        }));
    }
}

impl Handler for RoomMarkRead {
    async fn handle(call: Call<RoomMarkReadParams, MarkReadResult>) {
        let act = MarkRead {
            room: Some(RoomId::parse(&call.params.room_id)),
            seq: call.params.seq,
        };
        call.submit(act, Into::into).await;
    }
}

impl Handler for MessageMarkReadDirect {
    async fn handle(call: Call<MessageMarkReadDirectParams, MarkReadResult>) {
        let act = MarkRead {
            room: None,
            seq: call.params.seq,
        };
        call.submit(act, Into::into).await;
    }
}
