//! When an answer counts as received.
//!
//! A message leaves its queue when the answer that holds it was written to the socket as a whole, and comes back when the
//! socket then says that the other end dropped it unread. Nothing is taken for a reader that has gone: its answer is never
//! written.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

use crate::bridge::mailboxes::{Lease, Place, QueueKey};
use crate::bridge::rooms::Rooms;

/// What is on its way over one connection. Shared by its socket and its answers.
#[derive(Clone)]
pub(super) struct Receipts(Arc<Shared>);

struct Shared {
    rooms: Rooms,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Handed to the connection, not yet written.
    leaving: Option<Lease>,
    /// Written, and nothing heard of the other end since.
    written: Option<Written>,
}

/// Messages that were written, and the task that takes them out of their queue.
struct Written {
    key: QueueKey,
    places: Vec<Place>,
    removing: JoinHandle<()>,
}

impl Receipts {
    pub(super) fn new(rooms: Rooms) -> Self {
        Self(Arc::new(Shared {
            rooms,
            state: Mutex::default(),
        }))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics while the lock is held.
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The last part of an answer was handed to the connection.
    pub(super) fn leave(&self, lease: Lease) {
        // There is one answer at a time on a connection; one that was not written is given back when it is replaced.
        let before = self.lock().leaving.replace(lease);
        drop(before);
    }

    /// Everything that was handed to the connection is written.
    fn flushed(&self) {
        let Some(lease) = self.lock().leaving.take() else {
            return;
        };
        let (key, places) = (lease.key(), lease.places().to_vec());
        let removing = self.0.rooms.settle(lease);
        self.lock().written = Some(Written { key, places, removing });
    }

    /// The other end is there: it asks for something else, or has closed as it should.
    fn heard(&self) {
        self.lock().written = None;
    }

    /// The other end dropped what it was sent.
    fn reset(&self) {
        let written = self.lock().written.take();
        if let Some(Written { key, places, removing }) = written {
            self.0.rooms.put_back(key, places, removing);
        }
    }
}

/// A socket that notes what became of answers.
pub(super) struct Watched {
    stream: TcpStream,
    receipts: Receipts,
}

impl Watched {
    pub(super) fn new(stream: TcpStream, receipts: Receipts) -> Self {
        Self { stream, receipts }
    }
}

impl AsyncRead for Watched {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.stream).poll_read(context, buffer);
        match &polled {
            Poll::Ready(Ok(())) => self.receipts.heard(),
            // A reset, or a broken pipe when the other end had closed before it was written to.
            Poll::Ready(Err(_)) => self.receipts.reset(),
            Poll::Pending => {}
        }
        polled
    }
}

impl AsyncWrite for Watched {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.stream).poll_flush(context);
        if matches!(polled, Poll::Ready(Ok(()))) {
            self.receipts.flushed();
        }
        polled
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
