//! What one session is shown, and how far it has got.
//!
//! Most sessions are simply told what happens. A session that follows a stream, and one that could not keep up with it, has
//! a position there: what comes next is shown once and in order, live while it keeps up and from the store while it does
//! not. The change from one to the other happens under one lock, so nothing is lost or shown twice at the seam.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::Notify;

use super::act::{Caller, Post};
use super::link::{Link, Offer};
use super::run::Run;
use super::taken::Taken;
use crate::domain::{AgentNumber, Spans, StreamNumber};

/// Where stored events lie one after the other.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) enum Source {
    /// The messages of a room.
    Room(StreamNumber),
    /// The direct messages of the session's agent.
    Mailbox,
}

/// The place of a stored event.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Place {
    pub source: Source,
    /// Counts from 1 within the source.
    pub seq: u64,
}

/// Names one reading of a source; void when the source is followed anew or lost.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Reading {
    pub source: Source,
    number: u64,
}

/// Where a reading begins.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Start {
    /// With what happens from now on, and with what was stored up to `head` and not told yet.
    Now {
        /// The last position that is stored.
        head: u64,
    },
    /// Behind this position, where the session was.
    Since(u64),
    /// Not where the session was.
    Reset {
        /// The first position that is shown.
        next: u64,
    },
}

/// A reading that has to go on from the store.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Behind {
    pub reading: Reading,
    /// What comes next.
    pub next: u64,
    /// The last position that had gone by: whatever is read from the store later holds it, or it is not kept any longer.
    pub passed: u64,
    /// From which position on the agent's own messages are shown too.
    pub own_from: u64,
    /// The position from which the session resumed, until it was told what was removed since.
    pub resumed_from: Option<u64>,
}

/// The position from which on a session follows that does not.
const NEVER: u64 = u64::MAX;

/// What one session is shown.
pub struct Feed {
    link: Arc<dyn Link>,
    progress: Mutex<Progress>,
    /// Some reading has to go on from the store.
    behind: Notify,
}

#[derive(Default)]
struct Progress {
    /// The session, once it is live.
    caller: Option<Caller>,
    /// At most one entry for each room that the agent is in, and one for its mailbox.
    readings: BTreeMap<Source, State>,
    /// Counts readings.
    count: u64,
    /// What the socket took.
    taken: Taken,
}

#[derive(Clone, Copy, Debug)]
struct State {
    number: u64,
    /// From which position on the session follows: it asked for it, and is shown its agent's own messages too, so that
    /// positions have no gap. [`NEVER`] when it does not.
    own_from: u64,
    /// The position that comes next.
    next: u64,
    /// See [`Behind::resumed_from`].
    resumed_from: Option<u64>,
    /// While it waits: the first position that was not shown.
    unshown: Option<u64>,
    /// The last position that went by while it was not live.
    passed: u64,
    stage: Stage,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Stage {
    /// Where to begin is not known yet.
    Waiting,
    /// Begins with what happens next, whatever its position: it may have been stored for a while and not be told yet.
    Open,
    /// Goes on from the store.
    Behind,
    /// Is shown what happens.
    Live,
}

impl Feed {
    /// The feed of a session whose link is `link`.
    pub fn new(link: Arc<dyn Link>) -> Arc<Self> {
        Arc::new(Self {
            link,
            progress: Mutex::default(),
            behind: Notify::new(),
        })
    }

    /// The far end.
    pub(super) fn link(&self) -> &Arc<dyn Link> {
        &self.link
    }

    fn lock(&self) -> MutexGuard<'_, Progress> {
        // Nothing under this lock can panic half way through a change.
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The session is live from here on.
    pub(super) fn open(&self, caller: Caller) {
        self.lock().caller = Some(caller);
        self.behind.notify_one();
    }

    pub(super) fn caller(&self) -> Option<Caller> {
        self.lock().caller
    }

    /// Begins a reading anew; nothing of the source is shown until [`Feed::begin`] says from where on.
    pub(super) fn prepare(&self, source: Source) -> Reading {
        let mut progress = self.lock();
        progress.count += 1;
        let number = progress.count;
        let former = progress.readings.get(&source);
        let state = State {
            number,
            own_from: former.map_or(NEVER, |former| former.own_from),
            next: 0,
            resumed_from: None,
            unshown: former.and_then(State::first_unshown),
            passed: former.map_or(0, |former| former.passed),
            stage: Stage::Waiting,
        };
        progress.readings.insert(source, state);
        Reading { source, number }
    }

