//! Pages of history: what was said in a room, and in the lobby also what was said to the reader alone.

use super::directory::{Directory, Room};
use super::{Caller, Hub};
use crate::domain::{AgentNumber, HistoryEntry, Message, MessageId, Refusal, Role, RoomId, StreamNumber};
use crate::store::messages::MessageRow;
use crate::store::{Connection, StoreError, direct, messages};

/// Which page.
#[derive(Clone, Copy, Debug)]
pub struct HistoryQuery {
    /// The room; `None` stands for an id that names none.
    pub room: Option<RoomId>,
    /// Most messages; more than the server's limit are not given.
    pub limit: u64,
    /// Which part of the history.
    pub range: Range,
}

/// A part of a history.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Range {
    /// The newest messages.
    Newest,
    /// The newest ones sent before a time, in milliseconds since 1970.
    Before(i64),
    /// The newest ones below a position. Direct messages have no position in a room, so they are left out.
    BeforeSeq(u64),
    /// The oldest ones above a position, without direct messages.
    AfterSeq(u64),
}

/// The messages that the query names, the oldest of them first.
#[derive(Clone, Debug)]
pub struct HistoryPage {
    /// The messages.
    pub messages: Vec<HistoryEntry>,
    /// Whether further ones were left out because the page would have been too large in bytes.
    pub cut_short: bool,
}

/// What a reader may read, as decided from the state.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Grant {
    pub room: RoomId,
    pub stream: StreamNumber,
    /// In the lobby: whose direct messages belong in between.
    pub mailbox: Option<AgentNumber>,
}

impl Hub {
    /// Reads a page of history, off the async threads.
    pub async fn history(&self, caller: Caller, query: HistoryQuery) -> Result<HistoryPage, Refusal> {
        let grant = self.grant(caller, query.room)?;
        let limit = usize::try_from(query.limit.min(u64::from(self.limits().history_page))).unwrap_or(usize::MAX);
        let (range, bytes) = (query.range, self.limits().history_bytes);
        let read = move |connection: &mut Connection| read_page(connection, grant, limit, range, bytes);
        let (rows, cut_short) = self.inner.readers.read(read).await?;
        // Somebody who lost the room while the page was read is not shown it.
        if self.grant(caller, query.room)? != grant {
            return Err(Refusal::NotAMember);
        }
        let directory = self.directory();
        let messages = rows.into_iter().map(|row| entry(row, grant.room, &directory)).collect();
        Ok(HistoryPage { messages, cut_short })
    }

    pub(super) fn grant(&self, caller: Caller, room: Option<RoomId>) -> Result<Grant, Refusal> {
        let Caller::Session { session, agent } = caller else {
            return Err(Refusal::AuthRequired);
        };
        let directory = self.directory();
        let scope = directory.scope_of(session).ok_or(Refusal::SessionEnded)?;
        let agent = directory.agent(agent).ok_or(Refusal::SessionEnded)?;
        let governs = agent.role == Role::Controller;
        let visible = |room: &&Room| !room.deleted || governs;
        let room = room
            .and_then(|id| directory.room_by_id(id))
            .filter(visible)
            .ok_or(Refusal::RoomNotFound)?;
        if !scope.admits_room(room.id) || !governs && !room.has_member(agent.number) {
            return Err(Refusal::NotAMember);
        }
        Ok(Grant {
            room: room.id,
            stream: room.number,
            mailbox: (room.is_lobby && scope.admits_direct()).then_some(agent.number),
        })
    }
}

/// Reads a page, the oldest message first.
fn read_page(
    connection: &mut Connection,
    grant: Grant,
    limit: usize,
    range: Range,
    bytes: usize,
) -> Result<(Vec<MessageRow>, bool), StoreError> {
    if let Range::AfterSeq(after) = range {
        let rows = messages::page_after(connection, grant.stream, after, limit, larger_than(bytes))?;
        return Ok(fit(rows, bytes));
    }
    let (mut rows, cut_short) = fit(newest_first(connection, grant, limit, range, bytes)?, bytes);
    rows.reverse();
    Ok((rows, cut_short))
}

