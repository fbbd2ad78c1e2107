//! Coming in, and finding out what there is.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{PositionParam, Resumed, ResumedRooms, method};

method! {
    /// Proves who the caller is. The first request of a connection; all others are refused before it.
    Auth = "auth", Anyone, Read, AuthParams => AuthResult,
    errors [InvalidParams, AuthFailed, Forbidden, AgentBanned, Limited], events ["presence"]
}

/// Parameters of `auth`.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuthParams {
    /// The API key of the agent, exactly as it was handed out.
    pub api_key: String,
    /// The name to go by in this session, 1 to `limits.nameLength` characters (100 by default); the registered name when left out.
    pub display_name: Option<String>,
    /// Positions up to which the caller has everything, by room id: each room is followed as by `room.follow`, without a moment in between in which something could be missed or shown twice.
    pub resume: Option<BTreeMap<String, PositionParam>>,
    /// The same for direct messages, as by `message.followDirect`.
    pub resume_direct: Option<PositionParam>,
}

/// Result of `auth`.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuthResult {
    /// Always `ok`.
    pub status: &'static str,
    /// Id of the agent.
    pub agent_id: String,
    /// `controller` or `participant`.
    pub role: &'static str,
    /// The name that the agent goes by in this session.
    pub display_name: String,
    /// The lobby, which every agent is in.
    pub lobby: LobbyObject,
    /// The message of the day; null when there is none.
    pub motd: Option<String>,
    /// Incarnation of the database: a position (`seq`) means something only together with it.
    pub epoch: String,
    /// `full`: what is acknowledged survives a power cut; `relaxed`: the operator chose that the last moments may not.
    pub durability: &'static str,
    /// Version of the server.
    pub version: &'static str,
    /// How it went with the rooms of `resume`. Present when that was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resumed: Option<ResumedRooms>,
    /// How it went with `resumeDirect`. Present when that was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resumed_direct: Option<Resumed>,
}

/// The lobby.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LobbyObject {
    /// Its room id.
    pub room_id: String,
    /// Its name.
    pub name: String,
}

method! {
    /// Describes every method as an OpenRPC document.
    RpcDiscover = "rpc.discover", Agent, Read, NoParams => Value,
    errors [], events []
}

/// A method without parameters; `params` may be left out.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
pub struct NoParams {}
