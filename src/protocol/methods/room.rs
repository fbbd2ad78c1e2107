//! Rooms.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{FollowResult, NoParams, PositionParam, method, present};
use crate::protocol::types::{MemberObject, MessageObject, RoomObject, Status};

/// Parameters that name a room.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RoomParams {
    /// The room.
    pub room_id: String,
}

/// Who may see and join a room.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum VisibilityParam {
    /// Any agent.
    Public,
    /// Members, invited agents, the owner and the controller.
    Private,
}

method! {
    /// Makes a room. The caller owns it and is its first member.
    RoomCreate = "room.create", Agent, Change, RoomCreateParams => RoomResult,
    errors [InvalidParams, RoomLimit], events ["room.created"]
}

/// Parameters of `room.create`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RoomCreateParams {
    /// Its name, 1 to `limits.nameLength` characters (100 by default) without control characters.
    pub name: String,
    /// Who may see it; `public` when left out.
    pub visibility: Option<VisibilityParam>,
    /// What it is for, up to `limits.descriptionLength` characters (1,000 by default).
    pub description: Option<String>,
}

/// A room.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct RoomResult {
    /// The room.
    pub room: RoomObject,
}

method! {
    /// Lists the rooms that the caller may see: the lobby first, then by the time they were made.
    RoomList = "room.list", Agent, Read, NoParams => RoomListResult,
    errors [], events []
}

/// Result of `room.list`.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct RoomListResult {
    /// The rooms.
    pub rooms: Vec<RoomObject>,
}

method! {
    /// Joins a public room, or a private one that the caller was invited to.
    RoomJoin = "room.join", Agent, Change, RoomParams => Status,
    errors [InvalidParams, RoomNotFound, AlreadyAMember, NotInvited], events ["room.joined"]
}

method! {
    /// Leaves a room. An invitation stays, so the agent may come back.
    RoomLeave = "room.leave", Agent, Change, RoomParams => Status,
    errors [InvalidParams, RoomNotFound, NotAMember, CannotModifyLobby], events ["room.left"]
}

method! {
    /// Describes a room and its members.
    RoomInfo = "room.info", Agent, Read, RoomParams => RoomInfoResult,
    errors [InvalidParams, RoomNotFound, NotAMember], events []
}

/// Result of `room.info`.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct RoomInfoResult {
    /// The room.
    pub room: RoomObject,
    /// Its members, in the order in which they joined.
    pub members: Vec<MemberObject>,
}

method! {
    /// Reads the newest messages of a room, or the newest before a time. In the lobby the caller's own direct messages lie in between. With `beforeSeq` or `afterSeq` it pages by position, without direct messages.
    RoomHistory = "room.history", Agent, Read, RoomHistoryParams => RoomHistoryResult,
    errors [InvalidParams, RoomNotFound, NotAMember, MessageNotFound, StorageDamaged], events []
}

/// Parameters of `room.history`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RoomHistoryParams {
    /// The room.
    pub room_id: String,
    /// Most messages of the page, at least 1; 50 when left out, never more than `maxHistoryPerRoom` (1,000 by default).
    pub limit: Option<u64>,
    /// Only messages from before this time, in milliseconds since 1970.
    pub before: Option<i64>,
    /// Only messages below this position: the newest of them. At most one of `before`, `beforeSeq` and `afterSeq` may be given.
    pub before_seq: Option<u64>,
    /// Only messages above this position: the oldest of them.
    pub after_seq: Option<u64>,
    /// Only direct replies to this message.
    pub reply_to: Option<String>,
}

/// Result of `room.history`.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct RoomHistoryResult {
    /// The messages, the oldest first.
    pub messages: Vec<MessageObject>,
    /// Present and true when the page was cut short because of its size in bytes: there is more before its first message, or with `afterSeq` behind its last.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[schemars(default)]
    pub more: bool,
}

method! {
    /// Shows this session everything that was said in a room after a position, in order, and then what is said, as `message` events without a gap and without a repeat, the caller's own messages included. The answer comes first. Called again, it begins anew.
    RoomFollow = "room.follow", Agent, Read, RoomFollowParams => FollowResult,
    errors [InvalidParams, RoomNotFound, NotAMember, StorageDamaged], events ["message", "reset"]
}

/// Parameters of `room.follow`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RoomFollowParams {
    /// The room.
    pub room_id: String,
    /// The position up to which the caller has everything; from now on when left out.
    pub since: Option<PositionParam>,
}

method! {
    /// Invites an agent into a room. In a public room that is a mere notice.
    RoomInvite = "room.invite", Agent, Change, RoomAgentParams => Status,
    errors [InvalidParams, Forbidden, RoomNotFound, AlreadyAMember, AgentNotFound, CannotModifyLobby], events ["room.invited"]
}

/// Parameters that name a room and an agent.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RoomAgentParams {
    /// The room.
    pub room_id: String,
    /// The agent.
    pub agent_id: String,
}

method! {
    /// Takes an agent out of a room, its invitation included. Its connection stays.
    RoomKick = "room.kick", Agent, Change, RoomKickParams => Status,
    errors [InvalidParams, Forbidden, RoomNotFound, NotAMember, AgentNotFound, CannotModifyLobby], events ["kicked", "room.left"]
}

/// Parameters of `room.kick`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RoomKickParams {
    /// The room.
    pub room_id: String,
    /// The agent.
    pub agent_id: String,
    /// Why, for the agent; up to `limits.reasonLength` characters (1,000 by default).
    pub reason: Option<String>,
}

method! {
    /// Opens a room to everybody, or closes it to those who are in it or invited. The value it has already changes nothing.
    RoomVisibility = "room.visibility", Agent, Change, RoomVisibilityParams => Status,
    errors [InvalidParams, Forbidden, RoomNotFound, CannotModifyLobby], events ["room.visibilityChanged"]
}

/// Parameters of `room.visibility`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RoomVisibilityParams {
    /// The room.
    pub room_id: String,
    /// Who may see it from now on.
    pub visibility: VisibilityParam,
}

method! {
    /// Renames or describes a room. What is not named stays as it is.
    RoomUpdate = "room.update", Agent, Change, RoomUpdateParams => Status,
    errors [InvalidParams, Forbidden, RoomNotFound, CannotModifyLobby], events ["room.updated"]
}

/// Parameters of `room.update`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RoomUpdateParams {
    /// The room.
    pub room_id: String,
    /// Its new name, 1 to `limits.nameLength` characters (100 by default) without control characters.
    pub name: Option<String>,
    /// Its new description, up to `limits.descriptionLength` characters (1,000 by default); null or an empty text clears it.
    #[serde(default, deserialize_with = "present")]
    #[schemars(with = "Option<String>")]
    pub description: Option<Option<String>>,
}

method! {
    /// Deletes a room for everybody, and cancels its open tasks. Its messages stay readable for the controller.
    RoomDelete = "room.delete", Agent, Change, RoomParams => Status,
    errors [InvalidParams, Forbidden, RoomNotFound, CannotModifyLobby], events ["room.deleted"]
}

method! {
    /// Makes the controller the owner of a room, and a member of it.
    RoomTakeOwnership = "room.takeOwnership", Controller, Change, RoomParams => Status,
    errors [InvalidParams, Forbidden, RoomNotFound, CannotModifyLobby], events ["room.ownerChanged", "room.joined"]
}
