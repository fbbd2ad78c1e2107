//! Tasks: what is to be done in a room, by whom, and what came of it.

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::error::StoreError;
use crate::domain::{AgentNumber, JsonText, MessageId, Name, REMOVED_CONTENT, RowId, StreamNumber, TaskState};

/// A task as it is stored.
#[derive(Clone, Debug)]
pub struct TaskRow {
    /// The place of the message that opened it.
    pub id: RowId,
    /// When it was offered, in milliseconds since 1970: the time of that message.
    pub created_at_ms: i64,
    /// Who offered it.
    pub creator: AgentNumber,
    /// What is to be done, in one line.
    pub title: Name,
    /// What is to be done, at length.
    pub description: Option<String>,
    /// JSON that goes with it.
    pub data: Option<JsonText>,
    /// Who alone may claim it.
    pub assignee: Option<AgentNumber>,
    /// Where it stands.
    pub state: TaskState,
    /// How often it was claimed.
    pub generation: u64,
    /// Counts its changes from 1.
    pub revision: u64,
    /// Who holds it; present exactly while the state is a held one.
    pub lease: Option<LeaseRow>,
    /// What the holder last said of its work.
    pub note: Option<String>,
    /// The message that holds its result.
    pub result: Option<MessageId>,
    /// When it last changed, in milliseconds since 1970.
    pub updated_at_ms: i64,
}

/// A lease as it is stored.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LeaseRow {
    /// The agent.
    pub holder: AgentNumber,
    /// How long it holds when it is renewed without saying otherwise, in milliseconds.
    pub term_ms: u64,
    /// When it ends by the clock of the day, in milliseconds since 1970.
    pub expires_at_ms: i64,
}

const COLUMNS: &str = "id, created_at, creator, title, description, data, assignee, state, generation, revision, holder, \
                       lease_ms, lease_expires_at, note, result, result_sent_at, updated_at";

/// The states in which something can still happen to a task.
const OPEN: &str = "('submitted', 'accepted', 'working')";

impl TaskRow {
    /// The id of the message that opened it, and so its own.
    pub fn message(&self) -> MessageId {
        MessageId {
            at_ms: self.created_at_ms,
            row: self.id,
        }
    }

    fn read(row: &Row<'_>) -> Result<Self, StoreError> {
        let place = |stored: i64| RowId::from_stored(stored).ok_or_else(|| damaged("an impossible message id"));
        let count = |column: usize| -> Result<u64, StoreError> {
            let stored: i64 = row.get(column)?;
            u64::try_from(stored).map_err(|_| damaged("a negative count"))
        };
        let lease = match row.get::<_, Option<i64>>(10)? {
            None => None,
            Some(holder) => Some(LeaseRow {
                holder: AgentNumber(holder),
                term_ms: count(11)?,
                expires_at_ms: row.get(12)?,
            }),
        };
        let result = match row.get::<_, Option<i64>>(14)? {
            None => None,
            Some(stored) => Some(MessageId {
                at_ms: row.get(15)?,
                row: place(stored)?,
            }),
        };
        let data: Option<String> = row.get(5)?;
        Ok(Self {
            id: place(row.get(0)?)?,
            created_at_ms: row.get(1)?,
            creator: AgentNumber(row.get(2)?),
            title: Name::from_stored(&row.get::<_, String>(3)?),
            description: row.get(4)?,
            data: data.as_deref().map(JsonText::from_stored),
            assignee: row.get::<_, Option<i64>>(6)?.map(AgentNumber),
            state: TaskState::parse(&row.get::<_, String>(7)?).ok_or_else(|| damaged("an unknown state"))?,
            generation: count(8)?,
            revision: count(9)?,
            lease,
            note: row.get(13)?,
            result,
            updated_at_ms: row.get(16)?,
        })
    }
}

fn damaged(what: &str) -> StoreError {
    StoreError::Damaged(format!("a task has {what}"))
}

/// Stores a new task.
pub fn insert(connection: &Connection, task: &TaskRow) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "INSERT INTO tasks (id, created_at, creator, title, description, data, assignee, state, generation, revision, \
             updated_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
        )?
        .execute(params![
            task.id.stored(),
            task.created_at_ms,
            task.creator.0,
            task.title.as_str(),
            task.description,
            task.data.as_ref().map(JsonText::as_str),
            task.assignee.map(|assignee| assignee.0),
            task.state.as_str(),
            task.generation.cast_signed(),
            task.revision.cast_signed(),
            task.updated_at_ms,
        ])?;
    Ok(())
}

/// Stores what can change of a task.
pub fn update(connection: &Connection, task: &TaskRow) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "UPDATE tasks SET state = ?2, generation = ?3, revision = ?4, holder = ?5, lease_ms = ?6, \
             lease_expires_at = ?7, note = ?8, result = ?9, result_sent_at = ?10, updated_at = ?11 WHERE id = ?1",
        )?
        .execute(params![
            task.id.stored(),
            task.state.as_str(),
            task.generation.cast_signed(),
            task.revision.cast_signed(),
            task.lease.map(|lease| lease.holder.0),
            task.lease.map(|lease| lease.term_ms.cast_signed()),
            task.lease.map(|lease| lease.expires_at_ms),
            task.note,
            task.result.map(|result| result.row.stored()),
            task.result.map(|result| result.at_ms),
            task.updated_at_ms,
        ])?;
    Ok(())
}

