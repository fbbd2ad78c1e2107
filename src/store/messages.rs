//! Messages of every stream: append, read pages, remove, retain.

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::error::StoreError;
use crate::domain::{AgentNumber, JsonText, MessageId, MessageKind, Name, REMOVED_CONTENT, RowId, StreamNumber};

/// A message as it is stored.
#[derive(Clone, Debug)]
pub struct MessageRow {
    /// Where it lies: stream and position.
    pub id: RowId,
    /// When it was accepted, in milliseconds since 1970; strictly increasing in a stream.
    pub sent_at_ms: i64,
    /// Who sent it.
    pub sender: AgentNumber,
    /// The name of the sender then.
    pub sender_name: Name,
    /// What it says.
    pub content: String,
    /// What kind it is.
    pub kind: MessageKind,
    /// JSON that goes with it.
    pub data: Option<JsonText>,
    /// The message that it answers, of the same stream.
    pub reply_to: Option<MessageId>,
    /// The addressee and both mailbox positions, when it is a direct message.
    pub direct: Option<DirectRow>,
    /// Whether and by whom it was removed.
    pub removal: Option<Removal>,
}

/// What a direct message has beside a message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DirectRow {
    /// The addressee.
    pub recipient: AgentNumber,
    /// Position in the mailbox of the sender.
    pub sender_seq: u64,
    /// Position in the mailbox of the addressee; that of the sender when both are one.
    pub recipient_seq: u64,
}

/// The removal of a message's content.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Removal {
    /// When, in milliseconds since 1970.
    pub at_ms: i64,
    /// Who did it.
    pub by: AgentNumber,
    /// Why, if that was said.
    pub reason: Option<String>,
}

const COLUMNS: &str = "id, sent_at, sender, sender_name, content, recipient, sender_seq, recipient_seq, \
                       removed_at, removed_by, reason, checksum, kind, data, reply_to, reply_to_sent_at";

impl MessageRow {
    /// CRC-32 over everything but itself. Lengths are included, so that no byte can move from one text to the next.
    fn checksum(&self) -> u32 {
        let mut crc = crc32fast::Hasher::new();
        let mut number = |value: i64| crc.update(&value.to_le_bytes());
        number(self.id.stored());
        number(self.sent_at_ms);
        number(self.sender.0);
        if let Some(direct) = self.direct {
            number(direct.recipient.0);
            number(direct.sender_seq.cast_signed());
            number(direct.recipient_seq.cast_signed());
        }
        if let Some(removal) = &self.removal {
            number(removal.at_ms);
            number(removal.by.0);
        }
        if let Some(reply_to) = self.reply_to {
            number(reply_to.row.stored());
            number(reply_to.at_ms);
        }
        let reason = self.removal.as_ref().and_then(|removal| removal.reason.as_deref());
        let texts = [
            Some(self.sender_name.as_str()),
            Some(self.content.as_str()),
            self.kind.unless_chat(),
            self.data.as_ref().map(JsonText::as_str),
            reason,
        ];
        for text in texts.into_iter().flatten() {
            crc.update(&(text.len() as u64).to_le_bytes());
            crc.update(text.as_bytes());
        }
        crc.finalize()
    }

