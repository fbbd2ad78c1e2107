//! Why a server does not start.

use std::io;
use std::path::{Path, PathBuf};

use crate::config::tailscale::TailscaleError;
use crate::http::TlsError;
use crate::hub::FirstRunError;
use crate::store::{OpenError, StoreError};

/// Why a server does not start, with what to do.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The database cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The database cannot be used.
    #[error("the database cannot be used: {0}")]
    Store(#[from] StoreError),
    /// There is no controller and none could be made.
    #[error("the controller key could not be made: {0}")]
    FirstRun(#[from] FirstRunError),
    /// The data directory cannot be used.
    #[error("cannot use the data directory `{path}`: {reason}")]
    DataDirectory {
        /// Which one.
        path: PathBuf,
        /// Why, and what to do.
        reason: String,
    },
    /// The port is taken.
    #[error("`{address}` is taken by another program; stop it, or choose another `--port`")]
    PortTaken {
        /// The address.
        address: String,
    },
    /// The server cannot listen.
    #[error("cannot listen on `{address}`: {source}")]
    Listen {
        /// The address.
        address: String,
        /// Why.
        source: io::Error,
    },
    /// A value of the configuration cannot be used.
    #[error("{0}")]
    Configuration(String),
    /// Anything else.
    #[error("the server could not be started: {0}")]
    Failed(String),
}

/// What kind of trouble it is, for exit codes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StartErrorKind {
    /// A server runs on the data directory already.
    AlreadyRunning,
    /// The database is damaged, missing, foreign or too new.
    Damaged,
    /// Another program has the port.
    PortTaken,
    /// The data directory or a file in it cannot be used.
    DataDirectory,
    /// The configuration is wrong.
    Configuration,
    /// Anything else.
    Other,
}

impl StartError {
    /// Damage that was found after the database was opened is told like damage found before: with what to do.
    pub(super) fn about(self, database: &Path) -> Self {
        match self {
            Self::Store(StoreError::Damaged(detail))
            | Self::FirstRun(FirstRunError::Store(StoreError::Damaged(detail))) => Self::Open(OpenError::Damaged {
                path: database.to_owned(),
                detail,
            }),
            other => other,
        }
    }

    /// What kind of trouble it is.
    pub fn kind(&self) -> StartErrorKind {
        match self {
            Self::Open(OpenError::InUse(_)) => StartErrorKind::AlreadyRunning,
            Self::Open(OpenError::File { .. }) | Self::DataDirectory { .. } => StartErrorKind::DataDirectory,
            Self::Open(OpenError::Store { source, .. }) | Self::Store(source) => kind_of(source),
            Self::FirstRun(FirstRunError::Store(source) | FirstRunError::InDoubt(source)) => kind_of(source),
            Self::Open(OpenError::OldSqlite(_) | OpenError::Busy(_) | OpenError::Backup { .. })
            | Self::FirstRun(FirstRunError::Entropy(_)) => StartErrorKind::Other,
            Self::Open(_) => StartErrorKind::Damaged,
            Self::PortTaken { .. } => StartErrorKind::PortTaken,
            Self::Configuration(_) => StartErrorKind::Configuration,
            Self::Listen { .. } | Self::Failed(_) => StartErrorKind::Other,
        }
    }
}

fn kind_of(error: &StoreError) -> StartErrorKind {
    match error {
        StoreError::Damaged(_) => StartErrorKind::Damaged,
        StoreError::Full | StoreError::ReadOnly | StoreError::Io(_) | StoreError::InDoubt(_) => {
            StartErrorKind::DataDirectory
        }
        StoreError::Busy | StoreError::Failed(_) | StoreError::Other(_) => StartErrorKind::Other,
    }
}

impl From<TlsError> for StartError {
    fn from(error: TlsError) -> Self {
        Self::Configuration(error.to_string())
    }
}

impl From<TailscaleError> for StartError {
    fn from(error: TailscaleError) -> Self {
        Self::Configuration(error.to_string())
    }
}
