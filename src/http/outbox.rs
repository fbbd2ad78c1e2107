//! What waits to be sent on one connection.
//!
//! Frames are written at once, from whichever thread queues them, as long as the socket takes them; only when it does not
//! are they kept, and the connection's own task goes on when the socket is ready again. What is queued between two
//! flushes goes out in one write.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use bytes::{Buf, Bytes, BytesMut};
use rustix::net::{Shutdown, shutdown};
use tokio::io::{AsyncWrite, AsyncWriteExt, WriteHalf};
use tokio::net::{TcpStream, tcp, unix};
use tokio::sync::Notify;
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;

use super::frame;
use crate::domain::EndReason;
use crate::hub::Link;
use crate::protocol::CloseCode;
use crate::rpc::Outlet;
use crate::runtime::metrics::Metrics;

/// Frames of one write.
const FRAMES_PER_WRITE: usize = 64;

/// What keeping a frame costs beside its bytes. Without it, half a megabyte of pongs would take sixteen.
const FRAME_OVERHEAD: usize = 64;

/// How many times the limit may wait for a connection that is encrypted.
const ENCRYPTED_FACTOR: usize = 8;

/// Bytes that are joined for one encrypted record, which holds no more.
const RECORD_BYTES: usize = 16 * 1024;

/// How many times the limit may be held back during `auth`: a newcomer is told of everybody who is there.
const GREETING_FACTOR: usize = 8;

/// The half of a socket that is written to.
pub(super) enum Sink {
    Tcp(tcp::OwnedWriteHalf),
    Unix(unix::OwnedWriteHalf),
    /// Encrypting needs the connection's own task; other threads only queue.
    Tls,
}

/// The queue of one connection.
pub(super) struct Outbox {
    sink: Sink,
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

#[derive(Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "facts about one socket that do not depend on each other"
)]
struct Queue {
    frames: VecDeque<Waiting>,
    /// What `frames` and `held` cost.
    bytes: usize,
    /// The part of it that came unasked, which the limit is for. What was asked for is bounded by not reading on: a large
    /// page of history on its way must not get its reader cut off by the next event.
    unasked: usize,
    /// Events that wait for the answer to `auth`.
    held: Option<Vec<Bytes>>,
    /// A flush is on its way.
    flush_due: bool,
    /// The socket takes no more for now; the connection's own task waits for it.
    blocked: bool,
    /// A part of the first frame has left.
    begun: bool,
    /// The close frame is queued, and nothing is queued behind it.
    closing: Option<CloseCode>,
    /// The socket is broken.
    broken: bool,
}

/// A frame, or what is left of it.
struct Waiting {
    bytes: Bytes,
    unasked: bool,
}

impl Waiting {
    fn cost(&self) -> usize {
        self.bytes.len() + FRAME_OVERHEAD
    }
}

