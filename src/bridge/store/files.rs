//! The files beside the database, which scripts of link-agent's users read: one JSON value a line, only ever appended to.
//!
//! The database is the record; a file may lack the last lines when the process was killed. When a room is opened, what is
//! missing is appended, so that a file holds everything once.

use std::collections::BTreeMap;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension as _, params};

use super::digest;
use crate::bridge::mailboxes::{Mailboxes, Place, QueueKey};
use crate::bridge::notices::Notices;
use crate::store::StoreError;

/// What a room received.
pub(in crate::bridge) const INBOX: Journal = Journal {
    file: "inbox.jsonl",
    table: "inbox",
};

/// What happened to its link.
pub(in crate::bridge) const EVENTS: Journal = Journal {
    file: "events.jsonl",
    table: "events",
};

/// A file and the table that it shows.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::bridge) struct Journal {
    pub(in crate::bridge) file: &'static str,
    table: &'static str,
}

/// A last line that is longer was not written by us: no message is that long.
const LONGEST_LINE: u64 = 4 * 1024 * 1024;

/// Rows that are read at a time.
const PAGE: usize = 500;

/// What the writer's thread does beside the database, after each commit.
pub(in crate::bridge) struct Files {
    root: PathBuf,
    /// Lines of the group that was just committed.
    waiting: BTreeMap<(String, Journal), Vec<u8>>,
    /// Whether the last attempt failed, so that the log says it once.
    is_failing: bool,
    /// Messages of the group, for those who wait at queues.
    arrived: Vec<(QueueKey, Place, Arc<str>)>,
    mailboxes: Mailboxes,
    /// The files that tell agents that there is something.
    pub(in crate::bridge) notices: Notices,
}

impl Files {
    pub(in crate::bridge) fn new(root: &Path, mailboxes: Mailboxes, notices: Notices) -> Self {
        Self {
            root: root.to_owned(),
            waiting: BTreeMap::new(),
            is_failing: false,
            arrived: Vec::new(),
            mailboxes,
            notices,
        }
    }

    /// Appends a line to a file of a room; written when the group is dealt with.
    pub(in crate::bridge) fn append(&mut self, room_id: &str, journal: Journal, line: &str) {
        let lines = self.waiting.entry((room_id.to_owned(), journal)).or_default();
        lines.extend_from_slice(line.as_bytes());
        lines.push(b'\n');
    }

    /// Shows a message to those who wait at a queue, when the files are written.
    pub(in crate::bridge) fn arrive(&mut self, key: QueueKey, place: Place, text: &Arc<str>) {
        self.arrived.push((key, place, Arc::clone(text)));
    }

    /// Writes what waits, and shows what has arrived.
    pub(super) fn flush(&mut self) {
        let mut failed = None;
        for ((room_id, journal), lines) in std::mem::take(&mut self.waiting) {
            let path = self.root.join(room_id).join(journal.file);
            if let Err(error) = appending(&path).and_then(|mut file| file.write_all(&lines)) {
                failed = Some(error);
            }
        }
        match failed {
            Some(error) if !self.is_failing => {
                tracing::warn!(%error, "the files of a room cannot be written; they are completed when it is opened next");
                self.is_failing = true;
            }
            Some(_) => {}
            None => self.is_failing = false,
        }
        self.notices.flush();
        for (key, place, text) in std::mem::take(&mut self.arrived) {
            self.mailboxes.deliver(key, place, &text);
        }
    }
}

/// Makes the directory of a room and completes its files.
pub(in crate::bridge) fn complete(
    connection: &Connection,
    root: &Path,
    number: i64,
    room_id: &str,
) -> Result<(), StoreError> {
    let directory = root.join(room_id);
    make_directory(&directory).map_err(|error| failed(&directory, &error))?;
    for journal in [INBOX, EVENTS] {
        let path = directory.join(journal.file);
        let after = whole_lines(&path)
            .map_err(|error| failed(&path, &error))?
            .map_or(Ok(Some(0)), |last| number_of(connection, journal, number, &last))?;
        // A last line that we do not know was written by somebody else, who may do with the file as he likes.
        if let Some(after) = after {
            append_after(connection, journal, number, after, &path)?;
        }
    }
    Ok(())
}

/// Makes a directory for its owner only; one that is there is left as it is.
pub(in crate::bridge) fn make_directory(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

fn failed(path: &Path, error: &io::Error) -> StoreError {
    StoreError::Failed(format!("cannot use `{}`: {error}", path.display()))
}

fn appending(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).mode(0o600).open(path)
}

/// Cuts a line off that was not finished, and gives the last whole one; none when there is none.
fn whole_lines(path: &Path) -> io::Result<Option<String>> {
    let mut file = match OpenOptions::new().read(true).write(true).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let length = file.metadata()?.len();
    let from = length.saturating_sub(2 * LONGEST_LINE);
    file.seek(SeekFrom::Start(from))?;
    let mut tail = Vec::new();
    file.take(2 * LONGEST_LINE).read_to_end(&mut tail)?;
    let whole = tail.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    if whole < tail.len() {
        OpenOptions::new()
            .write(true)
            .open(path)?
            .set_len(from + u64::try_from(whole).unwrap_or(0))?;
    }
    let Some(lines) = tail.get(..whole.saturating_sub(1)).filter(|_| whole > 0) else {
        return Ok(None);
    };
    let last = lines
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(lines, |end| &lines[end + 1..]);
    Ok(Some(String::from_utf8_lossy(last).into_owned()))
}

/// The newest row with a text.
fn number_of(connection: &Connection, journal: Journal, room: i64, text: &str) -> Result<Option<i64>, StoreError> {
    let sql = format!(
        "SELECT number FROM {} WHERE room = ?1 AND digest = ?2 ORDER BY number DESC LIMIT 1",
        journal.table
    );
    Ok(connection
        .prepare_cached(&sql)?
        .query_row(params![room, digest(text)], |row| row.get(0))
        .optional()?)
}

fn append_after(
    connection: &Connection,
    journal: Journal,
    room: i64,
    mut number: i64,
    path: &Path,
) -> Result<(), StoreError> {
    let sql = format!(
        "SELECT number, text FROM {} WHERE room = ?1 AND number > ?2 ORDER BY number LIMIT {PAGE}",
        journal.table
    );
    loop {
        let mut select = connection.prepare_cached(&sql)?;
        let mut rows = select.query(params![room, number])?;
        let mut lines = Vec::new();
        while let Some(row) = rows.next()? {
            number = row.get(0)?;
            lines.extend_from_slice(row.get::<_, String>(1)?.as_bytes());
            lines.push(b'\n');
        }
        if lines.is_empty() {
            return Ok(());
        }
        appending(path)
            .and_then(|mut file| file.write_all(&lines))
            .map_err(|error| failed(path, &error))?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_was_not_finished_goes_and_the_last_whole_one_is_found() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("inbox.jsonl");
        let check = |content: &str, last: Option<&str>, left: &str| {
            std::fs::write(&path, content).expect("written");
            assert_eq!(whole_lines(&path).expect("read").as_deref(), last, "{content:?}");
            assert_eq!(std::fs::read_to_string(&path).expect("there"), left);
        };
        check("", None, "");
        check("{\"a\"", None, "");
        check("1\n", Some("1"), "1\n");
        check("1\n22\n3", Some("22"), "1\n22\n");
        check("\n", Some(""), "\n");
        assert_eq!(whole_lines(&directory.path().join("none")).expect("read"), None);
    }
}