    /// Begins a prepared reading. Unless the session resumes, everything is shown that it would have been shown without.
    pub(super) fn begin(&self, reading: Reading, start: Start) {
        if let Some(state) = self.lock().state(reading) {
            let unshown = state.unshown;
            let (next, own_from) = match start {
                Start::Now { head } => (unshown, head + 1),
                Start::Reset { next } => (Some(unshown.map_or(next, |unshown| unshown.min(next))), next),
                Start::Since(seq) => {
                    state.resumed_from = Some(seq);
                    (Some(seq + 1), seq + 1)
                }
            };
            state.own_from = state.own_from.min(own_from);
            state.go_on(next);
            self.behind.notify_one();
        }
    }

    /// Drops a prepared reading that is not to be.
    pub(super) fn cancel(&self, reading: Reading) {
        let mut progress = self.lock();
        let Some(state) = progress.state(reading) else { return };
        if state.unshown.is_some() || state.own_from != NEVER {
            // It goes on as before.
            state.go_on(state.unshown);
            self.behind.notify_one();
        } else {
            progress.readings.remove(&reading.source);
        }
    }

    /// What was read of a source and is not shown yet may have changed: it is read again.
    pub(super) fn reread(&self, source: Source) {
        let mut progress = self.lock();
        progress.count += 1;
        let number = progress.count;
        if let Some(state) = progress
            .readings
            .get_mut(&source)
            .filter(|state| state.stage == Stage::Behind)
        {
            state.number = number;
        }
    }

    /// The session is not to be.
    pub fn forget_all(&self) {
        self.lock().readings.clear();
    }

    /// The session has lost the source: nothing more of it is shown.
    pub(super) fn forget(&self, source: Source) {
        self.lock().readings.remove(&source);
    }

    /// Shows stored events that have just happened, a part of `run`, unless they are or will be shown otherwise. What `agent`,
    /// whose session this is, sent is shown only to sessions that follow.
    pub(super) fn offer(&self, run: &Run<'_>, part: Range<usize>, agent: AgentNumber) -> Shown {
        let mut progress = self.lock();
        let (first, posts) = (part.start, &run.posts()[..part.end]);
        let Some(last) = posts[first..].last().map(|post| post.place) else {
            return Shown::default();
        };
        let mut shown = Shown::default();
        let state = progress.readings.get_mut(&last.source);
        let (mut from, mut own_from) = (first, NEVER);
        if let Some(state) = state {
            if state.stage == Stage::Open {
                (state.next, state.stage) = (posts[first].place.seq, Stage::Live);
            }
            let is_new = |post: &Post| post.place.seq >= state.next || state.stage == Stage::Waiting;
            from += posts[first..].iter().take_while(|post| !is_new(post)).count();
            own_from = state.own_from;
            if from == posts.len() {
                return shown;
            }
            if state.stage != Stage::Live {
                state.passed = last.seq;
                if state.stage == Stage::Waiting {
                    state.unshown.get_or_insert(posts[from].place.seq);
                }
                return shown;
            }
            // Positions go up by one, so nothing else can be next; if it is, the store knows what is between.
            if posts[from].place.seq != state.next {
                (state.stage, state.passed) = (Stage::Behind, last.seq);
                self.behind.notify_one();
                return shown;
            }
        }
        while from < posts.len() {
            let is_skipped = |post: &Post| post.sender == agent && post.place.seq < own_from;
            let skipped = posts[from..].iter().take_while(|post| is_skipped(post)).count();
            let start = from + skipped;
            let taken = posts[start..].iter().take_while(|post| !is_skipped(post)).count();
            let end = start + taken;
            if skipped > 0 {
                progress
                    .taken
                    .pass(last.source, posts[from].place.seq, posts[start - 1].place.seq);
            }
            if taken > 0 {
                match self.link.offer(&run.bytes(start..end)) {
                    Offer::Taken { flush, mark } => {
                        let (first, last_taken) = (posts[start].place.seq, posts[end - 1].place.seq);
                        let is_beyond = |mark| self.link.has_sent(mark);
                        progress.taken.note(last.source, first, last_taken, mark, is_beyond);
                        shown.count += taken as u64;
                        shown.flush |= flush;
                    }
                    Offer::Gone => return shown,
                    Offer::Full => {
                        progress.fall_behind(posts[start].place, last.seq);
                        self.behind.notify_one();
                        return shown;
                    }
                }
            }
            from = end;
        }
        if let Some(state) = progress.readings.get_mut(&last.source) {
            state.next = last.seq + 1;
        }
        shown
    }

