//! Editable documents, with their former versions.

use rusqlite::{Connection, OptionalExtension, params};

use super::error::StoreError;
use crate::domain::AgentNumber;

/// Former versions that are kept of a document; older ones are deleted.
const VERSIONS_KEPT: i64 = 100;

/// A document as it is now.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DocumentRow {
    /// Counts the changes, from 1.
    pub revision: i64,
    /// Its version as clients see it: a JSON number or string.
    pub version: String,
    /// Its text.
    pub content: String,
}

/// The newest version of a document.
pub fn newest(connection: &Connection, name: &str) -> Result<Option<DocumentRow>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT revision, version, content FROM document_versions WHERE name = ?1 ORDER BY revision DESC LIMIT 1",
    )?;
    let read = |row: &rusqlite::Row<'_>| {
        Ok(DocumentRow {
            revision: row.get(0)?,
            version: row.get(1)?,
            content: row.get(2)?,
        })
    };
    Ok(statement.query_row(params![name], read).optional()?)
}

/// Stores a new version.
pub fn insert(
    connection: &Connection,
    name: &str,
    document: &DocumentRow,
    by: Option<AgentNumber>,
    at_ms: i64,
) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "INSERT INTO document_versions (name, revision, version, content, updated_at, updated_by) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute(params![
            name,
            document.revision,
            document.version,
            document.content,
            at_ms,
            by.map(|agent| agent.0)
        ])?;
    connection
        .prepare_cached("DELETE FROM document_versions WHERE name = ?1 AND revision <= ?2")?
        .execute(params![name, document.revision - VERSIONS_KEPT])?;
    Ok(())
}
