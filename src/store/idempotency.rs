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

/// Finds some of the keys to forget, the oldest first.
const FORGETTABLE: &str = "SELECT sender, key FROM idempotency_keys WHERE sent_at < ?1 ORDER BY sent_at LIMIT ?2";

/// Forgets one key. By both columns of the primary key: a sender may have very many keys.
const FORGET: &str = "DELETE FROM idempotency_keys WHERE sender = ?1 AND key = ?2";

/// Forgets some of what was sent before a time, at most `limit` keys. Returns how many.
pub fn forget_before(connection: &Connection, before_ms: i64, limit: u32) -> Result<usize, StoreError> {
    let old = connection
        .prepare_cached(FORGETTABLE)?
        .query_map(params![before_ms, limit], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<Vec<(i64, String)>, _>>()?;
    let mut forget = connection.prepare_cached(FORGET)?;
    for (sender, key) in &old {
        forget.execute(params![sender, key])?;
    }
    Ok(old.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::StreamNumber;
    use crate::store::migrate;

    fn database() -> Connection {
        let mut connection = Connection::open_in_memory().expect("a database");
        migrate::migrate(&mut connection).expect("the schema");
        connection
    }

    fn sent(at_ms: i64) -> Remembered {
        let stream = StreamNumber::from_bits(1).expect("a stream");
        Remembered {
            request: [0; 32],
            at_ms,
            receipt: Receipt::Message(MessageId {
                at_ms,
                row: RowId::new(stream, 1),
            }),
        }
    }

    #[test]
    fn the_oldest_are_forgotten_and_no_others() {
        let connection = database();
        for (sender, key, at_ms) in [
            (1, "old", 10),
            (1, "older", 5),
            (2, "old", 20),
            (1, "new", 30),
            (2, "newer", 40),
        ] {
            put(&connection, AgentNumber(sender), key, &sent(at_ms)).expect("stored");
        }
        let left = || {
            let mut statement = connection
                .prepare("SELECT sent_at FROM idempotency_keys ORDER BY sent_at")
                .expect("a statement");
            let rows = statement.query_map([], |row| row.get(0)).expect("rows");
            rows.collect::<Result<Vec<i64>, _>>().expect("numbers")
        };
        assert_eq!(forget_before(&connection, 30, 2).expect("forgotten"), 2);
        assert_eq!(left(), [20, 30, 40]);
        assert_eq!(forget_before(&connection, 30, 2).expect("forgotten"), 1);
        assert_eq!(forget_before(&connection, 30, 2).expect("forgotten"), 0);
        assert_eq!(left(), [30, 40]);
    }

    /// One statement that named pairs of columns searched by the first of them alone: every round read all keys of every
    /// sender that it forgot a key of.
    #[test]
    fn regression_forgetting_a_key_does_not_read_the_others_of_its_sender() {
        let connection = database();
        let plan = |sql: &str| {
            let mut statement = connection
                .prepare(&format!("EXPLAIN QUERY PLAN {sql}"))
                .expect("a statement");
            let rows = statement
                .query_map(params![1, 1], |row| row.get::<_, String>(3))
                .expect("a plan");
            rows.collect::<Result<Vec<_>, _>>().expect("texts").join("; ")
        };
        assert!(plan(FORGET).contains("(sender=? AND key=?)"), "{}", plan(FORGET));
        let found = plan(FORGETTABLE);
        assert!(found.contains("idempotency_keys_by_time (sent_at<?)"), "{found}");
        assert!(!found.contains("TEMP B-TREE"), "{found}");
    }
}
