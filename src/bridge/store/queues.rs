//! What agents have not taken yet.

use rusqlite::{Connection, params};

use crate::bridge::mailboxes::{Lease, Mailboxes, Place, QueueKey};
use crate::store::StoreError;

/// Most messages of one answer; whoever wants the rest asks again.
const MOST_MESSAGES: usize = 10_000;

/// Bytes after which an answer takes no further message.
const MOST_BYTES: usize = 16 * 1024 * 1024;

/// Messages of a queue that nobody else reads, in their order, at most `limit` unless that is 0; and the lease on them.
pub(in crate::bridge) fn take(
    connection: &Connection,
    mailboxes: &Mailboxes,
    key: QueueKey,
    limit: usize,
) -> Result<(Vec<String>, Lease), StoreError> {
    let most = if limit == 0 {
        MOST_MESSAGES
    } else {
        limit.min(MOST_MESSAGES)
    };
    let mut select = connection.prepare_cached(
        "SELECT queues.weight, queues.message, inbox.text FROM queues JOIN inbox ON inbox.number = queues.message \
         WHERE queues.room = ?1 AND queues.agent = ?2 ORDER BY queues.weight, queues.message",
    )?;
    let mut rows = select.query(params![key.room, key.agent])?;
    let (mut texts, mut places, mut bytes) = (Vec::new(), Vec::new(), 0);
    while texts.len() < most
        && bytes < MOST_BYTES
        && let Some(row) = rows.next()?
    {
        let place = Place {
            weight: row.get(0)?,
            message: row.get(1)?,
        };
        if !mailboxes.is_leased(key, place.message) {
            let text: String = row.get(2)?;
            bytes += text.len();
            texts.push(text);
            places.push(place);
        }
    }
    Ok((texts, mailboxes.lease(key, places)))
}

/// Puts a message into a queue; one that is there stays where it is.
pub(in crate::bridge) fn put(connection: &Connection, key: QueueKey, place: Place) -> Result<(), StoreError> {
    connection
        .prepare_cached("INSERT OR IGNORE INTO queues (room, agent, weight, message) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![key.room, key.agent, place.weight, place.message])?;
    Ok(())
}

/// Takes messages out of a queue.
pub(in crate::bridge) fn remove(connection: &Connection, key: QueueKey, places: &[Place]) -> Result<(), StoreError> {
    let mut delete = connection
        .prepare_cached("DELETE FROM queues WHERE room = ?1 AND agent = ?2 AND weight = ?3 AND message = ?4")?;
    for place in places {
        delete.execute(params![key.room, key.agent, place.weight, place.message])?;
    }
    Ok(())
}

/// How many messages wait in a queue, those on their way to a reader among them.
pub(in crate::bridge) fn count(connection: &Connection, key: QueueKey) -> Result<usize, StoreError> {
    let count: i64 = connection
        .prepare_cached("SELECT count(*) FROM queues WHERE room = ?1 AND agent = ?2")?
        .query_row(params![key.room, key.agent], |row| row.get(0))?;
    Ok(usize::try_from(count).unwrap_or(0))
}
