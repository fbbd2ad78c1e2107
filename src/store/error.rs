//! What can go wrong with the database, sorted by what the caller should do.

use rusqlite::ErrorCode;
use rusqlite::ffi;

/// A failed database operation.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// No space is left on the disk.
    #[error("the disk is full")]
    Full,
    /// The database cannot be written to.
    #[error("the database is read-only")]
    ReadOnly,
    /// The operating system failed to read or write.
    #[error("the disk failed: {0}")]
    Io(#[source] rusqlite::Error),
    /// The disk did not confirm a commit, so nobody can say whether it will be there after a crash.
    #[error("the disk did not confirm a commit: {0}")]
    InDoubt(#[source] rusqlite::Error),
    /// What was read is not what was written.
    #[error("the database is damaged: {0}")]
    Damaged(String),
    /// No reader was free in time.
    #[error("no database reader became free in time")]
    Busy,
    /// The program could not do its part: a thread did not start, or a read panicked.
    #[error("{0}")]
    Failed(String),
    /// Anything else is a fault of the program.
    #[error(transparent)]
    Other(rusqlite::Error),
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        let rusqlite::Error::SqliteFailure(failure, _) = &error else {
            return match error {
                // A stored value of the wrong type can only come from damage: the tables are STRICT.
                rusqlite::Error::FromSqlConversionFailure(..)
                | rusqlite::Error::InvalidColumnType(..)
                | rusqlite::Error::IntegralValueOutOfRange(..)
                | rusqlite::Error::Utf8Error(..) => Self::Damaged(error.to_string()),
                _ => Self::Other(error),
            };
        };
        match failure.code {
            ErrorCode::DiskFull => Self::Full,
            ErrorCode::ReadOnly => Self::ReadOnly,
            ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => Self::Damaged(error.to_string()),
            ErrorCode::SystemIoFailure if is_in_doubt(failure.extended_code) => Self::InDoubt(error),
            ErrorCode::SystemIoFailure | ErrorCode::CannotOpen => Self::Io(error),
            _ => Self::Other(error),
        }
    }
}

impl StoreError {
    /// The failure of a commit. Whatever fails once the write-ahead log holds the whole group leaves it in doubt: the
    /// sync, and also the index of the log, which takes the new frames after the sync. Only a log that could not be
    /// written to its end is certain not to hold it.
    pub(super) fn of_commit(error: rusqlite::Error) -> Self {
        let rusqlite::Error::SqliteFailure(failure, _) = &error else {
            return Self::InDoubt(error);
        };
        match failure.code {
            ErrorCode::DiskFull | ErrorCode::ConstraintViolation => error.into(),
            _ if failure.extended_code == ffi::SQLITE_IOERR_WRITE => error.into(),
            _ => Self::InDoubt(error),
        }
    }
}

/// Whether a failure leaves open if what was written before it reached the disk.
fn is_in_doubt(extended_code: i32) -> bool {
    matches!(extended_code, ffi::SQLITE_IOERR_FSYNC | ffi::SQLITE_IOERR_DIR_FSYNC)
}
