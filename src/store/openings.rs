//! Rooms that are opened to peers, and the places for those.

use rusqlite::{Connection, Row, params};
use uuid::Uuid;

use super::error::StoreError;
use super::rooms::stream;
use crate::domain::{AgentNumber, LinkNumber, OpeningId, P2pRoomId, Permission, StreamNumber};

/// An opening as it is stored.
#[derive(Clone, Debug)]
pub struct OpeningRow {
    /// Its public id.
    pub id: OpeningId,
    /// The room.
    pub room: StreamNumber,
    /// Who opened it.
    pub opened_by: AgentNumber,
    /// The most that its peers may do.
    pub permission: Permission,
    /// The signaling server; `None` is the configured one.
    pub signal_url: Option<String>,
    /// Whether somebody else opened the P2P room.
    pub is_joined: bool,
    /// When it was opened, in milliseconds since 1970.
    pub created_at_ms: i64,
    /// When it ends.
    pub expires_at_ms: Option<i64>,
    /// How many peers may come.
    pub max_uses: u32,
}

/// A place for a peer as it is stored.
#[derive(Clone, Debug)]
pub struct LinkRow {
    /// Its short key.
    pub number: LinkNumber,
    /// The opening that it belongs to.
    pub opening: OpeningId,
    /// The P2P room.
    pub p2p_room: P2pRoomId,
    /// The agent that its peer is here.
    pub guest: Option<AgentNumber>,
    /// What its peer lets through.
    pub level: Permission,
    /// The last position of the room that its peer has.
    pub seq: u64,
}

/// Every opening.
pub fn all(connection: &Connection) -> Result<Vec<OpeningRow>, StoreError> {
    let mut statement = connection.prepare(
        "SELECT id, room, opened_by, permission, signal_url, is_joined, created_at, expires_at, max_uses FROM openings",
    )?;
    let rows = statement.query_map([], |row| Ok(read(row)))?;
    rows.map(|row| row.map_err(StoreError::from)?).collect()
}

fn read(row: &Row<'_>) -> Result<OpeningRow, StoreError> {
    Ok(OpeningRow {
        id: OpeningId(Uuid::from_bytes(row.get(0)?)),
        room: stream(row.get(1)?)?,
        opened_by: AgentNumber(row.get(2)?),
        permission: level(&row.get::<_, String>(3)?)?,
        signal_url: row.get(4)?,
        is_joined: row.get(5)?,
        created_at_ms: row.get(6)?,
        expires_at_ms: row.get(7)?,
        max_uses: row.get(8)?,
    })
}

fn level(word: &str) -> Result<Permission, StoreError> {
    word.parse()
        .map_err(|_| StoreError::Damaged("a link to a peer has no known level".into()))
}

/// Every place for a peer, in the order in which they were made.
pub fn all_links(connection: &Connection) -> Result<Vec<LinkRow>, StoreError> {
    let mut statement =
        connection.prepare("SELECT number, opening, p2p_room, guest, level, seq FROM peer_links ORDER BY number")?;
    let rows = statement.query_map([], |row| Ok(read_link(row)))?;
    rows.map(|row| row.map_err(StoreError::from)?).collect()
}

fn read_link(row: &Row<'_>) -> Result<LinkRow, StoreError> {
    Ok(LinkRow {
        number: LinkNumber(row.get(0)?),
        opening: OpeningId(Uuid::from_bytes(row.get(1)?)),
        p2p_room: P2pRoomId::from_stored(row.get(2)?),
        guest: row.get::<_, Option<i64>>(3)?.map(AgentNumber),
        level: level(&row.get::<_, String>(4)?)?,
        seq: row.get::<_, i64>(5)?.cast_unsigned(),
    })
}

/// Stores a new opening.
pub fn insert(connection: &Connection, opening: &OpeningRow) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "INSERT INTO openings (id, room, opened_by, permission, signal_url, is_joined, created_at, expires_at, \
             max_uses) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        )?
        .execute(params![
            opening.id.0.as_bytes(),
            opening.room.stored(),
            opening.opened_by.0,
            opening.permission.as_str(),
            opening.signal_url,
            opening.is_joined,
            opening.created_at_ms,
            opening.expires_at_ms,
            opening.max_uses,
        ])?;
    Ok(())
}

/// Stores a free place and gives back its short key.
pub fn insert_link(
    connection: &Connection,
    opening: OpeningId,
    p2p_room: &P2pRoomId,
    level: Permission,
) -> Result<LinkNumber, StoreError> {
    connection
        .prepare_cached("INSERT INTO peer_links (opening, p2p_room, level, seq) VALUES (?1, ?2, ?3, 0)")?
        .execute(params![opening.0.as_bytes(), p2p_room.reveal(), level.as_str()])?;
    Ok(LinkNumber(connection.last_insert_rowid()))
}

/// Changes the most that peers of an opening may do.
pub fn set_permission(connection: &Connection, opening: OpeningId, permission: Permission) -> Result<(), StoreError> {
    connection
        .prepare_cached("UPDATE openings SET permission = ?2 WHERE id = ?1")?
        .execute(params![opening.0.as_bytes(), permission.as_str()])?;
    Ok(())
}

/// Gives a place to an agent, whose peer has the room up to position `seq`.
pub fn set_guest(connection: &Connection, link: LinkNumber, guest: AgentNumber, seq: u64) -> Result<(), StoreError> {
    connection
        .prepare_cached("UPDATE peer_links SET guest = ?2, seq = ?3 WHERE number = ?1")?
        .execute(params![link.0, guest.0, seq.cast_signed()])?;
    Ok(())
}

/// Stores what a peer lets through.
pub fn set_level(connection: &Connection, link: LinkNumber, level: Permission) -> Result<(), StoreError> {
    connection
        .prepare_cached("UPDATE peer_links SET level = ?2 WHERE number = ?1")?
        .execute(params![link.0, level.as_str()])?;
    Ok(())
}

/// Stores how far a peer has got.
pub fn set_position(connection: &Connection, link: LinkNumber, seq: u64) -> Result<(), StoreError> {
    connection
        .prepare_cached("UPDATE peer_links SET seq = ?2 WHERE number = ?1")?
        .execute(params![link.0, seq.cast_signed()])?;
    Ok(())
}

/// Takes one place away.
pub fn delete_link(connection: &Connection, link: LinkNumber) -> Result<(), StoreError> {
    connection
        .prepare_cached("DELETE FROM peer_links WHERE number = ?1")?
        .execute(params![link.0])?;
    Ok(())
}

/// Ends an opening with all its places.
pub fn delete(connection: &Connection, opening: OpeningId) -> Result<(), StoreError> {
    for table in [
        "DELETE FROM peer_links WHERE opening = ?1",
        "DELETE FROM openings WHERE id = ?1",
    ] {
        connection
            .prepare_cached(table)?
            .execute(params![opening.0.as_bytes()])?;
    }
    Ok(())
}
