//! What a guest's session is shown, on its way to the peer.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use tokio::sync::Notify;

use crate::domain::EndReason;
use crate::hub::{Link, Mark, Offer};

/// Bytes that may wait for the peer. Beyond half of them messages are left to the store, from which they are shown when there
/// is room again; nothing is lost.
const QUEUE_BYTES: usize = 256 * 1024;

/// The far end of a guest's session: what it is shown waits here until the gateway has handed it on.
///
/// A peer is shown messages and nothing else, for there is no other word in the protocol of link-agent; what is only pushed
/// (presence, changes of rooms and tasks) is dropped.
#[derive(Default)]
pub(super) struct Shown {
    state: Mutex<State>,
    /// Something came, or the session has ended.
    arrived: Notify,
    /// Something was taken, or the session has ended.
    taken: Notify,
}

#[derive(Default)]
struct State {
    queue: VecDeque<Bytes>,
    bytes: usize,
    /// Pieces that were ever queued, and of those the ones that were handed on.
    queued: u64,
    handed_on: u64,
    ended: Option<EndReason>,
}

impl Shown {
    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing under this lock can panic half way through a change.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next piece, which stays until [`Shown::done`] says that it was handed on. `None` when the session has ended.
    pub(super) async fn next(&self) -> Option<Bytes> {
        loop {
            let arrived = self.arrived.notified();
            {
                let state = self.lock();
                if state.ended.is_some() {
                    return None;
                }
                if let Some(piece) = state.queue.front() {
                    return Some(piece.clone());
                }
            }
            arrived.await;
        }
    }

    /// The piece that came next was handed on.
    pub(super) fn done(&self) {
        let mut state = self.lock();
        if let Some(piece) = state.queue.pop_front() {
            state.bytes -= piece.len();
            state.handed_on += 1;
        }
        drop(state);
        self.taken.notify_waiters();
    }

    /// Waits until the room model ends the session, and says why.
    pub(super) async fn ended(&self) -> EndReason {
        loop {
            // Told to all who wait, so it must be waited for before the state is looked at.
            let taken = self.taken.notified();
            if let Some(reason) = &self.lock().ended {
                return reason.clone();
            }
            taken.await;
        }
    }
}

impl Link for Shown {
    fn push(&self, _event: &Bytes) -> bool {
        false
    }

    fn offer(&self, event: &Bytes) -> Offer {
        let mut state = self.lock();
        if state.ended.is_some() {
            return Offer::Gone;
        }
        if !state.queue.is_empty() && state.bytes + event.len() > QUEUE_BYTES / 2 {
            return Offer::Full;
        }
        state.bytes += event.len();
        state.queued += 1;
        state.queue.push_back(event.clone());
        let mark = Mark(state.queued);
        drop(state);
        self.arrived.notify_one();
        Offer::Taken { flush: false, mark }
    }

    fn has_sent(&self, mark: Mark) -> bool {
        self.lock().handed_on >= mark.0
    }

    fn has_room(&self, bytes: usize) -> BoxFuture<'_, bool> {
        Box::pin(async move {
            loop {
                let taken = self.taken.notified();
                {
                    let state = self.lock();
                    if state.ended.is_some() {
                        return false;
                    }
                    if state.queue.is_empty() || state.bytes + bytes <= QUEUE_BYTES / 2 {
                        return true;
                    }
                }
                taken.await;
            }
        })
    }

    fn flush(&self) {}

    fn end(&self, _farewell: &Bytes, reason: &EndReason) {
        let mut state = self.lock();
        state.ended.get_or_insert_with(|| reason.clone());
        drop(state);
        self.arrived.notify_one();
        self.taken.notify_waiters();
    }
}

/// The texts in frames as the server writes them for its sockets: never masked, never in fragments. Ends at what is none.
pub(super) fn texts(frames: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = frames;
    std::iter::from_fn(move || {
        let (head, length): (usize, usize) = match *rest.get(1)? {
            126 => (4, rest.get(2..4).map(number)?),
            127 => (10, rest.get(2..10).map(number)?),
            short => (2, usize::from(short)),
        };
        let text = rest.get(head..head.checked_add(length)?)?;
        rest = &rest[head + length..];
        Some(text)
    })
}

fn number(bytes: &[u8]) -> usize {
    bytes.iter().fold(0, |number, byte| (number << 8) | usize::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_full(shown: &Shown, piece: &Bytes) -> bool {
        shown.offer(piece) == Offer::Full
    }

    #[tokio::test]
    async fn what_does_not_fit_waits_in_the_store_until_something_was_handed_on() {
        let shown = Shown::default();
        let piece = Bytes::from(vec![0; QUEUE_BYTES / 4]);
        assert!(!is_full(&shown, &piece) && !is_full(&shown, &piece) && is_full(&shown, &piece));
        assert_eq!(shown.next().await, Some(piece.clone()));
        // Not handed on yet, so it is still there.
        assert_eq!(shown.next().await, Some(piece.clone()));
        assert!(is_full(&shown, &piece) && !shown.has_sent(Mark(1)));
        shown.done();
        assert!(shown.has_sent(Mark(1)) && !shown.has_sent(Mark(2)));
        assert!(shown.has_room(piece.len()).await);
        assert!(!is_full(&shown, &piece));
    }

    #[tokio::test]
    async fn one_piece_is_taken_however_large_it_is() {
        let shown = Shown::default();
        let piece = Bytes::from(vec![0; 2 * QUEUE_BYTES]);
        assert!(shown.has_room(piece.len()).await);
        assert!(!is_full(&shown, &piece) && is_full(&shown, &Bytes::from_static(b"x")));
    }

    #[tokio::test]
    async fn nothing_is_handed_on_once_the_session_has_ended() {
        let shown = Shown::default();
        shown.offer(&Bytes::from_static(b"x"));
        shown.end(&Bytes::new(), &EndReason::Kicked(None));
        assert_eq!(shown.next().await, None);
        assert_eq!(shown.ended().await, EndReason::Kicked(None));
        assert_eq!(shown.offer(&Bytes::from_static(b"y")), Offer::Gone);
        assert!(!shown.has_room(1).await);
    }

    #[test]
    fn frames_are_taken_apart_where_they_join() {
        let payloads: Vec<Vec<u8>> = [0, 1, 125, 126, 65_535, 65_536]
            .map(|length| vec![b'x'; length])
            .to_vec();
        let frames: Vec<u8> = payloads.iter().flat_map(|payload| frame(payload)).collect();
        assert_eq!(texts(&frames).map(<[u8]>::to_vec).collect::<Vec<_>>(), payloads);
        // What is cut off is no text.
        assert_eq!(texts(&frames[..frames.len() - 1]).count(), payloads.len() - 1);
        assert_eq!(texts(&[0x81]).count(), 0);
    }

    fn frame(payload: &[u8]) -> Vec<u8> {
        let mut frame = vec![0x81];
        match payload.len() {
            length @ 0..=125 => frame.push(u8::try_from(length).expect("short")),
            length @ 126..=65_535 => {
                frame.push(126);
                frame.extend(u16::try_from(length).expect("medium").to_be_bytes());
            }
            length => {
                frame.push(127);
                frame.extend((length as u64).to_be_bytes());
            }
        }
        frame.extend(payload);
        frame
    }
}
