//! What is remembered of those who govern, and of those who tried what they may not.

use std::net::IpAddr;

use super::Hub;
use super::act::{Act, Caller, Desk};
use super::directory::Directory;
use crate::domain::Refusal;
use crate::store::audit::{self, AuditQuery, Entry, StoredEntry};
use crate::store::{self, Connection, StoreError};

/// Where something came from.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Origin {
    /// The address of the other end; `None` for the socket in the data directory.
    pub address: Option<IpAddr>,
    /// The way by which it came.
    pub gateway: &'static str,
}

impl Origin {
    /// The address as the audit log has it.
    fn address_text(self) -> String {
        self.address.map(|address| address.to_string()).unwrap_or_default()
    }
}

/// What the audit log is told of an act beside who did it. Written in the transaction of the act.
#[derive(Clone, Debug)]
pub struct AuditNote {
    /// What was asked for.
    pub method: &'static str,
    /// Ids of what it was about.
    pub targets: Vec<String>,
    /// Where it came from.
    pub origin: Origin,
}

impl AuditNote {
    /// The entry for this act of `caller`, which was also about `concerned`.
    pub(super) fn entry(&self, state: &Directory, caller: Caller, concerned: &[String], now_ms: i64) -> Entry {
        let mut targets = self.targets.clone();
        targets.extend(concerned.iter().filter(|id| !self.targets.contains(*id)).cloned());
        Entry {
            governs: governs(state, caller),
            at_ms: now_ms,
            actor: actor(state, caller),
            method: self.method.to_owned(),
            targets: targets.join(" "),
            address: self.origin.address_text(),
            gateway: self.origin.gateway.to_owned(),
            outcome: DONE.to_owned(),
            count: 1,
        }
    }
}

/// The outcome of what was carried out.
const DONE: &str = "ok";

/// The entry for what the server did to `target` by itself, because agents brought it about.
pub(super) fn automatic(method: &str, target: &impl ToString, now_ms: i64) -> Entry {
    Entry {
        // Those who bring it about could do so again and again.
        governs: false,
        at_ms: now_ms,
        actor: "server".to_owned(),
        method: method.to_owned(),
        targets: target.to_string(),
        address: String::new(),
        gateway: "server".to_owned(),
        outcome: DONE.to_owned(),
        count: 1,
    }
}

/// The entry for what the operator did on the command line while no server was running.
pub(super) fn offline(method: &str, target: &str, now_ms: i64) -> Entry {
    Entry {
        governs: true,
        at_ms: now_ms,
        actor: "operator".to_owned(),
        method: method.to_owned(),
        targets: target.to_owned(),
        address: String::new(),
        gateway: "command line".to_owned(),
        outcome: DONE.to_owned(),
        count: 1,
    }
}

/// Remembers what the operator did to a database that no server uses.
pub fn record_offline(
    connection: &Connection,
    method: &str,
    target: &str,
    (now_ms, keep): (i64, u32),
) -> Result<(), StoreError> {
    let transaction = connection.unchecked_transaction()?;
    audit::append(&transaction, &offline(method, target, now_ms), keep)?;
    store::commit(&transaction)
}

/// Whether what `caller` does is kept apart from what others do, so that these cannot push it out.
fn governs(state: &Directory, caller: Caller) -> bool {
    match caller {
        Caller::Operator | Caller::Server => true,
        Caller::Session { agent, .. } => agent == state.controller,
        Caller::Stranger => false,
    }
}

fn actor(state: &Directory, caller: Caller) -> String {
    match caller {
        Caller::Stranger => "stranger".to_owned(),
        Caller::Operator => "operator".to_owned(),
        Caller::Server => "server".to_owned(),
        Caller::Session { agent, .. } => state
            .agent(agent)
            .map_or_else(|| "stranger".to_owned(), |agent| agent.id.to_string()),
    }
}

/// Refusals of one kind in one minute.
#[derive(Clone, Debug)]
pub struct Refused {
    /// Who asked; `None` stands for all those for whom there was no place of their own.
    pub caller: Option<Caller>,
    /// What was asked for; empty where it was this and that.
    pub method: &'static str,
    /// Where it came from.
    pub origin: Origin,
    /// The code of the refusal; empty where it was this and that.
    pub outcome: String,
    /// How many times.
    pub count: u64,
}

/// Remembers what needs no transaction of another act: refusals, and acts that store nothing.
#[derive(Clone, Debug, Default)]
pub struct RecordAudit {
    /// Acts that were carried out, and who did it.
    pub acts: Vec<(Caller, AuditNote)>,
    /// What was refused.
    pub refused: Vec<Refused>,
}

impl Act for RecordAudit {
    type Receipt = ();

    fn run(&self, desk: &mut Desk<'_>) -> Result<(), Refusal> {
        desk.operator()?;
        let acts = self
            .acts
            .iter()
            .map(|(caller, note)| note.entry(desk.state, *caller, &[], desk.now_ms));
        let refused = self.refused.iter().map(|refused| Entry {
            governs: false,
            at_ms: desk.now_ms,
            actor: refused
                .caller
                .map_or_else(|| "others".to_owned(), |caller| actor(desk.state, caller)),
            method: refused.method.to_owned(),
            targets: String::new(),
            address: refused.origin.address_text(),
            gateway: refused.origin.gateway.to_owned(),
            outcome: refused.outcome.clone(),
            count: i64::try_from(refused.count).unwrap_or(i64::MAX),
        });
        for entry in acts.chain(refused) {
            audit::append(desk.connection, &entry, desk.limits.audit_rows)?;
        }
        Ok(())
    }
}

impl Hub {
    /// Reads the audit log, off the async threads, and follows its whole chain: the number of the first entry that is not
    /// what was written, if there is one.
    pub async fn audit(&self, query: AuditQuery) -> Result<(Vec<StoredEntry>, Option<i64>), Refusal> {
        let read = move |connection: &mut Connection| -> Result<_, StoreError> {
            // One transaction, so that both look at the same moment.
            let transaction = connection.transaction()?;
            let broken = audit::verify(&transaction)?;
            Ok((audit::page(&transaction, &query)?, broken))
        };
        Ok(self.inner.readers.read(read).await?)
    }
}
