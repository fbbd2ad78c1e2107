//! Rooms, their members and their invitations.

use rusqlite::{Connection, Row, params};
use uuid::Uuid;

use super::error::StoreError;
use super::{pauses, peer_messages, receipts};
use crate::domain::{AgentNumber, Name, RoomId, RowId, StreamNumber, Visibility};

/// A room as it is stored.
#[derive(Clone, Debug)]
pub struct RoomRow {
    /// Its short key, which is also the number of its stream of messages.
    pub number: StreamNumber,
    /// Its public id.
    pub id: RoomId,
    /// Its name.
    pub name: Name,
    /// Its description.
    pub description: Option<String>,
    /// Its owner.
    pub owner: AgentNumber,
    /// Who may see it.
    pub visibility: Visibility,
    /// Whether it is the lobby.
    pub is_lobby: bool,
    /// When it was made, in milliseconds since 1970.
    pub created_at_ms: i64,
    /// Whether it was deleted.
    pub deleted: bool,
}

/// Every room that ever was.
pub fn all(connection: &Connection) -> Result<Vec<RoomRow>, StoreError> {
    let mut statement = connection.prepare(
        "SELECT number, id, name, description, owner, visibility, is_lobby, created_at, deleted_at FROM rooms",
    )?;
    let rows = statement.query_map([], |row| Ok(read(row)))?;
    rows.map(|row| row.map_err(StoreError::from)?).collect()
}

fn read(row: &Row<'_>) -> Result<RoomRow, StoreError> {
    let visibility: String = row.get(5)?;
    Ok(RoomRow {
        number: stream(row.get(0)?)?,
        id: RoomId(Uuid::from_bytes(row.get(1)?)),
        name: Name::from_stored(&row.get::<_, String>(2)?),
        description: row.get(3)?,
        owner: AgentNumber(row.get(4)?),
        visibility: Visibility::parse(&visibility)
            .ok_or_else(|| StoreError::Damaged("a room has no known visibility".into()))?,
        is_lobby: row.get(6)?,
        created_at_ms: row.get(7)?,
        deleted: row.get::<_, Option<i64>>(8)?.is_some(),
    })
}

pub(super) fn stream(number: i64) -> Result<StreamNumber, StoreError> {
    StreamNumber::from_stored(number).ok_or_else(|| StoreError::Damaged(format!("stream number {number}")))
}

/// Stores a new room.
pub fn insert(connection: &Connection, room: &RoomRow) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "INSERT INTO rooms (number, id, name, description, owner, visibility, is_lobby, created_at) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?
        .execute(params![
            room.number.stored(),
            room.id.0.as_bytes(),
            room.name.as_str(),
            room.description,
            room.owner.0,
            room.visibility.as_str(),
            room.is_lobby,
            room.created_at_ms,
        ])?;
    Ok(())
}

/// Stores name, description, owner and visibility anew.
pub fn update(
    connection: &Connection,
    room: StreamNumber,
    name: &Name,
    description: Option<&str>,
    owner: AgentNumber,
    visibility: Visibility,
) -> Result<(), StoreError> {
    connection
        .prepare_cached("UPDATE rooms SET name = ?2, description = ?3, owner = ?4, visibility = ?5 WHERE number = ?1")?
        .execute(params![
            room.stored(),
            name.as_str(),
            description,
            owner.0,
            visibility.as_str()
        ])?;
    Ok(())
}

/// Hides a room for good: no members, no invitations, owned by `controller`. Its messages stay, and how far they are in the
/// search index; not how far they got with whom, nor who resumes: nobody is there any more.
pub fn delete(
    connection: &Connection,
    room: StreamNumber,
    controller: AgentNumber,
    at_ms: i64,
) -> Result<(), StoreError> {
    connection
        .prepare_cached("UPDATE rooms SET deleted_at = ?2, owner = ?3 WHERE number = ?1")?
        .execute(params![room.stored(), at_ms, controller.0])?;
    for table in [
        "DELETE FROM members WHERE room = ?1",
        "DELETE FROM invitations WHERE room = ?1",
        "DELETE FROM removals WHERE source = ?1",
        "DELETE FROM read_marks WHERE track = ?1",
        "DELETE FROM delivered WHERE track = ?1",
    ] {
        connection.prepare_cached(table)?.execute(params![room.stored()])?;
    }
    receipts::forget_requests(connection, room, RowId::last_of(room).seq())?;
    peer_messages::delete_up_to(connection, room, RowId::last_of(room).seq())?;
    pauses::delete(connection, room)
}

