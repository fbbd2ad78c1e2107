//! Changing documents.

use crate::domain::{Event, Refusal};
use crate::hub::act::{Act, Audience, Desk, Except};
use crate::hub::documents::{CONSTITUTION, bump, document_key};
use crate::store::documents::{self, DocumentRow};
use crate::store::settings;

/// Stores a new version of a document.
#[derive(Clone, Debug)]
pub struct UpdateDocument {
    /// Its name, as asked for.
    pub name: String,
    /// Its new text.
    pub content: String,
    /// Its new version, a JSON number or string; bumped when left out.
    pub version: Option<String>,
}

/// The receipt: what the document is now.
#[derive(Clone, Debug)]
pub struct UpdatedDocument {
    /// Its name.
    pub name: &'static str,
    /// Its version, a JSON number or string.
    pub version: String,
}

impl Act for UpdateDocument {
    type Receipt = UpdatedDocument;

    fn run(&self, desk: &mut Desk<'_>) -> Result<UpdatedDocument, Refusal> {
        let me = desk.controller()?;
        let name = document_key(&self.name).ok_or(Refusal::DocumentNotFound)?;
        if name != CONSTITUTION {
            return Err(Refusal::DocumentReadOnly);
        }
        let present = documents::newest(desk.connection, name)?;
        let revision = present.as_ref().map_or(1, |document| document.revision + 1);
        let version = match (&self.version, &present) {
            (Some(version), _) => version.clone(),
            (None, Some(present)) => bump(&present.version),
            (None, None) => "1".to_owned(),
        };
        let row = DocumentRow {
            revision,
            version: version.clone(),
            content: self.content.clone(),
        };
        documents::insert(desk.connection, name, &row, Some(me.agent.number), desk.now_ms)?;
        let event = Event::DocsUpdated {
            name,
            version: version.clone(),
            updated_by: me.agent.id,
        };
        desk.tell(Audience::Everyone, Except::Session(me.session), event);
        Ok(UpdatedDocument { name, version })
    }
}

/// Remembers what the constitution's file holds, so that an edit by hand is noticed at the next start.
#[derive(Clone, Debug)]
pub struct RecordConstitutionFile {
    /// SHA-256 of the file, in hexadecimal.
    pub hash: String,
    /// Whether it is there, or about to be written.
    pub written: bool,
}

impl Act for RecordConstitutionFile {
    type Receipt = ();

    fn run(&self, desk: &mut Desk<'_>) -> Result<(), Refusal> {
        desk.operator()?;
        if self.written {
            settings::constitution_file_is(desk.connection, &self.hash)?;
        } else {
            settings::set(desk.connection, settings::CONSTITUTION_FILE_NEXT, Some(&self.hash))?;
        }
        Ok(())
    }
}