    fn read(row: &Row<'_>) -> Result<Self, StoreError> {
        let id = RowId::from_stored(row.get(0)?).ok_or_else(|| damaged("an impossible message id"))?;
        let position = |column: usize| -> Result<u64, StoreError> {
            let seq: i64 = row.get(column)?;
            u64::try_from(seq).map_err(|_| damaged("a negative mailbox position"))
        };
        let direct = match row.get::<_, Option<i64>>(5)? {
            None => None,
            Some(recipient) => Some(DirectRow {
                recipient: AgentNumber(recipient),
                sender_seq: position(6)?,
                recipient_seq: position(7)?,
            }),
        };
        let removal = match row.get::<_, Option<i64>>(8)? {
            None => None,
            Some(at_ms) => Some(Removal {
                at_ms,
                by: AgentNumber(row.get(9)?),
                reason: row.get(10)?,
            }),
        };
        let reply_to = match row.get::<_, Option<i64>>(14)? {
            None => None,
            Some(stored) => Some(MessageId {
                at_ms: row.get(15)?,
                row: RowId::from_stored(stored).ok_or_else(|| damaged("a reply to an impossible message"))?,
            }),
        };
        let kind = match row.get_ref(12)?.as_str_or_null().map_err(rusqlite::Error::from)? {
            None => MessageKind::Chat,
            Some(word) => MessageKind::parse(word).ok_or_else(|| damaged("a message of an unknown type"))?,
        };
        let data = row.get_ref(13)?.as_str_or_null().map_err(rusqlite::Error::from)?;
        let message = Self {
            id,
            sent_at_ms: row.get(1)?,
            sender: AgentNumber(row.get(2)?),
            sender_name: Name::from_stored(&row.get::<_, String>(3)?),
            content: row.get(4)?,
            kind,
            data: data.map(JsonText::from_stored),
            reply_to,
            direct,
            removal,
        };
        let stored: i64 = row.get(11)?;
        if i64::from(message.checksum()) != stored {
            return Err(damaged(&format!(
                "message {} of stream {} does not match its checksum",
                id.seq(),
                id.stream().stored()
            )));
        }
        Ok(message)
    }
}

fn damaged(detail: &str) -> StoreError {
    StoreError::Damaged(detail.to_owned())
}

/// Stores a new message.
pub fn append(connection: &Connection, message: &MessageRow) -> Result<(), StoreError> {
    let direct = message.direct;
    connection
        .prepare_cached(
            "INSERT INTO messages (id, sent_at, sender, sender_name, content, recipient, sender_seq, recipient_seq, checksum, \
             kind, data, reply_to, reply_to_sent_at) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
        )?
        .execute(params![
            message.id.stored(),
            message.sent_at_ms,
            message.sender.0,
            message.sender_name.as_str(),
            message.content,
            direct.map(|direct| direct.recipient.0),
            direct.map(|direct| direct.sender_seq.cast_signed()),
            direct.map(|direct| direct.recipient_seq.cast_signed()),
            message.checksum(),
            message.kind.unless_chat(),
            message.data.as_ref().map(JsonText::as_str),
            message.reply_to.map(|reply_to| reply_to.row.stored()),
            message.reply_to.map(|reply_to| reply_to.at_ms),
        ])?;
    Ok(())
}

/// The message at a place, if there is one.
pub fn get(connection: &Connection, id: RowId) -> Result<Option<MessageRow>, StoreError> {
    let mut statement = connection.prepare_cached(&format!("SELECT {COLUMNS} FROM messages WHERE id = ?1"))?;
    statement
        .query_row(params![id.stored()], |row| Ok(MessageRow::read(row)))
        .optional()?
        .transpose()
}

/// The newest message of a stream.
pub fn newest(connection: &Connection, stream: StreamNumber) -> Result<Option<MessageRow>, StoreError> {
    Ok(page(connection, stream, None, 1, |_| false)?.pop())
}

/// When the newest message of a stream was accepted, in milliseconds since 1970.
pub fn newest_time(connection: &Connection, stream: StreamNumber) -> Result<Option<i64>, StoreError> {
    let mut statement =
        connection.prepare_cached("SELECT sent_at FROM messages WHERE id > ?1 AND id < ?2 ORDER BY id DESC LIMIT 1")?;
    let range = params![RowId::new(stream, 0).stored(), RowId::last_of(stream).stored()];
    Ok(statement.query_row(range, |row| row.get(0)).optional()?)
}

