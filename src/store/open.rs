//! Opening the database: refuse what is not ours, not whole, or in use, and say what to do.

use std::fs::OpenOptions as FileOptions;
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::error::StoreError;
use super::lock::{DirectoryLock, LockError};
use super::readers::Readers;
use super::{migrate, settings, verify};
use crate::domain::Epoch;

/// The oldest SQLite we trust: earlier ones can corrupt a database when the write-ahead log is reset.
const OLDEST_SQLITE: i32 = 3_051_003;

/// Prepared statements kept by each connection; the program has fewer.
pub(super) const STATEMENT_CACHE: usize = 64;

/// The bytes of the smallest page that SQLite knows; no database is smaller.
const SMALLEST_PAGE: u64 = 512;

/// How long another program may keep the database to itself before that is an error.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Holds the epoch of the database, so that a database that vanished is not mistaken for a first run.
const EPOCH_FILE: &str = "wardroom.epoch";

/// How to open.
#[derive(Clone, Debug)]
pub struct OpenOptions {
    /// The data directory, which must exist.
    pub data_dir: PathBuf,
    /// The database file.
    pub database: PathBuf,
    /// Whether a commit waits for the disk.
    pub durable: bool,
    /// Connections that read.
    pub readers: u32,
    /// Whether to check what is stored: `None` for what a start can afford, else everything or nothing.
    pub check_everything: Option<bool>,
    /// The epoch of a database that is made now.
    pub new_epoch: Epoch,
}

/// An open database.
#[derive(Debug)]
pub struct Database {
    /// The connections that read. Dropped first: the last one to close folds the log into the database, and these may not.
    pub readers: Readers,
    /// The one connection that writes.
    pub connection: Connection,
    /// Keeps other servers out.
    pub lock: DirectoryLock,
    /// Its incarnation.
    pub epoch: Epoch,
}

/// Why a database cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another server uses the data directory.
    #[error("another wardroom server is using `{0}`; stop it with `wardroom stop`, or choose another `--data-dir`")]
    InUse(PathBuf),
    /// The files cannot be used.
    #[error("cannot use `{path}`: {source}")]
    File {
        /// Which one.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The database is gone although there was one.
    #[error(
        "the database `{0}` is missing or empty, but this data directory had one; restore it from a backup, or delete \
         `wardroom.epoch` in the data directory to start with an empty one"
    )]
    Missing(PathBuf),
    /// The database is damaged.
    #[error(
        "the database `{path}` is damaged ({detail}); nothing was changed. Restore a backup, or copy the file and its \
         `-wal` aside and recover what can be read with `sqlite3 {path} .recover`"
    )]
    Damaged {
        /// Which one.
        path: PathBuf,
        /// What was found.
        detail: String,
    },
    /// The backup cannot be restored.
    #[error("the backup `{path}` cannot be restored ({detail}); nothing was changed")]
    Backup {
        /// Which one.
        path: PathBuf,
        /// Why.
        detail: String,
    },
    /// The file is some other program's database.
    #[error("`{0}` is not a wardroom database; set `database` to another file")]
    Foreign(PathBuf),
    /// The database was written by a newer version.
    #[error("the database `{path}` has schema {found}, this version knows {known}; install the newer version again")]
    TooNew {
        /// Which one.
        path: PathBuf,
        /// Its schema.
        found: usize,
        /// The newest schema known here.
        known: usize,
    },
    /// The SQLite library is too old.
    #[error("SQLite {0} is too old: 3.51.3 or later is needed")]
    OldSqlite(&'static str),
    /// Another program has locked the database.
    #[error("another program is using the database `{0}`")]
    Busy(PathBuf),
    /// Anything else.
    #[error("cannot open the database `{path}`: {source}")]
    Store {
        /// Which one.
        path: PathBuf,
        /// Why.
        source: StoreError,
    },
}

