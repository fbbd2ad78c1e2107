//! `audit.*`.

use crate::domain::{AgentId, Refusal};
use crate::hub::{AuditQuery, StoredEntry};
use crate::protocol::methods::{AuditEntryObject, AuditList, AuditListParams, AuditListResult};
use crate::rpc::table::{Call, Handler};

/// Entries when the caller does not say.
const DEFAULT_ENTRIES: u32 = 100;

/// Most entries of one answer.
const MOST_ENTRIES: u32 = 1000;

impl Handler for AuditList {
    async fn handle(call: Call<AuditListParams, AuditListResult>) {
        let params = &call.params;
        let limit = params.limit.unwrap_or(DEFAULT_ENTRIES);
        if !(1..=MOST_ENTRIES).contains(&limit) {
            let reason = format!("`limit` must be 1 to {MOST_ENTRIES}");
            return call.reply.send(Err(Refusal::InvalidParams(reason)));
        }
        // An id that names nobody finds nothing.
        let agent = params.agent_id.as_deref().map(|text| {
            let id = AgentId::parse(text);
            id.map_or_else(|| "?".to_owned(), |id| id.to_string())
        });
        let query = AuditQuery {
            limit,
            before: params.before,
            agent,
            method: params.method.clone(),
        };
        // What was refused until now is there too.
        call.rpc.record_refusals().await;
        let found = call.rpc.hub.audit(query).await;
        call.reply.send(found.map(|(entries, broken_at)| AuditListResult {
            entries: entries.into_iter().map(object).collect(),
            intact: broken_at.is_none(),
            broken_at,
        }));
    }
}

fn object(StoredEntry { seq, entry }: StoredEntry) -> AuditEntryObject {
    AuditEntryObject {
        seq,
        at: entry.at_ms,
        actor: entry.actor,
        method: entry.method,
        targets: entry.targets.split_whitespace().map(str::to_owned).collect(),
        address: Some(entry.address).filter(|address| !address.is_empty()),
        gateway: entry.gateway,
        outcome: entry.outcome,
        count: entry.count,
    }
}
