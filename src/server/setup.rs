//! What is done to a data directory while no server uses it.

use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::Path;

use rustix::fs::Mode;

use uuid::Builder;

use super::{StartError, guides, lobby_name};
use crate::config::{Config, Durability, IntegrityCheck};
use crate::domain::{ApiKey, Epoch};
use crate::hub;
use crate::runtime::clock::{Entropy, SystemClock, SystemEntropy};
use crate::store::{self, Database, DirectoryLock, OpenOptions};

/// What a first run made.
#[derive(Debug)]
pub struct FirstRun {
    /// The key of the controller, when it was made now: it is to be shown once.
    pub controller_key: Option<ControllerKey>,
}

/// The key of the controller. Showing it by `Display` shows the secret; `Debug` does not.
#[derive(Clone, Debug)]
pub struct ControllerKey(ApiKey);

impl std::fmt::Display for ControllerKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0.reveal())
    }
}

/// Makes everything a server needs. What is there already is left as it is, so it may be called at every start.
pub fn prepare(data_dir: &Path, config: &Config) -> Result<FirstRun, StartError> {
    make_private(data_dir)?;
    let failed = |error: io::Error| StartError::DataDirectory {
        path: data_dir.to_owned(),
        reason: error.to_string(),
    };
    Config::write_default(data_dir).map_err(failed)?;
    let lock = lock(config, data_dir)?;
    // A database that is set up is checked by the server that opens it next; to do it here too would double the time of
    // every start.
    let path = config.database_path(data_dir);
    let mut database = if store::is_set_up(data_dir, &path, &lock)? {
        None
    } else {
        Some(open(config, data_dir, lock)?)
    };
    hub::write_document_files(&data_dir.join("docs"), &guides()).map_err(failed)?;
    let Some(database) = &mut database else {
        return Ok(FirstRun { controller_key: None });
    };
    // Last, because the key is shown by whoever gets it from here, and never again.
    let key = hub::first_run(
        &mut database.connection,
        &lobby_name(config)?,
        &SystemClock::default(),
        &SystemEntropy,
    )
    .map_err(|error| StartError::from(error).about(&path))?;
    Ok(FirstRun {
        controller_key: key.map(ControllerKey),
    })
}

/// Replaces the key of the controller.
pub fn rotate_controller_key(data_dir: &Path, config: &Config) -> Result<ControllerKey, StartError> {
    let mut database = open(config, data_dir, lock(config, data_dir)?)?;
    let key = hub::rotate_controller_key(
        &mut database.connection,
        config.limits.audit_rows,
        &SystemClock::default(),
        &SystemEntropy,
    )?;
    Ok(ControllerKey(key))
}

/// Checks everything that is stored, and changes nothing. False when there is no database yet.
pub fn check_database(data_dir: &Path, config: &Config) -> Result<bool, StartError> {
    Ok(store::inspect(data_dir, &config.database_path(data_dir))?)
}

/// Makes the data directory and its database this process's own.
pub(super) fn lock(config: &Config, data_dir: &Path) -> Result<DirectoryLock, StartError> {
    Ok(store::lock(data_dir, &config.database_path(data_dir))?)
}

/// Opens the database as it is configured.
pub(super) fn open(config: &Config, data_dir: &Path, lock: DirectoryLock) -> Result<Database, StartError> {
    let mut random = [0; 16];
    SystemEntropy
        .fill(&mut random)
        .map_err(|error| StartError::Failed(error.to_string()))?;
    let check_everything = match config.storage.integrity_check {
        IntegrityCheck::Auto => None,
        IntegrityCheck::Full => Some(true),
        IntegrityCheck::Off => Some(false),
    };
    let options = OpenOptions {
        data_dir: data_dir.to_owned(),
        database: config.database_path(data_dir),
        durable: config.storage.durability == Durability::Full,
        readers: config.storage.readers,
        check_everything,
        new_epoch: Epoch(Builder::from_random_bytes(random).into_uuid()),
    };
    Ok(store::open(&options, lock)?)
}

/// Makes the data directory, or makes sure that it is ours alone.
pub(super) fn make_private(data_dir: &Path) -> Result<(), StartError> {
    let failed = |reason: String| StartError::DataDirectory {
        path: data_dir.to_owned(),
        reason,
    };
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(data_dir)
        .map_err(|error| failed(format!("{error}; choose another one with `--data-dir`")))?;
    let metadata = fs::metadata(data_dir).map_err(|error| failed(error.to_string()))?;
    if metadata.uid() != rustix::process::geteuid().as_raw() {
        return Err(failed(
            "it belongs to another user; choose another one with `--data-dir`".into(),
        ));
    }
    let mode = Mode::from_raw_mode(metadata.mode());
    if !mode.intersects(Mode::RWXG | Mode::RWXO) {
        return Ok(());
    }
    if !is_ours_or_empty(data_dir).map_err(|error| failed(error.to_string()))? {
        return Err(failed(
            "it is open to other users and holds other things than wardroom's; choose a directory of its own with \
             `--data-dir`, or close this one with `chmod 700`"
                .into(),
        ));
    }
    fs::set_permissions(data_dir, fs::Permissions::from_mode(0o700))
        .map_err(|error| failed(format!("it is open to other users and that cannot be changed: {error}")))
}

/// What a set-up leaves in a data directory, and nothing else does.
const TRACES: [&str; 4] = ["wardroom.epoch", "wardroom.db", "wardroom.json", "broodlink.json"];

/// Whether closing a directory to others takes nothing from anybody.
fn is_ours_or_empty(data_dir: &Path) -> io::Result<bool> {
    let mut is_empty = true;
    for entry in fs::read_dir(data_dir)? {
        let name = entry?.file_name();
        if TRACES.iter().any(|trace| name == *trace) {
            return Ok(true);
        }
        is_empty = false;
    }
    Ok(is_empty)
}
