//! What link-agent's bridge left in the directory of a room is taken over when the room is connected here first.

use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader, Read as _};
use std::path::Path;

use rusqlite::Connection;
use serde_json::{Map, Value};

use super::tasks::{self, Task};
use super::{inbox, outbox};
use crate::p2p::Envelope;
use crate::store::StoreError;

/// A longer line is no message.
const LONGEST_LINE: u64 = 4 * 1024 * 1024;

/// What is done with files that were taken over: they are kept under this name, so that a link-agent that is started again
/// does not send everything once more.
const DONE: &str = "taken-over";

const PENDING: &str = "pending.jsonl";
const TASKS: &str = "tasks.jsonl";

/// Reads the files of a room that was made just now.
pub(in crate::bridge) fn read(
    connection: &Connection,
    root: &Path,
    number: i64,
    room_id: &str,
) -> Result<(), StoreError> {
    let directory = root.join(room_id);
    for line in lines(&directory.join(super::files::INBOX.file))? {
        // As it is, so that the file's last line is found again.
        if serde_json::from_str::<Value>(&line).is_ok() {
            inbox::add(connection, number, &line)?;
        }
    }
    // Lines that are not understood are skipped, as the original does.
    for line in lines(&directory.join(PENDING))? {
        if let Ok(Some(id)) = Envelope::from_text(&line).map(|envelope| envelope.id().map(str::to_owned)) {
            outbox::add(connection, number, &id, &line)?;
        }
    }
    for line in lines(&directory.join(TASKS))? {
        if let Ok(members) = serde_json::from_str::<Map<String, Value>>(&line)
            && let Some(task) = Task::from_json(&members)
        {
            tasks::put(connection, number, &task)?;
        }
    }
    Ok(())
}

/// Puts the files away that the database holds now.
pub(in crate::bridge) fn put_away(root: &Path, room_id: &str) {
    for name in [PENDING, TASKS] {
        let path = root.join(room_id).join(name);
        match fs::rename(&path, path.with_extension(format!("jsonl.{DONE}"))) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                tracing::warn!(%error, file = name, "a file that was taken over stays where it is");
            }
            _ => {}
        }
    }
}

fn lines(path: &Path) -> Result<Vec<String>, StoreError> {
    let failed = |error: io::Error| StoreError::Failed(format!("cannot read `{}`: {error}", path.display()));
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed(error)),
    };
    let mut reader = BufReader::new(file);
    let mut lines = Vec::new();
    loop {
        let mut line = Vec::new();
        let count = reader
            .by_ref()
            .take(LONGEST_LINE)
            .read_until(b'\n', &mut line)
            .map_err(failed)?;
        if count == 0 {
            return Ok(lines);
        }
        let text = String::from_utf8_lossy(&line);
        let text = text.trim();
        if !text.is_empty() {
            lines.push(text.to_owned());
        }
    }
}
