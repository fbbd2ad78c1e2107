//! The log file, put aside by size.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

/// Only the owner reads the log: it tells, by ids, which agent did what in which room.
const MODE: u32 = 0o600;

/// A file that is renamed to `.1`, and its predecessors to `.2` and so on, once a line has taken it past its size.
///
/// Lines are never cut in two. Where renaming fails the file goes on growing and the next line tries again: a log that
/// is too long is better than none.
#[derive(Debug)]
pub(super) struct RotatingFile {
    path: PathBuf,
    max_bytes: u64,
    max_files: u32,
    file: File,
    bytes: u64,
}

impl RotatingFile {
    /// Opens the file at `path`, which is put aside past `max_bytes` and has at most `max_files` predecessors.
    pub(super) fn open(path: &Path, max_bytes: u64, max_files: u32) -> io::Result<Self> {
        // The directory of a relative path may be left later.
        let path = std::path::absolute(path)?;
        let (file, bytes) = open(&path)?;
        Ok(Self {
            path,
            max_bytes,
            max_files,
            file,
            bytes,
        })
    }

    fn rotate(&mut self) -> io::Result<()> {
        for number in (1..self.max_files).rev() {
            rename(&self.predecessor(number), &self.predecessor(number + 1))?;
        }
        if self.max_files > 0 {
            rename(&self.path, &self.predecessor(1))?;
        }
        (self.file, self.bytes) = open(&self.path)?;
        Ok(())
    }

    fn predecessor(&self, number: u32) -> PathBuf {
        let mut path = self.path.clone().into_os_string();
        path.push(format!(".{number}"));
        path.into()
    }
}

impl Write for RotatingFile {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if self.bytes > self.max_bytes {
            // There is no log to tell of a failure; the line goes to the file that is open.
            let _ = self.rotate();
        }
        self.file.write_all(line)?;
        self.bytes = self.bytes.saturating_add(line.len() as u64);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Opens the file for appending, closed to others, and tells its size.
fn open(path: &Path) -> io::Result<(File, u64)> {
    let file = OpenOptions::new().create(true).append(true).mode(MODE).open(path)?;
    // The mode is for new files; one that was there may be readable by all.
    file.set_permissions(Permissions::from_mode(MODE))?;
    let bytes = file.metadata()?.len();
    Ok((file, bytes))
}

/// Renames a file that may not exist.
fn rename(from: &Path, to: &Path) -> io::Result<()> {
    match fs::rename(from, to) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(directory: &Path) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(directory)
            .expect("listed")
            .map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8"))
            .collect();
        names.sort();
        names
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).expect("metadata").permissions().mode() & 0o777
    }

    #[test]
    fn files_are_put_aside_by_size_and_the_oldest_goes() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("wardroom.log");
        let mut file = RotatingFile::open(&path, 10, 2).expect("opened");
        for line in ["first line\n", "second line\n", "third line\n", "fourth line\n"] {
            file.write_all(line.as_bytes()).expect("written");
        }
        assert_eq!(
            names(directory.path()),
            ["wardroom.log", "wardroom.log.1", "wardroom.log.2"]
        );
        let read = |name: &str| fs::read_to_string(directory.path().join(name)).expect("read");
        assert_eq!(read("wardroom.log"), "fourth line\n");
        assert_eq!(read("wardroom.log.1"), "third line\n");
        assert_eq!(read("wardroom.log.2"), "second line\n");
        for name in names(directory.path()) {
            assert_eq!(mode(&directory.path().join(&name)), 0o600, "{name}");
        }
    }

    #[test]
    fn an_earlier_log_is_continued_and_closed_to_others() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("wardroom.log");
        fs::write(&path, "before\n").expect("written");
        fs::set_permissions(&path, Permissions::from_mode(0o644)).expect("set");
        let mut file = RotatingFile::open(&path, 1000, 2).expect("opened");
        file.write_all(b"after\n").expect("written");
        assert_eq!(fs::read_to_string(&path).expect("read"), "before\nafter\n");
        assert_eq!(mode(&path), 0o600);
    }

    #[test]
    fn what_stands_in_the_way_of_a_rotation_costs_no_line() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("wardroom.log");
        let mut file = RotatingFile::open(&path, 1, 1).expect("opened");
        file.write_all(b"one\n").expect("written");
        let obstacle = directory.path().join("wardroom.log.1");
        fs::create_dir(&obstacle).expect("created");
        file.write_all(b"two\n").expect("written");
        assert_eq!(fs::read_to_string(&path).expect("read"), "one\ntwo\n");
        fs::remove_dir(&obstacle).expect("removed");
        file.write_all(b"three\n").expect("written");
        assert_eq!(fs::read_to_string(&path).expect("read"), "three\n");
        assert_eq!(fs::read_to_string(&obstacle).expect("read"), "one\ntwo\n");
    }

    #[test]
    fn a_file_that_was_taken_away_is_made_again() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("wardroom.log");
        let mut file = RotatingFile::open(&path, 1, 2).expect("opened");
        file.write_all(b"one\n").expect("written");
        fs::remove_file(&path).expect("removed");
        file.write_all(b"two\n").expect("written");
        assert_eq!(fs::read_to_string(&path).expect("read"), "two\n");
    }
}
