//! Is the database what we wrote?

use rusqlite::Connection;
use rusqlite::config::DbConfig;

use super::error::StoreError;
use super::{audit, messages};

/// How much of the message table is checked before the server starts; the rest is checked message by message as it is
/// read (each carries a checksum). At about 1 GB/s this bounds the start to a fraction of a second.
const QUICK_CHECK_BYTES: i64 = 64 * 1024 * 1024;

/// What a start checks: the pages, all small tables, and the message table while it is small.
pub(super) fn quick_check(connection: &Connection) -> Result<(), StoreError> {
    let pages: i64 = connection.query_row("PRAGMA page_count", [], |row| row.get(0))?;
    let page_bytes: i64 = connection.query_row("PRAGMA page_size", [], |row| row.get(0))?;
    if pages.saturating_mul(page_bytes) <= QUICK_CHECK_BYTES {
        return pragma_check(connection, "PRAGMA quick_check(1)");
    }
    // The search index is as large as they are, and made of them.
    let tables: Vec<String> = connection
        .prepare(
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT IN ('messages', 'mailboxes') \
             AND name NOT LIKE 'message_index%'",
        )?
        .query_map([], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    tables
        .iter()
        .try_for_each(|table| pragma_check(connection, &format!("PRAGMA quick_check('{table}')")))
}

/// The pages and the indexes, whatever the schema.
pub(super) fn structure_check(connection: &Connection) -> Result<(), StoreError> {
    pragma_check(connection, "PRAGMA integrity_check(1)")
}

/// Everything: structure, indexes, references, and the checksum of every message.
pub(super) fn thorough_check(connection: &Connection) -> Result<(), StoreError> {
    structure_check(connection)?;
    let broken: Option<String> = {
        let mut statement = connection.prepare("PRAGMA foreign_key_check")?;
        let mut rows = statement.query([])?;
        rows.next()?.map(|row| row.get(0)).transpose()?
    };
    if let Some(table) = broken {
        return Err(StoreError::Damaged(format!(
            "a row of `{table}` refers to something that is gone"
        )));
    }
    messages::verify_all(connection)?;
    verify_audit(connection)
}

/// A database of an earlier schema has no audit log yet.
fn verify_audit(connection: &Connection) -> Result<(), StoreError> {
    let tables: i64 = connection.query_row(
        "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name IN ('audit', 'audit_ends')",
        [],
        |row| row.get(0),
    )?;
    match tables {
        0 => Ok(()),
        2 => audit::verify(connection)?.map_or(Ok(()), |seq| {
            Err(StoreError::Damaged(format!(
                "the audit log was changed from outside: entry {seq} is not what was written, or is missing"
            )))
        }),
        _ => Err(StoreError::Damaged("a table of the audit log is missing".into())),
    }
}

/// Whether closing the last connection folds the log into the database and removes it.
pub(super) fn fold_on_close(connection: &Connection, fold: bool) -> Result<(), StoreError> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, !fold)?;
    Ok(())
}

fn pragma_check(connection: &Connection, pragma: &str) -> Result<(), StoreError> {
    let verdict: String = connection.query_row(pragma, [], |row| row.get(0))?;
    if verdict == "ok" {
        Ok(())
    } else {
        Err(StoreError::Damaged(verdict))
    }
}
