//! What was asked for under which key, so that asking again does it once.

use rusqlite::{Connection, OptionalExtension, params};

use super::error::StoreError;
use crate::domain::{AgentNumber, MessageId, RowId, TaskReceipt, TaskState};

/// What was asked for under a key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Remembered {
    /// SHA-256 of the request.
    pub request: [u8; 32],
    /// When it was carried out, in milliseconds since 1970.
    pub at_ms: i64,
    /// What it came to.
    pub receipt: Receipt,
}

/// What a request came to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Receipt {
    /// A message.
    Message(MessageId),
    /// A change of a task.
    Task(TaskReceipt),
}

/// What `sender` asked for under `key`.
pub fn get(connection: &Connection, sender: AgentNumber, key: &str) -> Result<Option<Remembered>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT request, message, sent_at, receipt FROM idempotency_keys WHERE sender = ?1 AND key = ?2",
    )?;
    let found = statement
        .query_row(params![sender.0, key], |row| {
            Ok((
                row.get(0)?,
                row.get::<_, i64>(1)?,
                row.get(2)?,
                row.get::<_, Option<String>>(3)?,
            ))
        })
        .optional()?;
    let Some((request, row, at_ms, written)) = found else {
        return Ok(None);
    };
    let row = RowId::from_stored(row).ok_or_else(|| damaged("an impossible message id"))?;
    let receipt = match written {
        None => Receipt::Message(MessageId { at_ms, row }),
        Some(text) => Receipt::Task(read(row, at_ms, &text).ok_or_else(|| damaged("an unreadable receipt"))?),
    };
    Ok(Some(Remembered {
        request,
        at_ms,
        receipt,
    }))
}

/// Remembers what `sender` asked for under `key`.
pub fn put(connection: &Connection, sender: AgentNumber, key: &str, what: &Remembered) -> Result<(), StoreError> {
    let (message, written) = match &what.receipt {
        Receipt::Message(message) => (message.row, None),
        Receipt::Task(receipt) => (receipt.task.row, Some(write(receipt))),
    };
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO idempotency_keys (sender, key, request, message, sent_at, receipt) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute(params![
            sender.0,
            key,
            what.request,
            message.stored(),
            what.at_ms,
            written
        ])?;
    Ok(())
}

/// The receipt of a task as a list of words, in which `-` stands for what there is not.
fn write(receipt: &TaskReceipt) -> String {
    let or_none = |number: Option<i64>| number.map_or_else(|| "-".to_owned(), |number| number.to_string());
    [
        receipt.task.at_ms.to_string(),
        receipt.state.as_str().to_owned(),
        receipt.generation.to_string(),
        receipt.revision.to_string(),
        or_none(receipt.lease_expires_at_ms),
        or_none(receipt.result.map(|result| result.row.stored())),
        or_none(receipt.result.map(|result| result.at_ms)),
    ]
    .join(" ")
}

fn read(row: RowId, at_ms: i64, text: &str) -> Option<TaskReceipt> {
    let mut words = text.split(' ');
    let optional = |word: &str| -> Option<Option<i64>> {
        if word == "-" {
            return Some(None);
        }
        word.parse().ok().map(Some)
    };
    let task = MessageId {
        at_ms: words.next()?.parse().ok()?,
        row,
    };
    let state = TaskState::parse(words.next()?)?;
    let (generation, revision) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
    let lease_expires_at_ms = optional(words.next()?)?;
    let result = match (optional(words.next()?)?, optional(words.next()?)?) {
        (Some(stored), Some(at_ms)) => Some(MessageId {
            at_ms,
            row: RowId::from_stored(stored)?,
        }),
        _ => None,
    };
    Some(TaskReceipt {
        task,
        state,
        generation,
        revision,
        lease_expires_at_ms,
        result,
        at_ms,
    })
}

fn damaged(what: &str) -> StoreError {
    StoreError::Damaged(format!("an idempotency key has {what}"))
}

/// Forgets some of what was asked for before a time, at most `limit` keys. Returns how many.
pub fn forget_before(connection: &Connection, before_ms: i64, limit: u32) -> Result<usize, StoreError> {
    let mut statement = connection.prepare_cached(
        "DELETE FROM idempotency_keys WHERE (sender, key) IN \
         (SELECT sender, key FROM idempotency_keys WHERE sent_at < ?1 ORDER BY sent_at LIMIT ?2)",
    )?;
    Ok(statement.execute(params![before_ms, limit])?)
}
