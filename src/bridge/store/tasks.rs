//! Tasks that were sent from here, and what became of them.

use rusqlite::{Connection, params};
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::store::StoreError;

/// The words for what became of a task.
pub(in crate::bridge) mod state {
    /// It was taken over for sending.
    pub(in crate::bridge) const SENT: &str = "sent";
    /// The other side has it.
    pub(in crate::bridge) const ACKED: &str = "acked";
    /// Its result has come.
    pub(in crate::bridge) const COMPLETED: &str = "completed";
    /// The other side will never have it.
    pub(in crate::bridge) const FAILED: &str = "failed";
}

/// A task as `/tasks` shows it and an original's file holds it.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::bridge) struct Task {
    pub(in crate::bridge) id: String,
    pub(in crate::bridge) description: Value,
    pub(in crate::bridge) state: String,
    pub(in crate::bridge) priority: Value,
    pub(in crate::bridge) sent_at: i64,
    pub(in crate::bridge) completed_at: Option<i64>,
    pub(in crate::bridge) result_id: Option<Value>,
}

impl Task {
    /// Reads a line of an original's file; none when it is not one.
    pub(in crate::bridge) fn from_json(line: &Map<String, Value>) -> Option<Self> {
        Some(Self {
            id: line.get("id")?.as_str()?.to_owned(),
            description: line.get("description").cloned().unwrap_or_default(),
            state: line.get("state")?.as_str()?.to_owned(),
            priority: line.get("priority").cloned().unwrap_or(json!(1)),
            sent_at: line.get("sentAt").and_then(Value::as_i64).unwrap_or(0),
            completed_at: line.get("completedAt").and_then(Value::as_i64),
            result_id: line.get("resultId").filter(|id| !id.is_null()).cloned(),
        })
    }
}

/// Takes note of a task; one that is sent again is followed anew.
pub(in crate::bridge) fn put(connection: &Connection, room: i64, task: &Task) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO tasks (room, id, description, state, priority, sent_ms, completed_ms, result_id) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?
        .execute(params![
            room,
            task.id,
            task.description.to_string(),
            task.state,
            task.priority.to_string(),
            task.sent_at,
            task.completed_at,
            task.result_id.as_ref().map(Value::to_string),
        ])?;
    Ok(())
}

/// Moves a task from one state to another, if it is in it.
pub(in crate::bridge) fn advance(
    connection: &Connection,
    room: i64,
    id: &str,
    from: &str,
    to: &str,
) -> Result<(), StoreError> {
    connection
        .prepare_cached("UPDATE tasks SET state = ?4 WHERE room = ?1 AND id = ?2 AND state = ?3")?
        .execute(params![room, id, from, to])?;
    Ok(())
}

/// A result of a task has come; a later one replaces it.
pub(in crate::bridge) fn complete(
    connection: &Connection,
    room: i64,
    id: &str,
    now_ms: i64,
    result_id: Option<&str>,
) -> Result<(), StoreError> {
    connection
        .prepare_cached("UPDATE tasks SET state = ?3, completed_ms = ?4, result_id = ?5 WHERE room = ?1 AND id = ?2")?
        .execute(params![room, id, state::COMPLETED, now_ms, result_id])?;
    Ok(())
}

/// The tasks of a room in the order in which they were sent, all or those in one state.
pub(in crate::bridge) fn list(
    connection: &Connection,
    room: i64,
    state: Option<&str>,
) -> Result<Vec<Task>, StoreError> {
    let mut select = connection.prepare_cached(
        "SELECT id, description, state, priority, sent_ms, completed_ms, result_id FROM tasks \
         WHERE room = ?1 AND (?2 IS NULL OR state = ?2) ORDER BY number",
    )?;
    let rows = select.query_map(params![room, state], |row| {
        let read = |text: String| serde_json::from_str(&text).unwrap_or(Value::Null);
        Ok(Task {
            id: row.get(0)?,
            description: read(row.get(1)?),
            state: row.get(2)?,
            priority: read(row.get(3)?),
            sent_at: row.get(4)?,
            completed_at: row.get(5)?,
            result_id: row.get::<_, Option<String>>(6)?.map(read),
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}
