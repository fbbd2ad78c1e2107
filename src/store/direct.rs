//! Direct messages: conversations of two agents, and each agent's mailbox.

use rusqlite::{Connection, params};

use super::error::StoreError;
use super::messages::{self, DirectRow, MessageRow};
use super::rooms::stream;
use crate::domain::{AgentNumber, RowId, StreamNumber};

/// Every conversation: its stream and its two parties, the lower number first.
pub fn all_conversations(connection: &Connection) -> Result<Vec<(StreamNumber, AgentNumber, AgentNumber)>, StoreError> {
    let mut statement = connection.prepare("SELECT number, low, high FROM conversations")?;
    let rows = statement.query_map([], |row| {
        Ok((
            row.get::<_, i64>(0)?,
            AgentNumber(row.get(1)?),
            AgentNumber(row.get(2)?),
        ))
    })?;
    rows.map(|row| {
        row.map_err(StoreError::from)
            .and_then(|(number, low, high)| Ok((stream(number)?, low, high)))
    })
    .collect()
}

/// Begins the conversation of two agents.
pub fn insert_conversation(
    connection: &Connection,
    number: StreamNumber,
    low: AgentNumber,
    high: AgentNumber,
) -> Result<(), StoreError> {
    connection
        .prepare_cached("INSERT INTO conversations (number, low, high) VALUES (?1, ?2, ?3)")?
        .execute(params![number.stored(), low.0, high.0])?;
    Ok(())
}

/// The last position in an agent's mailbox; 0 when it is empty.
pub fn last_mailbox_seq(connection: &Connection, agent: AgentNumber) -> Result<u64, StoreError> {
    let mut statement = connection.prepare_cached("SELECT max(seq) FROM mailboxes WHERE agent = ?1")?;
    let seq: Option<i64> = statement.query_row(params![agent.0], |row| row.get(0))?;
    Ok(seq.unwrap_or(0).unsigned_abs())
}

/// Stores a direct message and puts it into both mailboxes.
pub fn append(connection: &Connection, message: &MessageRow, direct: DirectRow) -> Result<(), StoreError> {
    messages::append(connection, message)?;
    deliver(connection, message.sender, direct.sender_seq, message)?;
    if direct.recipient != message.sender {
        deliver(connection, direct.recipient, direct.recipient_seq, message)?;
    }
    Ok(())
}

fn deliver(connection: &Connection, agent: AgentNumber, seq: u64, message: &MessageRow) -> Result<(), StoreError> {
    connection
        .prepare_cached("INSERT INTO mailboxes (agent, seq, message, sent_at) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![
            agent.0,
            seq.cast_signed(),
            message.id.stored(),
            message.sent_at_ms
        ])?;
    Ok(())
}

/// Up to `limit` direct messages that `agent` sent or got before `before_ms`, newest first; the first one that is `enough`
/// is the last that is read.
pub fn mailbox_page(
    connection: &Connection,
    agent: AgentNumber,
    before_ms: Option<i64>,
    limit: usize,
    mut enough: impl FnMut(&MessageRow) -> bool,
) -> Result<Vec<MessageRow>, StoreError> {
    let mut statement = connection
        .prepare_cached("SELECT message FROM mailboxes WHERE agent = ?1 AND sent_at < ?2 ORDER BY seq DESC LIMIT ?3")?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let ids = statement
        .query_map(params![agent.0, before_ms.unwrap_or(i64::MAX), limit], |row| {
            row.get::<_, i64>(0)
        })?
        .collect::<Result<Vec<_>, _>>()?;
    let mut page = Vec::new();
    for id in ids {
        page.extend(fetch(connection, id)?);
        if page.last().is_some_and(&mut enough) {
            break;
        }
    }
    Ok(page)
}

fn fetch(connection: &Connection, id: i64) -> Result<Option<MessageRow>, StoreError> {
    let id = RowId::from_stored(id).ok_or_else(|| StoreError::Damaged("an impossible message id".into()))?;
    messages::get(connection, id)
}

/// Deletes every message of a conversation up to position `last`, out of the mailboxes too. Returns how many.
pub fn delete_up_to(connection: &Connection, conversation: StreamNumber, last: u64) -> Result<usize, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT sender, sender_seq, recipient, recipient_seq FROM messages WHERE id > ?1 AND id <= ?2",
    )?;
    let range = params![
        RowId::new(conversation, 0).stored(),
        RowId::new(conversation, last).stored()
    ];
    let places = statement
        .query_map(range, |row| {
            Ok([
                (row.get::<_, i64>(0)?, row.get::<_, i64>(1)?),
                (row.get(2)?, row.get(3)?),
            ])
        })?
        .collect::<Result<Vec<_>, _>>()?;
    let mut forget = connection.prepare_cached("DELETE FROM mailboxes WHERE agent = ?1 AND seq = ?2")?;
    for (agent, seq) in places.into_iter().flatten() {
        forget.execute(params![agent, seq])?;
    }
    messages::delete_up_to(connection, conversation, last)
}