    /// What the socket took since this was asked last.
    pub(super) fn delivered(&self) -> Vec<(Source, Spans)> {
        let is_beyond = |mark| self.link.has_sent(mark);
        self.lock().taken.drain(is_beyond)
    }

    /// Waits until some reading has to go on from the store.
    pub(super) async fn falls_behind(&self) {
        self.behind.notified().await;
    }

    /// A reading that has to go on from the store: the first one after `last`, in turn.
    pub(super) fn next_behind(&self, last: Option<Source>) -> Option<Behind> {
        let progress = self.lock();
        let behind = |(source, state): (&Source, &State)| (state.stage == Stage::Behind).then(|| state.behind(*source));
        let after = |(source, _): &(&Source, &State)| last.is_none_or(|last| **source > last);
        let later = progress.readings.iter().filter(after).find_map(behind);
        later.or_else(|| progress.readings.iter().find_map(behind))
    }

    /// Tells something that belongs to a reading. False when the reading is void or the link is gone.
    pub(super) fn tell(&self, reading: Reading, bytes: &Bytes) -> bool {
        let mut progress = self.lock();
        progress.state(reading).is_some() && matches!(self.link.offer(bytes), Offer::Taken { .. })
    }

    /// The session was told what was removed while it was away.
    pub(super) fn told_removals(&self, reading: Reading) {
        if let Some(state) = self.lock().state(reading) {
            state.resumed_from = None;
        }
    }

    /// Shows what was read from the store. False when the reading is void or the link is gone.
    pub(super) fn show(&self, reading: Reading, seq: u64, bytes: Option<&Bytes>) -> bool {
        let mut progress = self.lock();
        let Some(state) = progress.state(reading) else {
            return false;
        };
        if seq < state.next {
            // Somebody else read the same.
            return true;
        }
        state.next = seq + 1;
        let source = reading.source;
        match bytes.map(|bytes| self.link.offer(bytes)) {
            None => progress.taken.pass(source, seq, seq),
            Some(Offer::Taken { mark, .. }) => {
                let is_beyond = |mark| self.link.has_sent(mark);
                progress.taken.note(source, seq, seq, mark, is_beyond);
            }
            Some(Offer::Full | Offer::Gone) => {
                if let Some(state) = progress.state(reading) {
                    state.next = seq;
                }
                return false;
            }
        }
        true
    }

    /// Everything was read from the store that was there when `behind` was: the reading is live again, unless something went
    /// by meanwhile. What had gone by and was not found is not kept any longer.
    pub(super) fn catch_up(&self, behind: Behind) {
        if let Some(state) = self.lock().state(behind.reading) {
            state.next = state.next.max(behind.passed + 1);
            if state.passed < state.next {
                state.stage = Stage::Live;
            }
        }
    }
}

impl State {
    /// The first position that was not shown, if it is known.
    fn first_unshown(&self) -> Option<u64> {
        match self.stage {
            Stage::Waiting => self.unshown,
            Stage::Open => None,
            Stage::Behind | Stage::Live => Some(self.next),
        }
    }

    /// Goes on with the position `next`, or with what happens next.
    fn go_on(&mut self, next: Option<u64>) {
        match next {
            Some(next) => (self.next, self.stage) = (next, Stage::Behind),
            None => self.stage = Stage::Open,
        }
    }

    fn behind(&self, source: Source) -> Behind {
        Behind {
            reading: Reading {
                source,
                number: self.number,
            },
            next: self.next,
            passed: self.passed,
            own_from: self.own_from,
            resumed_from: self.resumed_from,
        }
    }
}

impl Progress {
    fn state(&mut self, reading: Reading) -> Option<&mut State> {
        let state = self.readings.get_mut(&reading.source)?;
        (state.number == reading.number).then_some(state)
    }

    /// The session could not take what is at `place`, nor what followed it up to position `passed`.
    fn fall_behind(&mut self, place: Place, passed: u64) {
        self.count += 1;
        let fresh = State {
            number: self.count,
            own_from: NEVER,
            next: place.seq,
            resumed_from: None,
            unshown: None,
            passed,
            stage: Stage::Behind,
        };
        let state = self.readings.entry(place.source).or_insert(fresh);
        (state.next, state.passed, state.stage) = (place.seq, passed, Stage::Behind);
    }
}

/// What became of events.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(super) struct Shown {
    /// How many were shown.
    pub count: u64,
    /// The link was not waiting for a flush yet.
    pub flush: bool,
}
