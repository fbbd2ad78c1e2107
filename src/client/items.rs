//! Reading a room, or direct messages, item by item.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Deserialize;
use serde_json::Value;
use tokio::sync::Notify;

use super::following::Following;
use super::positions::{Position, Reset};
use super::results::Message;
use super::streams::Source;
use super::{ClientError, Event};

/// A direct message, as the event `dm` shows it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DirectMessage {
    /// The sender.
    pub from_agent_id: String,
    /// The sender's name.
    pub from_display_name: String,
    /// The text; `[removed]` after its removal.
    pub content: String,
    /// The message's id.
    pub message_id: String,
    /// Milliseconds since 1970.
    pub timestamp: i64,
    /// Position among the direct messages that this agent sent and got.
    #[serde(default)]
    pub seq: Option<u64>,
    /// The recipient, if this agent sent it.
    #[serde(default)]
    pub to_agent_id: Option<String>,
    /// Whether the content was taken away.
    #[serde(default)]
    pub removed: bool,
}

/// The content of a message was removed. Removals have no position: those that happened while the client was away are told
/// when it is back, and one may be told more than once. A message that is read afterwards says so itself.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Removal {
    /// The room; the lobby for a direct message.
    pub room_id: String,
    /// The message.
    pub message_id: String,
    /// Who removed it.
    pub removed_by: String,
    /// Why, if that was said.
    #[serde(default)]
    pub reason: Option<String>,
}

/// One thing that is read.
#[derive(Debug, Clone, PartialEq)]
pub enum Item {
    /// A message of the room.
    Message(Message),
    /// A direct message.
    Direct(DirectMessage),
    /// A message was removed.
    Removed(Removal),
    /// Something is missing, and reading goes on behind it.
    Reset(Reset),
}

/// Everything of a room, or of the direct messages, from a position on: each message once and in order, across lost
/// connections. Dropping it ends the reading on this side.
pub struct Items {
    pub(super) following: Arc<Following>,
    pub(super) source: Source,
    pub(super) buffer: Arc<Buffer>,
}

impl std::fmt::Debug for Items {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Items")
            .field("source", &self.source)
            .finish_non_exhaustive()
    }
}

impl Items {
    /// The next item; none when the client has been closed. Safe to cancel.
    ///
    /// # Errors
    ///
    /// [`ClientError::Rpc`] when the room may not be followed any longer, and what ended the client for good; none comes
    /// after it.
    pub async fn next(&mut self) -> Option<Result<Item, ClientError>> {
        loop {
            let changed = self.buffer.changed.notified();
            match self.buffer.take() {
                Taken::Item(item) => return Some(Ok(*item)),
                Taken::End(error) => return error.map(Err),
                Taken::Nothing { drained } => {
                    if drained {
                        self.following.check(&self.source);
                    }
                }
            }
            changed.await;
        }
    }

    /// The position of the last item that [`Items::next`] gave, from which `since` goes on.
    #[must_use]
    pub fn position(&self) -> Option<Position> {
        self.buffer.done()
    }
}

impl Drop for Items {
    fn drop(&mut self) {
        self.following.remove(&self.source, &self.buffer);
    }
}

/// Keeps what was not yet asked for: up to `capacity` messages and as many removals.
pub(super) struct Buffer {
    state: Mutex<State>,
    capacity: usize,
    /// Something came, or it ended.
    changed: Notify,
}

#[derive(Default)]
struct State {
    items: VecDeque<(Item, Option<Position>)>,
    done: Option<Position>,
    /// Nothing more is taken before everything was read.
    full: bool,
    ended: bool,
    /// What it ended with, until it was told.
    error: Option<ClientError>,
    followed: bool,
}

enum Taken {
    /// Boxed, since it is far larger than the rest.
    Item(Box<Item>),
    Nothing {
        drained: bool,
    },
    End(Option<ClientError>),
}

impl Buffer {
    pub(super) fn new(since: Option<Position>, capacity: usize) -> Self {
        Self {
            state: Mutex::new(State {
                done: since,
                ..State::default()
            }),
            capacity: capacity.max(1),
            changed: Notify::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics while the lock is held, and the state is whole after every operation.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn is_full(&self) -> bool {
        self.lock().full
    }

    pub(super) fn done(&self) -> Option<Position> {
        self.lock().done.clone()
    }

    /// The next item, after which the reader stands at `position`.
    pub(super) fn put(&self, item: Item, position: Position) {
        let mut state = self.lock();
        state.items.push_back((item, Some(position)));
        // What does not fit is followed again once everything was read: no gap, and no more memory than this.
        state.full = state.items.len() >= self.capacity;
        drop(state);
        self.changed.notify_one();
    }

    /// Takes note of a removal, if there is room for it.
    pub(super) fn put_removal(&self, removal: Removal) {
        let mut state = self.lock();
        if state.items.len() < self.capacity.saturating_mul(2) {
            state.items.push_back((Item::Removed(removal), None));
        }
        drop(state);
        self.changed.notify_one();
    }

    /// The server follows; `start` is where it begins, for a reader that named no position.
    pub(super) fn followed(&self, start: Position) {
        let mut state = self.lock();
        state.done.get_or_insert(start);
        state.followed = true;
        drop(state);
        self.changed.notify_one();
    }

    /// Nothing more comes; what is here can still be read, then comes the error.
    pub(super) fn end(&self, error: Option<ClientError>) {
        let mut state = self.lock();
        if !state.ended {
            (state.ended, state.error) = (true, error);
        }
        drop(state);
        self.changed.notify_one();
    }

    /// Waits until the server follows or will not.
    pub(super) async fn begun(&self) -> Result<(), ClientError> {
        loop {
            let changed = self.changed.notified();
            {
                let mut state = self.lock();
                if state.followed {
                    break;
                }
                if state.ended {
                    return state.error.take().map_or(Ok(()), Err);
                }
            }
            changed.await;
        }
        // Whoever waits for items has not been woken for those that came meanwhile.
        self.changed.notify_one();
        Ok(())
    }

    fn take(&self) -> Taken {
        let mut state = self.lock();
        if let Some((item, position)) = state.items.pop_front() {
            if position.is_some() {
                state.done = position;
            }
            return Taken::Item(Box::new(item));
        }
        if state.ended {
            return Taken::End(state.error.take());
        }
        Taken::Nothing {
            drained: std::mem::take(&mut state.full),
        }
    }
}

/// The item that an event stands for; none when it is not what the protocol says.
pub(super) fn item_of(event: &Event) -> Option<Item> {
    match event.method.as_str() {
        "message" => Message::deserialize(event.params.get("message")?)
            .ok()
            .map(Item::Message),
        "dm" => DirectMessage::deserialize(&event.params).ok().map(Item::Direct),
        "reset" => Reset::deserialize(&event.params).ok().map(Item::Reset),
        _ => None,
    }
}

/// The removal that the params of `message.removed` tell of.
pub(super) fn removal_of(params: &Value) -> Option<Removal> {
    Removal::deserialize(params).ok()
}
