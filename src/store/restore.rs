//! Putting a backup in the place of the database.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use rusqlite::OptionalExtension;

use super::backup::{beside, copy, make_private, sync_directory};
use super::error::StoreError;
use super::lock::DirectoryLock;
use super::open::{OpenError, PrepareError, connect, size_of, write_epoch};
use super::{agents, migrate, rooms, settings, verify};
use crate::domain::Epoch;

/// What to restore, and where.
#[derive(Clone, Debug)]
pub struct RestoreOptions {
    /// The backup.
    pub backup: PathBuf,
    /// The data directory.
    pub data_dir: PathBuf,
    /// The database in it, or elsewhere.
    pub database: PathBuf,
    /// The incarnation that begins: who resumes from a position of another one is told so.
    pub epoch: Epoch,
    /// What the name of the former database gets as its ending; it must be new.
    pub suffix: String,
}

/// A backup that was restored.
#[derive(Clone, Debug)]
pub struct Restored {
    /// Where the former database is now; `None` when there was none.
    pub former: Option<PathBuf>,
    /// The epoch that begins.
    pub epoch: Epoch,
    /// Messages in the database, direct ones included.
    pub messages: u64,
}

/// Copies a backup, checks the copy (structure, schema, references, the checksum of every message, that there are a
/// controller and a lobby), and only then puts it in the place of the database, in one step. `adjust` may change the copy
/// before. The lock keeps servers out.
pub fn restore(
    options: &RestoreOptions,
    _lock: &DirectoryLock,
    adjust: impl FnOnce(&Connection) -> Result<(), StoreError>,
) -> Result<Restored, OpenError> {
    let database = &options.database;
    let file = |path: &Path| {
        let path = path.to_owned();
        move |source| OpenError::File { path, source }
    };
    if size_of(&options.backup).map_err(file(&options.backup))? == 0 {
        return Err(OpenError::Backup {
            path: options.backup.clone(),
            detail: "there is no such file, or it is empty".into(),
        });
    }
    let fresh = beside(database, ".restoring");
    make_private(&fresh).map_err(file(&fresh))?;
    let prepared = prepare(options, &fresh, adjust).map_err(|error| unusable(&options.backup, error));
    let placed = prepared.and_then(|messages| {
        let former = keep_former(database, &options.suffix).map_err(file(database))?;
        fs::rename(&fresh, database).map_err(file(database))?;
        sync_directory(database).map_err(file(database))?;
        write_epoch(&options.data_dir, options.epoch).map_err(file(&options.data_dir))?;
        Ok(Restored {
            former,
            epoch: options.epoch,
            messages,
        })
    });
    if placed.is_err() {
        // The first error is the one to tell. When it was renamed already, there is nothing to remove.
        drop(fs::remove_file(&fresh));
    }
    placed
}

/// Why a backup is not restored, in the words of one who holds a backup and no server.
fn unusable(backup: &Path, error: PrepareError) -> OpenError {
    let detail = match error {
        PrepareError::Foreign | PrepareError::Emptied => "it is not a backup of wardroom".to_owned(),
        PrepareError::TooNew(found) => format!(
            "it has schema {found}, this version knows {}; install the newer version",
            migrate::SCHEMA_VERSION
        ),
        PrepareError::Store(StoreError::Damaged(detail)) => format!("it is damaged: {detail}"),
        PrepareError::Store(error) => error.to_string(),
    };
    OpenError::Backup {
        path: backup.to_owned(),
        detail,
    }
}

fn prepare(
    options: &RestoreOptions,
    fresh: &Path,
    adjust: impl FnOnce(&Connection) -> Result<(), StoreError>,
) -> Result<u64, PrepareError> {
    let mut copy = copy(&options.backup, fresh)?;
    verify::structure_check(&copy)?;
    migrate::migrate(&mut copy)?;
    verify::thorough_check(&copy)?;
    let missing = |what: &str| StoreError::Damaged(format!("it has no {what}"));
    agents::controller(&copy)?.ok_or_else(|| missing("controller"))?;
    let lobby = rooms::all(&copy)?.into_iter().find(|room| room.is_lobby);
    lobby.ok_or_else(|| missing("lobby"))?;
    settings::set(&copy, settings::EPOCH, Some(&options.epoch.to_string()))?;
    adjust(&copy)?;
    let messages: i64 = copy.query_row("SELECT count(*) FROM messages", [], |row| row.get(0))?;
    copy.close().map_err(|(_, error)| StoreError::from(error))?;
    let file = fs::File::open(fresh).and_then(|file| file.sync_all());
    file.map_err(|error| StoreError::Failed(error.to_string()))?;
    Ok(messages.unsigned_abs())
}

/// Gives the former database a second name, under which it stays; its log is folded into it, or goes with it when that is
/// not possible any more.
fn keep_former(database: &Path, suffix: &str) -> io::Result<Option<PathBuf>> {
    let (log, index) = (beside(database, "-wal"), beside(database, "-shm"));
    if database.symlink_metadata().is_err() {
        // A log without its database belongs to nothing, and would be taken for that of the next one.
        remove(&log)?;
        remove(&index)?;
        return Ok(None);
    }
    // A database that is damaged cannot be folded; it is kept as it is, log and all.
    drop(fold(database));
    let former = beside(database, suffix);
    if log.symlink_metadata().is_ok() {
        fs::rename(&log, beside(&former, "-wal"))?;
    }
    remove(&index)?;
    // Both names for an instant, so that there is a database at any moment.
    if fs::hard_link(database, &former).is_err() {
        fs::copy(database, &former)?;
        fs::File::open(&former)?.sync_all()?;
    }
    Ok(Some(former))
}

/// Folds the log into its database, so that one file holds everything.
fn fold(database: &Path) -> Result<(), PrepareError> {
    let connection = connect(database)?;
    let mode: Option<String> = connection
        .query_row("PRAGMA journal_mode = DELETE", [], |row| row.get(0))
        .optional()?;
    tracing::debug!(mode, "the log of the former database was folded");
    Ok(())
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}
