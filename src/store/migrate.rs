//! Brings a database to the schema of this version. Migrations are appended, never edited.

use rusqlite::{Connection, TransactionBehavior};

use super::error::StoreError;

/// Marks a database as ours ("WARD").
pub(super) const APPLICATION_ID: i32 = 0x5741_5244;

const MIGRATIONS: [&str; 7] = [
    include_str!("../../migrations/0001_hub.sql"),
    include_str!("../../migrations/0002_following.sql"),
    include_str!("../../migrations/0003_tasks.sql"),
    include_str!("../../migrations/0004_keys_and_audit.sql"),
    include_str!("../../migrations/0005_search_and_receipts.sql"),
    include_str!("../../migrations/0006_pauses.sql"),
    include_str!("../../migrations/0007_peers.sql"),
];

/// The schema version that this program writes.
pub(super) const SCHEMA_VERSION: usize = MIGRATIONS.len();

/// The schema version of a database; 0 for an empty one.
pub(super) fn version(connection: &Connection) -> Result<usize, StoreError> {
    let version: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    usize::try_from(version).map_err(|_| StoreError::Damaged(format!("schema version {version}")))
}

/// Applies what is missing, each step in one transaction with its version number: a crash leaves the schema of before
/// or after a step, never one in between.
pub(super) fn migrate(connection: &mut Connection) -> Result<(), StoreError> {
    let present = version(connection)?;
    for (index, migration) in MIGRATIONS.iter().enumerate().skip(present) {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        transaction.execute_batch(migration)?;
        transaction.pragma_update(None, "user_version", i64::try_from(index + 1).unwrap_or(i64::MAX))?;
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        transaction.commit()?;
        tracing::info!(version = index + 1, "database schema migrated");
    }
    Ok(())
}
