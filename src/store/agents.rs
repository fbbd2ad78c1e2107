//! Agents and their keys.

use rusqlite::{Connection, OptionalExtension, Row, params};
use uuid::Uuid;

use super::error::StoreError;
use crate::domain::{AgentId, AgentNumber, AgentOrigin, Name, Role};

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
    (role, origin): (Role, AgentOrigin),
    at_ms: i64,
) -> Result<AgentNumber, StoreError> {
    connection
        .prepare_cached("INSERT INTO agents (id, display_name, role, origin, created_at) VALUES (?1, ?2, ?3, ?4, ?5)")?
        .execute(params![
            id.0.as_bytes(),
            name.as_str(),
            role.as_str(),
            origin.as_str(),
            at_ms
        ])?;
    Ok(AgentNumber(connection.last_insert_rowid()))
}

/// Remembers that an agent was there.
pub fn set_last_seen(connection: &Connection, agent: AgentNumber, at_ms: i64) -> Result<(), StoreError> {
    connection
        .prepare_cached("UPDATE agents SET last_seen = ?2 WHERE number = ?1")?
        .execute(params![agent.0, at_ms])?;
    Ok(())
}

/// Gives an agent another registered name.
pub fn set_name(connection: &Connection, agent: AgentNumber, name: &Name) -> Result<(), StoreError> {
    connection
        .prepare_cached("UPDATE agents SET display_name = ?2 WHERE number = ?1")?
        .execute(params![agent.0, name.as_str()])?;
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
