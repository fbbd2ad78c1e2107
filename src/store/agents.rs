//! Agents and their keys.

use rusqlite::{Connection, OptionalExtension, Row, params};
use uuid::Uuid;

use super::error::StoreError;
use crate::domain::{AgentId, AgentNumber, AgentOrigin, KeyHash, Name, Role};

/// An agent as it is stored.
#[derive(Clone, Debug)]
pub struct AgentRow {
    /// Its short key.
    pub number: AgentNumber,
    /// Its public id.
    pub id: AgentId,
    /// Its registered name.
    pub name: Name,
    /// What it may do.
    pub role: Role,
    /// How it came in.
    pub origin: AgentOrigin,
    /// When it was last seen, in milliseconds since 1970.
    pub last_seen_ms: Option<i64>,
    /// Whether it is banned.
    pub banned: bool,
    /// Whether it was revoked.
    pub revoked: bool,
}

/// Every agent that ever was, in the order of registration.
pub fn all(connection: &Connection) -> Result<Vec<AgentRow>, StoreError> {
    let mut statement = connection.prepare(
        "SELECT number, id, display_name, role, origin, last_seen, banned_at, revoked_at FROM agents ORDER BY number",
    )?;
    let rows = statement.query_map([], |row| Ok(read(row)))?;
    rows.map(|row| row.map_err(StoreError::from)?).collect()
}

fn read(row: &Row<'_>) -> Result<AgentRow, StoreError> {
    let word = |column: usize| -> Result<String, StoreError> { Ok(row.get(column)?) };
    Ok(AgentRow {
        number: AgentNumber(row.get(0)?),
        id: AgentId(Uuid::from_bytes(row.get(1)?)),
        name: Name::from_stored(&word(2)?),
        role: Role::parse(&word(3)?).ok_or_else(|| StoreError::Damaged("an agent has no known role".into()))?,
        origin: AgentOrigin::parse(&word(4)?)
            .ok_or_else(|| StoreError::Damaged("an agent has no known origin".into()))?,
        last_seen_ms: row.get(5)?,
        banned: row.get::<_, Option<i64>>(6)?.is_some(),
        revoked: row.get::<_, Option<i64>>(7)?.is_some(),
    })
}

/// Registers an agent and gives back its short key.
pub fn insert(
    connection: &Connection,
    id: AgentId,
    name: &Name,
    role: Role,
    at_ms: i64,
) -> Result<AgentNumber, StoreError> {
    connection
        .prepare_cached(
            "INSERT INTO agents (id, display_name, role, origin, created_at) VALUES (?1, ?2, ?3, 'local', ?4)",
        )?
        .execute(params![id.0.as_bytes(), name.as_str(), role.as_str(), at_ms])?;
    Ok(AgentNumber(connection.last_insert_rowid()))
}

/// Adds a key of an agent.
pub fn insert_key(connection: &Connection, hash: KeyHash, agent: AgentNumber, at_ms: i64) -> Result<(), StoreError> {
    connection
        .prepare_cached("INSERT INTO api_keys (hash, agent, created_at) VALUES (?1, ?2, ?3)")?
        .execute(params![hash.0, agent.0, at_ms])?;
    Ok(())
}

/// Every key that is valid, with its agent.
pub fn all_keys(connection: &Connection) -> Result<Vec<(KeyHash, AgentNumber)>, StoreError> {
    let mut statement = connection.prepare("SELECT hash, agent FROM api_keys")?;
    let rows = statement.query_map([], |row| Ok((KeyHash(row.get(0)?), AgentNumber(row.get(1)?))))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Makes all keys of an agent void.
pub fn delete_keys(connection: &Connection, agent: AgentNumber) -> Result<(), StoreError> {
    connection
        .prepare_cached("DELETE FROM api_keys WHERE agent = ?1")?
        .execute(params![agent.0])?;
    Ok(())
}

/// Remembers that an agent was there.
pub fn set_last_seen(connection: &Connection, agent: AgentNumber, at_ms: i64) -> Result<(), StoreError> {
    connection
        .prepare_cached("UPDATE agents SET last_seen = ?2 WHERE number = ?1")?
        .execute(params![agent.0, at_ms])?;
    Ok(())
}

/// Bans an agent, or lifts its ban.
pub fn set_banned(connection: &Connection, agent: AgentNumber, at_ms: Option<i64>) -> Result<(), StoreError> {
    connection
        .prepare_cached("UPDATE agents SET banned_at = ?2 WHERE number = ?1")?
        .execute(params![agent.0, at_ms])?;
    Ok(())
}

/// Revokes an agent. Its row stays, so that its messages keep their sender.
pub fn set_revoked(connection: &Connection, agent: AgentNumber, at_ms: i64) -> Result<(), StoreError> {
    connection
        .prepare_cached("UPDATE agents SET revoked_at = ?2 WHERE number = ?1")?
        .execute(params![agent.0, at_ms])?;
    Ok(())
}

/// The controller, once there is one.
pub fn controller(connection: &Connection) -> Result<Option<AgentNumber>, StoreError> {
    let mut statement = connection.prepare("SELECT number FROM agents WHERE role = 'controller'")?;
    Ok(statement.query_row([], |row| Ok(AgentNumber(row.get(0)?))).optional()?)
}
