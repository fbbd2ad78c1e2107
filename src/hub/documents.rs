//! The documents that every agent can ask for.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest, Sha256};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::acts::RecordConstitutionFile;
use super::{Caller, Hub};
use crate::domain::{Refusal, Role, check_text};
use crate::store::documents::{self, DocumentRow};
use crate::store::{Connection, StoreError, settings};

/// The rules of the place. The controller changes it by `docs.update`, the operator by editing its file.
pub(super) const CONSTITUTION: &str = "constitution";
const CONTROLLER: &str = "controller";
const PARTICIPANT: &str = "participant";
const PROTOCOL: &str = "protocol";

const CONSTITUTION_FILE: &str = "CONSTITUTION.md";
const CONTROLLER_FILE: &str = "CONTROLLER.md";

/// The texts that come with the program.
#[derive(Clone, Debug)]
pub struct Guides {
    /// The constitution of a new server.
    pub constitution: &'static str,
    /// The directive for the controller of a new server.
    pub controller: &'static str,
    /// What a participant should know.
    pub participant: &'static str,
    /// The protocol reference.
    pub protocol: String,
}

/// A document in the list of documents.
#[derive(Clone, Debug)]
pub struct DocumentSummary {
    /// Its name.
    pub name: &'static str,
    /// Its version: a JSON number or string.
    pub version: String,
    /// Whether `docs.update` may change it.
    pub editable: bool,
}

/// A document with its text.
#[derive(Clone, Debug)]
pub struct Document {
    /// Its entry in the list.
    pub summary: DocumentSummary,
    /// Its text.
    pub content: String,
}

/// Where the documents are.
pub(super) struct DocumentFiles {
    directory: PathBuf,
    guides: Guides,
    /// The constitution in the database changed; its file should follow.
    changed: Arc<Notify>,
}

impl DocumentFiles {
    pub(super) fn new(directory: PathBuf, guides: Guides) -> Self {
        Self {
            directory,
            guides,
            changed: Arc::new(Notify::new()),
        }
    }
}

/// The name of a document, matched exactly: no paths, no other cases, no extensions.
pub(super) fn document_key(name: &str) -> Option<&'static str> {
    [CONSTITUTION, CONTROLLER, PARTICIPANT, PROTOCOL]
        .into_iter()
        .find(|known| *known == name)
}

/// The version after `version`: its last number plus one, or a `.1` behind a text that ends in none.
pub(super) fn bump(version: &str) -> String {
    if let Ok(number) = version.parse::<u64>() {
        return number.saturating_add(1).to_string();
    }
    let text: String = serde_json::from_str(version).unwrap_or_default();
    let digits = text.len()
        - text
            .trim_end_matches(|character: char| character.is_ascii_digit())
            .len();
    let (stem, number) = text.split_at(text.len() - digits);
    let next = match number.parse::<u64>() {
        Ok(number) => format!("{stem}{}", number.saturating_add(1)),
        Err(_) => format!("{text}.1"),
    };
    serde_json::Value::String(next).to_string()
}

impl Hub {
    /// The documents that `caller` may read.
    pub async fn list_documents(&self, caller: Caller) -> Result<Vec<DocumentSummary>, Refusal> {
        let governs = self.governs(caller)?;
        let constitution = self.constitution().await?;
        let fixed = |name| DocumentSummary {
            name,
            version: "1".into(),
            editable: false,
        };
        let mut list = vec![DocumentSummary {
            name: CONSTITUTION,
            version: constitution.version,
            editable: true,
        }];
        list.extend(governs.then(|| fixed(CONTROLLER)));
        list.extend([fixed(PARTICIPANT), fixed(PROTOCOL)]);
        Ok(list)
    }

