//! What was sent and is not acknowledged, and who sent what.

use rusqlite::{Connection, OptionalExtension as _, params};

use crate::store::StoreError;

/// Messages of a room whose senders are remembered. The answer to an older one goes to all agents.
const REMEMBERED: i64 = 100_000;

/// How many messages are remembered before the oldest are forgotten.
const FORGET_EVERY: i64 = 1024;

/// A message that is to be sent.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(in crate::bridge) struct Outgoing {
    pub(in crate::bridge) number: i64,
    pub(in crate::bridge) id: String,
    pub(in crate::bridge) text: String,
}

/// Keeps a message until it is acknowledged.
pub(in crate::bridge) fn add(connection: &Connection, room: i64, id: &str, text: &str) -> Result<i64, StoreError> {
    connection
        .prepare_cached("INSERT INTO outbox (room, id, text) VALUES (?1, ?2, ?3)")?
        .execute(params![room, id, text])?;
    Ok(connection.last_insert_rowid())
}

/// What waits behind a number, in order, at most `most`.
pub(in crate::bridge) fn after(
    connection: &Connection,
    room: i64,
    number: i64,
    most: usize,
) -> Result<Vec<Outgoing>, StoreError> {
    let mut select = connection.prepare_cached(
        "SELECT number, id, text FROM outbox WHERE room = ?1 AND number > ?2 ORDER BY number LIMIT ?3",
    )?;
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    let rows = select.query_map(params![room, number, most], |row| {
        Ok(Outgoing {
            number: row.get(0)?,
            id: row.get(1)?,
            text: row.get(2)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Forgets the oldest message with an id, which is acknowledged, among those that were sent: up to the number `sent`. Another
/// one may have the same id, if its sender chose it.
pub(in crate::bridge) fn acknowledge(
    connection: &Connection,
    room: i64,
    id: &str,
    sent: i64,
) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "DELETE FROM outbox WHERE number = \
             (SELECT min(number) FROM outbox WHERE room = ?1 AND id = ?2 AND number <= ?3)",
        )?
        .execute(params![room, id, sent])?;
    Ok(())
}

/// Forgets one message.
pub(in crate::bridge) fn remove(connection: &Connection, number: i64) -> Result<(), StoreError> {
    connection
        .prepare_cached("DELETE FROM outbox WHERE number = ?1")?
        .execute([number])?;
    Ok(())
}

/// How many messages wait.
pub(in crate::bridge) fn count(connection: &Connection, room: i64) -> Result<usize, StoreError> {
    let count: i64 = connection
        .prepare_cached("SELECT count(*) FROM outbox WHERE room = ?1")?
        .query_row([room], |row| row.get(0))?;
    Ok(usize::try_from(count).unwrap_or(0))
}

/// Remembers who sent a message.
pub(in crate::bridge) fn remember(
    connection: &Connection,
    room: i64,
    id: &str,
    agent: Option<&str>,
) -> Result<(), StoreError> {
    connection
        .prepare_cached("INSERT OR REPLACE INTO sent (room, id, agent) VALUES (?1, ?2, ?3)")?
        .execute(params![room, id, agent])?;
    let number = connection.last_insert_rowid();
    if number % FORGET_EVERY == 0 {
        connection
            .prepare_cached("DELETE FROM sent WHERE room = ?1 AND number <= ?2")?
            .execute(params![room, number - REMEMBERED])?;
    }
    Ok(())
}

/// The agent that sent a message, if one did and it has a queue.
pub(in crate::bridge) fn sender(connection: &Connection, room: i64, id: &str) -> Result<Option<i64>, StoreError> {
    Ok(connection
        .prepare_cached(
            "SELECT agents.number FROM sent JOIN agents ON agents.room = sent.room AND agents.name = sent.agent \
             WHERE sent.room = ?1 AND sent.id = ?2",
        )?
        .query_row(params![room, id], |row| row.get(0))
        .optional()?)
}

/// Takes note of what a hub calls a message.
pub(in crate::bridge) fn set_hub_id(
    connection: &Connection,
    room: i64,
    id: &str,
    hub_id: &str,
) -> Result<(), StoreError> {
    connection
        .prepare_cached("UPDATE sent SET hub_id = ?3 WHERE room = ?1 AND id = ?2")?
        .execute(params![room, id, hub_id])?;
    Ok(())
}

/// What a hub calls a message that was sent from here.
pub(in crate::bridge) fn hub_id(connection: &Connection, room: i64, id: &str) -> Result<Option<String>, StoreError> {
    Ok(connection
        .prepare_cached("SELECT hub_id FROM sent WHERE room = ?1 AND id = ?2")?
        .query_row(params![room, id], |row| row.get(0))
        .optional()?
        .flatten())
}

/// What a message of a hub is called here, if it was sent from here.
pub(in crate::bridge) fn own_id(
    connection: &Connection,
    room: i64,
    hub_id: &str,
) -> Result<Option<String>, StoreError> {
    Ok(connection
        .prepare_cached("SELECT id FROM sent WHERE room = ?1 AND hub_id = ?2")?
        .query_row(params![room, hub_id], |row| row.get(0))
        .optional()?)
}
