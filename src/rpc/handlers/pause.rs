//! `room.pause` and `room.resume`.

use super::{checked, reason};
use crate::domain::RoomId;
use crate::hub::acts::{PauseRoom, ResumeRoom};
use crate::protocol::methods::{RoomParams, RoomPause, RoomPauseParams, RoomResume};
use crate::protocol::types::{OK, Status};
use crate::rpc::table::{Call, Handler};

impl Handler for RoomPause {
    async fn handle(call: Call<RoomPauseParams, Status>) {
        let reason = checked!(call, reason(&call.rpc.hub, call.params.reason.clone()));
        let room = RoomId::parse(&call.params.room_id);
        call.submit(PauseRoom { room, reason }, |()| OK).await;
    }
}

impl Handler for RoomResume {
    async fn handle(call: Call<RoomParams, Status>) {
        let room = RoomId::parse(&call.params.room_id);
        call.submit(ResumeRoom { room }, |()| OK).await;
    }
}
