//! A file for each event, in a directory that only its owner can read.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::future::BoxFuture;

use super::NotifyProblem;
use super::event::Event;
use super::sink::Teller;

/// Files of one moment and one kind. What comes after so many has happened too often to be told one by one.
const SAME_NAME: u32 = 10_000;

/// Writes files into a directory.
pub(super) struct Files {
    dir: Arc<Path>,
    next: Arc<AtomicU64>,
}

impl Files {
    /// Makes the directory if it is missing, for its owner only.
    pub(super) fn new(dir: PathBuf) -> Result<Self, NotifyProblem> {
        let made = DirBuilder::new().recursive(true).mode(0o700).create(&dir);
        made.map_err(|error| {
            NotifyProblem(format!(
                "cannot make the directory `{}` for events: {error}",
                dir.display()
            ))
        })?;
        Ok(Self {
            dir: dir.into(),
            next: Arc::default(),
        })
    }
}

impl Teller for Files {
    fn tell<'a>(&'a self, at_ms: i64, event: &'a Event) -> BoxFuture<'a, ()> {
        let (dir, number) = (Arc::clone(&self.dir), self.next.fetch_add(1, Ordering::Relaxed));
        let stem = format!("{at_ms}_{}", event.name());
        let text = serde_json::to_string_pretty(&event.payload(at_ms)).unwrap_or_default() + "\n";
        Box::pin(async move {
            let written = tokio::task::spawn_blocking(move || write(&dir, &stem, number, &text));
            if let Ok(Err(error)) = written.await {
                tracing::warn!(%error, "an event could not be written to its file");
            }
        })
    }
}

/// Writes a file that is there as a whole or not at all, under a name that nobody has.
fn write(dir: &Path, stem: &str, number: u64, text: &str) -> io::Result<()> {
    let draft = dir.join(format!(".{stem}_{}_{number}.draft", std::process::id()));
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&draft)?;
    let written = file.write_all(text.as_bytes()).and_then(|()| name(dir, stem, &draft));
    // Under its name it stays.
    let removed = fs::remove_file(&draft);
    written.and(removed)
}

/// Gives the draft the first name that is free.
fn name(dir: &Path, stem: &str, draft: &Path) -> io::Result<()> {
    for count in 1..SAME_NAME {
        let name = match count {
            1 => format!("{stem}.json"),
            _ => format!("{stem}_{count}.json"),
        };
        match fs::hard_link(draft, dir.join(name)) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            outcome => return outcome,
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}
