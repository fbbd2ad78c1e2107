//! Sockets: accepting them, the HTTP in front, and the WebSockets behind it.

mod accept;
mod connection;
mod frame;
mod guard;
mod handshake;
mod incoming;
mod outbox;
mod queue;
mod router;
mod signaling;
mod socket;
mod stream;
mod tls;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

pub use accept::Listener;
pub use frame::text as text_frame;
pub use tls::{TlsError, acceptor};

use crate::rpc::Rpc;
use crate::runtime::lifecycle::Lifecycle;
use crate::runtime::metrics::Metrics;
use crate::signaling::Rooms;

/// Bounds of connections.
#[derive(Clone, Copy, Debug)]
pub struct HttpLimits {
    /// Connections that are open at once.
    pub connections: u32,
    /// Connections of one address that are open at once; 0 is no limit.
    pub connections_per_address: u32,
    /// How long a request head may take to arrive.
    pub head_timeout: Duration,
    /// Bytes of a request head.
    pub head_bytes: usize,
    /// How long a connection may stay without having authenticated.
    pub auth_timeout: Duration,
    /// Bytes of a frame before authentication.
    pub frame_bytes_before_auth: usize,
    /// Bytes of a frame after it.
    pub frame_bytes: usize,
    /// Bytes that may wait to be sent to a connection.
    pub queue_bytes: usize,
    /// How long a slow reader may take nothing of what waits for it before it is cut off; `None` for ever.
    pub slow_reader_timeout: Option<Duration>,
    /// How long a slow reader that is cut off has to read what was queued, the close frame included.
    pub slow_reader_grace: Duration,
    /// How long connections have to read what waits for them when the server stops.
    pub drain: Duration,
    /// Time between pings.
    pub ping_interval: Duration,
    /// Pings without an answer after which the other end counts as dead.
    pub missed_pongs: u32,
}

/// Which browsers' pages and which host names are served.
#[derive(Clone, Debug, Default)]
pub struct Admission {
    /// `scheme://host[:port]` of pages that may connect.
    pub origins: Vec<String>,
    /// Host names under which the server may be addressed, beside addresses and `localhost`.
    pub hosts: Vec<String>,
    /// The addresses that the server listens on.
    pub bound: Vec<SocketAddr>,
}

/// What every connection needs, whatever it is for.
pub struct Front {
    /// Bounds.
    pub limits: HttpLimits,
    /// Who may connect.
    pub admission: Admission,
    /// Tasks and their end.
    pub lifecycle: Lifecycle,
    /// Cancelled when connections that have not authenticated should go.
    pub stopping: CancellationToken,
    /// Whether the server comes back when it stops.
    pub restarting: Arc<AtomicBool>,
    /// What is counted.
    pub metrics: Metrics,
}

/// A hub: what its connections need.
pub struct App {
    /// Sessions.
    pub rpc: Arc<Rpc>,
    /// What all connections need.
    pub front: Arc<Front>,
    /// Where agents find each other for direct links, if they may.
    pub signaling: Option<Arc<Rooms>>,
}

/// Serves a hub on every listener until it stops.
pub fn serve(app: &Arc<App>, listeners: Vec<Listener>) {
    accept::serve(&app.front, &router::hub(app), listeners);
}

/// Serves signaling and nothing else on every listener until `front` stops.
pub fn serve_signaling(front: &Arc<Front>, rooms: &Arc<Rooms>, listeners: Vec<Listener>) {
    accept::serve(front, &router::signaling(front, rooms), listeners);
}

/// By which door a connection came.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Door {
    /// The network.
    Network(IpAddr),
    /// The socket in the data directory, which only the operator can open.
    Operator,
}
