//! What waits to be sent on one connection.
//!
//! Frames are written at once, from whichever thread queues them, as long as the socket takes them; only when it does not
//! are they kept, and the connection's own task goes on when the socket is ready again. What is queued between two
//! flushes goes out in one write.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::{Buf, Bytes};
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
    /// Most bytes that may wait. A reader for whom more would wait is cut off.
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
struct Queue {
    frames: VecDeque<Bytes>,
    /// Bytes in `frames` and `held`.
    bytes: usize,
    /// Events that wait for the answer to `auth`.
    held: Option<Vec<Bytes>>,
    /// A flush is on its way.
    flush_due: bool,
    /// The socket takes no more for now; the connection's own task waits for it.
    blocked: bool,
    /// The close frame is queued, and nothing is queued behind it.
    closing: Option<CloseCode>,
    /// The socket is broken.
    broken: bool,
}

impl Outbox {
    pub(super) fn new(sink: Sink, limit: usize, metrics: Metrics) -> Self {
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
        release_held(&mut queue);
        queue.closing = Some(code);
        enqueue(&mut queue, frame::close(code, reason));
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

    /// Waits until so little waits to be sent that another answer may be added.
    pub(super) async fn has_room(&self) {
        loop {
            let space = self.space.notified();
            if self.lock().bytes < self.limit / 2 {
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
            let Some(frame) = self.front() else {
                if writer.flush().await.is_err() {
                    self.lock().broken = true;
                    return;
                }
                self.space.notify_waiters();
                self.work.notified().await;
                continue;
            };
            let Ok(count) = writer.write(&frame).await else {
                self.lock().broken = true;
                return;
            };
            advance(&mut self.lock(), count);
            self.space.notify_waiters();
        }
    }

    fn front(&self) -> Option<Bytes> {
        let mut queue = self.lock();
        queue.flush_due = false;
        queue.frames.front().cloned()
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

    /// Queues a frame. True when no flush was on its way yet. A reader for whom
    /// too much waits is cut off.
    fn queue_frame(&self, bytes: Bytes, event: bool) -> bool {
        let mut queue = self.lock();
        if queue.closing.is_some() || queue.broken {
            return false;
        }
        if queue.bytes + bytes.len() > self.limit {
            // Perhaps it is only that nobody has flushed yet.
            self.write(&mut queue);
        }
        if queue.bytes > 0 && queue.bytes + bytes.len() > self.limit {
            return self.overflow(queue);
        }
        match &mut queue.held {
            Some(held) if event => {
                held.push(bytes.clone());
                queue.bytes += bytes.len();
                false
            }
            _ => {
                enqueue(&mut queue, bytes);
                let was_due = std::mem::replace(&mut queue.flush_due, true);
                !was_due && !queue.blocked
            }
        }
    }

    fn overflow(&self, mut queue: MutexGuard<'_, Queue>) -> bool {
        queue.closing = Some(CloseCode::TryAgainLater);
        // What was held back comes after an answer that will never come.
        queue.held = None;
        enqueue(
            &mut queue,
            frame::close(
                CloseCode::TryAgainLater,
                "slow consumer: reconnect and read on from where you were",
            ),
        );
        queue.bytes = queue.frames.iter().map(Bytes::len).sum();
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
                *slice = IoSlice::new(frame);
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

fn enqueue(queue: &mut Queue, bytes: Bytes) {
    queue.bytes += bytes.len();
    queue.frames.push_back(bytes);
}

fn release_held(queue: &mut Queue) {
    if let Some(held) = queue.held.take() {
        queue.frames.extend(held);
    }
}

/// Forgets `count` bytes that were written.
fn advance(queue: &mut Queue, mut count: usize) {
    queue.bytes -= count;
    while let Some(front) = queue.frames.front_mut() {
        if count < front.len() {
            front.advance(count);
            return;
        }
        count -= front.len();
        queue.frames.pop_front();
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

    fn end(&self, reason: &EndReason) {
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
        enqueue(&mut queue, bytes);
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
