//! Reading on from the store, for sessions that follow from a position and for those that could not keep up.

use super::feed::{Behind, Feed, Source};
use super::follow::Beginning;
use super::history::{larger_than, message_of};
use super::{Caller, Hub};
use crate::domain::{DirectMessage, Event, MessageId, Refusal, RoomId};
use crate::store::messages::MessageRow;
use crate::store::removals::{self, RemovedFrom};
use crate::store::{Connection, StoreError, direct, messages};

/// Messages that are read at once.
const PAGE: usize = 200;

/// Bytes that are read at once.
const PAGE_BYTES: usize = 256 * 1024;

/// Removals that a session is told of when it resumes, the newest; those before them are found in the history.
const REMOVALS: usize = 1000;

/// What was read, in the order of positions.
struct Page {
    rows: Vec<(u64, MessageRow)>,
    /// There is more.
    cut_short: bool,
}

impl Hub {
    /// Shows `feed` what it has not been shown yet, whenever it is behind. Ends only when the store cannot be read; dropping
    /// it at any await loses nothing.
    pub async fn keep_up(&self, feed: &Feed) {
        let mut last = None;
        loop {
            feed.falls_behind().await;
            if feed.caller().is_none() {
                // It is let in, and not live yet; it says so when it is.
                continue;
            }
            while let Some(behind) = feed.next_behind(last) {
                last = Some(behind.reading.source);
                // Boxed: a session that keeps up, and that is nearly all of them all the time, shall not pay for its size.
                if let Err(refusal) = Box::pin(self.read_on(feed, behind)).await {
                    tracing::error!(%refusal, "history cannot be read; a session that needs it is ended");
                    return;
                }
            }
        }
    }

    /// Begins what was answered. [`Hub::keep_up`] shows it: whoever asked shall be heard while its reader is slow.
    pub fn begin(&self, feed: &Feed, beginning: &Beginning) {
        feed.begin(beginning.reading, beginning.start);
    }

    async fn read_on(&self, feed: &Feed, behind: Behind) -> Result<(), Refusal> {
        let outcome = self.show_next(feed, behind).await;
        // Whatever ended it, nobody else flushes what it queued.
        feed.link().flush();
        outcome
    }

    async fn show_next(&self, feed: &Feed, behind: Behind) -> Result<(), Refusal> {
        let Some(caller) = feed.caller() else { return Ok(()) };
        let source = behind.reading.source;
        let Ok(room) = self.readable(caller, source) else {
            feed.forget(source);
            return Ok(());
        };
        if let Some(since) = behind.resumed_from
            && !self.tell_removals(feed, behind, caller, since).await?
        {
            return Ok(());
        }
        let page = self.page_after(caller, source, behind.next.saturating_sub(1)).await?;
        let mut next = behind.next;
        for (seq, row) in page.rows {
            if seq > next {
                let event = Event::Reset {
                    room,
                    epoch: self.epoch(),
                    missed_from: next,
                    resumes_from: seq,
                };
                let bytes = (self.inner.encode)(&event);
                if !feed.link().has_room(bytes.len()).await || !feed.tell(behind.reading, &bytes) {
                    return Ok(());
                }
            }
            next = seq + 1;
            let is_own = matches!(caller, Caller::Session { agent, .. } if agent == row.sender);
            let bytes =
                (seq >= behind.own_from || !is_own).then(|| (self.inner.encode)(&self.event(room, seq, row, is_own)));
            if let Some(bytes) = &bytes
                && !feed.link().has_room(bytes.len()).await
            {
                return Ok(());
            }
            if !feed.show(behind.reading, seq, bytes.as_ref()) {
                return Ok(());
            }
            self.metrics().events_delivered.inc_by(u64::from(bytes.is_some()));
        }
        if !page.cut_short {
            feed.catch_up(behind);
        }
        Ok(())
    }

