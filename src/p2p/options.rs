//! What a link is told when it starts.

use std::fmt;
use std::time::Duration;

use crate::client::{Backoff, Trust};
use crate::domain::Permission;

use super::{IceServer, RoomSecret};

/// How to reach the other side. Its `Debug` form does not show the room, which is a secret, nor a password of a relay.
#[derive(Clone)]
pub struct LinkOptions {
    /// The address of the signaling server, `ws://` or `wss://`, without the room.
    pub signal_url: String,
    /// The room to meet in; `None` has the server make one, which [`super::LinkEvent::Room`] tells.
    pub room: Option<String>,
    /// A secret that is kept from signaling. With it `room` is not used: the room is derived from it, and nobody is
    /// connected who does not prove over the channel that it knows it. Both sides have to be wardrooms.
    pub secret: Option<RoomSecret>,
    /// The name shown to the other side.
    pub name: String,
    /// The most that this side allows. The other side may restrict it further and can never raise it.
    pub permission: Permission,
    /// Servers that help through address translation; empty: direct links only.
    pub ice_servers: Vec<IceServer>,
    /// Who must have signed the certificate of a `wss://` signaling server; `None` refuses such an address.
    pub trust: Option<Trust>,
    /// All times that a link goes by.
    pub intervals: Intervals,
    /// What a link takes from the other side at the most.
    pub limits: LinkLimits,
}

impl LinkOptions {
    /// A link at level `helper` that a `wss://` server and STUN have to be added to.
    #[must_use]
    pub fn new(signal_url: impl Into<String>, name: impl Into<String>) -> Self {
        Self {
            signal_url: signal_url.into(),
            room: None,
            secret: None,
            name: name.into(),
            permission: Permission::Helper,
            ice_servers: Vec::new(),
            trust: None,
            intervals: Intervals::default(),
            limits: LinkLimits::default(),
        }
    }
}

impl fmt::Debug for LinkOptions {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("LinkOptions")
            .field("name", &self.name)
            .field("permission", &self.permission)
            .field("ice_servers", &self.ice_servers)
            .field("intervals", &self.intervals)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

/// All times that a link goes by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Intervals {
    /// Time allowed for reaching the signaling server and for its first word.
    pub signaling: Duration,
    /// Time allowed from entering the room until the channel is up. It passes too while nobody else is there; the link then
    /// tells [`super::LinkEvent::TimedOut`] and enters anew.
    pub connecting: Duration,
    /// How often a `_ping` is sent.
    pub heartbeat: Duration,
    /// After so long without a word, a link to a peer that takes part in heartbeats counts as lost.
    pub silence: Duration,
    /// Time that a peer has to answer when signaling says that it left or came anew while the channel looks well.
    pub probe: Duration,
    /// Waits between attempts to connect anew.
    pub reconnect: Backoff,
    /// Attempts in a row that lead to no link before the link gives up; `None` never does.
    pub give_up_after: Option<u32>,
}

impl Default for Intervals {
    fn default() -> Self {
        Self {
            signaling: Duration::from_secs(10),
            connecting: Duration::from_secs(60),
            heartbeat: Duration::from_secs(30),
            silence: Duration::from_secs(90),
            probe: Duration::from_secs(3),
            reconnect: Backoff {
                first: Duration::from_secs(1),
                most: Duration::from_secs(30),
            },
            give_up_after: None,
        }
    }
}

/// What a link takes from the other side at the most. Whatever is beyond is refused or ends the connection; none of it
/// can be raised by the peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkLimits {
    /// Bytes of one message of the data channel; this is what we advertise.
    pub message_bytes: usize,
    /// Bytes of one message that arrives in pieces, and of all that have begun to arrive together.
    pub joined_bytes: usize,
    /// Bytes of one session description.
    pub description_bytes: usize,
    /// Candidates of one connection; further ones are ignored.
    pub candidates: usize,
    /// Events that wait for their reader. When they are so many nothing more is read from the channel, and the other side's
    /// window closes.
    pub events: usize,
    /// Bytes that may wait to be acknowledged by the other side; a sender waits beyond that.
    pub unsent_bytes: usize,
}

impl Default for LinkLimits {
    fn default() -> Self {
        Self {
            message_bytes: 262_144,
            joined_bytes: 8 * 1024 * 1024,
            description_bytes: 16 * 1024,
            candidates: 20,
            events: 64,
            unsent_bytes: 1024 * 1024,
        }
    }
}
