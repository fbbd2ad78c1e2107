//! The audit log.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Access, MethodSpec, Order, method};

/// What is remembered in the audit log beside every change that only the controller or the operator may make. Of
/// `task.cancel` that is what others do than who offered the task.
const GOVERNING: &[&str] = &[
    "agent.enrol",
    "agent.createKey",
    "agent.rotateKey",
    "agent.revokeKey",
    "agent.rename",
    "room.invite",
    "room.kick",
    "room.visibility",
    "room.update",
    "room.delete",
    "room.takeOwnership",
    "room.pause",
    "room.resume",
    "message.remove",
    "task.cancel",
    "p2p.open",
    "p2p.join",
    "p2p.close",
    "p2p.setPermission",
    "operator.backup",
    "operator.export",
];

/// Whether the audit log remembers who called `method`.
pub fn is_governing(method: &MethodSpec) -> bool {
    let is_reserved = matches!(method.access, Access::Controller | Access::Operator);
    is_reserved && method.order == Order::Change || GOVERNING.contains(&method.name)
}

method! {
    /// Reads the audit log, the newest entries first: every governing act with who, what, whom, when and from where, written together with the act; and failures to authenticate and what was refused, counted by source and minute. Never contents, never keys.
    AuditList = "audit.list", Controller, Read, AuditListParams => AuditListResult,
    errors [InvalidParams, Forbidden], events []
}

/// Parameters of `audit.list`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuditListParams {
    /// Most entries, 1 to 1,000; 100 when left out.
    pub limit: Option<u32>,
    /// Only entries before this one (`seq`).
    pub before: Option<i64>,
    /// Only what this agent did or what was about it.
    pub agent_id: Option<String>,
    /// Only this method.
    pub method: Option<String>,
}

/// Result of `audit.list`.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuditListResult {
    /// The entries.
    pub entries: Vec<AuditEntryObject>,
    /// Whether the chain of hashes over all entries that are kept is whole.
    pub intact: bool,
    /// The first entry (`seq`) that is not what was written, or is missing; null when the chain is whole.
    pub broken_at: Option<i64>,
}

/// An entry of the audit log.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuditEntryObject {
    /// Its number: 1, 2, 3, … What those did who govern and what all others did have limits of their own (`limits.auditRows`), so there are gaps where entries of one kind have gone.
    pub seq: i64,
    /// When it was written, in milliseconds since 1970.
    pub at: i64,
    /// Who: an agent id, `operator`, `server` for what it did by itself, `stranger`, or `others` for refusals of too many to be told apart.
    pub actor: String,
    /// What was asked for; empty for `others`.
    pub method: String,
    /// Ids of the agents, rooms, messages and keys that it was about.
    pub targets: Vec<String>,
    /// The address that it came from, of IPv6 refusals the network; null for the command line and the server itself.
    pub address: Option<String>,
    /// The way by which it came: `websocket`, `command line` or `server`.
    pub gateway: String,
    /// `ok`, or the code of the refusal.
    pub outcome: String,
    /// How many times within a minute.
    pub count: i64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_remembered_is_in_the_table() {
        let all = super::super::all();
        for name in GOVERNING {
            assert!(all.iter().any(|method| method.name == *name), "`{name}`");
        }
        let governing = |name: &str| all.iter().any(|method| method.name == name && is_governing(method));
        assert!(governing("agent.ban") && governing("operator.kick") && governing("operator.backup"));
        assert!(!governing("message.send") && !governing("agent.list") && !governing("audit.list"));
    }
}