    /// Tells what was removed while the session was away, of what it had seen; the first of it perhaps a second time. False
    /// when that was not possible now.
    async fn tell_removals(&self, feed: &Feed, behind: Behind, caller: Caller, since: u64) -> Result<bool, Refusal> {
        let Caller::Session { agent, .. } = caller else {
            return Ok(false);
        };
        let from = match behind.reading.source {
            Source::Room(stream) => RemovedFrom::Room(stream),
            Source::Mailbox => RemovedFrom::Mailbox(agent),
        };
        let read = move |connection: &mut Connection| -> Result<Vec<MessageRow>, StoreError> {
            let ids = removals::since(connection, from, since, REMOVALS)?;
            let rows = ids.into_iter().map(|id| messages::get(connection, id));
            rows.filter_map(Result::transpose).collect()
        };
        let rows = self.inner.readers.catch_up(read).await?;
        for event in rows.into_iter().filter_map(|row| self.removal_event(row)) {
            let bytes = (self.inner.encode)(&event);
            if !feed.link().has_room(bytes.len()).await || !feed.tell(behind.reading, &bytes) {
                return Ok(false);
            }
        }
        feed.told_removals(behind.reading);
        Ok(true)
    }

    fn removal_event(&self, row: MessageRow) -> Option<Event> {
        let directory = self.directory();
        let room = match row.direct {
            Some(_) => directory.lobby()?,
            None => directory.room(row.id.stream())?,
        };
        let removal = row.removal?;
        Some(Event::MessageRemoved {
            message: MessageId {
                at_ms: row.sent_at_ms,
                row: row.id,
            },
            room: room.id,
            is_direct: row.direct.is_some(),
            removed_by: directory.id_of(removal.by),
            reason: removal.reason,
        })
    }

    /// The room that a session reads, `None` for its mailbox.
    fn readable(&self, caller: Caller, source: Source) -> Result<Option<RoomId>, Refusal> {
        let Caller::Session { session, agent } = caller else {
            return Err(Refusal::AuthRequired);
        };
        let directory = self.directory();
        let scope = directory.scope_of(session).ok_or(Refusal::SessionEnded)?;
        match source {
            Source::Mailbox => scope.check_direct().map(|()| None),
            Source::Room(number) => directory
                .room(number)
                .filter(|room| !room.deleted && room.has_member(agent) && scope.admits_room(room.id))
                .map(|room| Some(room.id))
                .ok_or(Refusal::NotAMember),
        }
    }

    async fn page_after(&self, caller: Caller, source: Source, after: u64) -> Result<Page, Refusal> {
        let Caller::Session { agent, .. } = caller else {
            return Err(Refusal::AuthRequired);
        };
        let read = move |connection: &mut Connection| -> Result<Page, StoreError> {
            let mut is_too_large = larger_than(PAGE_BYTES);
            let mut cut_short = false;
            let mut enough = |row: &MessageRow| {
                cut_short = is_too_large(row);
                cut_short
            };
            let rows: Vec<(u64, MessageRow)> = match source {
                Source::Room(stream) => messages::page_after(connection, stream, after, PAGE, &mut enough)?
                    .into_iter()
                    .map(|row| (row.id.seq(), row))
                    .collect(),
                Source::Mailbox => direct::mailbox_after(connection, agent, after, PAGE, &mut enough)?,
            };
            cut_short |= rows.len() >= PAGE;
            Ok(Page { rows, cut_short })
        };
        Ok(self.inner.readers.catch_up(read).await?)
    }

    fn event(&self, room: Option<RoomId>, seq: u64, row: MessageRow, is_own: bool) -> Event {
        let directory = self.directory();
        let removed = row.removal.is_some();
        let recipient = row.direct.map(|direct| directory.id_of(direct.recipient));
        let message = message_of(row, &directory);
        match (room, recipient) {
            (Some(room), _) => Event::Message { room, message, removed },
            (None, recipient) => Event::Direct {
                message: DirectMessage {
                    recipient: recipient.unwrap_or(message.sender),
                    message,
                    seq,
                },
                removed,
                is_own,
            },
        }
    }
}