/// Forgets a room that was deleted and never had a message.
pub fn purge(connection: &Connection, room: StreamNumber) -> Result<(), StoreError> {
    connection
        .prepare_cached("DELETE FROM rooms WHERE number = ?1")?
        .execute(params![room.stored()])?;
    Ok(())
}

/// Every membership: room, agent, when it joined.
pub fn all_members(connection: &Connection) -> Result<Vec<(StreamNumber, AgentNumber, i64)>, StoreError> {
    let mut statement = connection.prepare("SELECT room, agent, joined_at FROM members")?;
    let rows = statement.query_map([], |row| {
        Ok((row.get::<_, i64>(0)?, AgentNumber(row.get(1)?), row.get(2)?))
    })?;
    rows.map(|row| {
        row.map_err(StoreError::from)
            .and_then(|(room, agent, at)| Ok((stream(room)?, agent, at)))
    })
    .collect()
}

/// Every invitation: room, agent.
pub fn all_invitations(connection: &Connection) -> Result<Vec<(StreamNumber, AgentNumber)>, StoreError> {
    let mut statement = connection.prepare("SELECT room, agent FROM invitations")?;
    let rows = statement.query_map([], |row| Ok((row.get::<_, i64>(0)?, AgentNumber(row.get(1)?))))?;
    rows.map(|row| {
        row.map_err(StoreError::from)
            .and_then(|(room, agent)| Ok((stream(room)?, agent)))
    })
    .collect()
}

/// Makes an agent a member; one that is a member already keeps the time it joined.
pub fn add_member(
    connection: &Connection,
    room: StreamNumber,
    agent: AgentNumber,
    at_ms: i64,
) -> Result<(), StoreError> {
    connection
        .prepare_cached("INSERT OR IGNORE INTO members (room, agent, joined_at) VALUES (?1, ?2, ?3)")?
        .execute(params![room.stored(), agent.0, at_ms])?;
    Ok(())
}

/// Ends a membership.
pub fn remove_member(connection: &Connection, room: StreamNumber, agent: AgentNumber) -> Result<(), StoreError> {
    connection
        .prepare_cached("DELETE FROM members WHERE room = ?1 AND agent = ?2")?
        .execute(params![room.stored(), agent.0])?;
    Ok(())
}

/// Invites an agent; repeating it changes nothing.
pub fn add_invitation(connection: &Connection, room: StreamNumber, agent: AgentNumber) -> Result<(), StoreError> {
    connection
        .prepare_cached("INSERT OR IGNORE INTO invitations (room, agent) VALUES (?1, ?2)")?
        .execute(params![room.stored(), agent.0])?;
    Ok(())
}

/// Invites every member; repeating it changes nothing.
pub fn invite_members(connection: &Connection, room: StreamNumber) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "INSERT OR IGNORE INTO invitations (room, agent) SELECT room, agent FROM members WHERE room = ?1",
        )?
        .execute(params![room.stored()])?;
    Ok(())
}

/// Takes an invitation back.
pub fn remove_invitation(connection: &Connection, room: StreamNumber, agent: AgentNumber) -> Result<(), StoreError> {
    connection
        .prepare_cached("DELETE FROM invitations WHERE room = ?1 AND agent = ?2")?
        .execute(params![room.stored(), agent.0])?;
    Ok(())
}

/// Ends all memberships and invitations of an agent.
pub fn forget_agent(connection: &Connection, agent: AgentNumber) -> Result<(), StoreError> {
    connection
        .prepare_cached("DELETE FROM members WHERE agent = ?1")?
        .execute(params![agent.0])?;
    connection
        .prepare_cached("DELETE FROM invitations WHERE agent = ?1")?
        .execute(params![agent.0])?;
    Ok(())
}
