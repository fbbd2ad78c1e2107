//! What was removed, and when: for those who resume from a position.

use rusqlite::{Connection, params};

use super::error::StoreError;
use crate::domain::{AgentNumber, RowId, StreamNumber};

/// Where a message was removed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RemovedFrom {
    /// In a room.
    Room(StreamNumber),
    /// In an agent's mailbox.
    Mailbox(AgentNumber),
}

impl RemovedFrom {
    fn stored(self) -> i64 {
        match self {
            Self::Room(stream) => stream.stored(),
            Self::Mailbox(agent) => -agent.0,
        }
    }
}

/// Notes that `message` was removed when the last position was `seq`.
pub fn insert(connection: &Connection, source: RemovedFrom, seq: u64, message: RowId) -> Result<(), StoreError> {
    connection
        .prepare_cached("INSERT OR IGNORE INTO removals (source, seq, message) VALUES (?1, ?2, ?3)")?
        .execute(params![source.stored(), seq.cast_signed(), message.stored()])?;
    Ok(())
}

/// Forgets the removals of messages of a stream up to position `last`.
pub fn forget(connection: &Connection, stream: StreamNumber, last: u64) -> Result<(), StoreError> {
    connection
        .prepare_cached("DELETE FROM removals WHERE message >= ?1 AND message <= ?2")?
        .execute(params![
            RowId::new(stream, 0).stored(),
            RowId::new(stream, last).stored()
        ])?;
    Ok(())
}

/// The newest `limit` removals of those from when the last position was `since` or higher, the oldest first: the messages.
pub fn since(connection: &Connection, source: RemovedFrom, since: u64, limit: usize) -> Result<Vec<RowId>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT message FROM removals WHERE source = ?1 AND seq >= ?2 ORDER BY seq DESC, message DESC LIMIT ?3",
    )?;
    let since = i64::try_from(since).unwrap_or(i64::MAX);
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let rows = statement.query_map(params![source.stored(), since, limit], |row| row.get::<_, i64>(0))?;
    let read = |id: rusqlite::Result<i64>| {
        let id = RowId::from_stored(id?);
        id.ok_or_else(|| StoreError::Damaged("an impossible message id".into()))
    };
    let mut messages: Vec<RowId> = rows.map(read).collect::<Result<_, _>>()?;
    messages.reverse();
    Ok(messages)
}
