//! Backup, restore and export on a data directory that no server uses.

use std::path::Path;

use uuid::Builder;

use super::StartError;
use super::setup;
use crate::config::Config;
use crate::domain::{Epoch, ExportPage, Refusal};
use crate::hub::{self, ExportQuery};
use crate::protocol::methods::{Method, OperatorBackup, OperatorExport};
use crate::runtime::clock::{Clock, Entropy, SystemClock, SystemEntropy};
use crate::store::{self, Backup, BackupError, Connection, OpenError, Resting, RestoreOptions, Restored, StoreError};

/// A backup that was made of a database that no server uses.
#[derive(Debug)]
pub struct OfflineBackup {
    /// The backup.
    pub backup: Backup,
    /// Whether the audit log remembers it. A disk that takes nothing any more can be copied all the same.
    pub noted: Result<(), StoreError>,
}

/// Copies the database into the new file `target`; see [`store::back_up`].
pub fn back_up(data_dir: &Path, config: &Config, target: &Path, replace: bool) -> Result<OfflineBackup, UpkeepError> {
    let database = config.database_path(data_dir);
    if !database.exists() {
        return Err(BackupError::Missing(database).into());
    }
    let lock = setup::lock(config, data_dir)?;
    let backup = store::back_up(&database, target, replace)?;
    let noted = store::open_for_note(&database, &lock)
        .and_then(|connection| note(&connection, OperatorBackup::NAME, "", config.limits.audit_rows));
    Ok(OfflineBackup { backup, noted })
}

/// Tells the audit log what the operator did.
fn note(connection: &Connection, method: &str, target: &str, audit_rows: u32) -> Result<(), StoreError> {
    hub::record_offline(
        connection,
        method,
        target,
        (SystemClock::default().now_ms(), audit_rows),
    )
}

/// What the audit log calls a restore. No server is running during one, so there is no method of that name.
const RESTORE: &str = "restore";

/// Puts a checked copy of the backup in the place of the database, which is kept beside it. A new epoch begins, and the
/// constitution's file becomes that of the backup.
pub fn restore(data_dir: &Path, config: &Config, backup: &Path) -> Result<Restored, StartError> {
    setup::make_private(data_dir)?;
    let failed = |error: std::io::Error| StartError::DataDirectory {
        path: data_dir.to_owned(),
        reason: error.to_string(),
    };
    Config::write_default(data_dir).map_err(failed)?;
    let lock = setup::lock(config, data_dir)?;
    let mut random = [0; 16];
    SystemEntropy
        .fill(&mut random)
        .map_err(|error| StartError::Failed(error.to_string()))?;
    let suffix = format!(".before-restore-{}", SystemClock::default().now_ms());
    let options = RestoreOptions {
        backup: backup.to_owned(),
        data_dir: data_dir.to_owned(),
        database: config.database_path(data_dir),
        epoch: Epoch(Builder::from_random_bytes(random).into_uuid()),
        suffix: suffix.clone(),
    };
    let mut constitution = None;
    let restored = store::restore(&options, &lock, |connection| {
        constitution = hub::adopt_constitution(connection)?;
        note(connection, RESTORE, "", config.limits.audit_rows)
    })?;
    if let Some(text) = constitution {
        hub::place_constitution(&data_dir.join("docs"), &text, &suffix).map_err(failed)?;
    }
    Ok(restored)
}

/// The rooms of a database that no server uses, and that none can use as long as this is there.
#[derive(Debug)]
pub struct Record {
    resting: Resting,
    audit_rows: u32,
}

impl Record {
    /// Opens the database.
    pub fn open(data_dir: &Path, config: &Config) -> Result<Self, StartError> {
        Ok(Self {
            resting: store::open_resting(data_dir, &config.database_path(data_dir))?,
            audit_rows: config.limits.audit_rows,
        })
    }

    /// Tells the audit log that the record of a room, given by its id, is exported.
    pub fn note(&self, room: &str) -> Result<(), StoreError> {
        note(&self.resting.connection, OperatorExport::NAME, room, self.audit_rows)
    }

    /// A part of the record of `room` (an id or a name): messages above position `after`.
    pub fn page(&self, room: &str, after: u64) -> Result<ExportPage, Refusal> {
        let room = room.to_owned();
        hub::export_resting(&self.resting.connection, &ExportQuery { room, after })
    }
}

/// Why something was not done to a resting data directory.
#[derive(Debug, thiserror::Error)]
pub enum UpkeepError {
    /// The data directory cannot be used.
    #[error(transparent)]
    Start(#[from] StartError),
    /// No backup was made.
    #[error(transparent)]
    Backup(#[from] BackupError),
}

impl UpkeepError {
    /// Whether the data directory, and not the file to be made, is the trouble.
    pub fn is_about_data(&self) -> bool {
        matches!(
            self,
            Self::Backup(BackupError::Missing(_) | BackupError::Store(StoreError::Damaged(_)))
                | Self::Start(StartError::Open(OpenError::Missing(_)))
        )
    }
}
