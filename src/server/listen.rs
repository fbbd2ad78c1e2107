//! Where the server listens.

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use tokio::net::{TcpListener, TcpSocket, UnixListener};
use tokio_rustls::TlsAcceptor;

use super::StartError;
use crate::config::Config;
use crate::http::{self, Listener};
use crate::runtime::control_socket::SocketPath;

/// Network sockets that are bound and do not answer yet.
pub(super) struct Bound {
    socket: TcpListener,
    tls: Option<TlsAcceptor>,
}

/// Connections that wait to be accepted. Beyond the usual 128 the kernel drops them, and when a thousand agents come back at
/// once most would try again only after a second.
const BACKLOG: u32 = 4096;

/// Everything that is listened on.
pub(super) struct Listeners {
    pub(super) all: Vec<Listener>,
    pub(super) addresses: Vec<SocketAddr>,
    pub(super) scheme: &'static str,
}

/// Binds the network port, so that a port that is taken is noticed before anything else happens.
pub(super) async fn bind(config: &Config, data_dir: &Path) -> Result<Bound, StartError> {
    let tls = match config.tls.files(data_dir) {
        Some((certificate, key)) => Some(http::acceptor(&certificate, &key)?),
        None => None,
    };
    let host = if config.tailscale.enabled {
        config.tailscale.bind_address()?.to_string()
    } else {
        config.host.clone()
    };
    let address = if host.contains(':') {
        format!("[{host}]:{}", config.port)
    } else {
        format!("{host}:{}", config.port)
    };
    let socket = listen(&host, config.port).await.map_err(|source| match source.kind() {
        io::ErrorKind::AddrInUse => StartError::PortTaken { address },
        _ => StartError::Listen { address, source },
    })?;
    Ok(Bound { socket, tls })
}

/// Listens on the first address of `host` that can be bound.
async fn listen(host: &str, port: u16) -> io::Result<TcpListener> {
    let mut failure = io::Error::new(io::ErrorKind::AddrNotAvailable, "it names no address");
    for address in tokio::net::lookup_host((host, port)).await? {
        let socket = match address {
            SocketAddr::V4(_) => TcpSocket::new_v4()?,
            SocketAddr::V6(_) => TcpSocket::new_v6()?,
        };
        socket.set_reuseaddr(true)?;
        match socket.bind(address).and_then(|()| socket.listen(BACKLOG)) {
            Ok(listener) => return Ok(listener),
            Err(error) => failure = error,
        }
    }
    Err(failure)
}

/// Listens on the network port only.
pub(super) fn network_only(bound: Bound) -> io::Result<Listeners> {
    Ok(Listeners {
        scheme: if bound.tls.is_some() { "wss" } else { "ws" },
        addresses: vec![bound.socket.local_addr()?],
        all: vec![Listener::Tcp(bound.socket, bound.tls)],
    })
}

/// Adds the operator's socket. Whoever holds the lock of the data directory may replace one that was left behind.
pub(super) fn listeners(bound: Bound, data_dir: &Path) -> Result<Listeners, StartError> {
    let failed = |source: io::Error| StartError::DataDirectory {
        path: data_dir.to_owned(),
        reason: source.to_string(),
    };
    let scheme = if bound.tls.is_some() { "wss" } else { "ws" };
    let address = bound.socket.local_addr().map_err(failed)?;
    let way = SocketPath::of(data_dir).map_err(failed)?;
    match fs::remove_file(way.path()) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
        _ => {}
    }
    let operator = UnixListener::bind(way.path()).map_err(failed)?;
    fs::set_permissions(way.path(), fs::Permissions::from_mode(0o600)).map_err(failed)?;
    let all = vec![Listener::Tcp(bound.socket, bound.tls), Listener::Unix(operator)];
    Ok(Listeners {
        all,
        addresses: vec![address],
        scheme,
    })
}
