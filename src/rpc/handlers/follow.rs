//! `room.follow`, `message.followDirect`, and the same as parts of `auth`.

use serde::Serialize;

use crate::domain::{Epoch, Refusal, RoomId};
use crate::hub::{Followed, Position, ResetReason, Target};
use crate::protocol::methods::{
    FollowResult, MessageFollowDirect, MessageFollowDirectParams, PositionObject, PositionParam, ResetObject,
    RoomFollow, RoomFollowParams,
};
use crate::rpc::table::{Call, Handler};

impl Handler for RoomFollow {
    async fn handle(call: Call<RoomFollowParams, FollowResult>) {
        let (room, since) = (RoomId::parse(&call.params.room_id), call.params.since.clone());
        follow(call, Target::Room(room), since.as_ref()).await;
    }
}

impl Handler for MessageFollowDirect {
    async fn handle(call: Call<MessageFollowDirectParams, FollowResult>) {
        let since = call.params.since.clone();
        follow(call, Target::Direct, since.as_ref()).await;
    }
}

async fn follow<P>(call: Call<P, FollowResult>, target: Target, since: Option<&PositionParam>)
where
    FollowResult: Serialize,
{
    let (hub, feed) = (call.rpc.hub(), &call.feed);
    let Some(prepared) = hub.prepare(feed, target) else {
        return call.reply.send(Err(Refusal::RoomNotFound));
    };
    match hub.follow(call.caller, feed, prepared, since.map(position)).await {
        Ok((followed, beginning)) => {
            call.reply.send(Ok(result(hub.epoch(), followed)));
            hub.begin(feed, &beginning);
        }
        Err(refusal) => call.reply.send(Err(refusal)),
    }
}

/// A position as the room model knows it.
pub(in crate::rpc) fn position(param: &PositionParam) -> Position {
    Position {
        epoch: Epoch::parse(&param.epoch),
        seq: param.seq,
    }
}

/// The answer.
pub(in crate::rpc) fn result(epoch: Epoch, followed: Followed) -> FollowResult {
    let at = |seq| PositionObject {
        epoch: epoch.to_string(),
        seq,
    };
    FollowResult {
        epoch: epoch.to_string(),
        seq: followed.head,
        reset: followed.reset.map(|reset| ResetObject {
            reason: match reset.reason {
                ResetReason::Epoch => "epoch",
                ResetReason::Retention => "retention",
            },
            oldest: at(reset.oldest),
            resumes_from: reset.resumes_from,
        }),
    }
}
