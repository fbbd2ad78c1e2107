//! What waits to be sent on one connection.
//!
//! Frames are written at once, from whichever thread queues them, as long as the socket takes them; only when it does not
//! are they kept, and the connection's own task goes on when the socket is ready again. What is queued between two
//! flushes goes out in one write.

use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::frame;
use super::queue::{Queue, cost};
use super::socket::Socket;
use crate::domain::EndReason;
use crate::hub::Link;
use crate::protocol::CloseCode;
use crate::rpc::Outlet;
use crate::runtime::metrics::Metrics;

/// How many times the limit may be held back during `auth`: a newcomer is told of everybody who is there.
const GREETING_FACTOR: usize = 8;

/// The queue of one connection.
pub(super) struct Outbox {
    pub(super) socket: Socket,
    queue: Mutex<Queue>,
    /// Most bytes of events that may wait. A reader for whom more would wait is cut off.
    limit: usize,
    /// There is something for the connection's own task to write.
    work: Notify,
    /// Bytes have left.
    space: Notify,
    /// The connection is about to end: nothing more is read from it.
    pub(super) ending: CancellationToken,
    metrics: Metrics,
}

impl Outbox {
    pub(super) fn new(socket: Socket, limit: usize, metrics: Metrics) -> Self {
        Self {
            socket,
            queue: Mutex::default(),
            limit,
            work: Notify::new(),
            space: Notify::new(),
            ending: CancellationToken::new(),
            metrics,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        // Nothing under this lock can panic half way through a change.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Queues the close frame, behind everything queued so far.
    pub(super) fn close(&self, code: CloseCode, reason: &str) {
        let mut queue = self.lock();
        if queue.closing.is_some() {
            return;
        }
        queue.forget_held();
        queue.closing = Some(code);
        queue.enqueue(frame::close(code, reason), false);
        drop(queue);
        self.ending.cancel();
        self.work.notify_one();
    }

    /// Queues raw bytes: what the protocol library answers to pings and closes.
    pub(super) fn push_raw(&self, bytes: &[u8]) {
        self.queue_frame(Bytes::copy_from_slice(bytes), false);
    }

    /// Queues a ping.
    pub(super) fn ping(&self) {
        self.queue_frame(frame::ping(), false);
        self.flush();
    }

    /// The code of the close frame that was queued.
    pub(super) fn close_code(&self) -> Option<CloseCode> {
        self.lock().closing
    }

    /// Waits until so little waits to be sent that another answer may be added: `most` bytes, if the limit admits them.
    pub(super) async fn has_room(&self, most: usize) {
        loop {
            let space = self.space.notified();
            if self.lock().bytes < most.min(self.limit / 2) {
                return;
            }
            space.await;
        }
    }

    /// Whether everything was sent, or never will be.
    fn is_done(&self) -> bool {
        let queue = self.lock();
        queue.broken || queue.is_empty() && !queue.blocked
    }

    /// Writes on when the socket is ready again. Ends only when the socket breaks.
    pub(super) async fn pump(&self) {
        loop {
            self.work.notified().await;
            while self.lock().blocked {
                let ready = self.socket.writable().await;
                let mut queue = self.lock();
                queue.blocked = false;
                queue.broken |= ready.is_err();
                self.write(&mut queue);
            }
            if self.lock().broken {
                return;
            }
        }
    }

    /// Sends what is queued, the close frame included, and ends this direction.
    pub(super) async fn drain(&self) {
        self.flush();
        loop {
            let space = self.space.notified();
            if self.is_done() {
                break;
            }
            self.work.notify_one();
            tokio::select! {
                () = self.pump() => return,
                () = space => {}
            }
        }
        self.socket.shut();
    }

    /// Queues a frame that was not asked for. True when no flush was on its way yet. A reader for whom too much waits is
    /// cut off.
    fn queue_frame(&self, bytes: Bytes, event: bool) -> bool {
        let mut queue = self.lock();
        if queue.closing.is_some() || queue.broken {
            return false;
        }
        let cost = cost(&bytes);
        if event && queue.held.is_some() {
            if queue.bytes + cost > self.limit.saturating_mul(GREETING_FACTOR) {
                return self.overflow(queue);
            }
            queue.hold(bytes);
            return false;
        }
        if queue.unasked + cost > self.limit {
            // Perhaps it is only that nobody has flushed yet.
            self.write(&mut queue);
        }
        if queue.unasked > 0 && queue.unasked + cost > self.limit {
            return self.overflow(queue);
        }
        queue.enqueue(bytes, true);
        queue.is_newly_due()
    }

    fn overflow(&self, mut queue: MutexGuard<'_, Queue>) -> bool {
        queue.closing = Some(CloseCode::TryAgainLater);
        queue.forget_held();
        let reason = "slow consumer: reconnect and read on from where you were";
        queue.enqueue(frame::close(CloseCode::TryAgainLater, reason), false);
        drop(queue);
        self.metrics.slow_readers.inc();
        self.ending.cancel();
        self.work.notify_one();
        false
    }

    /// Writes as much as the socket takes without waiting.
    fn write(&self, queue: &mut Queue) {
        queue.flush_due = false;
        while !queue.blocked && !queue.broken {
            let written = if queue.is_empty() {
                self.socket.flush().map(|()| None)
            } else {
                queue.with_front(|slices| self.socket.write(slices)).map(Some)
            };
            match written {
                Ok(None) => break,
                Ok(Some(count)) => queue.advance(count),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    queue.blocked = true;
                    self.work.notify_one();
                }
                Err(_) => {
                    queue.broken = true;
                    self.ending.cancel();
                    self.work.notify_one();
                }
            }
        }
        self.space.notify_waiters();
    }
}

impl Link for Outbox {
    fn push(&self, event: &Bytes) -> bool {
        self.queue_frame(event.clone(), true)
    }

    fn flush(&self) {
        let mut queue = self.lock();
        self.write(&mut queue);
    }

    fn end(&self, farewell: &Bytes, reason: &EndReason) {
        {
            let mut queue = self.lock();
            if queue.closing.is_some() || queue.broken {
                return;
            }
            let is_greeted = queue.held.is_none();
            queue.forget_held();
            if reason.is_expulsion() {
                queue.forget_unsent();
            }
            // No event comes before the answer to `auth`, and that will never come now: the close says it all.
            if is_greeted {
                queue.enqueue(farewell.clone(), false);
            }
        }
        self.close(CloseCode::of(reason), &reason.close_text());
    }
}

impl Outlet for Outbox {
    fn answer(&self, json: Vec<u8>) -> bool {
        let bytes = frame::text(&json);
        let mut queue = self.lock();
        if queue.closing.is_some() || queue.broken {
            return false;
        }
        // An answer is always taken: requests are only read while there is room, so what waits is bounded by the queue
        // and the requests in flight.
        queue.enqueue(bytes, false);
        queue.is_newly_due()
    }

    fn hold(&self) {
        self.lock().held.get_or_insert_default();
    }

    fn release(&self) {
        let mut queue = self.lock();
        if queue.held.is_some() {
            queue.release_held();
            self.write(&mut queue);
        }
    }
}
