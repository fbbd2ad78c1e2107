//! Which events of followed rooms and direct messages are next, and from where to follow when they are not.

use std::sync::Arc;

use serde_json::{Value, json};
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::items::{Buffer, item_of};
use super::positions::{FollowResult, Position, Reset, ResetReason};
use super::queue::EventQueue;
use super::{ClientError, Event};

/// What is followed: a room by its id, or direct messages, which are none.
pub(super) type Source = Option<String>;

/// A backlog that nobody has room for is left by following anew when it is longer than this; a shorter one may pass.
const SKIP_ABOVE: u64 = 1000;

/// Where a reader's items go.
pub(super) enum Target {
    /// Among the client's events.
    Events(Arc<EventQueue>),
    /// To an iteration.
    Buffer(Arc<Buffer>),
}

/// Somebody who takes what is followed, one position after the other.
pub(super) struct Reader {
    /// The position that comes next; none until the server has said where "from now on" is.
    next: Option<u64>,
    epoch: Option<String>,
    /// The last position whose event was handed out, for [`Target::Events`].
    pub(super) done: Option<Position>,
    pub(super) target: Target,
}

impl Reader {
    pub(super) fn new(since: Option<Position>, target: Target) -> Self {
        Self {
            next: since.as_ref().map(|since| since.seq.saturating_add(1)),
            epoch: since.as_ref().map(|since| since.epoch.clone()),
            done: since,
            target,
        }
    }

    pub(super) fn is_for_events(&self) -> bool {
        matches!(self.target, Target::Events(_))
    }

    pub(super) fn reads_into(&self, buffer: &Arc<Buffer>) -> bool {
        matches!(&self.target, Target::Buffer(own) if Arc::ptr_eq(own, buffer))
    }

    pub(super) fn done(&self) -> Option<Position> {
        match &self.target {
            Target::Events(_) => self.done.clone(),
            Target::Buffer(buffer) => buffer.done(),
        }
    }

    fn is_full(&self) -> bool {
        match &self.target {
            Target::Events(queue) => queue.is_full(),
            Target::Buffer(buffer) => buffer.is_full(),
        }
    }

    fn behind(&self) -> Option<Position> {
        Some(Position::new(self.epoch.clone()?, self.next?.saturating_sub(1)))
    }

    fn take(&mut self, source: &Source, event: &Event, seq: u64) {
        let Some(epoch) = self.epoch.clone() else { return };
        self.next = Some(seq.saturating_add(1));
        let position = Position::new(epoch, seq);
        match &self.target {
            Target::Buffer(buffer) => {
                if let Some(item) = item_of(event) {
                    buffer.put(item, position);
                }
            }
            Target::Events(queue) => {
                // There is room, since only the task that asked for it puts something in.
                queue.put(event.clone(), Some((source.clone(), position)));
            }
        }
    }
}

/// One thing that is followed, on behalf of all who read it.
pub(super) struct Stream {
    source: Source,
    pub(super) readers: Vec<Reader>,
    /// Where a reader begins that names no position: as handed in, or as the last reader left it.
    pub(super) stored: Option<Position>,
    /// The id of the request that the server has not answered, and the position it named.
    pub(super) asked: Option<(String, Option<Position>)>,
    /// Whether to ask anew when the answer has come.
    pub(super) again: bool,
    /// Not to be asked for earlier.
    pub(super) not_before: Option<Instant>,
    /// Callers that wait for the next answer.
    pub(super) waiting: Vec<oneshot::Sender<Result<FollowResult, ClientError>>>,
    /// The last position that this connection was shown; none while it does not follow.
    pub(super) cursor: Option<u64>,
    epoch: Option<String>,
    /// The last position there was when the server answered.
    head: u64,
    /// Whoever does not follow is shown only what is beyond; none before the stream was ever followed in this epoch.
    plain_after: Option<u64>,
}

impl Stream {
    pub(super) fn new(source: Source) -> Self {
        Self {
            source,
            readers: Vec::new(),
            stored: None,
            asked: None,
            again: false,
            not_before: None,
            waiting: Vec::new(),
            cursor: None,
            epoch: None,
            head: 0,
            plain_after: None,
        }
    }

    pub(super) fn source(&self) -> &Source {
        &self.source
    }

    /// The position up to which everybody who reads has everything.
    pub(super) fn position(&self) -> Option<Position> {
        let known = self.readers.iter().filter_map(Reader::done);
        known
            .min_by_key(|position| position.seq)
            .or_else(|| self.stored.clone())
    }

    /// Whether a reader that has room lacks something that this connection will not show by itself.
    pub(super) fn needs_to_follow(&self) -> bool {
        if self.asked.is_some() || self.readers.is_empty() {
            return false;
        }
        let Some(cursor) = self.cursor else { return true };
        let mut hungry = self.hungry().peekable();
        if hungry.peek().is_none() {
            return self.head.saturating_sub(cursor) > SKIP_ABOVE;
        }
        hungry.any(|reader| reader.epoch != self.epoch || reader.next.is_none_or(|next| next <= cursor))
    }

    fn hungry(&self) -> impl Iterator<Item = &Reader> {
        self.readers.iter().filter(|reader| !reader.is_full())
    }

    /// The position to follow from; none for "from now on".
    pub(super) fn since(&self) -> Option<Position> {
        match (self.hungry().next(), self.cursor, &self.epoch) {
            (None, Some(_), Some(epoch)) => Some(Position::new(epoch.clone(), self.head)),
            (None, ..) => self.earliest(),
            (Some(_), ..) => earliest(self.hungry()),
        }
    }

    /// The position from which everybody gets what he lacks.
    pub(super) fn earliest(&self) -> Option<Position> {
        earliest(self.readers.iter())
    }