/// Up to `limit` messages below position `below` (all when `None`), newest first; the first one that is `enough` is the
/// last that is read. `below` must be at most one beyond the last position.
pub fn page(
    connection: &Connection,
    stream: StreamNumber,
    below: Option<u64>,
    limit: usize,
    mut enough: impl FnMut(&MessageRow) -> bool,
) -> Result<Vec<MessageRow>, StoreError> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM messages WHERE id > ?1 AND id < ?2 ORDER BY id DESC LIMIT ?3"
    ))?;
    let end = below.map_or_else(|| RowId::last_of(stream), |seq| RowId::new(stream, seq));
    let rows = statement.query_map(
        params![
            RowId::new(stream, 0).stored(),
            end.stored(),
            i64::try_from(limit).unwrap_or(i64::MAX)
        ],
        |row| Ok(MessageRow::read(row)),
    )?;
    let mut page: Vec<MessageRow> = Vec::new();
    // Positions have no gap, and messages are deleted from the oldest end only.
    let mut expected = below.and_then(|seq| seq.checked_sub(1));
    for row in rows {
        let message = row??;
        if expected.is_some_and(|seq| seq != message.id.seq()) {
            return Err(damaged("a position within a stream is missing"));
        }
        expected = message.id.seq().checked_sub(1);
        page.push(message);
        if page.last().is_some_and(&mut enough) {
            break;
        }
    }
    Ok(page)
}

/// Up to `limit` direct replies to the message at `id` below position `below` (all when `None`), newest first; the first
/// one that is `enough` is the last that is read.
pub fn replies(
    connection: &Connection,
    id: RowId,
    below: Option<u64>,
    limit: usize,
    mut enough: impl FnMut(&MessageRow) -> bool,
) -> Result<Vec<MessageRow>, StoreError> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM messages WHERE reply_to = ?1 AND id < ?2 ORDER BY id DESC LIMIT ?3"
    ))?;
    let end = below.map_or_else(|| RowId::last_of(id.stream()), |seq| RowId::new(id.stream(), seq));
    let rows = statement.query_map(
        params![id.stored(), end.stored(), i64::try_from(limit).unwrap_or(i64::MAX)],
        |row| Ok(MessageRow::read(row)),
    )?;
    let mut replies: Vec<MessageRow> = Vec::new();
    for row in rows {
        replies.push(row??);
        if replies.last().is_some_and(&mut enough) {
            break;
        }
    }
    Ok(replies)
}

/// Up to `limit` messages above position `after`, oldest first; the first one that is `enough` is the last that is read. The
/// first one may lie further above: what was between is deleted.
pub fn page_after(
    connection: &Connection,
    stream: StreamNumber,
    after: u64,
    limit: usize,
    mut enough: impl FnMut(&MessageRow) -> bool,
) -> Result<Vec<MessageRow>, StoreError> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM messages WHERE id > ?1 AND id < ?2 ORDER BY id LIMIT ?3"
    ))?;
    // No position is as high as the highest that an id could hold.
    let after = after.min(RowId::last_of(stream).seq());
    let range = params![
        RowId::new(stream, after).stored(),
        RowId::last_of(stream).stored(),
        i64::try_from(limit).unwrap_or(i64::MAX)
    ];
    let rows = statement.query_map(range, |row| Ok(MessageRow::read(row)))?;
    let mut page: Vec<MessageRow> = Vec::new();
    for row in rows {
        let message = row??;
        if page.last().is_some_and(|last| last.id.seq() + 1 != message.id.seq()) {
            return Err(damaged("a position within a stream is missing"));
        }
        page.push(message);
        if page.last().is_some_and(&mut enough) {
            break;
        }
    }
    Ok(page)
}

/// The oldest position of a stream that is still there.
pub fn oldest(connection: &Connection, stream: StreamNumber) -> Result<Option<u64>, StoreError> {
    edge(connection, "min", stream)
}

