//! Single values: the epoch, the message of the day, the lock.

use rusqlite::{Connection, OptionalExtension, params};

use super::error::StoreError;
use crate::domain::Epoch;

/// Written to find out whether anything can be.
pub const PROBE: &str = "probe";
/// The message of the day.
pub const MOTD: &str = "motd";
/// Present while participants are refused.
pub const LOCKED: &str = "locked";
/// SHA-256 of the constitution's file as we last saw or wrote it.
pub const CONSTITUTION_FILE: &str = "constitution_file";
/// SHA-256 of the constitution's file as we are about to write it.
pub const CONSTITUTION_FILE_NEXT: &str = "constitution_file_next";

/// The incarnation of the database.
pub(super) const EPOCH: &str = "epoch";

/// Reads a value.
pub fn get(connection: &Connection, name: &str) -> Result<Option<String>, StoreError> {
    let mut statement = connection.prepare_cached("SELECT value FROM settings WHERE name = ?1")?;
    Ok(statement.query_row(params![name], |row| row.get(0)).optional()?)
}

/// Sets a value, or removes it.
pub fn set(connection: &Connection, name: &str, value: Option<&str>) -> Result<(), StoreError> {
    match value {
        Some(value) => connection
            .prepare_cached(
                "INSERT INTO settings (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = ?2",
            )?
            .execute(params![name, value])?,
        None => connection
            .prepare_cached("DELETE FROM settings WHERE name = ?1")?
            .execute(params![name])?,
    };
    Ok(())
}

/// Remembers what the constitution's file holds now. What was about to be written is over: remembered on, it would pass an
/// edit by hand that happens to bring back that text for our own writing.
pub fn constitution_file_is(connection: &Connection, hash: &str) -> Result<(), StoreError> {
    set(connection, CONSTITUTION_FILE, Some(hash))?;
    set(connection, CONSTITUTION_FILE_NEXT, None)
}

/// The epoch of a database that has one.
pub fn recorded_epoch(connection: &Connection) -> Result<Epoch, StoreError> {
    let text = get(connection, EPOCH)?.unwrap_or_default();
    Epoch::parse(&text).ok_or_else(|| StoreError::Damaged(format!("epoch `{text}`")))
}

/// The epoch of the database; `fresh` becomes it when there is none yet.
pub(super) fn epoch(connection: &Connection, fresh: Epoch) -> Result<Epoch, StoreError> {
    if let Some(text) = get(connection, EPOCH)? {
        return Epoch::parse(&text).ok_or_else(|| StoreError::Damaged(format!("epoch `{text}`")));
    }
    set(connection, EPOCH, Some(&fresh.to_string()))?;
    Ok(fresh)
}
