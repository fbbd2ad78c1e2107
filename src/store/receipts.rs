//! How far each agent has got: what was delivered to it, what it has read, and who wants to know.

use rusqlite::{Connection, params};

use super::error::StoreError;
use super::rooms::stream as read_stream;
use crate::domain::{AgentNumber, RowId, Spans, StreamNumber};

/// Where positions lie one after the other.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Track {
    /// The messages of a room.
    Room(StreamNumber),
    /// The direct messages of the agent itself.
    Mailbox,
}

impl Track {
    /// No stream has number 0.
    fn stored(self) -> i64 {
        match self {
            Self::Room(stream) => stream.stored(),
            Self::Mailbox => 0,
        }
    }

    fn read(number: i64) -> Result<Self, StoreError> {
        if number == 0 {
            return Ok(Self::Mailbox);
        }
        Ok(Self::Room(read_stream(number)?))
    }
}

/// One agent's part of a track.
pub type Share = (Track, AgentNumber);

/// Up to where an agent has read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ReadMark {
    /// The last position.
    pub seq: u64,
    /// When it said so, in milliseconds since 1970.
    pub at_ms: i64,
}

/// Every read mark.
pub fn all_read_marks(connection: &Connection) -> Result<Vec<(Share, ReadMark)>, StoreError> {
    let mut statement = connection.prepare("SELECT track, agent, seq, at FROM read_marks")?;
    let mut rows = statement.query([])?;
    let mut marks = Vec::new();
    while let Some(row) = rows.next()? {
        let mark = ReadMark {
            seq: row.get::<_, i64>(2)?.unsigned_abs(),
            at_ms: row.get(3)?,
        };
        marks.push(((Track::read(row.get(0)?)?, AgentNumber(row.get(1)?)), mark));
    }
    Ok(marks)
}

/// Sets a read mark.
pub fn set_read_mark(
    connection: &Connection,
    track: Track,
    agent: AgentNumber,
    mark: ReadMark,
) -> Result<(), StoreError> {
    connection
        .prepare_cached("INSERT OR REPLACE INTO read_marks (track, agent, seq, at) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![track.stored(), agent.0, mark.seq.cast_signed(), mark.at_ms])?;
    Ok(())
}

/// Everything that is known to be delivered.
pub fn all_delivered(connection: &Connection) -> Result<Vec<(Share, Spans)>, StoreError> {
    let mut statement = connection.prepare("SELECT track, agent, spans FROM delivered")?;
    let mut rows = statement.query([])?;
    let mut delivered = Vec::new();
    while let Some(row) = rows.next()? {
        let spans = Spans::parse(&row.get::<_, String>(2)?);
        let spans = spans.ok_or_else(|| StoreError::Damaged("impossible positions of what was delivered".into()))?;
        delivered.push(((Track::read(row.get(0)?)?, AgentNumber(row.get(1)?)), spans));
    }
    Ok(delivered)
}

/// Stores what was delivered to an agent.
pub fn set_delivered(
    connection: &Connection,
    track: Track,
    agent: AgentNumber,
    spans: &Spans,
) -> Result<(), StoreError> {
    connection
        .prepare_cached("INSERT OR REPLACE INTO delivered (track, agent, spans) VALUES (?1, ?2, ?3)")?
        .execute(params![track.stored(), agent.0, spans.to_string()])?;
    Ok(())
}

/// Notes that the sender of a message wants to know who reads it.
pub fn want_read(connection: &Connection, message: RowId) -> Result<(), StoreError> {
    connection
        .prepare_cached("INSERT OR IGNORE INTO read_requests (message) VALUES (?1)")?
        .execute(params![message.stored()])?;
    Ok(())
}

/// Forgets who wants to know of the messages of a stream up to position `last`.
pub fn forget_requests(connection: &Connection, stream: StreamNumber, last: u64) -> Result<(), StoreError> {
    connection
        .prepare_cached("DELETE FROM read_requests WHERE message >= ?1 AND message <= ?2")?
        .execute(params![
            RowId::new(stream, 0).stored(),
            RowId::new(stream, last).stored()
        ])?;
    Ok(())
}

/// The newest `limit` messages above position `after` and up to `last` whose senders want to know, in their order.
pub fn requests(
    connection: &Connection,
    (track, agent): Share,
    (after, last): (u64, u64),
    limit: usize,
) -> Result<Vec<RowId>, StoreError> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let read = |id: rusqlite::Result<i64>| {
        let id = RowId::from_stored(id?);
        id.ok_or_else(|| StoreError::Damaged("an impossible message id".into()))
    };
    let mut ids: Vec<RowId> = match track {
        Track::Room(stream) => connection
            .prepare_cached(
                "SELECT message FROM read_requests WHERE message > ?1 AND message <= ?2 ORDER BY message DESC LIMIT ?3",
            )?
            .query_map(
                params![
                    RowId::new(stream, after).stored(),
                    RowId::new(stream, last).stored(),
                    limit
                ],
                |row| row.get(0),
            )?
            .map(read)
            .collect::<Result<_, _>>()?,
        Track::Mailbox => connection
            .prepare_cached(
                "SELECT message FROM mailboxes CROSS JOIN read_requests USING (message) \
                 WHERE agent = ?1 AND seq > ?2 AND seq <= ?3 ORDER BY seq DESC LIMIT ?4",
            )?
            .query_map(
                params![agent.0, after.cast_signed(), last.cast_signed(), limit],
                |row| row.get(0),
            )?
            .map(read)
            .collect::<Result<_, _>>()?,
    };
    ids.reverse();
    Ok(ids)
}
