//! The events that wait to be read.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::json;
use tokio::sync::Notify;

use super::Event;
use super::positions::Position;
use super::streams::Source;

/// The event that stands where a client had no room for events, because nobody read them: `{dropped}`, their number. What
/// was followed among them is told once there is room again; the rest is in the rooms' histories.
pub const EVENTS_DROPPED: &str = "client.eventsDropped";

/// An event on its way to whoever reads the client's events.
pub(super) struct Queued {
    pub(super) event: Event,
    /// Where the reader of the stream stands when the event was handed out.
    pub(super) mark: Option<(Source, Position)>,
}

/// The queue between the task that owns the connection, which must never wait for a reader, and the reader. At `capacity`
/// the newest events are dropped and counted in an [`EVENTS_DROPPED`], which may take one place more.
pub(super) struct EventQueue {
    state: Mutex<State>,
    capacity: usize,
    /// Something came, or nothing comes any more.
    changed: Notify,
}

#[derive(Default)]
struct State {
    events: VecDeque<Queued>,
    /// How many the notice at the end stands for; 0 when there is none.
    dropped: u64,
    /// Stays until half of it was read, so that nobody follows anew for each place that becomes free.
    full: bool,
    ended: bool,
}

/// What was read.
pub(super) struct Taken {
    pub(super) queued: Queued,
    /// Whether there is room again for what is followed.
    pub(super) has_room_again: bool,
}

impl EventQueue {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            state: Mutex::default(),
            capacity: capacity.max(1),
            changed: Notify::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics while the lock is held, and the state is whole after every operation.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the next event would be dropped. [`Taken`] tells when there is room again.
    pub(super) fn is_full(&self) -> bool {
        let mut state = self.lock();
        state.full |= state.events.len() >= self.capacity;
        state.full || state.ended
    }

    pub(super) fn put(&self, event: Event, mark: Option<(Source, Position)>) {
        let mut state = self.lock();
        if state.events.len() < self.capacity {
            state.events.push_back(Queued { event, mark });
            state.dropped = 0;
        } else {
            state.dropped += 1;
            let notice = Queued {
                event: Event {
                    method: EVENTS_DROPPED.to_owned(),
                    params: json!({"dropped": state.dropped}),
                },
                mark: None,
            };
            if state.dropped > 1 {
                state.events.pop_back();
            }
            state.events.push_back(notice);
        }
        drop(state);
        self.changed.notify_one();
    }

    /// Nothing more comes; what is here can still be read.
    pub(super) fn end(&self) {
        self.lock().ended = true;
        self.changed.notify_one();
    }

    /// The next event; none when nothing more comes. Safe to cancel.
    pub(super) async fn next(&self) -> Option<Taken> {
        loop {
            let changed = self.changed.notified();
            {
                let mut state = self.lock();
                if let Some(queued) = state.events.pop_front() {
                    if state.events.is_empty() {
                        state.dropped = 0;
                    }
                    let has_room_again = state.full && 2 * state.events.len() <= self.capacity;
                    state.full &= !has_room_again;
                    return Some(Taken { queued, has_room_again });
                }
                if state.ended {
                    // For everybody else who waits.
                    self.changed.notify_one();
                    return None;
                }
            }
            changed.await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(queue: &EventQueue, name: &str) {
        let event = Event {
            method: name.to_owned(),
            params: json!({}),
        };
        queue.put(event, None);
    }

    async fn read(queue: &EventQueue) -> Option<(String, Option<u64>)> {
        let event = queue.next().await?.queued.event;
        Some((event.method, event.params["dropped"].as_u64()))
    }

    #[tokio::test]
    async fn what_has_no_room_is_counted_where_it_would_have_stood() {
        let queue = EventQueue::new(2);
        for name in ["a", "b", "c", "d"] {
            put(&queue, name);
        }
        assert_eq!(read(&queue).await, Some(("a".to_owned(), None)));
        put(&queue, "e");
        assert_eq!(read(&queue).await, Some(("b".to_owned(), None)));
        put(&queue, "f");
        assert_eq!(read(&queue).await, Some((EVENTS_DROPPED.to_owned(), Some(3))));
        put(&queue, "g");
        put(&queue, "h");
        queue.end();
        assert_eq!(read(&queue).await, Some(("f".to_owned(), None)));
        assert_eq!(read(&queue).await, Some(("g".to_owned(), None)));
        assert_eq!(read(&queue).await, Some((EVENTS_DROPPED.to_owned(), Some(1))));
        assert_eq!(read(&queue).await, None);
        assert_eq!(read(&queue).await, None);
    }

    #[tokio::test]
    async fn there_is_room_again_when_half_was_read() {
        let queue = EventQueue::new(4);
        for name in ["a", "b", "c", "d"] {
            put(&queue, name);
        }
        assert!(queue.is_full());
        let mut told = Vec::new();
        for _ in 0..4 {
            told.push(queue.next().await.expect("an event").has_room_again);
        }
        assert_eq!(told, [false, true, false, false]);
        assert!(!queue.is_full());
    }
}
