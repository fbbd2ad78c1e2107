//! The rooms that were ever connected.

use rusqlite::{Connection, OptionalExtension as _, Row, params};

use crate::store::StoreError;

/// A room as it is kept.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(in crate::bridge) struct StoredRoom {
    pub(in crate::bridge) number: i64,
    pub(in crate::bridge) id: String,
    pub(in crate::bridge) had_peer: bool,
    pub(in crate::bridge) permission: Option<String>,
    pub(in crate::bridge) hub: Option<StoredHub>,
}

/// Where the hub of a room is, and up to where everything of it was stored.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(in crate::bridge) struct StoredHub {
    pub(in crate::bridge) url: String,
    pub(in crate::bridge) key_file: String,
    pub(in crate::bridge) position: Option<(String, u64)>,
}

const COLUMNS: &str = "number, id, had_peer, permission, hub_url, hub_key_file, hub_epoch, hub_seq";

fn read(row: &Row<'_>) -> rusqlite::Result<StoredRoom> {
    let epoch: Option<String> = row.get(6)?;
    let seq: Option<i64> = row.get(7)?;
    let position = epoch.zip(seq.and_then(|seq| u64::try_from(seq).ok()));
    let (url, key_file): (Option<String>, Option<String>) = (row.get(4)?, row.get(5)?);
    let hub = url.zip(key_file).map(|(url, key_file)| StoredHub {
        url,
        key_file,
        position,
    });
    Ok(StoredRoom {
        number: row.get(0)?,
        id: row.get(1)?,
        had_peer: row.get(2)?,
        permission: row.get(3)?,
        hub,
    })
}

/// The rooms that are open, in the order in which they were opened.
pub(in crate::bridge) fn open_ones(connection: &Connection) -> Result<Vec<StoredRoom>, StoreError> {
    let mut select = connection.prepare_cached(&format!("SELECT {COLUMNS} FROM rooms WHERE is_open ORDER BY place"))?;
    Ok(select.query_map([], read)?.collect::<Result<_, _>>()?)
}

/// A room by its id, open or not.
pub(in crate::bridge) fn find(connection: &Connection, id: &str) -> Result<Option<StoredRoom>, StoreError> {
    let mut select = connection.prepare_cached(&format!("SELECT {COLUMNS} FROM rooms WHERE id = ?1"))?;
    Ok(select.query_row([id], read).optional()?)
}

/// Opens a room, making it if it was never there. `true` when it was made.
pub(in crate::bridge) fn open(
    connection: &Connection,
    id: &str,
    hub: Option<&StoredHub>,
) -> Result<(StoredRoom, bool), StoreError> {
    let is_new = find(connection, id)?.is_none();
    connection
        .prepare_cached(
            "INSERT INTO rooms (id, is_open, place, hub_url, hub_key_file) \
             VALUES (?1, 1, (SELECT coalesce(max(place), 0) + 1 FROM rooms), ?2, ?3) \
             ON CONFLICT (id) DO UPDATE SET is_open = 1, place = CASE WHEN is_open THEN place ELSE excluded.place END, \
             hub_url = excluded.hub_url, hub_key_file = excluded.hub_key_file",
        )?
        .execute(params![id, hub.map(|hub| &hub.url), hub.map(|hub| &hub.key_file)])?;
    let room = find(connection, id)?.ok_or_else(|| StoreError::Failed("a room was not stored".to_owned()))?;
    Ok((room, is_new))
}

/// Closes a room: it is not resumed. What it holds is kept for the next time.
pub(in crate::bridge) fn close(connection: &Connection, number: i64) -> Result<(), StoreError> {
    connection
        .prepare_cached("UPDATE rooms SET is_open = 0 WHERE number = ?1")?
        .execute([number])?;
    Ok(())
}

/// A peer was there.
pub(in crate::bridge) fn set_had_peer(connection: &Connection, number: i64) -> Result<(), StoreError> {
    connection
        .prepare_cached("UPDATE rooms SET had_peer = 1 WHERE number = ?1")?
        .execute([number])?;
    Ok(())
}

/// The level that was asked for.
pub(in crate::bridge) fn set_permission(connection: &Connection, number: i64, level: &str) -> Result<(), StoreError> {
    connection
        .prepare_cached("UPDATE rooms SET permission = ?2 WHERE number = ?1")?
        .execute(params![number, level])?;
    Ok(())
}

/// Up to where everything of a hub's room is stored.
pub(in crate::bridge) fn set_position(
    connection: &Connection,
    number: i64,
    epoch: &str,
    seq: u64,
) -> Result<(), StoreError> {
    connection
        .prepare_cached("UPDATE rooms SET hub_epoch = ?2, hub_seq = ?3 WHERE number = ?1")?
        .execute(params![number, epoch, i64::try_from(seq).unwrap_or(i64::MAX)])?;
    Ok(())
}
