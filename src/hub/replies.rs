//! Threads: the direct replies to one message.

use super::history::{Grant, HistoryPage, entry, larger_than};
use super::{Caller, Hub};
use crate::domain::{MessageId, Refusal, RoomId};
use crate::store::messages::{self, MessageRow};
use crate::store::{Connection, StoreError};

/// Which replies.
#[derive(Clone, Copy, Debug)]
pub struct ReplyQuery {
    /// The room; `None` stands for an id that names none.
    pub room: Option<RoomId>,
    /// The message that they answer; `None` stands for an id that names none.
    pub message: Option<MessageId>,
    /// Most replies; more than the server's limit are not given.
    pub limit: u64,
    /// Only replies sent before this, in milliseconds since 1970.
    pub before_ms: Option<i64>,
}

impl Hub {
    /// Reads the newest replies to a message, the oldest of them first, off the async threads.
    pub async fn replies(&self, caller: Caller, query: ReplyQuery) -> Result<HistoryPage, Refusal> {
        let grant = self.grant(caller, query.room)?;
        let message = query.message.ok_or(Refusal::MessageNotFound)?;
        let limit = usize::try_from(query.limit.min(u64::from(self.limits().history_page))).unwrap_or(usize::MAX);
        let (before_ms, bytes) = (query.before_ms, self.limits().history_bytes);
        let read = move |connection: &mut Connection| read_replies(connection, grant, message, limit, before_ms, bytes);
        let found = self.inner.readers.read(read).await?;
        // Somebody who lost the room while the page was read is not shown it.
        if self.grant(caller, query.room)? != grant {
            return Err(Refusal::NotAMember);
        }
        let (rows, cut_short) = found.ok_or(Refusal::MessageNotFound)?;
        let directory = self.directory();
        let messages = rows
            .into_iter()
            .rev()
            .map(|row| entry(row, grant.room, &directory))
            .collect();
        Ok(HistoryPage { messages, cut_short })
    }
}

/// Reads the newest rows first. `None` when there is no such message, or none that the reader may know of.
fn read_replies(
    connection: &mut Connection,
    grant: Grant,
    message: MessageId,
    limit: usize,
    before_ms: Option<i64>,
    bytes: usize,
) -> Result<Option<(Vec<MessageRow>, bool)>, StoreError> {
    // One transaction, so that the message and its replies are of the same moment.
    let transaction = connection.transaction()?;
    let id = message.row;
    let parent = messages::get(&transaction, id)?;
    let is_readable = match &parent {
        Some(row) if row.sent_at_ms != message.at_ms => false,
        Some(row) => match row.direct {
            // Direct messages belong to the history of the lobby, for their two parties.
            Some(direct) => grant
                .mailbox
                .is_some_and(|agent| agent == row.sender || agent == direct.recipient),
            None => id.stream() == grant.stream,
        },
        // One that is no longer kept may have replies that are.
        None => id.stream() == grant.stream,
    };
    if !is_readable {
        return Ok(None);
    }
    let below = match before_ms {
        Some(before_ms) => Some(messages::first_not_before(&transaction, id.stream(), before_ms)?),
        None => None,
    };
    let mut rows = messages::replies(&transaction, id, below, limit, larger_than(bytes))?;
    if parent.is_none() && rows.is_empty() && before_ms.is_none() {
        return Ok(None);
    }
    let mut is_too_large = larger_than(bytes);
    let fitting = rows.iter().take_while(|row| !is_too_large(row)).count();
    let cut_short = fitting < rows.len();
    // At least one, however large: a reader must get on.
    rows.truncate(fitting.max(1));
    Ok(Some((rows, cut_short)))
}