    /// One document.
    pub async fn document(&self, caller: Caller, name: &str) -> Result<Document, Refusal> {
        let governs = self.governs(caller)?;
        let name = document_key(name).ok_or(Refusal::DocumentNotFound)?;
        let files = &self.inner.documents;
        let (version, content) = match name {
            CONSTITUTION => {
                let row = self.constitution().await?;
                (row.version, row.content)
            }
            CONTROLLER if !governs => return Err(Refusal::Forbidden("only the controller may read this document")),
            CONTROLLER => ("1".into(), self.controller_directive().await?),
            PARTICIPANT => ("1".into(), files.guides.participant.to_owned()),
            _ => ("1".into(), files.guides.protocol.clone()),
        };
        Ok(Document {
            summary: DocumentSummary {
                name,
                version,
                editable: name == CONSTITUTION,
            },
            content,
        })
    }

    /// Tells that the constitution changed, so that its file follows soon.
    pub fn constitution_changed(&self) {
        self.inner.documents.changed.notify_one();
    }

    /// Writes the constitution to its file whenever it changed, until `stop`.
    pub async fn keep_constitution_file(self, stop: CancellationToken) {
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.inner.documents.changed.notified() => {}
            }
            if let Err(reason) = self.write_constitution().await {
                tracing::warn!(%reason, "the constitution's file could not be written; it follows at the next start");
            }
        }
    }

    async fn write_constitution(&self) -> Result<(), Refusal> {
        let row = self.constitution().await?;
        let path = self.inner.documents.directory.join(CONSTITUTION_FILE);
        let hash = hash_of(&row.content);
        // Known before it is there: a crash at any moment leaves a file that is not taken for one edited by hand.
        let next = RecordConstitutionFile {
            hash: hash.clone(),
            written: false,
        };
        self.perform(Caller::Server, next).await?;
        let written = tokio::task::spawn_blocking(move || replace_file(&path, &row.content)).await;
        written
            .map_err(std::io::Error::other)
            .flatten()
            .map_err(|error| Refusal::Internal(error.to_string()))?;
        self.perform(Caller::Server, RecordConstitutionFile { hash, written: true })
            .await
    }

    fn governs(&self, caller: Caller) -> Result<bool, Refusal> {
        let Caller::Session { session, agent } = caller else {
            return Err(Refusal::AuthRequired);
        };
        let directory = self.directory();
        directory.session(session).ok_or(Refusal::SessionEnded)?;
        Ok(directory
            .agent(agent)
            .is_some_and(|agent| agent.role == Role::Controller))
    }

    async fn constitution(&self) -> Result<DocumentRow, Refusal> {
        let row = self
            .inner
            .readers
            .read(|connection| documents::newest(connection, CONSTITUTION))
            .await?;
        row.ok_or(Refusal::DocumentNotFound)
    }

    async fn controller_directive(&self) -> Result<String, Refusal> {
        let path = self.inner.documents.directory.join(CONTROLLER_FILE);
        let fallback = self.inner.documents.guides.controller;
        let limit = u64::from(self.limits().document_length) * 4;
        let read = tokio::task::spawn_blocking(move || read_bounded(&path, limit)).await;
        match read {
            Ok(Ok(text)) => Ok(text.unwrap_or_else(|| fallback.to_owned())),
            Ok(Err(error)) => Err(Refusal::Internal(format!("cannot read `{CONTROLLER_FILE}`: {error}"))),
            Err(error) => Err(Refusal::Internal(error.to_string())),
        }
    }
}

/// Writes the files of a new server. Files that are there are left alone.
pub fn write_defaults(directory: &Path, guides: &Guides) -> io::Result<()> {
    fs::create_dir_all(directory)?;
    for (name, text) in [
        (CONSTITUTION_FILE, guides.constitution),
        (CONTROLLER_FILE, guides.controller),
    ] {
        let path = directory.join(name);
        // As a whole or not at all: half a file would count as one that was edited by hand.
        if !path.try_exists()? {
            replace_file(&path, text)?;
        }
    }
    Ok(())
}

