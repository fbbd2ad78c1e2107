//! What the task of a link, the task of its connection and its handles share.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use webrtc::data_channel::DataChannel;
use webrtc::peer_connection::{PeerConnection, RTCPeerConnectionState};

use crate::domain::Permission;
use crate::runtime::clock::Clock;

use super::machine::Pulse;
use super::{Author, LinkStatus};

pub(super) struct Shared {
    pub(super) author: Author,
    pub(super) clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

/// Changed together, so that whoever sees that there is a connection can send on it.
struct State {
    status: LinkStatus,
    live: Option<Live>,
    is_closed: bool,
}

/// A connection that messages can be sent on. Cheap to clone.
#[derive(Clone)]
pub(super) struct Live {
    pub(super) channel: Arc<dyn DataChannel>,
    pub(super) connection: Arc<dyn PeerConnection>,
    pub(super) permission: Permission,
    /// Bytes of the largest message that the peer takes.
    pub(super) largest: usize,
    /// Bytes of the largest message that it joins from pieces.
    pub(super) joins_bytes: Option<usize>,
    /// Whether the peer has proven that it knows the secret.
    pub(super) proven: bool,
}

impl Shared {
    pub(super) fn new(author: Author, clock: Arc<dyn Clock>, room_id: Option<String>, permission: Permission) -> Self {
        Self {
            author,
            clock,
            state: Mutex::new(State {
                status: LinkStatus {
                    connected: false,
                    reconnecting: false,
                    room_id,
                    role: None,
                    peer: None,
                    permission,
                    peer_joins_pieces: false,
                    proven: false,
                    attempt: 0,
                    connections: 0,
                    last_activity_ms: None,
                },
                live: None,
                is_closed: false,
            }),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn status(&self) -> LinkStatus {
        self.lock().status.clone()
    }

    pub(super) fn update(&self, change: impl FnOnce(&mut LinkStatus)) {
        change(&mut self.lock().status);
    }

    pub(super) fn live(&self) -> Option<Live> {
        self.lock().live.clone()
    }

    /// The connection, if it is still the one of this number.
    pub(super) fn live_at(&self, connection: u64) -> Option<Live> {
        let state = self.lock();
        state.live.clone().filter(|_| state.status.connections == connection)
    }

    pub(super) fn is_closed(&self) -> bool {
        self.lock().is_closed
    }

    pub(super) fn close(&self) {
        let mut state = self.lock();
        state.is_closed = true;
        state.status.reconnecting = false;
    }

    /// A connection is up, or what holds on it has changed.
    pub(super) fn connected(&self, live: Live, peer: &str) {
        let mut state = self.lock();
        let before = state.live.as_ref().map(|before| &before.connection);
        if before.is_none_or(|before| !Arc::ptr_eq(before, &live.connection)) {
            state.status.connections += 1;
        }
        state.status.connected = true;
        state.status.reconnecting = false;
        state.status.attempt = 0;
        state.status.peer = Some(peer.to_owned());
        state.status.permission = live.permission;
        state.status.peer_joins_pieces = live.joins_bytes.is_some();
        state.status.proven = live.proven;
        state.live = Some(live);
    }

    /// There is no connection any more.
    pub(super) fn disconnected(&self) {
        let mut state = self.lock();
        state.status.connected = false;
        state.status.peer = None;
        state.status.peer_joins_pieces = false;
        state.status.proven = false;
        state.live = None;
    }

    /// The peer was heard of.
    pub(super) fn heard(&self) {
        let now = self.author.now_ms();
        self.lock().status.last_activity_ms = Some(now);
    }
}

/// The signs of life of the peer of one connection.
#[derive(Default)]
pub(super) struct Signs {
    heard: AtomicU64,
    words: AtomicU64,
    has_pulse: AtomicBool,
    /// Its messages wait for their reader here, so silence says nothing about it.
    waits: AtomicBool,
}

impl Signs {
    pub(super) fn heard(&self, now: u64, has_pulse: bool) {
        self.heard.store(now, Ordering::Relaxed);
        self.has_pulse.store(has_pulse, Ordering::Relaxed);
        self.words.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn waits(&self, waits: bool) {
        self.waits.store(waits, Ordering::Relaxed);
    }

    pub(super) fn pulse(&self, now: u64) -> Pulse {
        let waits = self.waits.load(Ordering::Relaxed);
        Pulse {
            heard: if waits { now } else { self.heard.load(Ordering::Relaxed) },
            words: self.words.load(Ordering::Relaxed),
            beats: self.has_pulse.load(Ordering::Relaxed),
        }
    }
}

/// A state from which no connection comes back.
pub(super) fn is_over(state: RTCPeerConnectionState) -> bool {
    matches!(state, RTCPeerConnectionState::Failed | RTCPeerConnectionState::Closed)
}
