//! The index of words: fed behind the messages, and asked.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use rusqlite::{Connection, OptionalExtension, params};

use super::error::StoreError;
use super::messages::{self, MessageRow};
use super::receipts;
use super::removals;
use super::rooms::stream as read_stream;
use crate::domain::{AgentNumber, RowId, SearchText, StreamNumber};

/// Up to where each stream is in the index; those that are not there have nothing in it.
pub fn all_progress(connection: &Connection) -> Result<BTreeMap<StreamNumber, u64>, StoreError> {
    let mut statement = connection.prepare("SELECT stream, indexed FROM index_progress")?;
    let rows = statement.query_map([], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)))?;
    rows.map(|row| {
        row.map_err(StoreError::from)
            .and_then(|(number, indexed)| Ok((read_stream(number)?, indexed.unsigned_abs())))
    })
    .collect()
}

/// What one step came to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Step {
    /// The last position that is in the index now.
    pub indexed: u64,
    /// Messages that were added or taken out.
    pub work: usize,
    /// Whether nothing is left to do for this stream.
    pub done: bool,
}

/// Adds what was said in a stream since the last step, and takes out what is not kept any longer: `budget` messages of
/// each at the most.
pub fn advance(connection: &Connection, stream: StreamNumber, budget: usize) -> Result<Step, StoreError> {
    let mut statement = connection.prepare_cached("SELECT indexed, pruned FROM index_progress WHERE stream = ?1")?;
    let progress = statement
        .query_row(params![stream.stored()], |row| {
            Ok((
                row.get::<_, i64>(0)?.unsigned_abs(),
                row.get::<_, i64>(1)?.unsigned_abs(),
            ))
        })
        .optional()?;
    let (mut indexed, mut pruned) = progress.unwrap_or_default();
    let gone = messages::oldest(connection, stream)?.map_or(indexed, |oldest| oldest.saturating_sub(1));

    let budget = budget as u64;
    let prune_to = gone.min(indexed);
    let until = prune_to.min(pruned.saturating_add(budget));
    let mut forget = connection.prepare_cached("DELETE FROM message_index WHERE rowid = ?1")?;
    for seq in pruned + 1..=until {
        forget.execute(params![RowId::new(stream, seq).stored()])?;
    }
    let taken_out = until.saturating_sub(pruned);
    pruned = pruned.max(until);
    if gone > indexed {
        // Gone before they were ever in the index.
        indexed = gone;
        if pruned == prune_to {
            pruned = gone;
        }
    }

    if gone > 0 {
        receipts::forget_requests(connection, stream, gone)?;
        removals::forget(connection, stream, gone)?;
    }

    let added = add(connection, stream, indexed, budget)?;
    indexed += added;
    let mut keep = connection
        .prepare_cached("INSERT OR REPLACE INTO index_progress (stream, indexed, pruned) VALUES (?1, ?2, ?3)")?;
    keep.execute(params![stream.stored(), indexed.cast_signed(), pruned.cast_signed()])?;
    Ok(Step {
        indexed,
        work: usize::try_from(taken_out + added).unwrap_or(usize::MAX),
        done: added < budget && pruned >= gone.min(indexed),
    })
}

/// Adds up to `budget` messages behind position `after`. Returns by how many positions that is.
fn add(connection: &Connection, stream: StreamNumber, after: u64, budget: u64) -> Result<u64, StoreError> {
    let mut read = connection.prepare_cached(
        "SELECT id, sender, content, removed_at IS NOT NULL FROM messages WHERE id > ?1 AND id < ?2 ORDER BY id LIMIT ?3",
    )?;
    let mut write =
        connection.prepare_cached("INSERT INTO message_index (rowid, content, sender) VALUES (?1, ?2, ?3)")?;
    let mut rows = read.query(params![
        RowId::new(stream, after).stored(),
        RowId::last_of(stream).stored(),
        budget.cast_signed()
    ])?;
    let mut added = 0;
    while let Some(row) = rows.next()? {
        added += 1;
        if row.get::<_, bool>(3)? {
            continue;
        }
        let sender = word_of(AgentNumber(row.get(1)?));
        let content = row.get_ref(2)?.as_str().map_err(rusqlite::Error::from)?;
        write.execute(params![row.get::<_, i64>(0)?, content, sender])?;
    }
    Ok(added)
}

/// Takes a message out whose content is removed.
pub fn forget(connection: &Connection, message: RowId) -> Result<(), StoreError> {
    connection
        .prepare_cached("DELETE FROM message_index WHERE rowid = ?1")?
        .execute(params![message.stored()])?;
    Ok(())
}

/// The word that stands for a sender.
fn word_of(sender: AgentNumber) -> String {
    format!("sender{}", sender.0)
}

/// A search as the index understands it: nothing of what was typed is taken for more than a word.
pub fn expression(text: &SearchText, sender: Option<AgentNumber>) -> String {
    let mut expression = String::from("content : (");
    for (index, term) in text.terms().iter().enumerate() {
        let and = if index == 0 { "" } else { " AND " };
        // Writing to a text does not fail.
        let _ = write!(expression, "{and}\"{term}\"");
    }
    expression.push(')');
    if let Some(sender) = sender {
        let _ = write!(expression, " AND sender : \"{}\"", word_of(sender));
    }
    expression
}

/// Hands the messages of a stream that `expression` finds to `take`, the newest first, until it returns false. Only
/// positions of `first` and above and below `end` are looked at. Nothing is sorted and nothing is read ahead, so what this
/// costs depends on what is taken and not on how much there is.
pub fn find(
    connection: &Connection,
    expression: &str,
    stream: StreamNumber,
    (first, end): (u64, Option<u64>),
    mut take: impl FnMut(MessageRow) -> bool,
) -> Result<(), StoreError> {
    let last = match end {
        None => RowId::last_of(stream),
        Some(end) if end > first.max(1) => RowId::new(stream, end - 1),
        Some(_) => return Ok(()),
    };
    let mut statement = connection.prepare_cached(
        "SELECT rowid FROM message_index WHERE message_index MATCH ?1 AND rowid >= ?2 AND rowid <= ?3 ORDER BY rowid DESC",
    )?;
    let mut rows = statement.query(params![
        expression,
        RowId::new(stream, first.max(1)).stored(),
        last.stored()
    ])?;
    while let Some(row) = rows.next()? {
        let id =
            RowId::from_stored(row.get(0)?).ok_or_else(|| StoreError::Damaged("an impossible message id".into()))?;
        // The index lags behind: what was retired or removed meanwhile is not there any more.
        let message = messages::get(connection, id)?.filter(|message| message.removal.is_none());
        if let Some(message) = message
            && !take(message)
        {
            break;
        }
    }
    Ok(())
}