/// The task that the message at `id` opened, if it opened one.
pub fn get(connection: &Connection, id: RowId) -> Result<Option<TaskRow>, StoreError> {
    let mut statement = connection.prepare_cached(&format!("SELECT {COLUMNS} FROM tasks WHERE id = ?1"))?;
    statement
        .query_row(params![id.stored()], |row| Ok(TaskRow::read(row)))
        .optional()?
        .transpose()
}

/// Which tasks of a room.
#[derive(Clone, Copy, Debug)]
pub struct Filter {
    /// In this state.
    pub state: Option<TaskState>,
    /// Meant for this agent.
    pub assignee: Option<AgentNumber>,
}

/// Up to `limit` tasks of a room that lie after `after`, the oldest first.
pub fn page(
    connection: &Connection,
    room: StreamNumber,
    after: RowId,
    filter: Filter,
    limit: usize,
) -> Result<Vec<TaskRow>, StoreError> {
    let mut sql = format!("SELECT {COLUMNS} FROM tasks WHERE id > ?1 AND id <= ?2");
    // A condition that is always there would keep SQLite from the index for it.
    sql.push_str(if filter.state.is_some() {
        " AND state = ?3"
    } else {
        " AND ?3 IS NULL"
    });
    sql.push_str(if filter.assignee.is_some() {
        " AND assignee = ?4"
    } else {
        " AND ?4 IS NULL"
    });
    sql.push_str(" ORDER BY id LIMIT ?5");
    let mut statement = connection.prepare_cached(&sql)?;
    let first = RowId::new(room, 0).max(after);
    let rows = statement.query_map(
        params![
            first.stored(),
            RowId::last_of(room).stored(),
            filter.state.map(TaskState::as_str),
            filter.assignee.map(|assignee| assignee.0),
            i64::try_from(limit).unwrap_or(i64::MAX)
        ],
        |row| Ok(TaskRow::read(row)),
    )?;
    rows.map(|row| row?).collect()
}

/// How many open tasks each room has; rooms without one are left out.
pub fn open_counts(connection: &Connection) -> Result<Vec<(StreamNumber, u32)>, StoreError> {
    let mut statement = connection.prepare(&format!("SELECT id FROM tasks WHERE state IN {OPEN} ORDER BY id"))?;
    let mut rows = statement.query([])?;
    let mut counts: Vec<(StreamNumber, u32)> = Vec::new();
    while let Some(row) = rows.next()? {
        let id = RowId::from_stored(row.get(0)?).ok_or_else(|| damaged("an impossible message id"))?;
        match counts.last_mut() {
            Some((room, count)) if *room == id.stream() => *count += 1,
            _ => counts.push((id.stream(), 1)),
        }
    }
    Ok(counts)
}

/// Lets every lease end a whole term from `now_ms` on, and gives them with the generations of their claims.
pub fn restart_leases(connection: &Connection, now_ms: i64) -> Result<Vec<(RowId, LeaseRow, u64)>, StoreError> {
    let written = connection.execute(
        "UPDATE tasks SET lease_expires_at = ?1 + lease_ms WHERE state IN ('accepted', 'working')",
        params![now_ms],
    );
    if let Err(error) = written {
        // The server starts on a full disk too. What is stored is only what others are told.
        tracing::warn!(error = %StoreError::from(error), "the ends of leases could not be stored anew");
    }
    let mut statement = connection.prepare(&format!(
        "SELECT {COLUMNS} FROM tasks WHERE state IN ('accepted', 'working')"
    ))?;
    let rows = statement.query_map([], |row| Ok(TaskRow::read(row)))?;
    let mut leases = Vec::new();
    for row in rows {
        let task = row??;
        leases.extend(task.lease.map(|lease| (task.id, lease, task.generation)));
    }
    Ok(leases)
}

/// Calls off every open task of a room. Returns how many.
pub fn cancel_room(connection: &Connection, room: StreamNumber, at_ms: i64) -> Result<usize, StoreError> {
    let mut statement = connection.prepare_cached(&format!(
        "UPDATE tasks SET state = 'canceled', revision = revision + 1, updated_at = ?3, holder = NULL, lease_ms = NULL, \
         lease_expires_at = NULL WHERE id > ?1 AND id <= ?2 AND state IN {OPEN}"
    ))?;
    Ok(statement.execute(params![
        RowId::new(room, 0).stored(),
        RowId::last_of(room).stored(),
        at_ms
    ])?)
}

/// Takes the words of a task away, because the message that holds them was removed.
pub fn redact(connection: &Connection, id: RowId) -> Result<(), StoreError> {
    connection
        .prepare_cached("UPDATE tasks SET title = ?2, description = NULL, data = NULL WHERE id = ?1")?
        .execute(params![id.stored(), REMOVED_CONTENT])?;
    Ok(())
}

/// Tasks that one act forgets at the most.
const FORGOTTEN_AT_ONCE: i64 = 100;

/// Forgets finished tasks of a room whose message, at position `last` or before, is no longer kept.
pub fn forget_finished(connection: &Connection, room: StreamNumber, last: u64) -> Result<usize, StoreError> {
    let mut statement = connection.prepare_cached(&format!(
        "DELETE FROM tasks WHERE id IN (SELECT id FROM tasks WHERE id > ?1 AND id <= ?2 AND state NOT IN {OPEN} \
         ORDER BY id LIMIT ?3)"
    ))?;
    Ok(statement.execute(params![
        RowId::new(room, 0).stored(),
        RowId::new(room, last).stored(),
        FORGOTTEN_AT_ONCE
    ])?)
}
