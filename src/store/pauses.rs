//! Rooms that are paused.

use rusqlite::{Connection, params};

use super::error::StoreError;
use super::rooms::stream;
use crate::domain::{AgentNumber, StreamNumber};

/// A pause as it is stored.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PauseRow {
    /// Since when, in milliseconds since 1970.
    pub at_ms: i64,
    /// Who did it; `None` when the server did.
    pub by: Option<AgentNumber>,
    /// Why, if that was said.
    pub reason: Option<String>,
}

/// Every room that is paused.
pub fn all(connection: &Connection) -> Result<Vec<(StreamNumber, PauseRow)>, StoreError> {
    let mut statement = connection.prepare("SELECT room, paused_at, paused_by, reason FROM pauses")?;
    let rows = statement.query_map([], |row| {
        let pause = PauseRow {
            at_ms: row.get(1)?,
            by: row.get::<_, Option<i64>>(2)?.map(AgentNumber),
            reason: row.get(3)?,
        };
        Ok((row.get::<_, i64>(0)?, pause))
    })?;
    rows.map(|row| {
        row.map_err(StoreError::from)
            .and_then(|(room, pause)| Ok((stream(room)?, pause)))
    })
    .collect()
}

/// Pauses a room that is not paused.
pub fn insert(connection: &Connection, room: StreamNumber, pause: &PauseRow) -> Result<(), StoreError> {
    connection
        .prepare_cached("INSERT INTO pauses (room, paused_at, paused_by, reason) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![
            room.stored(),
            pause.at_ms,
            pause.by.map(|agent| agent.0),
            pause.reason
        ])?;
    Ok(())
}

/// Ends the pause of a room.
pub fn delete(connection: &Connection, room: StreamNumber) -> Result<(), StoreError> {
    connection
        .prepare_cached("DELETE FROM pauses WHERE room = ?1")?
        .execute(params![room.stored()])?;
    Ok(())
}
