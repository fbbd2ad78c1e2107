//! The file that tells people which process serves. Nothing in this program decides anything by it.

use std::fs;
use std::path::PathBuf;

use anyhow::Context as _;

use super::exit::Failure;
use super::files::{PRIVATE, write_atomically};

/// The pid file of this process; dropping it removes the file.
#[derive(Debug)]
pub(super) struct PidFile {
    path: PathBuf,
    content: String,
}

impl PidFile {
    /// Replaces whatever a former server has left there. The caller holds the lock of the data directory.
    pub(super) fn write(path: PathBuf) -> Result<Self, Failure> {
        let content = format!("{}\n", std::process::id());
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
    fn it_leaves_another_servers_file_alone() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("wardroom.pid");
        let file = PidFile::write(path.clone()).expect("written");
        fs::write(&path, "1\n").expect("written");
        drop(file);
        assert_eq!(fs::read_to_string(&path).expect("there"), "1\n");
    }
}
