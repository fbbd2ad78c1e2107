//! Documents.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{NoParams, method};
use crate::protocol::types::DocumentVersion;

method! {
    /// Lists the documents that the caller may read.
    DocsList = "docs.list", Agent, Read, NoParams => DocsListResult,
    errors [], events []
}

/// Result of `docs.list`.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct DocsListResult {
    /// The documents.
    pub docs: Vec<DocumentObject>,
}

/// A document in the list.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct DocumentObject {
    /// Its name.
    pub name: &'static str,
    /// Its version.
    pub version: DocumentVersion,
    /// Whether `docs.update` may change it.
    pub editable: bool,
}

method! {
    /// Reads a document: `constitution`, `participant`, `protocol`, and for the controller `controller`.
    DocsGet = "docs.get", Agent, Read, DocsGetParams => DocsGetResult,
    errors [InvalidParams, Forbidden, DocumentNotFound], events []
}

/// Parameters of `docs.get`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub struct DocsGetParams {
    /// The name of the document, matched exactly.
    pub name: String,
}

/// Result of `docs.get`.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct DocsGetResult {
    /// Its name.
    pub name: &'static str,
    /// Its text.
    pub content: String,
    /// Its version.
    pub version: DocumentVersion,
    /// Whether `docs.update` may change it.
    pub editable: bool,
}

method! {
    /// Replaces the text of an editable document. Former versions are kept in the database.
    DocsUpdate = "docs.update", Controller, Change, DocsUpdateParams => DocsUpdateResult,
    errors [InvalidParams, Forbidden, DocumentNotFound, ReadOnlyDocument], events ["docs.updated"]
}

/// Parameters of `docs.update`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub struct DocsUpdateParams {
    /// The name of the document, matched exactly.
    pub name: String,
    /// Its new text, up to `limits.documentLength` characters (65,536 by default).
    pub content: String,
    /// Its new version, a number or a text of 1 to 64 characters; the present one is counted up when left out.
    pub version: Option<DocumentVersion>,
}

/// Result of `docs.update`.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct DocsUpdateResult {
    /// Always `ok`.
    pub status: &'static str,
    /// Its name.
    pub name: &'static str,
    /// Its version from now on.
    pub version: DocumentVersion,
}
