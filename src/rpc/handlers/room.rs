//! `room.*`.

use super::{checked, name, page, reason, text};
use crate::domain::{AgentId, MessageId, Refusal, RoomId, Visibility};
use crate::hub::acts::{
    CreateRoom, DeleteRoom, InviteToRoom, JoinRoom, KickFromRoom, LeaveRoom, SetVisibility, TakeOwnership, UpdateRoom,
};
use crate::hub::{Caller, HistoryQuery, Range, ReplyQuery};
use crate::protocol::methods::{
    NoParams, RoomAgentParams, RoomCreate, RoomCreateParams, RoomDelete, RoomHistory, RoomHistoryParams,
    RoomHistoryResult, RoomInfo, RoomInfoResult, RoomInvite, RoomJoin, RoomKick, RoomKickParams, RoomLeave, RoomList,
    RoomListResult, RoomParams, RoomResult, RoomTakeOwnership, RoomUpdate, RoomUpdateParams, RoomVisibility,
    RoomVisibilityParams, VisibilityParam,
};
use crate::protocol::types::{OK, Status};
use crate::rpc::table::{Call, Handler};

impl From<VisibilityParam> for Visibility {
    fn from(param: VisibilityParam) -> Self {
        match param {
            VisibilityParam::Public => Self::Public,
            VisibilityParam::Private => Self::Private,
        }
    }
}

impl Handler for RoomCreate {
    async fn handle(call: Call<RoomCreateParams, RoomResult>) {
        let hub = &call.rpc.hub;
        let name = checked!(call, name(hub, "name", &call.params.name));
        let description = checked!(
            call,
            description(hub.limits().description_length, call.params.description.clone())
        );
        let visibility = call.params.visibility.unwrap_or(VisibilityParam::Public).into();
        call.submit(
            CreateRoom {
                name,
                visibility,
                description,
            },
            |room| RoomResult { room: room.into() },
        )
        .await;
    }
}

/// Checks a description; an empty one is none.
fn description(limit: u32, description: Option<String>) -> Result<Option<String>, Refusal> {
    let description = description.filter(|description| !description.is_empty());
    if let Some(description) = &description {
        text("description", description, limit)?;
    }
    Ok(description)
}

impl Handler for RoomList {
    async fn handle(call: Call<NoParams, RoomListResult>) {
        let Caller::Session { agent, session } = call.caller else {
            return call.reply.send(Err(Refusal::AuthRequired));
        };
        let rooms = {
            let directory = call.rpc.hub.directory();
            directory.scope_of(session).map(|scope| {
                let rooms = directory.rooms_for(agent).into_iter();
                rooms
                    .filter(|room| scope.admits_room(room.id))
                    .map(Into::into)
                    .collect()
            })
        };
        let rooms = rooms.ok_or(Refusal::SessionEnded);
        call.reply.send(rooms.map(|rooms| RoomListResult { rooms }));
    }
}

impl Handler for RoomInfo {
    async fn handle(call: Call<RoomParams, RoomInfoResult>) {
        let described = call
            .rpc
            .hub
            .describe_room(call.caller, RoomId::parse(&call.params.room_id));
        call.reply.send(described.map(|(room, members)| RoomInfoResult {
            room: room.into(),
            members: members.into_iter().map(Into::into).collect(),
        }));
    }
}

impl Handler for RoomHistory {
    async fn handle(call: Call<RoomHistoryParams, RoomHistoryResult>) {
        let params = &call.params;
        let limit = checked!(call, page(params.limit));
        let range = checked!(call, range(params));
        let (hub, room) = (&call.rpc.hub, RoomId::parse(&params.room_id));
        let page = match &params.reply_to {
            None => hub.history(call.caller, HistoryQuery { room, limit, range }).await,
            Some(id) => {
                let before_ms = match range {
                    Range::Newest => None,
                    Range::Before(at_ms) => Some(at_ms),
                    Range::BeforeSeq(_) | Range::AfterSeq(_) => {
                        let reason = "replies are paged by `before` alone";
                        return call.reply.send(Err(Refusal::InvalidParams(reason.into())));
                    }
                };
                let query = ReplyQuery {
                    room,
                    message: MessageId::parse(id),
                    limit,
                    before_ms,
                };
                hub.replies(call.caller, query).await
            }
        };
        call.reply.send(page.map(|page| RoomHistoryResult {
            messages: page.messages.into_iter().map(Into::into).collect(),
            more: page.cut_short,
        }));
    }
}

