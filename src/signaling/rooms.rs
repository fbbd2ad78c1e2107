//! The rooms in which two agents meet.
//!
//! A client's role is its place in the room when it enters, and never changes. When one of two leaves, the other is told
//! and is no member any more, though its connection stays open: it comes back by itself, and whoever comes first finds an
//! empty room. A survivor that remained a member would make a returning agent the answerer, become one itself on its own
//! return, and both would wait for an offer for more than a minute. A survivor that never comes back, because it had no
//! link that it could lose, is disconnected after a while, and then it does.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use super::frame::{FrameProblem, PeerFrame, Role, ServerFrame};
use super::limits::{Addresses, SignalingLimits};
use super::{BadRoomName, RoomName};
use crate::runtime::clock::Entropy;
use crate::runtime::limiter::Limiter;
use crate::runtime::metrics::{Metrics, SignalingLabels};

/// The far end of a client. Implementations never block and never grow without bound.
pub trait Outlet: Send + Sync + 'static {
    /// Sends a frame.
    fn send(&self, frame: &str);

    /// Finds out soon whether anybody is there, and ends the connection if not.
    fn probe(&self);

    /// Ends the connection.
    fn end(&self, why: Expiry);
}

/// Why the server ends a connection that does nothing wrong.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Expiry {
    /// Nobody came.
    Alone,
    /// The two in the room have sent each other nothing for long.
    Idle,
    /// The other one has left, and this one did not come back into the room.
    Stranded,
}

impl Expiry {
    /// What the client is told.
    pub fn text(self) -> &'static str {
        match self {
            Self::Alone => "nobody came: enter again",
            Self::Idle => "nothing was sent for long: enter again",
            Self::Stranded => "the other one has left: enter again",
        }
    }
}

/// Why a client is not let in, or a frame not passed on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refusal {
    /// The path names no room that could be.
    InvalidRoom,
    /// Two are in the room.
    RoomFull,
    /// The address tries too much.
    SlowDown,
    /// The address has too many connections.
    TooManyConnections,
    /// There are too many rooms.
    AtCapacity,
    /// The operating system has no random bytes to make a name of.
    NoName,
}

impl Refusal {
    /// What the client is told, in the words of link-agent's servers.
    pub fn text(self) -> &'static str {
        match self {
            Self::InvalidRoom => "Invalid roomId: only alphanumeric, hyphen and underscore are allowed",
            Self::RoomFull => "Room is full",
            Self::SlowDown => "Slow down",
            Self::TooManyConnections => "Too many connections",
            Self::AtCapacity => "Server at capacity",
            Self::NoName => "Server error",
        }
    }

    /// Whether trying again later may help without anything being changed.
    pub fn is_temporary(self) -> bool {
        matches!(self, Self::AtCapacity | Self::NoName)
    }

    fn label(self) -> &'static str {
        match self {
            Self::InvalidRoom => "invalid_room",
            Self::RoomFull => "room_full",
            Self::SlowDown => "slow_down",
            Self::TooManyConnections => "connections",
            Self::AtCapacity => "capacity",
            Self::NoName => "no_name",
        }
    }
}

/// All rooms.
pub struct Rooms {
    state: Mutex<State>,
    limits: SignalingLimits,
    frames: Limiter<u64>,
    next_number: AtomicU64,
    entropy: Arc<dyn Entropy>,
    metrics: Metrics,
}

struct State {
    rooms: HashMap<RoomName, Room>,
    addresses: Addresses,
    /// The server stops: nobody is told that others leave.
    stopping: bool,
}

struct Room {
    /// One or two.
    members: Vec<Arc<Member>>,
    /// When somebody last came in or sent something.
    active: Instant,
}

struct Member {
    number: u64,
    address: Option<IpAddr>,
    since: Instant,
    outlet: Arc<dyn Outlet>,
    /// When the other one left.
    stranded: OnceLock<Instant>,
    /// How long this one may stay has changed.
    changed: Notify,
}

