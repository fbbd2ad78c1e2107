//! What the server counts, and how it shows it to Prometheus.

use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;

/// A request by method and outcome.
#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
pub struct RequestLabels {
    /// The name of the method, `unknown` for all that do not exist.
    pub method: &'static str,
    /// `ok`, or the number of the error code.
    pub outcome: String,
}

/// An attempt to authenticate, by outcome.
#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
pub struct AuthLabels {
    /// How it ended.
    pub outcome: AuthOutcome,
}

/// How an attempt to authenticate ended.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, EncodeLabelValue)]
pub enum AuthOutcome {
    /// The key was right and the agent was let in.
    Accepted,
    /// The key was unknown or revoked.
    Failed,
    /// The key was right and the agent was not let in: banned, or the server is locked.
    Refused,
    /// There were too many failures from the address, or logins of the agent.
    Limited,
    /// No key was judged: the parameters were not valid, or the server failed or is about to stop.
    Invalid,
}

/// Why a connection ended, as far as the server had a hand in it.
#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
pub struct CloseLabels {
    /// The WebSocket close code that the server gave; 1000 when the other end closed, 1006 when the connection just broke.
    pub code: u16,
}

/// A message between a room and a peer, by what became of it.
#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
pub struct CarriedLabels {
    /// What became of it.
    pub what: Carried,
}

/// What became of a message between a room and a peer.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, EncodeLabelValue)]
pub enum Carried {
    /// It came from the peer and is stored, now or from an earlier time.
    Received,
    /// It came from the peer and was refused.
    Refused,
    /// It was sent to the peer.
    Sent,
    /// It is not for the peer: its level, its size, or what it looks like.
    Withheld,
}

/// Something that the signaling server refused, by reason.
#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
pub struct SignalingLabels {
    /// Why: `invalid_room`, `room_full`, `slow_down`, `connections`, `capacity` or `no_name` for a client that was not let
    /// in, `frame` for a frame that was not passed on.
    pub reason: &'static str,
}

/// All metrics. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Metrics {
    /// Open connections, authenticated or not.
    pub connections: Gauge,
    /// Live sessions of agents.
    pub sessions: Gauge,
    /// Agents with a live session.
    pub agents_online: Gauge,
    /// Connections that ended, by close code.
    pub closes: Family<CloseLabels, Counter>,
    /// Connections refused before the upgrade: foreign origin or host, too many.
    pub refused_connections: Counter,
    /// Attempts to authenticate, by outcome.
    pub auth_attempts: Family<AuthLabels, Counter>,
    /// Requests, by method and outcome.
    pub requests: Family<RequestLabels, Counter>,
    /// Messages stored, direct ones included.
    pub messages_stored: Counter,
    /// Messages deleted because a history limit was reached.
    pub messages_retired: Counter,
    /// Events handed to sessions.
    pub events_delivered: Counter,
    /// Sessions cut off because they did not read what they were sent.
    pub slow_readers: Counter,
    /// Commits.
    pub commits: Counter,
    /// Seconds a group took from its begin to its commit, the disk included.
    pub commit_seconds: CommitSeconds,
    /// Changes saved by commits.
    pub changes: Counter,
    /// Commits that failed.
    pub commit_failures: Counter,
    /// Places for peers that are served.
    pub p2p_places: Gauge,
    /// Peers that are in a room now.
    pub p2p_guests: Gauge,
    /// Messages between rooms and peers, by what became of them.
    pub p2p_messages: Family<CarriedLabels, Counter>,
    /// 1 while the last commit succeeded, 0 while the storage refuses changes.
    pub writable: Gauge,
    /// Rooms of the signaling server.
    pub signaling_rooms: Gauge,
    /// Clients of the signaling server, those included whose room is gone.
    pub signaling_peers: Gauge,
    /// Frames that the signaling server passed on.
    pub signaling_relayed: Counter,
    /// Clients and frames that the signaling server refused, by reason.
    pub signaling_refused: Family<SignalingLabels, Counter>,
}

