//! The keys of agents, and those that are still to be made.

use rusqlite::{Connection, Row, params};
use uuid::Uuid;

use super::error::StoreError;
use crate::domain::{AgentNumber, KeyCard, KeyHash, KeyId, KeyScope, Name, RoomId};

/// A key that an agent gets for a token.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Enrolment {
    /// What the key will be.
    pub card: KeyCard,
    /// When the token ends, in milliseconds since 1970.
    pub token_expires_at_ms: i64,
    /// The key in whose place it comes, if it does.
    pub replaces: Option<Replaces>,
}

/// A key that ends because of another one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Replaces {
    /// The key.
    pub key: KeyId,
    /// How long it goes on working beside the other one, in milliseconds.
    pub overlap_ms: i64,
}

/// Adds a key.
pub fn insert(connection: &Connection, hash: KeyHash, card: &KeyCard) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "INSERT INTO api_keys (hash, id, agent, name, created_at, expires_at, last_used_at, read_only, rooms, direct) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        )?
        .execute(params![
            hash.0,
            card.id.0.as_bytes(),
            card.agent.0,
            card.name.as_str(),
            card.created_at_ms,
            card.expires_at_ms,
            card.last_used_ms,
            card.scope.read_only,
            stored_rooms(&card.scope),
            card.scope.direct,
        ])?;
    Ok(())
}

/// Every key with its hash, those that have expired included.
pub fn all(connection: &Connection) -> Result<Vec<(KeyHash, KeyCard)>, StoreError> {
    let mut statement = connection.prepare(
        "SELECT hash, id, agent, name, created_at, expires_at, read_only, rooms, direct, last_used_at FROM api_keys",
    )?;
    let rows = statement.query_map([], |row| {
        Ok(read(row).and_then(|(hash, card)| {
            let last_used_ms = row.get(9)?;
            Ok((hash, KeyCard { last_used_ms, ..card }))
        }))
    })?;
    rows.map(|row| row.map_err(StoreError::from)?).collect()
}

/// Makes a key void.
pub fn delete(connection: &Connection, key: KeyId) -> Result<(), StoreError> {
    for table in [
        "DELETE FROM api_keys WHERE id = ?1",
        "DELETE FROM enrolments WHERE id = ?1",
    ] {
        connection.prepare_cached(table)?.execute(params![key.0.as_bytes()])?;
    }
    Ok(())
}

/// Makes all keys of an agent void, and all tokens for keys of it.
pub fn delete_of_agent(connection: &Connection, agent: AgentNumber) -> Result<(), StoreError> {
    for table in [
        "DELETE FROM api_keys WHERE agent = ?1",
        "DELETE FROM enrolments WHERE agent = ?1",
    ] {
        connection.prepare_cached(table)?.execute(params![agent.0])?;
    }
    Ok(())
}

/// Forgets keys and tokens that ended before `now_ms`.
pub fn delete_expired(connection: &Connection, now_ms: i64) -> Result<(), StoreError> {
    for table in [
        "DELETE FROM api_keys WHERE expires_at <= ?1",
        "DELETE FROM enrolments WHERE expires_at <= ?1",
    ] {
        connection.prepare_cached(table)?.execute(params![now_ms])?;
    }
    Ok(())
}

/// Sets the end of a key.
pub fn set_expiry(connection: &Connection, key: KeyId, at_ms: i64) -> Result<(), StoreError> {
    connection
        .prepare_cached("UPDATE api_keys SET expires_at = ?2 WHERE id = ?1")?
        .execute(params![key.0.as_bytes(), at_ms])?;
    Ok(())
}

/// Remembers that a key was used.
pub fn set_last_used(connection: &Connection, key: KeyId, at_ms: i64) -> Result<(), StoreError> {
    connection
        .prepare_cached("UPDATE api_keys SET last_used_at = ?2 WHERE id = ?1")?
        .execute(params![key.0.as_bytes(), at_ms])?;
    Ok(())
}

/// Adds a key that is to be made for a token of this hash.
pub fn insert_enrolment(connection: &Connection, hash: KeyHash, enrolment: &Enrolment) -> Result<(), StoreError> {
    let Enrolment {
        card,
        token_expires_at_ms,
        replaces,
    } = enrolment;
    connection
        .prepare_cached(
            "INSERT INTO enrolments (hash, id, agent, name, created_at, expires_at, key_expires_at, read_only, rooms, \
             direct, replaces, overlap_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
        )?
        .execute(params![
            hash.0,
            card.id.0.as_bytes(),
            card.agent.0,
            card.name.as_str(),
            card.created_at_ms,
            token_expires_at_ms,
            card.expires_at_ms,
            card.scope.read_only,
            stored_rooms(&card.scope),
            card.scope.direct,
            replaces.as_ref().map(|replaces| replaces.key.0.as_bytes()),
            replaces.map(|replaces| replaces.overlap_ms),
        ])?;
    Ok(())
}

/// Every key that is still to be made, with the hash of its token.
pub fn all_enrolments(connection: &Connection) -> Result<Vec<(KeyHash, Enrolment)>, StoreError> {
    let mut statement = connection.prepare(
        "SELECT hash, id, agent, name, created_at, key_expires_at, read_only, rooms, direct, expires_at, replaces, \
         overlap_ms FROM enrolments",
    )?;
    let rows = statement.query_map([], |row| {
        Ok(read(row).and_then(|(hash, card)| {
            let former: Option<[u8; 16]> = row.get(10)?;
            let overlap_ms: Option<i64> = row.get(11)?;
            let replaces = former.zip(overlap_ms).map(|(key, overlap_ms)| Replaces {
                key: KeyId(Uuid::from_bytes(key)),
                overlap_ms,
            });
            let enrolment = Enrolment {
                card,
                token_expires_at_ms: row.get(9)?,
                replaces,
            };
            Ok((hash, enrolment))
        }))
    })?;
    rows.map(|row| row.map_err(StoreError::from)?).collect()
}

fn read(row: &Row<'_>) -> Result<(KeyHash, KeyCard), StoreError> {
    let rooms: Option<Vec<u8>> = row.get(7)?;
    let card = KeyCard {
        id: KeyId(Uuid::from_bytes(row.get(1)?)),
        agent: AgentNumber(row.get(2)?),
        name: Name::from_stored(&row.get::<_, String>(3)?),
        created_at_ms: row.get(4)?,
        expires_at_ms: row.get(5)?,
        last_used_ms: None,
        scope: KeyScope {
            read_only: row.get(6)?,
            rooms: rooms.map(|bytes| read_rooms(&bytes)).transpose()?,
            direct: row.get(8)?,
        },
    };
    Ok((KeyHash(row.get(0)?), card))
}

fn stored_rooms(scope: &KeyScope) -> Option<Vec<u8>> {
    let rooms = scope.rooms.as_ref()?;
    Some(rooms.iter().flat_map(|room| *room.0.as_bytes()).collect())
}

fn read_rooms(bytes: &[u8]) -> Result<std::sync::Arc<[RoomId]>, StoreError> {
    let (ids, rest) = bytes.as_chunks::<16>();
    if !rest.is_empty() {
        return Err(StoreError::Damaged("a key has a torn list of rooms".into()));
    }
    Ok(ids.iter().map(|id| RoomId(Uuid::from_bytes(*id))).collect())
}