impl Rooms {
    /// No rooms yet.
    pub fn new(limits: SignalingLimits, entropy: Arc<dyn Entropy>, metrics: Metrics) -> Self {
        let state = State {
            rooms: HashMap::new(),
            addresses: Addresses::new(&limits),
            stopping: false,
        };
        Self {
            state: Mutex::new(state),
            frames: Limiter::new(limits.frames_per_second, limits.frame_burst),
            limits,
            next_number: AtomicU64::new(0),
            entropy,
            metrics,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing under this lock can panic half way through a change.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets a client into the room that its path names, or into a new one if it names none. It is told its role, and
    /// whoever is in the room that it came. `address` is `None` for the operator's own.
    ///
    /// # Errors
    ///
    /// Why it is not let in. Whoever is in the room stays unharmed; when it is full, it is looked whether they are alive.
    pub fn enter(
        self: &Arc<Self>,
        named: Result<Option<RoomName>, BadRoomName>,
        address: Option<IpAddr>,
        outlet: Arc<dyn Outlet>,
    ) -> Result<Seat, Refusal> {
        let mut state = self.lock();
        let counted = state.addresses.counted(address);
        let entered = self.seat(&mut state, named, counted, outlet);
        drop(state);
        if let Err(refusal) = entered {
            self.count_refused(refusal.label());
            tracing::debug!(reason = refusal.label(), "a client was not let into a signaling room");
        }
        entered
    }

    fn seat(
        self: &Arc<Self>,
        state: &mut State,
        named: Result<Option<RoomName>, BadRoomName>,
        address: Option<IpAddr>,
        outlet: Arc<dyn Outlet>,
    ) -> Result<Seat, Refusal> {
        let Ok(named) = named else {
            return Err(state.addresses.fail(address, Refusal::InvalidRoom));
        };
        let name = match named {
            Some(name) => name,
            None => RoomName::random(self.entropy.as_ref()).map_err(|_| Refusal::NoName)?,
        };
        let role = match state.rooms.get(&name) {
            Some(room) if room.members.len() > 1 => {
                for member in &room.members {
                    member.outlet.probe();
                }
                return Err(state.addresses.fail(address, Refusal::RoomFull));
            }
            Some(_) => Role::Answerer,
            None if state.rooms.len() >= self.limits.rooms => return Err(Refusal::AtCapacity),
            None => Role::Offerer,
        };
        let now = Instant::now();
        state.addresses.admit(address, now)?;
        let member = Arc::new(Member {
            number: self.next_number.fetch_add(1, Ordering::Relaxed),
            address,
            since: now,
            outlet,
            stranded: OnceLock::new(),
            changed: Notify::new(),
        });
        let room = state.rooms.entry(name.clone()).or_insert_with(|| {
            self.metrics.signaling_rooms.inc();
            Room {
                members: Vec::with_capacity(2),
                active: now,
            }
        });
        room.active = now;
        let ready = ServerFrame::Ready {
            role,
            room: name.clone(),
        };
        member.outlet.send(&ready.to_text());
        for other in &room.members {
            other.outlet.send(&ServerFrame::PeerJoined.to_text());
            other.changed.notify_one();
        }
        room.members.push(Arc::clone(&member));
        self.metrics.signaling_peers.inc();
        tracing::debug!(room = name.tag(), %role, "a client entered a signaling room");
        Ok(Seat {
            rooms: Arc::clone(self),
            name,
            member,
        })
    }

    /// How many rooms there are, and in how many of them two clients are.
    pub fn count(&self) -> (usize, usize) {
        let state = self.lock();
        let full = state.rooms.values().filter(|room| room.members.len() > 1).count();
        (state.rooms.len(), full)
    }

    /// From now on nobody is told that another one leaves: links that are up shall outlive the server.
    pub fn stop(&self) {
        self.lock().stopping = true;
    }

    fn count_refused(&self, reason: &'static str) {
        self.metrics
            .signaling_refused
            .get_or_create(&SignalingLabels { reason })
            .inc();
    }
}

/// The place of one client in a room. Dropping it is leaving.
pub struct Seat {
    rooms: Arc<Rooms>,
    name: RoomName,
    member: Arc<Member>,
}

impl Seat {
    /// Waits until this client may send another frame. Whoever sends faster is read more slowly, and loses nothing.
    pub async fn pace(&self) {
        while let Err(wait_ms) = self.rooms.frames.check(&self.member.number) {
            tokio::time::sleep(Duration::from_millis(wait_ms)).await;
        }
    }

    /// Passes a frame on to the other one in the room; without one it is lost.
    ///
    /// What may not be passed on is answered with an error and changes nothing else: clients of either server of link-agent
    /// live on with that, and whoever writes a new one sees what is wrong.
    pub fn receive(&self, text: &str) {
        let frame = match PeerFrame::parse(text) {
            Ok(frame) => frame,
            Err(problem) => return self.refuse(problem),
        };
        let mut state = self.rooms.lock();
        let Some(room) = state.rooms.get_mut(&self.name) else {
            return;
        };
        // Whoever is stranded has no say in a room that others have made since.
        if !room.members.iter().any(|member| member.number == self.member.number) {
            return;
        }
        room.active = Instant::now();
        for other in room.members.iter().filter(|other| other.number != self.member.number) {
            other.outlet.send(&frame.to_text());
            self.rooms.metrics.signaling_relayed.inc();
        }
    }

    fn refuse(&self, problem: FrameProblem) {
        let told = match problem {
            FrameProblem::UnknownType => "Message type not allowed".to_owned(),
            other => format!("Invalid message: {other}"),
        };
        self.rooms.count_refused("frame");
        self.member.outlet.send(&ServerFrame::Error(told).to_text());
    }

    /// Waits until this client has been of no use for too long, and ends it: alone, or with the other one if both are idle.
    pub async fn expire(&self) {
        loop {
            let changed = self.member.changed.notified();
            match self.time_left() {
                Some(left) => {
                    tokio::select! {
                        () = tokio::time::sleep(left) => {}
                        () = changed => {}
                    }
                }
                None => return,
            }
        }
    }

    /// How long this client may stay as things are; ends it when that is over.
    fn time_left(&self) -> Option<Duration> {
        let limits = &self.rooms.limits;
        let mut state = self.rooms.lock();
        let now = Instant::now();
        let room = state
            .rooms
            .get(&self.name)
            .filter(|room| room.members.iter().any(|member| member.number == self.member.number));
        let (expiry, since, most) = match room {
            Some(room) if room.members.len() > 1 => (Expiry::Idle, room.active, limits.idle),
            Some(_) => (Expiry::Alone, self.member.since, limits.wait),
            None => {
                let since = *self.member.stranded.get_or_init(|| now);
                (Expiry::Stranded, since, limits.stranded)
            }
        };
        let left = (since + most).saturating_duration_since(now);
        if !left.is_zero() {
            return Some(left);
        }
        tracing::debug!(room = self.name.tag(), ?expiry, "a signaling room expired");
        if expiry == Expiry::Stranded {
            self.member.outlet.end(expiry);
        } else if let Some(room) = state.rooms.remove(&self.name) {
            self.rooms.metrics.signaling_rooms.dec();
            for member in &room.members {
                member.outlet.end(expiry);
            }
        }
        None
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut state = self.rooms.lock();
        let now = Instant::now();
        state.addresses.leave(self.member.address, self.member.since, now);
        self.rooms.metrics.signaling_peers.dec();
        let is_member = |room: &Room| room.members.iter().any(|member| member.number == self.member.number);
        if !state.rooms.get(&self.name).is_some_and(is_member) {
            return;
        }
        let Some(room) = state.rooms.remove(&self.name) else {
            return;
        };
        self.rooms.metrics.signaling_rooms.dec();
        tracing::debug!(room = self.name.tag(), "a client left a signaling room");
        if state.stopping {
            return;
        }
        for survivor in room.members.iter().filter(|other| other.number != self.member.number) {
            survivor.stranded.get_or_init(|| now);
            survivor.outlet.send(&ServerFrame::PeerLeft.to_text());
            survivor.changed.notify_one();
        }
    }
}

#[cfg(test)]
#[path = "rooms_tests.rs"]
mod tests;
