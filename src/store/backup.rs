//! A copy of the database in one file, made while the database is in use or not.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions as FileOptions};
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use rusqlite::backup::{Backup as Copying, StepResult};
use rusqlite::{Connection, OpenFlags};
use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;

use super::error::StoreError;
use super::open::{PrepareError, connect, recognise, size_of};
use super::{migrate, verify};

/// Where the head of a database file tells whose it is, and how long that head is.
const APPLICATION_ID_AT: usize = 68;
const HEAD_BYTES: usize = 72;

/// A backup that was made.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Backup {
    /// Bytes of the file.
    pub bytes: u64,
    /// Messages in it, direct ones included.
    pub messages: u64,
}

/// Why no backup was made. What was there before is there still.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// There is a file of that name.
    #[error("`{0}` is there already; choose another name, or replace it with `--force`")]
    Exists(PathBuf),
    /// There is a file of that name, and it is no backup.
    #[error("`{0}` is not a backup of wardroom, so it is not replaced; choose another name")]
    NotOurs(PathBuf),
    /// The name is that of the database itself.
    #[error("`{0}` is the database itself; choose another name")]
    Live(PathBuf),
    /// The file cannot be made.
    #[error("cannot write `{path}`: {source}")]
    File {
        /// Which one.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// There is no database to copy.
    #[error("there is no database `{0}`")]
    Missing(PathBuf),
    /// The database cannot be read, or the copy cannot be written.
    #[error("the database could not be copied: {0}")]
    Store(#[from] StoreError),
}

/// Copies everything that is committed now from `database` into the new file `target`, readable for its owner only, and
/// checks the copy as a whole. The file appears when it is complete and on the disk, or not at all. With `replace`, an
/// earlier backup of that name makes way in the same instant. Blocks; writers go on meanwhile.
pub fn back_up(database: &Path, target: &Path, replace: bool) -> Result<Backup, BackupError> {
    // One at a time: they would only take the disk from each other.
    static ONE: Mutex<()> = Mutex::new(());
    let _one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    let file = |path: &Path| {
        let path = path.to_owned();
        move |source| BackupError::File { path, source }
    };
    if size_of(database).map_err(file(database))? == 0 {
        return Err(BackupError::Missing(database.to_owned()));
    }
    if ["-wal", "-shm", "-journal"]
        .iter()
        .any(|ending| beside(database, ending) == target)
    {
        // SQLite would take it for its own.
        return Err(BackupError::Live(target.to_owned()));
    }
    // Found out before the work, so that nobody waits for a refusal.
    let is_earlier = check_target(database, target, replace)?;
    let temporary = temporary(target).map_err(file(target))?;
    let done = write(database, &temporary).and_then(|backup| {
        match publish(&temporary, target, is_earlier) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                return Err(BackupError::Exists(target.to_owned()));
            }
            published => published.map_err(file(target))?,
        }
        sync_directory(target).map_err(file(target))?;
        Ok(backup)
    });
    if done.is_err() {
        // The first error is the one to tell.
        drop(fs::remove_file(&temporary));
    }
    done
}

/// Gives a complete file its name, in one step. Unless it may `replace` one, no other file loses that name, whoever made it
/// meanwhile.
fn publish(temporary: &Path, target: &Path, replace: bool) -> io::Result<()> {
    if replace {
        return fs::rename(temporary, target);
    }
    match renameat_with(CWD, temporary, CWD, target, RenameFlags::NOREPLACE) {
        // Not every file system can; those that cannot mostly know links.
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => {
            fs::hard_link(temporary, target)?;
            fs::remove_file(temporary)
        }
        renamed => Ok(renamed?),
    }
}

