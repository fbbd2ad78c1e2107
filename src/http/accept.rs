//! Accepting connections.
//!
//! We accept ourselves, and give hyper a timer and small buffers: with its defaults a request head that dribbles in byte
//! by byte is never cut, and an idle connection costs 129 KiB.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream, UnixListener};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt;

use super::stream::Stream;
use super::{Door, Front};
use crate::runtime::metrics::Metrics;
use crate::runtime::network::network_of;

/// How long to wait before accepting again when that failed.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How long an answer may take to be written when the server stops.
const STOP_PAUSE: Duration = Duration::from_secs(1);

/// How often the log says that connections cannot be accepted. It may be the disk that is full.
const COMPLAINT_PAUSE: Duration = Duration::from_secs(60);

/// Where connections come in.
pub enum Listener {
    /// A network address.
    Tcp(TcpListener, Option<TlsAcceptor>),
    /// The operator's socket.
    Unix(UnixListener),
}

/// Accepts connections on every listener until the server stops.
pub(super) fn serve(front: &Arc<Front>, router: &Router, listeners: Vec<Listener>) {
    let gate = Arc::new(Gate::new(front));
    for listener in listeners {
        let (front, gate, router) = (Arc::clone(front), Arc::clone(&gate), router.clone());
        let lifecycle = front.lifecycle.clone();
        lifecycle.spawn_core("listener", async move {
            tokio::select! {
                () = accept_all(&front, &gate, &router, &listener) => {}
                () = front.stopping.cancelled() => {}
            }
        });
    }
}

