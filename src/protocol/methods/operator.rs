//! What the command line asks a running server for, through the socket in its data directory.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{NoParams, method};
use crate::protocol::types::Status;

method! {
    /// Says how the server is doing.
    OperatorStatus = "operator.status", Operator, Read, NoParams => OperatorStatusResult,
    errors [Forbidden], events []
}

/// Result of `operator.status`.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OperatorStatusResult {
    /// Always `ok`.
    pub status: &'static str,
    /// Version of the server.
    pub version: &'static str,
    /// Its process id.
    pub pid: u32,
    /// Incarnation of the database.
    pub epoch: String,
    /// Where it listens, as `ws://` or `wss://` addresses.
    pub addresses: Vec<String>,
    /// Milliseconds since it started.
    pub uptime_ms: u64,
    /// Whether participants are refused.
    pub locked: bool,
    /// Registered agents, the controller included.
    pub agents: usize,
    /// Agents with a live session.
    pub agents_online: usize,
    /// Live sessions.
    pub sessions: usize,
    /// Rooms, without the lobby.
    pub rooms: usize,
    /// Messages ever stored, direct ones included.
    pub messages: u64,
    /// `full` or `relaxed`.
    pub durability: &'static str,
    /// Whether the last commit succeeded.
    pub writable: bool,
}

method! {
    /// Stops the server in order: agents are told, everything acknowledged is kept.
    OperatorStop = "operator.stop", Operator, Change, OperatorStopParams => Status,
    errors [Forbidden], events ["disconnected"]
}

/// Parameters of `operator.stop`.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
pub struct OperatorStopParams {
    /// Whether it comes back at once; agents are then told to reconnect.
    #[serde(default)]
    pub restart: bool,
}

method! {
    /// Refuses participants that come in from now on, across restarts too. Those inside stay; the controller always gets in.
    OperatorLock = "operator.lock", Operator, Change, NoParams => Status,
    errors [Forbidden], events []
}

method! {
    /// Admits participants again.
    OperatorUnlock = "operator.unlock", Operator, Change, NoParams => Status,
    errors [Forbidden], events []
}

method! {
    /// Ends the sessions of every agent except the controller. They may come back.
    OperatorKick = "operator.kick", Operator, Change, NoParams => OperatorKickResult,
    errors [Forbidden], events ["disconnected", "presence"]
}

/// Result of `operator.kick`.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
pub struct OperatorKickResult {
    /// Always `ok`.
    pub status: &'static str,
    /// How many agents were online.
    pub disconnected: usize,
}
