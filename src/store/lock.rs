//! One server per data directory, and per database.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{FlockOperation, flock};

/// A command that looks whether a server runs holds the lock for an instant; only who holds it longer is a server.
const ATTEMPTS: u32 = 10;
const PAUSE: Duration = Duration::from_millis(20);

/// Held as long as a server uses the data directory. The kernel releases it however the process ends.
#[derive(Debug)]
pub struct DirectoryLock {
    _files: Vec<File>,
}

impl DirectoryLock {
    /// The name of the file in the data directory.
    pub const FILE_NAME: &'static str = "wardroom.lock";

    /// Takes the lock of a data directory, and that of its database when it lies elsewhere: two data directories may
    /// name the same one. `Ok(None)` when another process holds either.
    pub(super) fn acquire(data_dir: &Path, database: &Path) -> Result<Option<Self>, LockError> {
        Self::take(data_dir, database, true)
    }

    /// The same without making a file: where there is none, no server has ever been.
    pub(super) fn acquire_what_is_there(data_dir: &Path, database: &Path) -> Result<Option<Self>, LockError> {
        Self::take(data_dir, database, false)
    }

    fn take(data_dir: &Path, database: &Path, create: bool) -> Result<Option<Self>, LockError> {
        let mut files = Vec::new();
        for path in Self::paths(data_dir, database) {
            match lock(&path, create) {
                Ok(Some(file)) => files.push(file),
                Ok(None) => return Ok(None),
                Err(error) if !create && error.kind() == io::ErrorKind::NotFound => {}
                Err(source) => return Err(LockError { path, source }),
            }
        }
        Ok(Some(Self { _files: files }))
    }

    fn paths(data_dir: &Path, database: &Path) -> Vec<PathBuf> {
        let mut paths = vec![data_dir.join(Self::FILE_NAME)];
        if database.parent() != Some(data_dir) {
            let mut beside = database.as_os_str().to_owned();
            beside.push(".lock");
            paths.push(beside.into());
        }
        paths
    }
}

/// A lock that cannot be taken, for another reason than that somebody has it.
#[derive(Debug)]
pub(super) struct LockError {
    /// The file that is locked.
    pub(super) path: PathBuf,
    /// Why.
    pub(super) source: io::Error,
}

fn lock(path: &Path, create: bool) -> io::Result<Option<File>> {
    let file = OpenOptions::new()
        .create(create)
        .truncate(false)
        .read(true)
        .write(true)
        .mode(0o600)
        .open(path)?;
    for _ in 0..ATTEMPTS {
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(Some(file)),
            Err(rustix::io::Errno::WOULDBLOCK) => pause(),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(None)
}

#[expect(
    clippy::disallowed_methods,
    reason = "a lock that is held tells nobody when it is released"
)]
fn pause() {
    std::thread::sleep(PAUSE);
}
