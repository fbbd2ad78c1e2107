//! Under which ids messages came in from peers.

use rusqlite::{Connection, OptionalExtension, params};

use super::error::StoreError;
use crate::domain::{AgentNumber, RowId, StreamNumber};

/// The id under which a message came in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Foreign {
    /// Whose peer sent it.
    pub sender: AgentNumber,
    /// The id.
    pub id: String,
}

/// The messages of a room that came in under `id`, each with whose peer sent it.
pub fn find(connection: &Connection, room: StreamNumber, id: &str) -> Result<Vec<(AgentNumber, RowId)>, StoreError> {
    let mut statement =
        connection.prepare_cached("SELECT sender, message FROM peer_messages WHERE room = ?1 AND foreign_id = ?2")?;
    let rows = statement.query_map(params![room.stored(), id], |row| {
        Ok((AgentNumber(row.get(0)?), row.get::<_, i64>(1)?))
    })?;
    rows.map(|row| {
        let (sender, message) = row?;
        let message = RowId::from_stored(message);
        Ok((
            sender,
            message.ok_or_else(|| StoreError::Damaged("a peer's message has no place".into()))?,
        ))
    })
    .collect()
}

/// The id under which a message came in, if it did.
pub fn get(connection: &Connection, message: RowId) -> Result<Option<Foreign>, StoreError> {
    let mut statement = connection.prepare_cached("SELECT sender, foreign_id FROM peer_messages WHERE message = ?1")?;
    let read = |row: &rusqlite::Row<'_>| {
        Ok(Foreign {
            sender: AgentNumber(row.get(0)?),
            id: row.get(1)?,
        })
    };
    Ok(statement.query_row([message.stored()], read).optional()?)
}

/// Remembers under which id a message came in.
pub fn insert(connection: &Connection, message: RowId, foreign: &Foreign) -> Result<(), StoreError> {
    connection
        .prepare_cached("INSERT INTO peer_messages (message, sender, room, foreign_id) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![
            message.stored(),
            foreign.sender.0,
            message.stream().stored(),
            foreign.id
        ])?;
    Ok(())
}

/// Forgets the ids of a room's messages up to position `last`.
pub fn delete_up_to(connection: &Connection, room: StreamNumber, last: u64) -> Result<(), StoreError> {
    connection
        .prepare_cached("DELETE FROM peer_messages WHERE message > ?1 AND message <= ?2")?
        .execute(params![RowId::new(room, 0).stored(), RowId::new(room, last).stored()])?;
    Ok(())
}
