//! What happened to the links.

use rusqlite::{Connection, params};

use super::digest;
use crate::store::StoreError;

/// Events of a room that are kept; its file holds the older ones too.
const KEPT: i64 = 10_000;

/// How many events there are before the oldest are forgotten.
const FORGET_EVERY: i64 = 256;

/// Takes note of an event.
pub(in crate::bridge) fn add(connection: &Connection, room: i64, text: &str) -> Result<(), StoreError> {
    connection
        .prepare_cached("INSERT INTO events (room, digest, text) VALUES (?1, ?2, ?3)")?
        .execute(params![room, digest(text), text])?;
    let number = connection.last_insert_rowid();
    if number % FORGET_EVERY == 0 {
        connection
            .prepare_cached("DELETE FROM events WHERE room = ?1 AND number <= ?2")?
            .execute(params![room, number - KEPT])?;
    }
    Ok(())
}
