//! Direct messages: conversations of two agents, and each agent's mailbox.

use rusqlite::{Connection, OptionalExtension, params};

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
    let below = match before_ms {
        Some(before_ms) => first_not_before(connection, agent, before_ms)?,
        None => i64::MAX,
    };
    let mut statement = connection.prepare_cached(
        "SELECT message, seq FROM mailboxes WHERE agent = ?1 AND seq < ?2 ORDER BY seq DESC LIMIT ?3",
    )?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let places = statement
        .query_map(params![agent.0, below, limit], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<Vec<(i64, i64)>, _>>()?;
    let mut page = Vec::new();
    for (id, seq) in places {
        page.push(fetch(connection, agent, id, seq.cast_unsigned())?);
        if page.last().is_some_and(&mut enough) {
            break;
        }
    }
    Ok(page)
}

/// Up to `limit` direct messages above place `after` of a mailbox, with their places, oldest first; the first one that is
/// `enough` is the last that is read. Places have gaps where retention deleted.
pub fn mailbox_after(
    connection: &Connection,
    agent: AgentNumber,
    after: u64,
    limit: usize,
    mut enough: impl FnMut(&MessageRow) -> bool,
) -> Result<Vec<(u64, MessageRow)>, StoreError> {
    let mut statement = connection
        .prepare_cached("SELECT message, seq FROM mailboxes WHERE agent = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3")?;
    let after = i64::try_from(after).unwrap_or(i64::MAX);
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let places = statement
        .query_map(params![agent.0, after, limit], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<Vec<(i64, i64)>, _>>()?;
    let mut page = Vec::new();
    for (id, seq) in places {
        let seq = seq.cast_unsigned();
        let message = fetch(connection, agent, id, seq)?;
        let is_last = enough(&message);
        page.push((seq, message));
        if is_last {
            break;
        }
    }
    Ok(page)
}

/// The oldest place of a mailbox that is still there.
pub fn oldest(connection: &Connection, agent: AgentNumber) -> Result<Option<u64>, StoreError> {
    let mut statement = connection.prepare_cached("SELECT min(seq) FROM mailboxes WHERE agent = ?1")?;
    let seq: Option<i64> = statement.query_row(params![agent.0], |row| row.get(0))?;
    Ok(seq.map(i64::unsigned_abs))
}

/// The lowest place of a mailbox whose message is not older than `before_ms`. Times strictly increase with places, which
/// have gaps where retention deleted: a binary search over what is there.
fn first_not_before(connection: &Connection, agent: AgentNumber, before_ms: i64) -> Result<i64, StoreError> {
    let mut newest = connection.prepare_cached("SELECT max(seq) FROM mailboxes WHERE agent = ?1")?;
    let newest: Option<i64> = newest.query_row(params![agent.0], |row| row.get(0))?;
    let mut next = connection
        .prepare_cached("SELECT seq, sent_at FROM mailboxes WHERE agent = ?1 AND seq >= ?2 ORDER BY seq LIMIT 1")?;
    let (mut low, mut high) = (0, newest.unwrap_or(0) + 1);
    while low < high {
        let middle = low.midpoint(high);
        let place: Option<(i64, i64)> = next
            .query_row(params![agent.0, middle], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        match place {
            Some((seq, sent_at_ms)) if sent_at_ms < before_ms => low = seq + 1,
            _ => high = middle,
        }
    }
    Ok(low)
}

/// The message at one place of a mailbox. A mailbox has no checksum, but the message names its place in both mailboxes:
/// one that does not agree would show what is somebody else's.
fn fetch(connection: &Connection, agent: AgentNumber, id: i64, seq: u64) -> Result<MessageRow, StoreError> {
    let id = RowId::from_stored(id).ok_or_else(|| StoreError::Damaged("an impossible message id".into()))?;
    let message = messages::get(connection, id)?.filter(|message| {
        message.direct.is_some_and(|direct| {
            (message.sender == agent && direct.sender_seq == seq)
                || (direct.recipient == agent && direct.recipient_seq == seq)
        })
    });
    message.ok_or_else(|| StoreError::Damaged("a mailbox and its messages do not agree".into()))
}

/// Deletes every message of a conversation up to position `last`, out of the mailboxes too. Returns how many.
pub fn delete_up_to(connection: &Connection, conversation: StreamNumber, last: u64) -> Result<usize, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT sender, sender_seq, recipient, recipient_seq FROM messages WHERE id > ?1 AND id <= ?2 \
         ORDER BY id LIMIT ?3",
    )?;
    let range = params![
        RowId::new(conversation, 0).stored(),
        RowId::new(conversation, last).stored(),
        messages::RETIRED_AT_ONCE
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
