//! What waits to be sent on one connection.
//!
//! Frames are written at once, from whichever thread queues them, as long as the socket takes them; only when it does not
//! are they kept, and the connection's own task goes on when the socket is ready again. What is queued between two
//! flushes goes out in one write.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::frame;
use super::queue::{HELD, Queue};
use super::socket::Socket;
use crate::domain::EndReason;
use crate::hub::{Link, Mark, Offer};
use crate::protocol::CloseCode;
use crate::rpc::Outlet;
use crate::runtime::metrics::Metrics;

/// How many times the limit may be held back during `auth`: a newcomer is told of everybody who is there.
const GREETING_FACTOR: usize = 8;

/// The queue of one connection.
pub(super) struct Outbox {
    pub(super) socket: Socket,
    queue: Mutex<Queue>,
    /// Most bytes of events that may wait. A reader for whom more would wait is cut off. Events that can be had again fill
    /// half of it: beyond that the reader gets them from the store, as fast as it reads.
    limit: usize,
    /// How long a reader for whom too much waits may take nothing.
    patience: Option<Duration>,
    /// There is something for the connection's own task to write.
    work: Notify,
    /// Bytes have left.
    space: Notify,
    /// See [`Outbox::has_drained`].
    drained: AtomicBool,
    /// The connection is about to end: nothing more is read from it.
    pub(super) ending: CancellationToken,
    /// The agent was cut off: it is shown nothing more, and is not waited for.
    pub(super) expelled: CancellationToken,
    metrics: Metrics,
}

impl Outbox {
    pub(super) fn new(socket: Socket, limit: usize, patience: Option<Duration>, metrics: Metrics) -> Self {
        Self {
            socket,
            queue: Mutex::default(),
            limit,
            patience,
            work: Notify::new(),
            space: Notify::new(),
            drained: AtomicBool::new(false),
            ending: CancellationToken::new(),
            expelled: CancellationToken::new(),
            metrics,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        // Nothing under this lock can panic half way through a change.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Queues the close frame, behind everything queued so far.
    pub(super) fn close(&self, code: CloseCode, reason: &str) {
        self.close_behind(self.lock(), code, reason);
    }

    fn close_behind(&self, mut queue: MutexGuard<'_, Queue>, code: CloseCode, reason: &str) {
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

    /// Whether a socket that was full has taken something since this was asked last: the other end reads. That a socket
    /// with room takes something says nothing about the other end.
    pub(super) fn has_drained(&self) -> bool {
        self.drained.swap(false, Ordering::Relaxed)
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
    pub(super) fn is_done(&self) -> bool {
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
                let waiting = queue.bytes;
                self.write(&mut queue);
                if queue.bytes < waiting {
                    self.drained.store(true, Ordering::Relaxed);
                }
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
        if event && queue.held.is_some() {
            if !queue.admits_held(bytes.len(), self.limit.saturating_mul(GREETING_FACTOR)) {
                return self.overflow(queue);
            }
            queue.hold(bytes);
            return false;
        }
        if !queue.admits(bytes.len(), self.limit) {
            // Perhaps it is only that nobody has flushed yet.
            self.write(&mut queue);
            if !queue.admits(bytes.len(), self.limit) {
                return self.overflow(queue);
            }
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
        let waiting = queue.bytes;
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
        if queue.bytes < waiting || queue.broken || (queue.is_empty() && !queue.blocked) {
            self.space.notify_waiters();
        }
    }

    /// Whether an event of `bytes` that can be had again is taken now.
    fn takes(&self, queue: &mut Queue, bytes: usize) -> bool {
        let limit = self.limit / 2;
        if queue.held.is_some() {
            // No write makes room among what is held back.
            return queue.admits_held(bytes, limit);
        }
        if !queue.admits(bytes, limit) {
            // Perhaps it is only that nobody has flushed yet.
            self.write(queue);
        }
        queue.admits(bytes, limit)
    }

    /// Waits until an event of `bytes` that can be had again would be taken.
    async fn room_for(&self, bytes: usize) -> bool {
        loop {
            let space = self.space.notified();
            let patience = {
                let mut queue = self.lock();
                if queue.closing.is_some() || queue.broken {
                    return false;
                }
                if self.takes(&mut queue, bytes) {
                    return true;
                }
                // What is held back waits for the server, and not for the reader.
                self.patience.filter(|_| queue.held.is_none())
            };
            let Some(patience) = patience else {
                space.await;
                continue;
            };
            if tokio::time::timeout(patience, space).await.is_err() {
                self.overflow(self.lock());
                return false;
            }
        }
    }
}

impl Link for Outbox {
    fn push(&self, event: &Bytes) -> bool {
        self.queue_frame(event.clone(), true)
    }

    fn offer(&self, event: &Bytes) -> Offer {
        let mut queue = self.lock();
        if queue.closing.is_some() || queue.broken {
            return Offer::Gone;
        }
        if !self.takes(&mut queue, event.len()) {
            return Offer::Full;
        }
        if queue.held.is_some() {
            queue.hold(event.clone());
            return Offer::Taken {
                flush: false,
                mark: Mark(HELD),
            };
        }
        queue.enqueue(event.clone(), true);
        let mark = Mark(queue.taken);
        let flush = queue.is_newly_due();
        Offer::Taken { flush, mark }
    }

    fn has_sent(&self, mark: Mark) -> bool {
        self.lock().has_sent(mark.0)
    }

    fn has_room(&self, bytes: usize) -> BoxFuture<'_, bool> {
        Box::pin(self.room_for(bytes))
    }

    fn flush(&self) {
        let mut queue = self.lock();
        self.write(&mut queue);
    }

    fn end(&self, farewell: &Bytes, reason: &EndReason) {
        let mut queue = self.lock();
        let is_expelled = reason.is_expulsion();
        // A reader that was cut off for its slowness may read on for a while, but not once it is expelled.
        if queue.broken
            || queue
                .closing
                .is_some_and(|code| !is_expelled || code == CloseCode::Policy)
        {
            return;
        }
        // No event comes before the answer to `auth`; if that will never come now, the close says it all.
        let mut is_greeted = queue.held.is_none() || queue.answered_at.is_some();
        queue.forget_held();
        queue.closing = None;
        if is_expelled {
            // The answer may be among what is forgotten.
            is_greeted &= queue.is_answer_leaving();
            queue.forget_unsent();
            self.expelled.cancel();
        }
        if is_greeted {
            queue.enqueue(farewell.clone(), false);
        }
        self.close_behind(queue, CloseCode::of(reason), &reason.close_text());
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
        let taken = queue.taken;
        queue.answered_at.get_or_insert(taken);
        queue.enqueue(bytes, false);
        queue.is_newly_due()
    }

    fn hold(&self) {
        let mut queue = self.lock();
        queue.held.get_or_insert_default();
        queue.answered_at = None;
    }

    fn release(&self) {
        let mut queue = self.lock();
        if queue.held.is_some() {
            queue.release_held();
            self.write(&mut queue);
            // Whatever of it has left: what waited for this may be taken now.
            self.space.notify_waiters();
        }
    }
}
