//! Where the operator's socket lies, however long the path of the data directory is.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};

/// The name of the socket in the data directory.
pub const FILE_NAME: &str = "wardroom.sock";

/// The longest path that a socket address holds on every system we run on.
const LONGEST_PATH: usize = 100;

/// A path by which the socket can be bound or reached. Valid while this value lives.
#[derive(Debug)]
pub struct SocketPath {
    path: PathBuf,
    /// Keeps the short way through the directory's descriptor open.
    _directory: Option<File>,
}

impl SocketPath {
    /// The path of the socket in `data_dir`.
    pub fn of(data_dir: &Path) -> io::Result<Self> {
        let path = data_dir.join(FILE_NAME);
        if path.as_os_str().len() <= LONGEST_PATH {
            return Ok(Self { path, _directory: None });
        }
        let directory = File::open(data_dir)?;
        let way = PathBuf::from(format!("/proc/self/fd/{}", directory.as_raw_fd()));
        if !way.exists() {
            let message = format!("the path of the data directory is longer than {LONGEST_PATH} bytes");
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        }
        Ok(Self {
            path: way.join(FILE_NAME),
            _directory: Some(directory),
        })
    }

    /// The path itself.
    pub fn path(&self) -> &Path {
        &self.path
    }
}
