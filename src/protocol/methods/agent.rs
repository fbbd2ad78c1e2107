//! Governing agents.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{NoParams, method};
use crate::protocol::types::Status;

method! {
    /// Registers a participant and makes its API key, which is shown here and never again.
    AgentInvite = "agent.invite", Controller, Change, AgentInviteParams => AgentInviteResult,
    errors [InvalidParams, Forbidden], events []
}

/// Parameters of `agent.invite`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AgentInviteParams {
    /// The name to register, 1 to `limits.nameLength` characters (100 by default) without control characters.
    pub display_name: String,
}

/// Result of `agent.invite`.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AgentInviteResult {
    /// Id of the agent.
    pub agent_id: String,
    /// Its registered name.
    pub display_name: String,
    /// Its API key.
    pub api_key: String,
    /// Always `participant`.
    pub role: &'static str,
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
    /// Whether it is banned.
    pub banned: bool,
    /// Whether it has a live session.
    pub online: bool,
    /// When it last came or went, in milliseconds since 1970; null when it never did.
    pub last_seen: Option<i64>,
}

method! {
    /// Ends all sessions of an agent before the answer is sent. It may come back. A controller that kicks itself is not
    /// answered: the connection that asked has ended by then, with `disconnected` and close code 1008.
    AgentKick = "agent.kick", Controller, Change, AgentReasonParams => Status,
    errors [InvalidParams, Forbidden, AgentNotFound], events ["disconnected", "presence"]
}

method! {
    /// Shuts an agent out until `agent.unban`: its sessions end before the answer is sent.
    AgentBan = "agent.ban", Controller, Change, AgentReasonParams => Status,
    errors [InvalidParams, Forbidden, AgentNotFound], events ["disconnected", "presence"]
}

method! {
    /// Lets a banned agent in again. An addition to BroodLink.
    AgentUnban = "agent.unban", Controller, Change, AgentParams => Status,
    errors [InvalidParams, Forbidden, AgentNotFound], events []
}
