//! Local identities.

use rusqlite::{Connection, OptionalExtension as _, params};

use crate::store::StoreError;

/// An agent of a room.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(in crate::bridge) struct Agent {
    /// Its number; never 0, which is the queue that all share.
    pub(in crate::bridge) number: i64,
    /// Its name.
    pub(in crate::bridge) name: String,
}

/// Gives an agent its queue; one that has it keeps it.
pub(in crate::bridge) fn register(connection: &Connection, room: i64, name: &str) -> Result<i64, StoreError> {
    let mut select = connection.prepare_cached("SELECT number FROM agents WHERE room = ?1 AND name = ?2")?;
    if let Some(number) = select.query_row(params![room, name], |row| row.get(0)).optional()? {
        return Ok(number);
    }
    connection
        .prepare_cached("INSERT INTO agents (room, name) VALUES (?1, ?2)")?
        .execute(params![room, name])?;
    Ok(connection.last_insert_rowid())
}

/// All agents of a room, in the order in which they were named first.
pub(in crate::bridge) fn list(connection: &Connection, room: i64) -> Result<Vec<Agent>, StoreError> {
    let mut select = connection.prepare_cached("SELECT number, name FROM agents WHERE room = ?1 ORDER BY number")?;
    let rows = select.query_map([room], |row| {
        Ok(Agent {
            number: row.get(0)?,
            name: row.get(1)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// How many agents a room has.
pub(in crate::bridge) fn count(connection: &Connection, room: i64) -> Result<i64, StoreError> {
    Ok(connection
        .prepare_cached("SELECT count(*) FROM agents WHERE room = ?1")?
        .query_row([room], |row| row.get(0))?)
}
