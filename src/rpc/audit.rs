//! What the audit log hears from sessions: the notes of governing acts, and refusals, which are counted by source and
//! minute, so that nobody can fill the disk with them.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::Deserialize;
use serde_json::value::RawValue;
use tokio_util::sync::CancellationToken;

use super::{Peer, Rpc};
use crate::domain::{AgentId, AgentNumber, MessageId, Refusal};
use crate::hub::{AuditNote, Caller, Origin, RecordAudit, Refused};
use crate::protocol::codes::Code;
use crate::runtime::network::network_of;

/// Time between two times that refusals are written.
const MINUTE: Duration = Duration::from_secs(60);

/// Kinds of refusals that are told apart within a minute; what is beyond counts as one.
const KINDS: usize = 64;

impl Peer {
    /// Where requests of this peer come from.
    pub(super) fn origin(self) -> Origin {
        match self {
            Self::Network(address) => Origin {
                address: Some(address.to_canonical()),
                gateway: "websocket",
            },
            Self::Operator => Origin {
                address: None,
                gateway: "command line",
            },
        }
    }
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Named {
    #[serde(rename = "agentId")]
    agent: Option<String>,
    #[serde(rename = "roomId")]
    room: Option<String>,
    #[serde(rename = "messageId", alias = "taskId")]
    message: Option<String>,
    #[serde(rename = "keyId")]
    key: Option<String>,
}

/// The note of a governing request. Only ids are taken from its parameters, nothing that could be a content.
pub(super) fn note(method: &'static str, peer: Peer, params: Option<&RawValue>) -> AuditNote {
    let named = params.and_then(|params| serde_json::from_str::<Named>(params.get()).ok());
    let Named {
        agent,
        room,
        message,
        key,
    } = named.unwrap_or_default();
    let uuids = [agent, room, key].into_iter().flatten();
    let mut targets: Vec<String> = uuids
        // All of them are written alike.
        .filter_map(|text| AgentId::parse(&text))
        .map(|id| id.to_string())
        .collect();
    targets.extend(
        message
            .and_then(|text| MessageId::parse(&text))
            .map(|id| id.to_string()),
    );
    AuditNote {
        method,
        targets,
        origin: peer.origin(),
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Who {
    Stranger,
    Agent(AgentNumber),
    Operator,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Kind {
    who: Who,
    method: &'static str,
    address: Option<IpAddr>,
    gateway: &'static str,
    code: Code,
}

#[derive(Default)]
struct Counts {
    kinds: HashMap<Kind, (Caller, u64)>,
    others: u64,
}

/// The refusals since they were written last.
#[derive(Default)]
pub(super) struct Tally {
    counts: Mutex<Counts>,
}

impl Tally {
    /// Counts a refusal if it is of a sort that is remembered.
    pub(super) fn count(&self, watch: &Watch, method: &'static str, refusal: &Refusal) {
        let is_remembered = match refusal {
            Refusal::AuthRequired
            | Refusal::AuthFailed
            | Refusal::EnrolmentFailed
            | Refusal::Banned
            | Refusal::Forbidden(_)
            | Refusal::NotAMember
            | Refusal::NotInvited
            | Refusal::RoomLimit(_)
            | Refusal::KeyLimit(_)
            | Refusal::Limited { .. } => true,
            Refusal::SessionEnded | Refusal::Stopping | Refusal::Internal(_) => false,
            _ => watch.is_governing,
        };
        if !is_remembered {
            return;
        }
        let origin = watch.peer.origin();
        let kind = Kind {
            who: match watch.caller {
                Caller::Stranger | Caller::Server => Who::Stranger,
                Caller::Operator => Who::Operator,
                Caller::Session { agent, .. } => Who::Agent(agent),
            },
            method,
            address: origin.address.map(network_of),
            gateway: origin.gateway,
            code: Code::of(refusal),
        };
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let is_full = counts.kinds.len() >= KINDS;
        match counts.kinds.get_mut(&kind) {
            Some((_, count)) => *count += 1,
            None if is_full => counts.others += 1,
            None => {
                counts.kinds.insert(kind, (watch.caller, 1));
            }
        }
    }

    fn take(&self) -> Vec<Refused> {
        let Counts { kinds, others } = std::mem::take(&mut *self.counts.lock().unwrap_or_else(PoisonError::into_inner));
        let mut refused: Vec<Refused> = kinds
            .into_iter()
            .map(|(kind, (caller, count))| Refused {
                caller: Some(caller),
                method: kind.method,
                origin: Origin {
                    address: kind.address,
                    gateway: kind.gateway,
                },
                outcome: kind.code.number().to_string(),
                count,
            })
            .collect();
        refused.sort_by(|one, other| (one.method, &one.outcome).cmp(&(other.method, &other.outcome)));
        if others > 0 {
            refused.push(Refused {
                caller: None,
                method: "",
                origin: Origin {
                    address: None,
                    gateway: "",
                },
                outcome: String::new(),
                count: others,
            });
        }
        refused
    }
}

/// Who is behind a request, for the audit log.
#[derive(Clone)]
pub(super) struct Watch {
    pub tally: Arc<Tally>,
    pub caller: Caller,
    pub peer: Peer,
    /// Whether the method governs, so that each of its refusals is remembered.
    pub is_governing: bool,
}

impl Rpc {
    /// Writes the refusals that were counted so far into the audit log.
    pub(super) async fn record_refusals(&self) {
        let refused = self.tally.take();
        if refused.is_empty() {
            return;
        }
        let record = RecordAudit {
            refused,
            ..RecordAudit::default()
        };
        if let Err(reason) = self.hub.perform(Caller::Server, record).await {
            tracing::warn!(%reason, "refusals could not be written to the audit log");
        }
    }

    /// Remembers an act that stored nothing itself. The act stays done if that fails.
    pub(super) async fn record_act(&self, caller: Caller, note: AuditNote) {
        let method = note.method;
        let record = RecordAudit {
            acts: vec![(caller, note)],
            ..RecordAudit::default()
        };
        if let Err(reason) = self.hub.perform(Caller::Server, record).await {
            tracing::warn!(%reason, method, "an act could not be written to the audit log");
        }
    }

    /// Writes refusals every minute, and once more when the server stops.
    pub async fn keep_audit(self: Arc<Self>, stop: CancellationToken) {
        loop {
            tokio::select! {
                () = tokio::time::sleep(MINUTE) => self.record_refusals().await,
                () = stop.cancelled() => return self.record_refusals().await,
            }
        }
    }
}
