//! The frames that wait on one connection, and what they cost.

use std::collections::VecDeque;
use std::io::IoSlice;

use bytes::Bytes;

use super::frame;
use crate::protocol::CloseCode;

/// The mark of what is held back: when it leaves is not known yet.
pub(super) const HELD: u64 = 0;

/// Frames of one write.
const FRAMES_PER_WRITE: usize = 64;

/// Places that an empty queue keeps. A session that was told of thousands once shall not keep room for thousands.
const IDLE_CAPACITY: usize = 8;

/// What keeping a frame costs beside its bytes. Without it, half a megabyte of pongs would take sixteen.
const FRAME_OVERHEAD: usize = 64;

/// What keeping a frame of `bytes` costs.
fn cost(bytes: usize) -> usize {
    bytes + FRAME_OVERHEAD
}

/// What waits to be sent.
#[derive(Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "facts about one socket that do not depend on each other"
)]
pub(super) struct Queue {
    frames: VecDeque<Waiting>,
    /// What `frames` and `held` cost.
    pub bytes: usize,
    /// The part of it that came unasked, which the limit is for. What was asked for is bounded by not reading on: a large
    /// page of history on its way must not get its reader cut off by the next event.
    pub unasked: usize,
    /// Events that wait for the answer to `auth`.
    pub held: Option<Vec<Bytes>>,
    /// Bytes that ever came into `frames`.
    pub taken: u64,
    /// Those of them that the socket took.
    sent: u64,
    /// What `taken` was when the last events that were held back came in; `None` while some wait.
    released: Option<u64>,
    /// Something was forgotten unsent, so that what leaves from here on says nothing of what came in before.
    skipped: bool,
    /// What `taken` was before the first answer since events are held back; `None` until there is one.
    pub answered_at: Option<u64>,
    /// A flush is on its way.
    pub flush_due: bool,
    /// The socket takes no more for now; the connection's own task waits for it.
    pub blocked: bool,
    /// The close frame is queued, and nothing is queued behind it.
    pub closing: Option<CloseCode>,
    /// The socket is broken.
    pub broken: bool,
}

/// A frame, or several that were made together.
struct Waiting {
    bytes: Bytes,
    /// How many of them have left.
    sent: usize,
    unasked: bool,
}

impl Waiting {
    fn new(bytes: Bytes, unasked: bool) -> Self {
        Self {
            bytes,
            sent: 0,
            unasked,
        }
    }

    fn rest(&self) -> &[u8] {
        &self.bytes[self.sent..]
    }

    fn cost(&self) -> usize {
        cost(self.bytes.len() - self.sent)
    }
}

impl Queue {
    pub(super) fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    /// Whether an event of `bytes` may wait too. One may always wait, however large.
    pub(super) fn admits(&self, bytes: usize, limit: usize) -> bool {
        self.unasked == 0 || self.unasked + cost(bytes) <= limit
    }

    /// Whether an event of `bytes` may be held back too.
    pub(super) fn admits_held(&self, bytes: usize, limit: usize) -> bool {
        self.bytes + cost(bytes) <= limit
    }

    pub(super) fn enqueue(&mut self, bytes: Bytes, unasked: bool) {
        let frame = Waiting::new(bytes, unasked);
        self.bytes += frame.cost();
        if unasked {
            self.unasked += frame.cost();
        }
        self.taken += frame.bytes.len() as u64;
        self.frames.push_back(frame);
    }

    /// Notes that a flush is due. True when somebody has to see to it.
    pub(super) fn is_newly_due(&mut self) -> bool {
        let was_due = std::mem::replace(&mut self.flush_due, true);
        !was_due && !self.blocked
    }

    /// Keeps an event back until the answer to `auth` is queued.
    pub(super) fn hold(&mut self, bytes: Bytes) {
        self.bytes += cost(bytes.len());
        self.held.get_or_insert_default().push(bytes);
        self.released = None;
    }

    /// What was held back belongs to the answer to `auth` and is no reason to cut its reader off.
    pub(super) fn release_held(&mut self) {
        for bytes in self.held.take().into_iter().flatten() {
            self.taken += bytes.len() as u64;
            self.frames.push_back(Waiting::new(bytes, false));
        }
        self.released = Some(self.taken);
    }

    /// Whether the first answer has left, or is leaving: of a frame of which a part has left nothing is forgotten.
    pub(super) fn is_answer_leaving(&self) -> bool {
        self.answered_at.is_some_and(|before| self.sent > before)
    }

    /// What was held back comes after an answer that will never come.
    pub(super) fn forget_held(&mut self) {
        self.held = None;
        self.bytes = self.frames.iter().map(Waiting::cost).sum();
    }

    /// Whoever is expelled is shown nothing more. A frame of which a part has left has to be finished.
    pub(super) fn forget_unsent(&mut self) {
        self.skipped = true;
        self.frames.truncate(1);
        if let Some(front) = self.frames.front_mut() {
            let end = frame::boundary(&front.bytes, front.sent);
            front.bytes.truncate(end);
            if front.rest().is_empty() {
                self.frames.clear();
            }
        }
        self.bytes = self.frames.iter().map(Waiting::cost).sum();
        self.unasked = self
            .frames
            .iter()
            .filter(|frame| frame.unasked)
            .map(Waiting::cost)
            .sum();
    }

    /// Hands the frames that come next to `write`.
    pub(super) fn with_front<T>(&self, write: impl FnOnce(&[IoSlice<'_>]) -> T) -> T {
        if let (1, Some(frame)) = (self.frames.len(), self.frames.front()) {
            return write(&[IoSlice::new(frame.rest())]);
        }
        let mut slices = [IoSlice::new(&[]); FRAMES_PER_WRITE];
        for (slice, frame) in slices.iter_mut().zip(&self.frames) {
            *slice = IoSlice::new(frame.rest());
        }
        write(&slices[..self.frames.len().min(FRAMES_PER_WRITE)])
    }

    /// Whether the socket took everything up to a mark, which is what `taken` was, or [`HELD`].
    pub(super) fn has_sent(&self, mark: u64) -> bool {
        let mark = if mark == HELD { self.released } else { Some(mark) };
        mark.is_some_and(|mark| self.sent >= mark)
    }

    /// Forgets `count` bytes that were written.
    pub(super) fn advance(&mut self, mut count: usize) {
        if !self.skipped {
            self.sent += count as u64;
        }
        while let Some(front) = self.frames.front_mut() {
            let written = count.min(front.rest().len());
            front.sent += written;
            count -= written;
            let is_gone = front.rest().is_empty();
            let freed = if is_gone { written + FRAME_OVERHEAD } else { written };
            self.bytes -= freed;
            if front.unasked {
                self.unasked -= freed;
            }
            if !is_gone {
                return;
            }
            self.frames.pop_front();
            if self.frames.is_empty() && self.frames.capacity() > IDLE_CAPACITY {
                self.frames = VecDeque::new();
            }
            if count == 0 {
                return;
            }
        }
    }
}