impl Outbox {
    pub(super) fn new(sink: Sink, limit: usize, metrics: Metrics) -> Self {
        // What is encrypted leaves only by the connection's own task, which has had no turn yet when a whole commit's worth
        // of events arrives: without this room, that alone would cut a reader off, however fast it reads.
        let limit = match sink {
            Sink::Tls => limit.saturating_mul(ENCRYPTED_FACTOR),
            Sink::Tcp(_) | Sink::Unix(_) => limit,
        };
        Self {
            sink,
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
        forget_held(&mut queue);
        queue.closing = Some(code);
        enqueue(&mut queue, frame::close(code, reason), false);
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
        queue.broken || queue.frames.is_empty()
    }

    /// Writes on when the socket is ready again. Ends only when the socket breaks.
    pub(super) async fn pump(&self, tls: Option<&mut WriteHalf<TlsStream<TcpStream>>>) {
        match tls {
            Some(writer) => self.pump_encrypted(writer).await,
            None => self.pump_direct().await,
        }
    }

    async fn pump_direct(&self) {
        loop {
            self.work.notified().await;
            while self.lock().blocked {
                let ready = match &self.sink {
                    Sink::Tcp(socket) => socket.writable().await,
                    Sink::Unix(socket) => socket.writable().await,
                    Sink::Tls => return,
                };
                self.lock().blocked = false;
                if ready.is_err() {
                    self.lock().broken = true;
                }
                self.flush();
            }
            self.flush();
            if self.lock().broken {
                return;
            }
        }
    }

    /// Writes frame after frame. What a write did not take stays queued, so stopping at any await loses nothing.
    async fn pump_encrypted<W: AsyncWrite + Unpin>(&self, writer: &mut W) {
        loop {
            let written = poll_fn(|context| self.poll_encrypted(writer, context)).await;
            let outcome = match written {
                Ok(0) => writer.flush().await,
                Ok(_) => {
                    self.space.notify_waiters();
                    continue;
                }
                Err(error) => Err(error),
            };
            if outcome.is_err() {
                self.lock().broken = true;
                return;
            }
            self.space.notify_waiters();
            self.work.notified().await;
        }
    }

    /// Writes what comes next; 0 when there is nothing. Under one lock from looking to forgetting: whoever is expelled in
    /// between has its frames taken from the queue, and what was written must not be counted against those that follow.
    fn poll_encrypted<W: AsyncWrite + Unpin>(
        &self,
        writer: &mut W,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        let mut queue = self.lock();
        queue.flush_due = false;
        let Some(bytes) = front(&queue) else {
            return Poll::Ready(Ok(0));
        };
        let written = Pin::new(writer).poll_write(context, &bytes);
        if let Poll::Ready(Ok(count)) = written {
            advance(&mut queue, count);
            if count == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
        }
        written
    }

    /// Sends what is queued, the close frame included, and ends this direction.
    pub(super) async fn drain(&self, mut tls: Option<&mut WriteHalf<TlsStream<TcpStream>>>) {
        self.flush();
        loop {
            let space = self.space.notified();
            if self.is_done() {
                break;
            }
            self.work.notify_one();
            tokio::select! {
                () = self.pump(tls.as_deref_mut()) => return,
                () = space => {}
            }
        }
        // The other end learns by this that nothing more comes, and closes in turn. Whether it does is its affair.
        match (&self.sink, tls) {
            (Sink::Tcp(socket), _) => drop(shutdown(socket.as_ref(), Shutdown::Write)),
            (Sink::Unix(socket), _) => drop(shutdown(socket.as_ref(), Shutdown::Write)),
            (Sink::Tls, Some(writer)) => drop(writer.shutdown().await),
            (Sink::Tls, None) => {}
        }
    }

    /// Queues a frame that was not asked for. True when no flush was on its way yet. A reader for whom too much waits is
    /// cut off.
    fn queue_frame(&self, bytes: Bytes, event: bool) -> bool {
        let mut queue = self.lock();
        if queue.closing.is_some() || queue.broken {
            return false;
        }
        let cost = bytes.len() + FRAME_OVERHEAD;
        if event && queue.held.is_some() {
            if queue.bytes + cost > self.limit.saturating_mul(GREETING_FACTOR) {
                return self.overflow(queue);
            }
            queue.bytes += cost;
            queue.held.get_or_insert_default().push(bytes);
            return false;
        }
        if queue.unasked + cost > self.limit {
            // Perhaps it is only that nobody has flushed yet.
            self.write(&mut queue);
        }
        if queue.unasked > 0 && queue.unasked + cost > self.limit {
            return self.overflow(queue);
        }
        enqueue(&mut queue, bytes, true);
        let was_due = std::mem::replace(&mut queue.flush_due, true);
        if !was_due && matches!(self.sink, Sink::Tls) {
            self.work.notify_one();
        }
        !was_due && !queue.blocked
    }

    fn overflow(&self, mut queue: MutexGuard<'_, Queue>) -> bool {
        queue.closing = Some(CloseCode::TryAgainLater);
        forget_held(&mut queue);
        let reason = "slow consumer: reconnect and read on from where you were";
        enqueue(&mut queue, frame::close(CloseCode::TryAgainLater, reason), false);
        drop(queue);
        self.metrics.slow_readers.inc();
        self.ending.cancel();
        self.work.notify_one();
        false
    }

    /// Writes as much as the socket takes without waiting.
    fn write(&self, queue: &mut Queue) {
        queue.flush_due = false;
        while !queue.frames.is_empty() && !queue.blocked && !queue.broken {
            let mut slices = [IoSlice::new(&[]); FRAMES_PER_WRITE];
            for (slice, frame) in slices.iter_mut().zip(&queue.frames) {
                *slice = IoSlice::new(&frame.bytes);
            }
            let filled = queue.frames.len().min(FRAMES_PER_WRITE);
            let written = match &self.sink {
                Sink::Tcp(socket) => socket.try_write_vectored(&slices[..filled]),
                Sink::Unix(socket) => socket.try_write_vectored(&slices[..filled]),
                Sink::Tls => return self.work.notify_one(),
            };
            match written {
                Ok(count) => advance(queue, count),
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

/// What comes next: a frame, or as many small ones as fill a record.
fn front(queue: &Queue) -> Option<Bytes> {
    let front = queue.frames.front()?.bytes.clone();
    if queue.frames.len() == 1 || front.len() >= RECORD_BYTES {
        return Some(front);
    }
    let mut joined = BytesMut::with_capacity(RECORD_BYTES);
    for frame in &queue.frames {
        if joined.len() + frame.bytes.len() > RECORD_BYTES && !joined.is_empty() {
            break;
        }
        joined.extend_from_slice(&frame.bytes);
    }
    Some(joined.freeze())
}

fn enqueue(queue: &mut Queue, bytes: Bytes, unasked: bool) {
    let frame = Waiting { bytes, unasked };
    queue.bytes += frame.cost();
    if unasked {
        queue.unasked += frame.cost();
    }
    queue.frames.push_back(frame);
}

/// What was held back belongs to the answer to `auth` and is no reason to cut its reader off.
fn release_held(queue: &mut Queue) {
    let held = queue.held.take().into_iter().flatten();
    queue.frames.extend(held.map(|bytes| Waiting { bytes, unasked: false }));
}

/// What was held back comes after an answer that will never come.
fn forget_held(queue: &mut Queue) {
    queue.held = None;
    queue.bytes = queue.frames.iter().map(Waiting::cost).sum();
}

/// Whoever is expelled is shown nothing more. A frame of which a part has left has to be finished.
fn forget_unsent(queue: &mut Queue) {
    let begun = usize::from(queue.begun);
    queue.frames.truncate(begun);
    queue.bytes = queue.frames.iter().map(Waiting::cost).sum();
    queue.unasked = queue
        .frames
        .iter()
        .filter(|frame| frame.unasked)
        .map(Waiting::cost)
        .sum();
}

/// Forgets `count` bytes that were written.
fn advance(queue: &mut Queue, mut count: usize) {
    while let Some(front) = queue.frames.front_mut() {
        let written = count.min(front.bytes.len());
        front.bytes.advance(written);
        count -= written;
        let is_gone = front.bytes.is_empty();
        let freed = if is_gone { written + FRAME_OVERHEAD } else { written };
        queue.bytes -= freed;
        if front.unasked {
            queue.unasked -= freed;
        }
        queue.begun = !is_gone;
        if !is_gone {
            return;
        }
        queue.frames.pop_front();
        if count == 0 {
            return;
        }
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
            forget_held(&mut queue);
            if reason.is_expulsion() {
                forget_unsent(&mut queue);
            }
            // No event comes before the answer to `auth`, and that will never come now: the close says it all.
            if is_greeted {
                enqueue(&mut queue, farewell.clone(), false);
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
        enqueue(&mut queue, bytes, false);
        let was_due = std::mem::replace(&mut queue.flush_due, true);
        !was_due && !queue.blocked
    }

    fn hold(&self) {
        self.lock().held.get_or_insert_default();
    }

    fn release(&self) {
        let mut queue = self.lock();
        if queue.held.is_some() {
            release_held(&mut queue);
            self.write(&mut queue);
        }
    }
}