/// Refuses a name at which no backup may be put. Whether an earlier backup has it, which makes way.
fn check_target(database: &Path, target: &Path, replace: bool) -> Result<bool, BackupError> {
    match fs::symlink_metadata(target) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(source) => {
            return Err(BackupError::File {
                path: target.to_owned(),
                source,
            });
        }
        Ok(_) => {}
    }
    if is_same_file(database, target) {
        return Err(BackupError::Live(target.to_owned()));
    }
    if !replace {
        return Err(BackupError::Exists(target.to_owned()));
    }
    if !is_ours(target) {
        return Err(BackupError::NotOurs(target.to_owned()));
    }
    Ok(true)
}

fn is_same_file(one: &Path, other: &Path) -> bool {
    let id = |path| fs::metadata(path).map(|metadata| (metadata.dev(), metadata.ino())).ok();
    id(one).is_some_and(|found| id(other) == Some(found))
}

/// Whether the head of a file says that it is a database of wardroom.
fn is_ours(path: &Path) -> bool {
    let mut head = [0; HEAD_BYTES];
    let read = File::open(path).and_then(|mut file| file.read_exact(&mut head));
    read.is_ok() && head[APPLICATION_ID_AT..] == migrate::APPLICATION_ID.to_be_bytes()
}

/// A name beside `target`, and so on the same file system.
fn temporary(target: &Path) -> io::Result<PathBuf> {
    let name = target
        .file_name()
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "the path names no file"))?;
    let mut temporary = OsString::from(".");
    temporary.push(name);
    temporary.push(format!(".{}.tmp", std::process::id()));
    Ok(target.with_file_name(temporary))
}

fn write(database: &Path, temporary: &Path) -> Result<Backup, BackupError> {
    let file = |source| BackupError::File {
        path: temporary.to_owned(),
        source,
    };
    make_private(temporary).map_err(file)?;
    let copy = copy(database, temporary).map_err(store_error)?;
    verify::thorough_check(&copy)?;
    let messages: i64 = copy
        .query_row("SELECT count(*) FROM messages", [], |row| row.get(0))
        .map_err(StoreError::from)?;
    drop(copy);
    let written = File::open(temporary).map_err(file)?;
    written.sync_all().map_err(file)?;
    Ok(Backup {
        bytes: written.metadata().map_err(file)?.len(),
        messages: messages.unsigned_abs(),
    })
}

/// Makes an empty file that only its owner may read; one that a process that is gone has left makes way.
pub(super) fn make_private(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    FileOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    Ok(())
}

/// Copies the database `from`, which must be ours, into the empty file `to`, as it is at one moment. The copy has no log
/// beside it.
pub(super) fn copy(from: &Path, to: &Path) -> Result<Connection, PrepareError> {
    let source = connect(from)?;
    let size = size_of(from).map_err(|error| StoreError::Failed(error.to_string()))?;
    if recognise(&source, size, false)? == 0 {
        return Err(PrepareError::Foreign);
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut target = Connection::open_with_flags(to, flags)?;
    {
        let copying = Copying::new(&source, &mut target)?;
        // All at once: one moment of the source, which its writer does not wait for.
        if copying.step(-1)? != StepResult::Done {
            return Err(StoreError::Busy.into());
        }
    }
    target.execute_batch("PRAGMA synchronous = FULL; PRAGMA cell_size_check = ON; PRAGMA trusted_schema = OFF;")?;
    let mode: String = target.query_row("PRAGMA journal_mode = DELETE", [], |row| row.get(0))?;
    if mode != "delete" {
        return Err(StoreError::Failed(format!("the copy keeps its journal mode `{mode}`")).into());
    }
    Ok(target)
}

fn store_error(error: PrepareError) -> BackupError {
    match error {
        PrepareError::Store(error) => error.into(),
        PrepareError::Foreign | PrepareError::Emptied | PrepareError::TooNew(_) => {
            StoreError::Failed("it is not a database of this version of wardroom".into()).into()
        }
    }
}

/// The path with something behind its name.
pub(super) fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = OsString::from(path.as_os_str());
    name.push(ending);
    name.into()
}

/// Makes the name of a file last.
pub(super) fn sync_directory(path: &Path) -> io::Result<()> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    File::open(directory.unwrap_or(Path::new(".")))?.sync_all()
}
