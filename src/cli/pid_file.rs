//! The file that tells people which process serves, or is about to. It is never taken for a sign that there is one: that
//! is what the lock is for.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::exit::Failure;
use super::files::{PRIVATE, write_atomically};

/// Stands behind the process id until the server answers.
const STARTING: &str = "starting";

/// The process that a pid file calls a starting server; what is there may be left of a former one.
pub(super) fn starting_process(path: &Path) -> Option<u32> {
    let content = fs::read_to_string(path).ok()?;
    content.trim_end().strip_suffix(STARTING)?.trim_end().parse().ok()
}

/// The pid file of this process; dropping it removes the file.
#[derive(Debug)]
pub(super) struct PidFile {
    path: PathBuf,
    content: String,
}

impl PidFile {
    /// Names this process as the server. Replaces whatever stands there; the caller holds the lock of the data directory.
    pub(super) fn write(path: PathBuf) -> Result<Self, Failure> {
        Self::with_content(path, format!("{}\n", std::process::id()))
    }

    /// The same for a server that does not answer yet.
    pub(super) fn starting(path: PathBuf) -> Result<Self, Failure> {
        Self::with_content(path, format!("{} {STARTING}\n", std::process::id()))
    }

    fn with_content(path: PathBuf, content: String) -> Result<Self, Failure> {
        write_atomically(&path, content.as_bytes(), PRIVATE)
            .with_context(|| format!("cannot write `{}`", path.display()))?;
        Ok(Self { path, content })
    }
}

impl Drop for PidFile {
    fn drop(&mut self) {
        // A file that somebody else has put there meanwhile is not ours to remove.
        if fs::read_to_string(&self.path).is_ok_and(|content| content == self.content) {
            // Left behind, it is a stale pid file, which harms nobody.
            drop(fs::remove_file(&self.path));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_there_while_held_and_replaces_junk() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("wardroom.pid");
        fs::write(&path, "junk").expect("written");
        let file = PidFile::write(path.clone()).expect("written");
        assert_eq!(
            fs::read_to_string(&path).expect("there"),
            format!("{}\n", std::process::id())
        );
        drop(file);
        assert!(!path.exists());
    }

    #[test]
    fn it_tells_a_start_from_a_server() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("wardroom.pid");
        assert_eq!(starting_process(&path), None);
        let start = PidFile::starting(path.clone()).expect("written");
        assert_eq!(starting_process(&path), Some(std::process::id()));
        let server = PidFile::write(path.clone()).expect("written");
        assert_eq!(starting_process(&path), None);
        drop(start);
        assert!(path.exists(), "the server's file stays when its start is over");
        drop(server);
        for junk in ["", "starting", "x starting", "-1 starting", "1 2 starting"] {
            fs::write(&path, junk).expect("written");
            assert_eq!(starting_process(&path), None, "{junk}");
        }
    }

    #[test]
    fn it_leaves_another_servers_file_alone() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("wardroom.pid");
        let file = PidFile::write(path.clone()).expect("written");
        fs::write(&path, "1\n").expect("written");
        drop(file);
        assert_eq!(fs::read_to_string(&path).expect("there"), "1\n");
    }
}