fn range(params: &RoomHistoryParams) -> Result<Range, Refusal> {
    match (params.before, params.before_seq, params.after_seq) {
        (None, None, None) => Ok(Range::Newest),
        (Some(at_ms), None, None) => Ok(Range::Before(at_ms)),
        (None, Some(seq), None) => Ok(Range::BeforeSeq(seq)),
        (None, None, Some(seq)) => Ok(Range::AfterSeq(seq)),
        _ => Err(Refusal::InvalidParams(
            "give at most one of `before`, `beforeSeq` and `afterSeq`".into(),
        )),
    }
}

impl Handler for RoomJoin {
    async fn handle(call: Call<RoomParams, Status>) {
        let room = RoomId::parse(&call.params.room_id);
        call.submit(JoinRoom { room }, |()| OK).await;
    }
}

impl Handler for RoomLeave {
    async fn handle(call: Call<RoomParams, Status>) {
        let room = RoomId::parse(&call.params.room_id);
        call.submit(LeaveRoom { room }, |()| OK).await;
    }
}

impl Handler for RoomInvite {
    async fn handle(call: Call<RoomAgentParams, Status>) {
        let (room, agent) = (
            RoomId::parse(&call.params.room_id),
            AgentId::parse(&call.params.agent_id),
        );
        call.submit(InviteToRoom { room, agent }, |()| OK).await;
    }
}

impl Handler for RoomKick {
    async fn handle(call: Call<RoomKickParams, Status>) {
        let reason = checked!(call, reason(&call.rpc.hub, call.params.reason.clone()));
        let (room, agent) = (
            RoomId::parse(&call.params.room_id),
            AgentId::parse(&call.params.agent_id),
        );
        call.submit(KickFromRoom { room, agent, reason }, |()| OK).await;
    }
}

impl Handler for RoomVisibility {
    async fn handle(call: Call<RoomVisibilityParams, Status>) {
        let (room, visibility) = (RoomId::parse(&call.params.room_id), call.params.visibility.into());
        call.submit(SetVisibility { room, visibility }, |()| OK).await;
    }
}

impl Handler for RoomUpdate {
    async fn handle(call: Call<RoomUpdateParams, Status>) {
        let hub = &call.rpc.hub;
        let params = &call.params;
        let name = checked!(
            call,
            params.name.as_deref().map(|text| name(hub, "name", text)).transpose()
        );
        let limit = hub.limits().description_length;
        let description = checked!(
            call,
            params
                .description
                .clone()
                .map(|text| description(limit, text))
                .transpose()
        );
        if name.is_none() && description.is_none() {
            let reason = "`name` or `description` must be there";
            return call.reply.send(Err(Refusal::InvalidParams(reason.into())));
        }
        let room = RoomId::parse(&params.room_id);
        call.submit(
            UpdateRoom {
                room,
                name,
                description,
            },
            |()| OK,
        )
        .await;
    }
}

impl Handler for RoomDelete {
    async fn handle(call: Call<RoomParams, Status>) {
        let room = RoomId::parse(&call.params.room_id);
        call.submit(DeleteRoom { room }, |()| OK).await;
    }
}

impl Handler for RoomTakeOwnership {
    async fn handle(call: Call<RoomParams, Status>) {
        let room = RoomId::parse(&call.params.room_id);
        call.submit(TakeOwnership { room }, |()| OK).await;
    }
}
