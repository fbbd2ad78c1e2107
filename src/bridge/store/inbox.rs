//! Everything that was received.

use rusqlite::{Connection, OptionalExtension as _, params};

use super::{agents, digest, outbox, queues};
use crate::bridge::mailboxes::{Place, QueueKey};
use crate::store::StoreError;

/// What routing has to know of a message.
#[derive(Clone, Debug)]
pub(in crate::bridge) struct Arrival {
    /// The message on one line.
    pub(in crate::bridge) text: String,
    /// Whether it has an id, so that the same text can only be a repeat.
    pub(in crate::bridge) has_id: bool,
    /// The message that it answers.
    pub(in crate::bridge) reply_to: Option<String>,
    /// Those with more are taken first.
    pub(in crate::bridge) rank: f64,
}

/// Where a message went.
#[derive(Clone, Debug)]
pub(in crate::bridge) struct Routed {
    /// Its number.
    pub(in crate::bridge) place: Place,
    /// The agents that it is for; none: the queue that all share.
    pub(in crate::bridge) agents: Vec<agents::Agent>,
}

/// Whether the same message came before. The same id with another text is another message: ids of 32 bits repeat.
pub(in crate::bridge) fn is_known(connection: &Connection, room: i64, text: &str) -> Result<bool, StoreError> {
    Ok(connection
        .prepare_cached("SELECT 1 FROM inbox WHERE room = ?1 AND digest = ?2")?
        .query_row(params![room, digest(text)], |_| Ok(()))
        .optional()?
        .is_some())
}

/// Stores a message and puts it into its queues. None when it came before.
pub(in crate::bridge) fn receive(
    connection: &Connection,
    room: i64,
    arrival: &Arrival,
) -> Result<Option<Routed>, StoreError> {
    if arrival.has_id && is_known(connection, room, &arrival.text)? {
        return Ok(None);
    }
    let message = add(connection, room, &arrival.text)?;
    let place = Place {
        weight: -arrival.rank,
        message,
    };
    let mut agents = agents::list(connection, room)?;
    if let Some(asked) = &arrival.reply_to
        && let Some(sender) = outbox::sender(connection, room, asked)?
    {
        agents.retain(|agent| agent.number == sender);
    }
    if agents.is_empty() {
        queues::put(connection, QueueKey { room, agent: 0 }, place)?;
    }
    for agent in &agents {
        let key = QueueKey {
            room,
            agent: agent.number,
        };
        queues::put(connection, key, place)?;
    }
    Ok(Some(Routed { place, agents }))
}

/// Stores a message for the record only.
pub(in crate::bridge) fn add(connection: &Connection, room: i64, text: &str) -> Result<i64, StoreError> {
    connection
        .prepare_cached("INSERT INTO inbox (room, digest, text) VALUES (?1, ?2, ?3)")?
        .execute(params![room, digest(text), text])?;
    Ok(connection.last_insert_rowid())
}

/// Messages behind a number, in order, at most `most`.
pub(in crate::bridge) fn after(
    connection: &Connection,
    room: i64,
    number: i64,
    most: usize,
) -> Result<Vec<(i64, String)>, StoreError> {
    let mut select = connection
        .prepare_cached("SELECT number, text FROM inbox WHERE room = ?1 AND number > ?2 ORDER BY number LIMIT ?3")?;
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    let rows = select.query_map(params![room, number, most], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}