/// Takes the lock that makes a data directory and its database this process's own.
pub fn lock(data_dir: &Path, database: &Path) -> Result<DirectoryLock, OpenError> {
    held(DirectoryLock::acquire(data_dir, database), data_dir)
}

/// Opens the database, making it if this is the first run, and brings it to the present schema. `lock` is that of the
/// same data directory and database.
pub fn open(options: &OpenOptions, lock: DirectoryLock) -> Result<Database, OpenError> {
    if rusqlite::version_number() < OLDEST_SQLITE {
        return Err(OpenError::OldSqlite(rusqlite::version()));
    }
    let path = &options.database;
    let file = |source| OpenError::File {
        path: path.clone(),
        source,
    };
    let recorded = read_epoch(&options.data_dir).map_err(file)?;
    let size = size_of(path).map_err(file)?;
    if size == 0 && recorded.is_some() {
        return Err(OpenError::Missing(path.clone()));
    }
    // SQLite would make it readable for everybody; its companions `-wal` and `-shm` take over this mode.
    FileOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(path)
        .map_err(file)?;

    let failed = |error: StoreError| PrepareError::Store(error).about(path);
    let connection = prepare(options, size, recorded.is_some()).map_err(|error| error.about(path))?;
    let epoch = settings::epoch(&connection, options.new_epoch).map_err(failed)?;
    if recorded != Some(epoch) {
        write_epoch(&options.data_dir, epoch).map_err(file)?;
    }
    let readers = Readers::open(path, options.readers).map_err(failed)?;
    Ok(Database {
        readers,
        connection,
        lock,
        epoch,
    })
}

/// The lock, or what is in the way of it.
pub(super) fn held(
    lock: Result<Option<DirectoryLock>, LockError>,
    data_dir: &Path,
) -> Result<DirectoryLock, OpenError> {
    lock.map_err(|LockError { path, source }| OpenError::File { path, source })?
        .ok_or_else(|| OpenError::InUse(data_dir.to_owned()))
}

/// The bytes of a file; 0 when it is not there.
pub(super) fn size_of(path: &Path) -> io::Result<u64> {
    match std::fs::metadata(path) {
        Ok(metadata) => Ok(metadata.len()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
        Err(error) => Err(error),
    }
}

pub(super) enum PrepareError {
    Foreign,
    Emptied,
    TooNew(usize),
    Store(StoreError),
}

impl PrepareError {
    /// The error as the operator is told it.
    pub(super) fn about(self, path: &Path) -> OpenError {
        let path = path.to_owned();
        match self {
            Self::Foreign => OpenError::Foreign(path),
            Self::Emptied => OpenError::Missing(path),
            Self::TooNew(found) => OpenError::TooNew {
                path,
                found,
                known: migrate::SCHEMA_VERSION,
            },
            Self::Store(StoreError::Damaged(detail)) => OpenError::Damaged { path, detail },
            Self::Store(StoreError::Other(error)) if is_busy(&error) => OpenError::Busy(path),
            Self::Store(source) => OpenError::Store { path, source },
        }
    }
}

fn is_busy(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked)
    )
}

impl<E: Into<StoreError>> From<E> for PrepareError {
    fn from(error: E) -> Self {
        Self::Store(error.into())
    }
}

/// Whether the file ends within a page, which SQLite would fill up with zeros. While there is a log that may be right: the
/// page is in there.
fn is_cut(connection: &Connection, size: u64) -> Result<bool, StoreError> {
    let page_bytes: i64 = connection.query_row("PRAGMA page_size", [], |row| row.get(0))?;
    let log = connection.path().map(|path| PathBuf::from(format!("{path}-wal")));
    let has_log = log.is_some_and(|log| size_of(&log).is_ok_and(|bytes| bytes > 0));
    Ok(!has_log && !size.is_multiple_of(page_bytes.unsigned_abs().max(1)))
}

