//! Which process serves a port: a file that its bridge keeps locked, so that a stale one misleads nobody.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;

use rustix::fs::{FlockOperation, flock};

use crate::cli::agentlink;
use crate::cli::exit::Failure;
use crate::cli::files::PRIVATE;

fn path(port: u16) -> Result<PathBuf, Failure> {
    Ok(agentlink::directory()?.join(format!("bridge-{port}.pid")))
}

/// The file of this process. Let go of, it is nobody's.
pub(super) struct PidFile {
    path: PathBuf,
    /// Holds the lock.
    _file: File,
}

impl PidFile {
    /// Says that this process serves a port, which it has bound.
    pub(super) fn write(port: u16) -> Result<Self, Failure> {
        let path = path(port)?;
        let mut file = open(&path)?;
        flock(&file, FlockOperation::NonBlockingLockExclusive).map_err(io::Error::from)?;
        file.set_len(0)?;
        writeln!(file, "{}", std::process::id())?;
        Ok(Self { path, _file: file })
    }
}

impl Drop for PidFile {
    fn drop(&mut self) {
        // Left behind, it names nobody, since the lock goes with the process.
        drop(fs::remove_file(&self.path));
    }
}

fn open(path: &std::path::Path) -> io::Result<File> {
    OpenOptions::new()
        .create(true)
        .read(true)
        .write(true)
        .truncate(false)
        .mode(PRIVATE)
        .open(path)
}

/// The process whose bridge serves a port.
pub(super) fn serving(port: u16) -> Option<i32> {
    let path = path(port).ok()?;
    let file = File::open(&path).ok()?;
    // Whoever can lock it has found a file that was left behind.
    if flock(&file, FlockOperation::NonBlockingLockExclusive).is_ok() {
        return None;
    }
    fs::read_to_string(&path).ok()?.trim().parse().ok()
}

/// Whether a process still serves a port.
pub(super) fn is_serving(port: u16, pid: i32) -> bool {
    serving(port) == Some(pid)
}
