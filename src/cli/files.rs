//! Files that are written whole or not at all.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Mode of files that only their owner may read.
pub(super) const PRIVATE: u32 = 0o600;

/// Writes a file in one step: a reader sees the former content or the new one.
pub(super) fn write_atomically(path: &Path, content: &[u8], mode: u32) -> io::Result<()> {
    let temporary = temporary_beside(path)?;
    let written = write_new(&temporary, content, mode).and_then(|()| fs::rename(&temporary, path));
    if written.is_err() {
        // The first error is the one to tell; what is left behind harms nobody.
        drop(fs::remove_file(&temporary));
    }
    written
}

/// A name in the same directory, and so on the same file system, that nobody else uses.
pub(super) fn temporary_beside(path: &Path) -> io::Result<PathBuf> {
    let name = path
        .file_name()
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "the path names no file"))?;
    let mut temporary = std::ffi::OsString::from(".");
    temporary.push(name);
    temporary.push(format!(".{}.tmp", std::process::id()));
    Ok(path.with_file_name(temporary))
}

/// Makes a directory, and what is above it, for its owner only; one that is there is left as it is.
pub(super) fn create_private_directory(path: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Makes what was renamed into a directory last.
pub(super) fn sync_directory(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}

fn write_new(path: &Path, content: &[u8], mode: u32) -> io::Result<()> {
    // The name holds our own process id: a file of that name was left by a process that is gone.
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?;
    file.write_all(content)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_file_is_replaced_whole_and_leaves_nothing_beside_it() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("wardroom.pid");
        fs::write(&path, "a longer former content").expect("written");
        write_atomically(&path, b"1\n", PRIVATE).expect("replaced");
        assert_eq!(fs::read(&path).expect("there"), b"1\n");
        assert_eq!(
            fs::metadata(&path).expect("there").permissions().mode() & 0o777,
            PRIVATE
        );
        assert_eq!(fs::read_dir(directory.path()).expect("readable").count(), 1);
    }

    #[test]
    fn a_failure_leaves_the_former_content() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("taken");
        fs::create_dir_all(path.join("inside")).expect("made");
        assert!(write_atomically(&path, b"x", PRIVATE).is_err());
        assert!(path.join("inside").is_dir());
        assert_eq!(fs::read_dir(directory.path()).expect("readable").count(), 1);
    }
}