/// The schema version of a database that is ours; 0 for one that has none yet. `known`: the data directory had a database
/// before.
pub(super) fn recognise(connection: &Connection, size: u64, known: bool) -> Result<usize, PrepareError> {
    let application: i32 = connection.query_row("PRAGMA application_id", [], |row| row.get(0))?;
    let found = migrate::version(connection)?;
    if found > 0 && is_cut(connection, size)? {
        return Err(StoreError::Damaged("the last page of the file is cut off".into()).into());
    }
    if size > 0 && (application != migrate::APPLICATION_ID || found == 0) {
        if !is_empty(connection)? {
            return Err(PrepareError::Foreign);
        }
        if known {
            return Err(PrepareError::Emptied);
        }
        // SQLite takes a file of one byte for an empty one and would write over it.
        if size < SMALLEST_PAGE {
            return Err(PrepareError::Foreign);
        }
    }
    if found > migrate::SCHEMA_VERSION {
        return Err(PrepareError::TooNew(found));
    }
    Ok(found)
}

/// A connection that leaves everything as it is unless it is told to write. What is damaged must not be made worse by
/// looking, and what is not ours must not be touched: a log that is there is not folded, and none is left where there
/// was none.
pub(super) fn connect(database: &Path) -> Result<Connection, PrepareError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut log = database.as_os_str().to_owned();
    log.push("-wal");
    let has_log = Path::new(&log).symlink_metadata().is_ok();
    let connection = Connection::open_with_flags(database, flags)?;
    verify::fold_on_close(&connection, !has_log)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    Ok(connection)
}

fn prepare(options: &OpenOptions, size: u64, known: bool) -> Result<Connection, PrepareError> {
    let mut connection = connect(&options.database)?;
    connection.set_prepared_statement_cache_capacity(STATEMENT_CACHE);
    let found = recognise(&connection, size, known)?;
    if found > 0 {
        check(&connection, options.check_everything)?;
    }
    let synchronous = if options.durable { "FULL" } else { "NORMAL" };
    connection.execute_batch(&format!(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = {synchronous}; PRAGMA foreign_keys = ON; \
         PRAGMA cell_size_check = ON; PRAGMA trusted_schema = OFF; PRAGMA temp_store = MEMORY; \
         PRAGMA cache_size = -16000; PRAGMA journal_size_limit = 67108864;"
    ))?;
    let mode: String = connection.query_row("PRAGMA journal_mode", [], |row| row.get(0))?;
    if mode != "wal" {
        // Without the log a reader would stop the writer, and the other way round.
        return Err(StoreError::Failed(format!(
            "the file system has no write-ahead log (journal mode `{mode}`)"
        ))
        .into());
    }
    migrate::migrate(&mut connection)?;
    verify::fold_on_close(&connection, true)?;
    Ok(connection)
}

/// A file that an interrupted first run left behind has pages but no tables.
fn is_empty(connection: &Connection) -> Result<bool, StoreError> {
    let objects: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    Ok(objects == 0)
}

fn check(connection: &Connection, everything: Option<bool>) -> Result<(), StoreError> {
    match everything {
        None => verify::quick_check(connection),
        Some(true) => verify::thorough_check(connection),
        Some(false) => Ok(()),
    }
}

pub(super) fn read_epoch(data_dir: &Path) -> io::Result<Option<Epoch>> {
    let mut text = String::new();
    match std::fs::File::open(data_dir.join(EPOCH_FILE)) {
        Ok(file) => file.take(64).read_to_string(&mut text)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    Ok(Epoch::parse(text.trim()))
}

pub(super) fn write_epoch(data_dir: &Path, epoch: Epoch) -> io::Result<()> {
    let path = data_dir.join(EPOCH_FILE);
    let mut file = FileOptions::new()
        .create(true)
        .write(true)
        .truncate(true)
        .mode(0o600)
        .open(path)?;
    writeln!(file, "{epoch}")?;
    file.sync_all()
}