/// `seq`, or one beyond the last position when that is lower.
pub fn bounded(connection: &Connection, stream: StreamNumber, seq: u64) -> Result<u64, StoreError> {
    Ok(seq.min(edge(connection, "max", stream)?.unwrap_or(0) + 1))
}

fn edge(connection: &Connection, function: &str, stream: StreamNumber) -> Result<Option<u64>, StoreError> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {function}(id) FROM messages WHERE id > ?1 AND id < ?2"
    ))?;
    let range = params![RowId::new(stream, 0).stored(), RowId::last_of(stream).stored()];
    let id: Option<i64> = statement.query_row(range, |row| row.get(0))?;
    Ok(id.and_then(RowId::from_stored).map(RowId::seq))
}

/// The lowest position whose message is not older than `before_ms`: everything below it was sent before.
///
/// Times strictly increase with positions, so this is a binary search with point reads; no index on time is needed.
pub fn first_not_before(connection: &Connection, stream: StreamNumber, before_ms: i64) -> Result<u64, StoreError> {
    let mut bounds = connection.prepare_cached(
        "SELECT (SELECT min(id) FROM messages WHERE id > ?1 AND id < ?2), \
         (SELECT max(id) FROM messages WHERE id > ?1 AND id < ?2)",
    )?;
    let (first, last): (Option<i64>, Option<i64>) = bounds.query_row(
        params![RowId::new(stream, 0).stored(), RowId::last_of(stream).stored()],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    let (Some(first), Some(last)) = (first.and_then(RowId::from_stored), last.and_then(RowId::from_stored)) else {
        return Ok(0);
    };
    let mut at = connection.prepare_cached("SELECT sent_at FROM messages WHERE id = ?1")?;
    let (mut low, mut high) = (first.seq(), last.seq() + 1);
    while low < high {
        let middle = low.midpoint(high);
        let sent_at_ms: i64 = at
            .query_row(params![RowId::new(stream, middle).stored()], |row| row.get(0))
            .optional()?
            .ok_or_else(|| damaged("a position within a stream is missing"))?;
        if sent_at_ms < before_ms {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    Ok(low)
}

/// Replaces the content of a message by a note of its removal.
pub fn remove(connection: &Connection, mut message: MessageRow, removal: Removal) -> Result<(), StoreError> {
    REMOVED_CONTENT.clone_into(&mut message.content);
    message.data = None;
    message.removal = Some(removal);
    let removal = message.removal.as_ref();
    connection
        .prepare_cached(
            "UPDATE messages SET content = ?2, data = NULL, removed_at = ?3, removed_by = ?4, reason = ?5, checksum = ?6 WHERE id = ?1",
        )?
        .execute(params![
            message.id.stored(),
            message.content,
            removal.map(|removal| removal.at_ms),
            removal.map(|removal| removal.by.0),
            removal.and_then(|removal| removal.reason.as_deref()),
            message.checksum(),
        ])?;
    Ok(())
}

/// Messages that one act deletes at the most. After a limit was lowered, each further message deletes as many again.
pub(super) const RETIRED_AT_ONCE: i64 = 1000;

/// Deletes the messages of a stream up to position `last`; positions are never given out again. Returns how many.
pub fn delete_up_to(connection: &Connection, stream: StreamNumber, last: u64) -> Result<usize, StoreError> {
    let mut statement = connection.prepare_cached(
        "DELETE FROM messages WHERE id IN (SELECT id FROM messages WHERE id > ?1 AND id <= ?2 ORDER BY id LIMIT ?3)",
    )?;
    Ok(statement.execute(params![
        RowId::new(stream, 0).stored(),
        RowId::new(stream, last).stored(),
        RETIRED_AT_ONCE
    ])?)
}

/// Checks every stored message against its checksum.
pub(super) fn verify_all(connection: &Connection) -> Result<(), StoreError> {
    let mut statement = connection.prepare(&format!("SELECT {COLUMNS} FROM messages"))?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        MessageRow::read(row)?;
    }
    Ok(())
}
