//! Pausing rooms.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{RoomParams, method};
use crate::protocol::types::Status;

method! {
    /// Stops all talk in a room, the lobby included, until it is resumed: `message.send`, `task.create` and notes by `task.update` are refused with 4130. What is under way in tasks goes on. A room that is paused already stays as it is.
    RoomPause = "room.pause", Agent, Change, RoomPauseParams => Status,
    errors [InvalidParams, Forbidden, RoomNotFound], events ["room.paused"]
}

/// Parameters of `room.pause`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RoomPauseParams {
    /// The room.
    pub room_id: String,
    /// Why, for its members; up to `limits.reasonLength` characters (1,000 by default).
    pub reason: Option<String>,
}

method! {
    /// Lets a room talk again, whoever or whatever has paused it. A room that is not paused stays as it is.
    RoomResume = "room.resume", Agent, Change, RoomParams => Status,
    errors [InvalidParams, Forbidden, RoomNotFound], events ["room.resumed"]
}
