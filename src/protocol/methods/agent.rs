//! Governing agents.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{NoParams, method};
use crate::protocol::types::Status;

method! {
    /// Registers a participant and makes its API key, which is shown here and never again, or a token for which the participant gets it by `agent.enrol`.
    AgentInvite = "agent.invite", Controller, Change, AgentInviteParams => AgentInviteResult,
    errors [InvalidParams, Forbidden], events []
}

/// Parameters of `agent.invite`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AgentInviteParams {
    /// The name to register, 1 to `limits.nameLength` characters (100 by default) without control characters.
    pub display_name: String,
    /// Whether to make an enrolment token instead of the key, so that the key never travels through the controller.
    #[serde(default)]
    pub enrol: bool,
    /// What to call the key, 1 to 100 characters; `main` when left out.
    pub key_name: Option<String>,
    /// When the key ends, in milliseconds since 1970; never when left out.
    pub expires_at: Option<i64>,
    /// Whether the key may only look.
    #[serde(default)]
    pub read_only: bool,
    /// The only rooms there are for the key, 1 to 64; all of them when left out.
    pub rooms: Option<Vec<String>>,
    /// Whether the key has direct messages although its rooms are restricted.
    #[serde(default)]
    pub direct: bool,
}

/// Result of `agent.invite`.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AgentInviteResult {
    /// Id of the agent.
    pub agent_id: String,
    /// Its registered name.
    pub display_name: String,
    /// Its API key, unless there is a token for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api_key: Option<String>,
    /// Always `participant`.
    pub role: &'static str,
    /// The enrolment token: `agent.enrol` takes it once. Present only where `enrol` was true.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enrolment_token: Option<String>,
    /// When the token ends, in milliseconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enrolment_expires_at: Option<i64>,
}

method! {
    /// Removes an agent for good: its key is void, its sessions end, it is in no room, and its rooms pass to the controller. What it said stays, under the name it had.
    AgentRevoke = "agent.revoke", Controller, Change, AgentParams => Status,
    errors [InvalidParams, Forbidden, AgentNotFound], events ["disconnected", "presence", "room.left", "room.ownerChanged"]
}

/// Parameters that name an agent.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AgentParams {
    /// The agent.
    pub agent_id: String,
}

/// Parameters that name an agent, and why.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AgentReasonParams {
    /// The agent.
    pub agent_id: String,
    /// Why, for the agent; up to `limits.reasonLength` characters (1,000 by default).
    pub reason: Option<String>,
}

method! {
    /// Lists every agent that is registered, seen or not, the controller included.
    AgentList = "agent.list", Controller, Read, NoParams => AgentListResult,
    errors [Forbidden], events []
}

/// Result of `agent.list`.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct AgentListResult {
    /// The agents, in the order of registration.
    pub agents: Vec<AgentObject>,
}

/// An agent.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AgentObject {
    /// Its id.
    pub agent_id: String,
    /// Its registered name.
    pub display_name: String,
    /// `controller` or `participant`.
    pub role: &'static str,
    /// `p2p` for a peer beyond the server, which has no API key. Absent from agents of this server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<&'static str>,
    /// What a peer may do: `intimate`, `helper` or `chat`. Absent from agents of this server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub permission: Option<&'static str>,
    /// Whether it is banned.
    pub banned: bool,
    /// Whether it has a live session.
    pub online: bool,
    /// When it last came or went, in milliseconds since 1970; null when it never did.
    pub last_seen: Option<i64>,
}

method! {
    /// Ends all sessions of an agent before the answer is sent. It may come back, unless it is a peer: that is removed as by `agent.revoke`. A controller that kicks itself is not
    /// answered: the connection that asked has ended by then, with `disconnected` and close code 1008.
    AgentKick = "agent.kick", Controller, Change, AgentReasonParams => Status,
    errors [InvalidParams, Forbidden, AgentNotFound], events ["disconnected", "presence"]
}

method! {
    /// Shuts an agent out until `agent.unban`: its sessions end before the answer is sent. A peer is removed as by `agent.revoke` besides.
    AgentBan = "agent.ban", Controller, Change, AgentReasonParams => Status,
    errors [InvalidParams, Forbidden, AgentNotFound], events ["disconnected", "presence"]
}

method! {
    /// Lets a banned agent in again. An addition to BroodLink.
    AgentUnban = "agent.unban", Controller, Change, AgentParams => Status,
    errors [InvalidParams, Forbidden, AgentNotFound], events []
}