/// The histogram of commit times: 16 buckets from 0.1 ms on, each twice the one before.
#[derive(Clone, Debug)]
pub struct CommitSeconds(Histogram);

impl Default for CommitSeconds {
    fn default() -> Self {
        Self(Histogram::new(exponential_buckets(0.0001, 2.0, 16)))
    }
}

impl CommitSeconds {
    /// Counts one commit.
    pub fn observe(&self, seconds: f64) {
        self.0.observe(seconds);
    }
}

impl Metrics {
    /// The page that Prometheus reads.
    pub fn page(&self) -> String {
        let mut page = String::new();
        // Writing into a string does not fail.
        let _ = encode(&mut page, &self.registry());
        page
    }

    fn registry(&self) -> Registry {
        let mut registry = Registry::with_prefix("wardroom");
        let r = &mut registry;
        r.register(
            "connections",
            "Open connections, authenticated or not",
            self.connections.clone(),
        );
        r.register("sessions", "Live sessions of agents", self.sessions.clone());
        r.register(
            "agents_online",
            "Agents with a live session",
            self.agents_online.clone(),
        );
        r.register("closes", "Connections that ended, by close code", self.closes.clone());
        r.register(
            "refused_connections",
            "Connections refused before the upgrade",
            self.refused_connections.clone(),
        );
        r.register(
            "auth_attempts",
            "Attempts to authenticate, by outcome",
            self.auth_attempts.clone(),
        );
        r.register("requests", "Requests, by method and outcome", self.requests.clone());
        r.register(
            "messages_stored",
            "Messages stored, direct ones included",
            self.messages_stored.clone(),
        );
        r.register(
            "messages_retired",
            "Messages deleted by a history limit",
            self.messages_retired.clone(),
        );
        r.register(
            "events_delivered",
            "Events handed to sessions",
            self.events_delivered.clone(),
        );
        r.register(
            "slow_readers",
            "Sessions cut off because they did not read",
            self.slow_readers.clone(),
        );
        r.register("commits", "Commits", self.commits.clone());
        r.register(
            "commit_seconds",
            "Seconds a commit took, the disk included",
            self.commit_seconds.0.clone(),
        );
        r.register("changes", "Changes saved by commits", self.changes.clone());
        r.register("commit_failures", "Commits that failed", self.commit_failures.clone());
        r.register(
            "p2p_places",
            "Places for peers that are served",
            self.p2p_places.clone(),
        );
        r.register("p2p_guests", "Peers that are in a room now", self.p2p_guests.clone());
        r.register(
            "p2p_messages",
            "Messages between rooms and peers, by what became of them",
            self.p2p_messages.clone(),
        );
        r.register("writable", "Whether the last commit succeeded", self.writable.clone());
        self.register_signaling(r);
        registry
    }

    fn register_signaling(&self, r: &mut Registry) {
        r.register(
            "signaling_rooms",
            "Rooms of the signaling server",
            self.signaling_rooms.clone(),
        );
        r.register(
            "signaling_peers",
            "Clients of the signaling server",
            self.signaling_peers.clone(),
        );
        r.register(
            "signaling_relayed",
            "Frames that the signaling server passed on",
            self.signaling_relayed.clone(),
        );
        r.register(
            "signaling_refused",
            "Clients and frames that the signaling server refused, by reason",
            self.signaling_refused.clone(),
        );
    }

    /// What of it concerns signaling, as Prometheus reads it.
    pub fn signaling_page(&self) -> String {
        let mut registry = Registry::with_prefix("wardroom");
        registry.register("connections", "Open connections", self.connections.clone());
        registry.register("closes", "Connections that ended, by close code", self.closes.clone());
        registry.register(
            "refused_connections",
            "Connections refused before the upgrade",
            self.refused_connections.clone(),
        );
        registry.register(
            "slow_readers",
            "Connections cut off because they did not read",
            self.slow_readers.clone(),
        );
        self.register_signaling(&mut registry);
        let mut page = String::new();
        // Writing into a string does not fail.
        let _ = encode(&mut page, &registry);
        page
    }
}
