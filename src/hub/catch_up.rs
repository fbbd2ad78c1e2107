//! Reading on from the store, for sessions that follow from a position and for those that could not keep up.

use super::feed::{Behind, Feed, Source};
use super::history::{larger_than, message_of};
use super::{Caller, Hub};
use crate::domain::{DirectMessage, Event, Refusal, RoomId};
use crate::store::messages::MessageRow;
use crate::store::{Connection, StoreError, direct, messages};

/// Messages that are read at once.
const PAGE: usize = 200;

/// Bytes that are read at once.
const PAGE_BYTES: usize = 256 * 1024;

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

    async fn read_on(&self, feed: &Feed, behind: Behind) -> Result<(), Refusal> {
        let Some(caller) = feed.caller() else { return Ok(()) };
        let source = behind.reading.source;
        let Some(room) = self.readable(caller, source) else {
            feed.forget(source);
            return Ok(());
        };
        let page = self.page_after(caller, source, behind.next.saturating_sub(1)).await?;
        let (mut next, found_nothing) = (behind.next, page.rows.is_empty());
        for (seq, row) in page.rows {
            if seq > next {
                let event = Event::Reset {
                    room,
                    epoch: self.epoch(),
                    missed_from: next,
                    resumes_from: seq,
                };
                feed.link().push(&(self.inner.encode)(&event));
            }
            next = seq + 1;
            let is_own = matches!(caller, Caller::Session { agent, .. } if agent == row.sender);
            let bytes = (behind.whole || !is_own).then(|| (self.inner.encode)(&self.event(room, seq, row, is_own)));
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
        feed.link().flush();
        if !page.cut_short {
            feed.catch_up(behind.reading, found_nothing);
        }
        Ok(())
    }

    /// The room that a session reads, `None` for its mailbox; nothing when it may not.
    fn readable(&self, caller: Caller, source: Source) -> Option<Option<RoomId>> {
        let Caller::Session { session, agent } = caller else {
            return None;
        };
        let directory = self.directory();
        directory.session(session)?;
        match source {
            Source::Mailbox => Some(None),
            Source::Room(number) => {
                let room = directory.room(number)?;
                (!room.deleted && room.has_member(agent)).then_some(Some(room.id))
            }
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
        Ok(self.inner.readers.read(read).await?)
    }

    fn event(&self, room: Option<RoomId>, seq: u64, row: MessageRow, is_own: bool) -> Event {
        let directory = self.directory();
        let id_of = |number| directory.id_of(number);
        let removed = row.removal.is_some();
        let recipient = row.direct.map(|direct| id_of(direct.recipient));
        let message = message_of(row, id_of);
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