    /// The server follows; this is what it said, before the first event that it shows.
    pub(super) fn answered(&mut self, since: Option<&Position>, result: &FollowResult) {
        let reset = result.reset.as_ref();
        self.asked = None;
        self.cursor = Some(match (reset, since) {
            (Some(reset), _) => reset.resumes_from.saturating_sub(1),
            (None, Some(since)) => since.seq,
            (None, None) => result.seq,
        });
        if self.epoch.as_ref() != Some(&result.epoch) {
            self.plain_after = None;
        }
        self.epoch = Some(result.epoch.clone());
        self.head = result.seq;
        self.plain_after.get_or_insert(result.seq);
        let beyond = result.seq.saturating_add(1);
        let retention = reset.filter(|reset| reset.reason == ResetReason::Retention);
        let oldest = reset.map(|reset| &reset.oldest);
        for reader in &mut self.readers {
            match (reader.next, retention) {
                (None, _) => (reader.next, reader.epoch) = (Some(beyond), self.epoch.clone()),
                (Some(next), _) if reader.epoch != self.epoch || next > beyond => {
                    tell(reader, &self.source, ResetReason::Epoch, &result.epoch, beyond, oldest);
                }
                (Some(next), Some(reset)) if next < reset.resumes_from => {
                    let (reason, until) = (ResetReason::Retention, reset.resumes_from);
                    tell(reader, &self.source, reason, &result.epoch, until, oldest);
                }
                (Some(_), _) => {}
            }
            if let Some(start) = reader.behind() {
                reader.done.get_or_insert_with(|| start.clone());
                if let Target::Buffer(buffer) = &reader.target {
                    buffer.followed(start);
                }
            }
        }
    }

    /// Answers those who wait for it.
    pub(super) fn tell_waiting(&mut self, result: &FollowResult) {
        for waiting in self.waiting.drain(..) {
            drop(waiting.send(Ok(result.clone())));
        }
    }

    /// The server has shown what is at `seq`.
    pub(super) fn shown(&mut self, event: &Event, seq: u64) {
        if self.cursor.is_some() {
            self.cursor = Some(seq);
        }
        for reader in &mut self.readers {
            let is_next = reader.next == Some(seq) && reader.epoch.is_some() && reader.epoch == self.epoch;
            if is_next && !reader.is_full() {
                reader.take(&self.source, event, seq);
            }
        }
    }

    /// The server has nothing of the positions in between any more.
    pub(super) fn missed(&mut self, missed_from: u64, resumes_from: u64) {
        if self.cursor.is_some() {
            self.cursor = Some(resumes_from.saturating_sub(1));
        }
        let Some(epoch) = self.epoch.clone() else { return };
        for reader in &mut self.readers {
            let is_missed = reader
                .next
                .is_some_and(|next| missed_from <= next && next < resumes_from);
            if is_missed && reader.epoch.as_ref() == Some(&epoch) {
                tell(reader, &self.source, ResetReason::Retention, &epoch, resumes_from, None);
            }
        }
    }

    /// Whether those who do not follow are shown an event: once, and never what their own agent said.
    pub(super) fn is_for_all(&mut self, seq: u64, is_own: bool) -> bool {
        let Some(after) = self.plain_after else { return true };
        if is_own || seq <= after {
            return false;
        }
        self.plain_after = Some(seq);
        true
    }

    /// Has it followed anew.
    pub(super) fn follow_again(&mut self) {
        // Of two requests under way it would not be known which came first.
        self.again = self.asked.is_some();
        self.cursor = None;
    }

    /// Positions begin anew.
    pub(super) fn other_epoch(&mut self) {
        self.plain_after = None;
    }

    /// The connection is gone.
    pub(super) fn lost(&mut self) {
        (self.cursor, self.asked, self.not_before, self.again) = (None, None, None, false);
    }

    /// Those for whom `is_gone` leave; where one stood is where the next one begins.
    pub(super) fn remove(&mut self, is_gone: impl Fn(&Reader) -> bool) -> Vec<Reader> {
        let (gone, stay) = std::mem::take(&mut self.readers).into_iter().partition(is_gone);
        self.readers = stay;
        for reader in &gone {
            let reader: &Reader = reader;
            self.stored = reader.done().or_else(|| self.stored.take());
        }
        gone
    }

    /// The request that follows, and its method.
    pub(super) fn request(&self, since: Option<&Position>) -> (&'static str, Value) {
        let mut params = json!({});
        if let Some(since) = since {
            params["since"] = json!(since);
        }
        match &self.source {
            Some(room) => {
                params["roomId"] = json!(room);
                ("room.follow", params)
            }
            None => ("message.followDirect", params),
        }
    }
}

/// Tells a reader what it cannot have; one that is full is told when it has followed again.
fn tell(
    reader: &mut Reader,
    source: &Source,
    reason: ResetReason,
    epoch: &str,
    resumes_from: u64,
    oldest: Option<&Position>,
) {
    let Some(missed_from) = reader.next.filter(|_| !reader.is_full()) else {
        return;
    };
    let reset = Reset {
        reason,
        room_id: source.clone(),
        epoch: epoch.to_owned(),
        missed_from,
        resumes_from,
        oldest: oldest.cloned(),
    };
    let event = Event {
        method: "reset".to_owned(),
        params: json!(reset),
    };
    reader.epoch = Some(epoch.to_owned());
    reader.take(source, &event, resumes_from.saturating_sub(1));
}

fn earliest<'a>(readers: impl Iterator<Item = &'a Reader>) -> Option<Position> {
    readers.filter_map(Reader::behind).min_by_key(|position| position.seq)
}
