//! Looking at a data directory that no server uses, without changing anything that is stored in it.

use std::path::Path;

use rusqlite::Connection;

use super::error::StoreError;
use super::lock::DirectoryLock;
use super::open::{OpenError, PrepareError, connect, held, read_epoch, recognise, size_of};
use super::{agents, migrate, settings, verify};
use crate::domain::Epoch;

/// Checks everything that is stored, without changing it and while no server uses it. False when there is nothing yet.
pub fn inspect(data_dir: &Path, database: &Path) -> Result<bool, OpenError> {
    let (epoch, size) = recorded(data_dir, database)?;
    let known = epoch.is_some();
    if size == 0 {
        return if known {
            Err(OpenError::Missing(database.to_owned()))
        } else {
            Ok(false)
        };
    }
    let _lock = held(DirectoryLock::acquire_what_is_there(data_dir, database), data_dir)?;
    let looked = || -> Result<bool, PrepareError> {
        let connection = connect(database)?;
        if recognise(&connection, size, known)? == 0 {
            return Ok(false);
        }
        verify::thorough_check(&connection)?;
        Ok(true)
    };
    looked().map_err(|error| error.about(database))
}

/// A database that no server uses. Nothing of it is changed unless that is asked for.
#[derive(Debug)]
pub struct Resting {
    /// Reads, and notes in the audit log that somebody did.
    pub connection: Connection,
    _lock: DirectoryLock,
}

/// Opens the database of a data directory that no server uses, if it has the schema of this version.
pub fn open_resting(data_dir: &Path, database: &Path) -> Result<Resting, OpenError> {
    let (epoch, size) = recorded(data_dir, database)?;
    let known = epoch.is_some();
    if size == 0 {
        return Err(OpenError::Missing(database.to_owned()));
    }
    let lock = held(DirectoryLock::acquire_what_is_there(data_dir, database), data_dir)?;
    let opened = || -> Result<Connection, PrepareError> {
        let connection = connect(database)?;
        let found = recognise(&connection, size, known)?;
        if found < migrate::SCHEMA_VERSION {
            let what = format!("it has schema {found}, and the server must start once to bring it to this version");
            return Err(StoreError::Failed(what).into());
        }
        Ok(connection)
    };
    let connection = opened().map_err(|error| error.about(database))?;
    Ok(Resting {
        connection,
        _lock: lock,
    })
}

/// The database of a data directory that is this process's own, to note something in it, if it has the schema of this
/// version. Checks nothing of what is stored.
pub fn open_for_note(database: &Path, _lock: &DirectoryLock) -> Result<Connection, StoreError> {
    let connection = connect(database).map_err(|error| match error {
        PrepareError::Store(error) => error,
        PrepareError::Foreign | PrepareError::Emptied | PrepareError::TooNew(_) => not_ours(),
    })?;
    if migrate::version(&connection)? == migrate::SCHEMA_VERSION {
        Ok(connection)
    } else {
        Err(not_ours())
    }
}

fn not_ours() -> StoreError {
    StoreError::Failed("the database is not of this version".into())
}

/// Whether everything is there that a set-up makes, so that there is nothing to be written. Says nothing of what else is
/// stored: that is checked by whoever opens the database. `lock` is that of the same data directory and database.
pub fn is_set_up(data_dir: &Path, database: &Path, _lock: &DirectoryLock) -> Result<bool, OpenError> {
    let (known, size) = recorded(data_dir, database)?;
    if size == 0 || known.is_none() {
        return Ok(false);
    }
    let looked = || -> Result<bool, PrepareError> {
        let connection = connect(database)?;
        if recognise(&connection, size, true)? < migrate::SCHEMA_VERSION {
            return Ok(false);
        }
        let epoch = settings::get(&connection, settings::EPOCH)?;
        Ok(epoch.as_deref().and_then(Epoch::parse) == known && agents::controller(&connection)?.is_some())
    };
    looked().map_err(|error| error.about(database))
}

/// The epoch that the data directory remembers of its database, and the bytes of that; 0 when it is not there.
fn recorded(data_dir: &Path, database: &Path) -> Result<(Option<Epoch>, u64), OpenError> {
    let file = |source| OpenError::File {
        path: database.to_owned(),
        source,
    };
    let epoch = read_epoch(data_dir).map_err(file)?;
    Ok((epoch, size_of(database).map_err(file)?))
}
