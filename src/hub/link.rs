//! The far end of a session, as the room model sees it.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::BoxFuture;

use crate::domain::{EndReason, Event};

/// Gives an event the form in which links take it. Called once per event; all receivers share the bytes.
pub type Encode = Arc<dyn Fn(&Event) -> Bytes + Send + Sync>;

/// A place in what one link sends, to be shown to that link again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Mark(pub u64);

/// What a link did with an event that can be had again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Offer {
    /// It is queued.
    Taken {
        /// The link was not waiting for a flush yet.
        flush: bool,
        /// What has to leave before its socket has it.
        mark: Mark,
    },
    /// Too much waits to be sent already.
    Full,
    /// The link takes nothing any more.
    Gone,
}

/// Something that takes what a session is told. Implementations never block and never grow without bound: a link whose
/// reader does not keep up ends itself.
pub trait Link: Send + Sync + 'static {
    /// Queues an encoded event that cannot be had again. True when the link was not waiting for a flush yet.
    fn push(&self, event: &Bytes) -> bool;

    /// Queues an encoded event that can be had again from the store, if little waits to be sent.
    fn offer(&self, event: &Bytes) -> Offer;

    /// Whether the socket has taken everything up to `mark`. False when that cannot be said for sure.
    fn has_sent(&self, mark: Mark) -> bool;

    /// Waits until so little waits to be sent that an event of `bytes` is taken. False when that will never be: the link
    /// is gone, or its reader took nothing for so long that it was cut off.
    fn has_room(&self, bytes: usize) -> BoxFuture<'_, bool>;

    /// Sends what is queued, as far as it goes without waiting.
    fn flush(&self);

    /// Ends the session: queues the event that says so and the close behind what is queued so far, however much that is.
    /// Whoever is expelled is shown nothing of what is queued. What is pushed later is dropped.
    fn end(&self, farewell: &Bytes, reason: &EndReason);
}

/// The links that have something queued, so that each is flushed once per group of acts and not once per event.
#[derive(Default)]
pub struct Flushes {
    links: Vec<Arc<dyn Link>>,
}

impl Flushes {
    /// Notes a link that needs a flush.
    pub fn add(&mut self, link: Arc<dyn Link>) {
        self.links.push(link);
    }

    /// Flushes every noted link.
    pub fn flush(&mut self) {
        for link in self.links.drain(..) {
            link.flush();
        }
    }
}
