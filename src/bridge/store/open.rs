//! Opening the bridge's database.

use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags, TransactionBehavior};

/// The name of the database in the data root.
const FILE_NAME: &str = "bridge.db";

/// Marks a database as a bridge's ("WBRG").
const APPLICATION_ID: i32 = 0x5742_5247;

const MIGRATIONS: [&str; 1] = [include_str!("../../../migrations/bridge/0001_bridge.sql")];

const STATEMENT_CACHE: usize = 64;

/// Why there is no store.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// A file or directory cannot be used.
    #[error("cannot use `{path}`: {source}")]
    File {
        /// Which one.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file is not a bridge's database.
    #[error("`{0}` is not the database of a bridge")]
    Foreign(PathBuf),
    /// A later version of this program made it.
    #[error("`{path}` has schema {found} and this program knows {known}: use a newer wardroom")]
    TooNew {
        /// The database.
        path: PathBuf,
        /// Its schema.
        found: usize,
        /// The newest schema known.
        known: usize,
    },
    /// Another bridge uses the data root.
    #[error("another bridge uses `{0}`")]
    InUse(PathBuf),
    /// The database failed.
    #[error("cannot open `{path}`: {source}")]
    Database {
        /// The database.
        path: PathBuf,
        /// Why.
        source: rusqlite::Error,
    },
    /// The writer's thread did not start.
    #[error("cannot start the thread of the database: {0}")]
    Thread(io::Error),
}

pub(super) fn open(root: &Path) -> Result<Connection, OpenError> {
    let path = root.join(FILE_NAME);
    // SQLite would make it readable for everybody; its companions take over this mode.
    OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(&path)
        .map_err(|source| OpenError::File {
            path: path.clone(),
            source,
        })?;
    prepare(&path).map_err(|problem| match problem {
        Problem::Foreign => OpenError::Foreign(path),
        Problem::TooNew(found) => OpenError::TooNew {
            path,
            found,
            known: MIGRATIONS.len(),
        },
        Problem::Database(source) => OpenError::Database { path, source },
    })
}

enum Problem {
    Foreign,
    TooNew(usize),
    Database(rusqlite::Error),
}

impl From<rusqlite::Error> for Problem {
    fn from(error: rusqlite::Error) -> Self {
        Self::Database(error)
    }
}

fn prepare(path: &Path) -> Result<Connection, Problem> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags)?;
    connection.set_prepared_statement_cache_capacity(STATEMENT_CACHE);
    let number = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, i64>(0));
    let objects = number("SELECT count(*) FROM sqlite_schema")?;
    if objects > 0 && number("PRAGMA application_id")? != i64::from(APPLICATION_ID) {
        return Err(Problem::Foreign);
    }
    let present = usize::try_from(number("PRAGMA user_version")?).map_err(|_| Problem::Foreign)?;
    if present > MIGRATIONS.len() {
        return Err(Problem::TooNew(present));
    }
    connection.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON; \
         PRAGMA cell_size_check = ON; PRAGMA trusted_schema = OFF; PRAGMA temp_store = MEMORY; \
         PRAGMA cache_size = -4000; PRAGMA journal_size_limit = 16777216;",
    )?;
    for (index, migration) in MIGRATIONS.iter().enumerate().skip(present) {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        transaction.execute_batch(migration)?;
        transaction.pragma_update(None, "user_version", i64::try_from(index + 1).unwrap_or(i64::MAX))?;
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        transaction.commit()?;
    }
    Ok(connection)
}
