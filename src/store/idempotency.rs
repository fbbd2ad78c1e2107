//! What was sent under which key, so that sending it again does it once.

use rusqlite::{Connection, OptionalExtension, params};

use super::error::StoreError;
use crate::domain::{AgentNumber, MessageId, RowId};

/// What was sent under a key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Remembered {
    /// SHA-256 of the request.
    pub request: [u8; 32],
    /// The message that it made.
    pub message: MessageId,
}

/// What `sender` sent under `key`.
pub fn get(connection: &Connection, sender: AgentNumber, key: &str) -> Result<Option<Remembered>, StoreError> {
    let mut statement = connection
        .prepare_cached("SELECT request, message, sent_at FROM idempotency_keys WHERE sender = ?1 AND key = ?2")?;
    let found = statement
        .query_row(params![sender.0, key], |row| {
            Ok((row.get(0)?, row.get::<_, i64>(1)?, row.get(2)?))
        })
        .optional()?;
    let Some((request, row, at_ms)) = found else {
        return Ok(None);
    };
    let row = RowId::from_stored(row).ok_or_else(|| StoreError::Damaged("an impossible message id".into()))?;
    Ok(Some(Remembered {
        request,
        message: MessageId { at_ms, row },
    }))
}

/// Remembers what `sender` sent under `key`.
pub fn put(connection: &Connection, sender: AgentNumber, key: &str, sent: &Remembered) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO idempotency_keys (sender, key, request, message, sent_at) \
             VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute(params![
            sender.0,
            key,
            sent.request,
            sent.message.row.stored(),
            sent.message.at_ms
        ])?;
    Ok(())
}

/// Forgets some of what was sent before a time, at most `limit` keys. Returns how many.
pub fn forget_before(connection: &Connection, before_ms: i64, limit: u32) -> Result<usize, StoreError> {
    let mut statement = connection.prepare_cached(
        "DELETE FROM idempotency_keys WHERE (sender, key) IN \
         (SELECT sender, key FROM idempotency_keys WHERE sent_at < ?1 ORDER BY sent_at LIMIT ?2)",
    )?;
    Ok(statement.execute(params![before_ms, limit])?)
}