/// As many of `rows` as fit, and whether that is not all of them. At least one, however large: a reader must get on.
pub(super) fn fit(mut rows: Vec<MessageRow>, bytes: usize) -> (Vec<MessageRow>, bool) {
    let mut is_too_large = larger_than(bytes);
    let fitting = rows.iter().take_while(|row| !is_too_large(row)).count();
    let cut_short = fitting < rows.len();
    rows.truncate(fitting.max(1));
    (rows, cut_short)
}

/// Reads the newest rows first. Both sources are read up to the limit and merged by time, which strictly increases over
/// both of them, so a page is always filled with what the reader may see.
fn newest_first(
    connection: &mut Connection,
    grant: Grant,
    limit: usize,
    range: Range,
    bytes: usize,
) -> Result<Vec<MessageRow>, StoreError> {
    // One transaction, so that both sources show the same moment.
    let transaction = connection.transaction()?;
    let (below, before_ms) = match range {
        Range::Before(at_ms) => (
            Some(messages::first_not_before(&transaction, grant.stream, at_ms)?),
            Some(at_ms),
        ),
        Range::BeforeSeq(seq) => (Some(messages::bounded(&transaction, grant.stream, seq)?), None),
        Range::Newest | Range::AfterSeq(_) => (None, None),
    };
    let with_direct = !matches!(range, Range::BeforeSeq(_));
    let mut rows = messages::page(&transaction, grant.stream, below, limit, larger_than(bytes))?;
    if let Some(agent) = grant.mailbox.filter(|_| with_direct) {
        rows.extend(direct::mailbox_page(
            &transaction,
            agent,
            before_ms,
            limit,
            larger_than(bytes),
        )?);
        rows.sort_by_key(|row| std::cmp::Reverse(row.sent_at_ms));
        rows.truncate(limit);
    }
    Ok(rows)
}

/// Tells, row by row, whether a page is larger than `bytes` with it. The row with which it is belongs to what was read, so
/// that two sources merged stop at the first gap in either.
pub(super) fn larger_than(bytes: usize) -> impl FnMut(&MessageRow) -> bool {
    let mut sum = 0_usize;
    move |row| {
        let data = row.data.as_ref().map_or(0, |data| data.as_str().len());
        sum = sum
            .saturating_add(ENTRY_BYTES + data + written_bytes(&row.content) + written_bytes(row.sender_name.as_str()));
        sum > bytes
    }
}

/// What an entry takes beside its texts: ids, times and the names of its members.
const ENTRY_BYTES: usize = 400;

/// What `text` takes when it is written with escapes.
pub(super) fn written_bytes(text: &str) -> usize {
    text.bytes()
        .map(|byte| match byte {
            b'"' | b'\\' | b'\n' | b'\r' | b'\t' | 0x08 | 0x0c => 2,
            0x00..=0x1f => 6,
            _ => 1,
        })
        .sum()
}

pub(super) fn entry(row: MessageRow, room: RoomId, directory: &Directory) -> HistoryEntry {
    HistoryEntry {
        room,
        recipient: row.direct.map(|direct| directory.id_of(direct.recipient)),
        removed: row.removal.is_some(),
        message: message_of(row, directory),
    }
}

/// A stored message as it is shown.
pub(super) fn message_of(row: MessageRow, directory: &Directory) -> Message {
    let sender = directory.sender(row.sender);
    Message {
        id: MessageId {
            at_ms: row.sent_at_ms,
            row: row.id,
        },
        sender: sender.id,
        sender_name: row.sender_name,
        origin: sender.origin,
        content: row.content.into(),
        kind: row.kind,
        data: row.data,
        reply_to: row.reply_to,
    }
}
