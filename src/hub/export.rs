//! What the operator takes out of the server: the record of a room, and a backup of everything.

use std::path::PathBuf;

use super::directory::{Directory, Room};
use super::history::{larger_than, message_of};
use super::{Hub, load};
use crate::domain::{AgentNumber, ExportPage, ExportedMessage, ExportedRemoval, Refusal, RoomId};
use crate::store::messages::{self, MessageRow};
use crate::store::{self, Backup, BackupError, Connection, StoreError, settings};

/// Messages of one page.
const PAGE_ROWS: usize = 1000;

/// Bytes after which a page ends.
const PAGE_BYTES: usize = 1024 * 1024;

/// Which part of which room.
#[derive(Clone, Debug)]
pub struct ExportQuery {
    /// The id of the room, deleted ones included, or the name of one that is not deleted.
    pub room: String,
    /// Only messages above this position.
    pub after: u64,
}

impl Hub {
    /// Reads a part of a room's record, for the operator.
    pub async fn export(&self, query: ExportQuery) -> Result<ExportPage, Refusal> {
        let number = find(&self.directory(), &query.room)?.number;
        let read = move |connection: &mut Connection| read_page(connection, number, query.after);
        let rows = self.inner.readers.read(read).await?;
        let directory = self.directory();
        let room = directory.room(number).ok_or(Refusal::RoomNotFound)?;
        Ok(page(&directory, room, self.epoch(), rows))
    }

    /// Copies everything that is committed into the file `target`, off the async threads; see [`store::back_up`].
    pub async fn back_up(&self, target: PathBuf, replace: bool) -> Result<Backup, Refusal> {
        if !target.is_absolute() {
            return Err(Refusal::InvalidParams("`path` must be absolute".into()));
        }
        let database = self.inner.readers.path().to_owned();
        let made = tokio::task::spawn_blocking(move || {
            let made = store::back_up(&database, &target, replace);
            if let Ok(backup) = &made {
                tracing::info!(path = %target.display(), bytes = backup.bytes, "a backup was made");
            }
            made
        });
        let made = made
            .await
            .map_err(|error| Refusal::Internal(format!("a backup did not finish: {error}")))?;
        made.map_err(|error| match error {
            BackupError::Store(error) => error.into(),
            error => Refusal::InvalidParams(error.to_string()),
        })
    }
}

/// Reads a part of a room's record from a database that no server uses.
pub fn export_resting(connection: &Connection, query: &ExportQuery) -> Result<ExportPage, Refusal> {
    let directory = load::read(connection)?;
    let room = find(&directory, &query.room)?;
    let epoch = settings::recorded_epoch(connection)?;
    let rows = read_page(connection, room.number, query.after)?;
    Ok(page(&directory, room, epoch, rows))
}

fn find<'a>(directory: &'a Directory, wanted: &str) -> Result<&'a Room, Refusal> {
    if let Some(room) = RoomId::parse(wanted).and_then(|id| directory.room_by_id(id)) {
        return Ok(room);
    }
    let named: Vec<&Room> = directory
        .rooms
        .values()
        .filter(|room| !room.deleted && room.name.as_str() == wanted)
        .collect();
    match named.as_slice() {
        [] => Err(Refusal::RoomNotFound),
        [room] => Ok(room),
        several => {
            let ids: Vec<String> = several.iter().map(|room| room.id.to_string()).collect();
            let reason = format!("{} rooms have that name; give an id: {}", ids.len(), ids.join(", "));
            Err(Refusal::InvalidParams(reason))
        }
    }
}

fn read_page(
    connection: &Connection,
    stream: crate::domain::StreamNumber,
    after: u64,
) -> Result<(Vec<MessageRow>, bool), StoreError> {
    let mut is_full = false;
    let mut is_too_large = larger_than(PAGE_BYTES);
    let rows = messages::page_after(connection, stream, after, PAGE_ROWS, |row| {
        is_full = is_too_large(row);
        is_full
    })?;
    let more = is_full || rows.len() == PAGE_ROWS;
    Ok((rows, more))
}

fn page(
    directory: &Directory,
    room: &Room,
    epoch: crate::domain::Epoch,
    (rows, more): (Vec<MessageRow>, bool),
) -> ExportPage {
    let id_of = |number: AgentNumber| directory.id_of(number);
    let messages = rows.into_iter().map(|row| {
        let removal = row.removal.as_ref().map(|removal| ExportedRemoval {
            at_ms: removal.at_ms,
            by: id_of(removal.by),
            reason: removal.reason.clone(),
        });
        ExportedMessage {
            removal,
            message: message_of(row, directory),
        }
    });
    ExportPage {
        room: directory.view(room, directory.controller),
        members: directory.members_of(room),
        epoch,
        messages: messages.collect(),
        more,
    }
}