/// Brings the constitution and its file together at the start. A file that was edited by hand wins; a file that merely
/// fell behind is written anew.
pub(super) fn reconcile(
    connection: &Connection,
    directory: &Path,
    guides: &Guides,
    limit: u32,
    now_ms: i64,
) -> Result<(), StoreError> {
    let path = directory.join(CONSTITUTION_FILE);
    let file = read_bounded(&path, u64::from(limit) * 4).unwrap_or_else(|error| {
        tracing::warn!(%error, "the constitution's file cannot be read; the stored one stays in force");
        None
    });
    let file = file.filter(|text| {
        let fits = check_text(text, limit).is_ok();
        if !fits {
            tracing::warn!(
                limit,
                "the constitution's file is too long; the stored one stays in force"
            );
        }
        fits
    });
    let present = documents::newest(connection, CONSTITUTION)?;
    let ours = [
        settings::get(connection, settings::CONSTITUTION_FILE)?,
        settings::get(connection, settings::CONSTITUTION_FILE_NEXT)?,
    ];
    let edited = file.as_ref().filter(|text| !ours.contains(&Some(hash_of(text))));
    let content = match (&present, edited) {
        (None, _) => file.clone().unwrap_or_else(|| guides.constitution.to_owned()),
        (Some(present), None) => present.content.clone(),
        (Some(_), Some(edited)) => edited.clone(),
    };
    if present.as_ref().is_none_or(|present| present.content != content) {
        let revision = present.as_ref().map_or(1, |present| present.revision + 1);
        let version = present
            .as_ref()
            .map_or_else(|| "1".to_owned(), |present| bump(&present.version));
        let row = DocumentRow {
            revision,
            version,
            content: content.clone(),
        };
        documents::insert(connection, CONSTITUTION, &row, None, now_ms)?;
    }
    if file.as_deref() != Some(&content)
        && let Err(error) = replace_file(&path, &content)
    {
        tracing::warn!(%error, "the constitution's file could not be written");
        return Ok(());
    }
    settings::constitution_file_is(connection, &hash_of(&content))
}

/// Makes the stored constitution the one whose file is ours, whatever the file holds now. Its text.
pub fn adopt_constitution(connection: &Connection) -> Result<Option<String>, StoreError> {
    let Some(row) = documents::newest(connection, CONSTITUTION)? else {
        return Ok(None);
    };
    settings::constitution_file_is(connection, &hash_of(&row.content))?;
    Ok(Some(row.content))
}

/// Writes the constitution's file; one that says something else is kept under its name and `suffix`.
pub fn place_constitution(directory: &Path, text: &str, suffix: &str) -> io::Result<()> {
    fs::create_dir_all(directory)?;
    let path = directory.join(CONSTITUTION_FILE);
    match fs::read(&path) {
        Ok(present) if present == text.as_bytes() => return Ok(()),
        Ok(_) => fs::rename(&path, directory.join(format!("{CONSTITUTION_FILE}{suffix}")))?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    replace_file(&path, text)
}

fn hash_of(text: &str) -> String {
    hex::encode(Sha256::digest(text.as_bytes()))
}

fn read_bounded(path: &Path, limit: u64) -> io::Result<Option<String>> {
    match fs::metadata(path) {
        Ok(metadata) if metadata.len() > limit => Err(io::Error::other("the file is too large")),
        Ok(_) => fs::read_to_string(path).map(Some),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Replaces a file as a whole: a reader sees the former text or the new one.
fn replace_file(path: &Path, text: &str) -> io::Result<()> {
    let fresh = path.with_extension("md.new");
    let mut file = fs::OpenOptions::new()
        .create(true)
        .write(true)
        .truncate(true)
        .mode(0o600)
        .open(&fresh)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&fresh, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_count_on() {
        for (from, to) in [
            ("1", "2"),
            ("41", "42"),
            (r#""1.9""#, r#""1.10""#),
            (r#""v2""#, r#""v3""#),
            (r#""draft""#, r#""draft.1""#),
        ] {
            assert_eq!(bump(from), to);
        }
    }
}