async fn accept_all(front: &Arc<Front>, gate: &Arc<Gate>, router: &Router, listener: &Listener) {
    let mut complained: Option<Instant> = None;
    loop {
        let accepted = match listener {
            Listener::Tcp(socket, tls) => socket
                .accept()
                .await
                .map(|(stream, peer)| Accepted::Tcp(stream, peer, tls.clone())),
            Listener::Unix(socket) => socket.accept().await.map(|(stream, _)| Accepted::Unix(stream)),
        };
        match accepted {
            Ok(Accepted::Tcp(stream, peer, tls)) => admit(front, gate, router, stream, peer, tls),
            Ok(Accepted::Unix(stream)) => {
                let (front, router) = (Arc::clone(front), router.clone());
                let (lifecycle, arrival) = (front.lifecycle.clone(), Arrival::new(Door::Operator, None));
                lifecycle.spawn("operator", async move {
                    exchange(&front, router, Stream::Unix(stream), arrival).await;
                });
            }
            Err(error) if is_of_one_connection(&error) => {}
            Err(error) => {
                if complained.is_none_or(|last| last.elapsed() >= COMPLAINT_PAUSE) {
                    complained = Some(Instant::now());
                    tracing::warn!(%error, "connections cannot be accepted for the moment");
                }
                gate.shed(listener).await;
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

enum Accepted {
    Tcp(TcpStream, SocketAddr, Option<TlsAcceptor>),
    Unix(tokio::net::UnixStream),
}

/// The other end gave up before it was accepted.
fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionRefused | io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset
    )
}

fn admit(
    front: &Arc<Front>,
    gate: &Arc<Gate>,
    router: &Router,
    stream: TcpStream,
    peer: SocketAddr,
    tls: Option<TlsAcceptor>,
) {
    let address = peer.ip().to_canonical();
    let Some(pass) = gate.enter(address) else {
        front.metrics.refused_connections.inc();
        // Whether the refusal is heard does not matter: the connection is dropped either way.
        let _ = stream.try_write(b"HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
        return;
    };
    // Messages are small and answers are waited for; a failure to say so costs time only.
    let _ = stream.set_nodelay(true);
    let (front, router) = (Arc::clone(front), router.clone());
    let lifecycle = front.lifecycle.clone();
    let arrival = Arrival::new(Door::Network(address), Some(pass));
    lifecycle.spawn("connection", async move {
        let stream = match tls {
            None => Stream::Tcp(stream),
            Some(acceptor) => match tokio::time::timeout(front.limits.head_timeout, acceptor.accept(stream)).await {
                Ok(Ok(stream)) => Stream::Tls(Box::new(stream)),
                Ok(Err(_)) | Err(_) => return,
            },
        };
        exchange(&front, router, stream, arrival).await;
    });
}

/// How a connection came in. Travels with its requests, so that its place stays taken while a WebSocket goes on.
#[derive(Clone)]
pub(super) struct Arrival {
    /// By which door.
    pub(super) door: Door,
    /// Its place among all connections.
    pub(super) pass: Option<Arc<Pass>>,
    /// When. All that a stranger may take counts from here: handshakes and heads that dribble in win it no time.
    pub(super) since: Instant,
}

impl Arrival {
    fn new(door: Door, pass: Option<Pass>) -> Self {
        Self {
            door,
            pass: pass.map(Arc::new),
            since: Instant::now(),
        }
    }
}

/// Serves the HTTP of a connection; a WebSocket goes on in a task of its own.
async fn exchange(front: &Arc<Front>, router: Router, stream: Stream, arrival: Arrival) {
    // Whoever does not read the answer is not waited for either.
    let deadline = arrival.since + front.limits.head_timeout.max(front.limits.auth_timeout);
    let service = TowerToHyperService::new(router.map_request(move |request: Request<Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(arrival.clone());
        request
    }));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(front.limits.head_timeout)
        .max_buf_size(front.limits.head_bytes)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    let mut connection = std::pin::pin!(connection);
    // What goes wrong here is the other end's affair; it has been answered as far as that is possible.
    tokio::select! {
        _ = tokio::time::timeout_at(deadline, connection.as_mut()) => return,
        () = front.stopping.cancelled() => {}
    }
    // An answer that is being written is finished, and what else is open is not waited for.
    connection.as_mut().graceful_shutdown();
    tokio::select! {
        _ = tokio::time::timeout(STOP_PAUSE, connection) => {}
        () = front.lifecycle.hard_stop().cancelled_owned() => {}
    }
}

/// How many connections each address has; a network of IPv6 counts as one.
type Addresses = Mutex<HashMap<IpAddr, u32>>;

/// Counts connections, and keeps a file descriptor in reserve.
struct Gate {
    all: Arc<Semaphore>,
    per_address: u32,
    addresses: Arc<Addresses>,
    /// Given up for a moment when there are no descriptors left, so that connections can be refused and not just hang.
    reserve: Mutex<Option<File>>,
    metrics: Metrics,
}

/// The place of one connection. Given back when it ends, however it ends.
pub(super) struct Pass {
    _all: OwnedSemaphorePermit,
    address: Option<(IpAddr, Arc<Addresses>)>,
    metrics: Metrics,
}

impl Gate {
    fn new(front: &Front) -> Self {
        Self {
            all: Arc::new(Semaphore::new(front.limits.connections as usize)),
            per_address: front.limits.connections_per_address,
            addresses: Arc::default(),
            reserve: Mutex::new(File::open("/dev/null").ok()),
            metrics: front.metrics.clone(),
        }
    }

    fn enter(&self, address: IpAddr) -> Option<Pass> {
        let all = Arc::clone(&self.all).try_acquire_owned().ok()?;
        let address = if self.per_address == 0 {
            None
        } else {
            Some(self.count(network_of(address))?)
        };
        self.metrics.connections.inc();
        Some(Pass {
            _all: all,
            address,
            metrics: self.metrics.clone(),
        })
    }

    fn count(&self, address: IpAddr) -> Option<(IpAddr, Arc<Addresses>)> {
        let mut addresses = self.addresses.lock().unwrap_or_else(PoisonError::into_inner);
        let count = addresses.entry(address).or_insert(0);
        if *count >= self.per_address {
            return None;
        }
        *count += 1;
        Some((address, Arc::clone(&self.addresses)))
    }

    /// Accepts and drops one connection with the descriptor in reserve: it learns at once that it is not served.
    async fn shed(&self, listener: &Listener) {
        let spare = self.reserve.lock().unwrap_or_else(PoisonError::into_inner).take();
        if spare.is_none() {
            return self.restock();
        }
        drop(spare);
        if let Listener::Tcp(socket, _) = listener {
            let _ = tokio::time::timeout(ACCEPT_PAUSE, socket.accept()).await;
        }
        self.restock();
    }

    fn restock(&self) {
        *self.reserve.lock().unwrap_or_else(PoisonError::into_inner) = File::open("/dev/null").ok();
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        self.metrics.connections.dec();
        let Some((address, addresses)) = &self.address else {
            return;
        };
        let mut addresses = addresses.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = addresses.get_mut(address) {
            *count -= 1;
            if *count == 0 {
                addresses.remove(address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ipv6_network_has_the_connections_of_one_address() {
        let gate = Gate {
            all: Arc::new(Semaphore::new(10)),
            per_address: 1,
            addresses: Arc::default(),
            reserve: Mutex::default(),
            metrics: Metrics::default(),
        };
        let enter = |address: &str| gate.enter(address.parse().expect("an address"));
        let first = enter("2001:db8::1").expect("the first");
        assert!(enter("2001:db8::2").is_none());
        let _neighbour = enter("2001:db8:0:1::1").expect("another network");
        let _other = enter("192.0.2.1").expect("another address");
        assert!(enter("192.0.2.1").is_none());
        drop(first);
        assert!(enter("2001:db8::2").is_some());
    }
}
