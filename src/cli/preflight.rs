//! What can be known of a start before it is made: whether the certificate, the address, the port and the data directory
//! can be used. A start looks before it makes anything, a restart before it ends the server that runs.

use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener, ToSocketAddrs};
use std::path::Path;

use rustix::fs::Access;
use serde_json::Value;

use super::context::DataDir;
use super::exit::Failure;
use crate::config::Config;
use crate::http;
use crate::server::StartError;

/// Refuses a configuration with which no server could listen. `running` is where the server listens that will have made
/// room by then.
pub(super) fn network(config: &Config, data_dir: &DataDir, running: &[SocketAddr]) -> Result<(), Failure> {
    certificate(config, data_dir)?;
    let addresses = addresses(config)?;
    let mut last = None;
    // One that can be bound is enough, as it is for the server.
    for address in addresses {
        match bind(address, running) {
            Ok(()) => return Ok(()),
            Err(error) => last = Some((address, error)),
        }
    }
    match last {
        None => Ok(()),
        Some((address, error)) => Err(cannot_bind(address, error).into()),
    }
}

/// Refuses a certificate and a key that cannot encrypt connections.
pub(super) fn certificate(config: &Config, data_dir: &DataDir) -> Result<(), Failure> {
    if let Some((certificate, key)) = config.tls.files(data_dir.path()) {
        http::acceptor(&certificate, &key).map_err(StartError::from)?;
    }
    Ok(())
}

/// Refuses a data directory, or a file of the server in it, that is not writable. What is not there yet is no matter.
pub(super) fn data_directory(config: &Config, data_dir: &DataDir) -> Result<(), Failure> {
    let database = config.database_path(data_dir.path());
    let beside_database = database.parent().unwrap_or(data_dir.path());
    let directory = Access::WRITE_OK | Access::EXEC_OK;
    let file = Access::READ_OK | Access::WRITE_OK;
    for (path, access) in [
        (data_dir.path(), directory),
        (beside_database, directory),
        (database.as_path(), file),
        (data_dir.log().as_path(), file),
    ] {
        writable(path, access).map_err(|error| StartError::DataDirectory {
            path: data_dir.path().to_owned(),
            reason: format!("`{}` cannot be written: {error}", path.display()),
        })?;
    }
    Ok(())
}

/// Every address that the configuration may mean; at least one.
pub(super) fn addresses(config: &Config) -> Result<Vec<SocketAddr>, StartError> {
    if config.tailscale.enabled {
        return Ok(vec![SocketAddr::new(config.tailscale.bind_address()?, config.port)]);
    }
    let unknown = |source: io::Error| StartError::Listen {
        address: config.host.clone(),
        source,
    };
    let found: Vec<SocketAddr> = (config.host.as_str(), config.port)
        .to_socket_addrs()
        .map_err(unknown)?
        .collect();
    if found.is_empty() {
        Err(unknown(io::Error::other("the name has no address")))
    } else {
        Ok(found)
    }
}

/// Where the server of this status listens.
pub(super) fn listening(status: &Value) -> Vec<SocketAddr> {
    let addresses = status["addresses"].as_array().into_iter().flatten();
    addresses
        .filter_map(Value::as_str)
        .filter_map(|address| address.rsplit('/').next()?.parse().ok())
        .collect()
}

/// Binds for a moment. A port that the running server is in the way of will be free; then only the address can be tried.
fn bind(address: SocketAddr, running: &[SocketAddr]) -> io::Result<()> {
    let in_the_way = |other: &SocketAddr| {
        let overlaps = |one: IpAddr, other: IpAddr| one == other || one.is_unspecified() || other.is_unspecified();
        other.port() == address.port() && overlaps(other.ip(), address.ip())
    };
    let port = if running.iter().any(in_the_way) {
        0
    } else {
        address.port()
    };
    TcpListener::bind(SocketAddr::new(address.ip(), port)).map(drop)
}

fn cannot_bind(address: SocketAddr, source: io::Error) -> StartError {
    let address = address.to_string();
    match source.kind() {
        io::ErrorKind::AddrInUse => StartError::PortTaken { address },
        _ => StartError::Listen { address, source },
    }
}

fn writable(path: &Path, access: Access) -> rustix::io::Result<()> {
    match rustix::fs::access(path, access) {
        Err(rustix::io::Errno::NOENT) => Ok(()),
        result => result,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_status_tells_where_the_server_listens() {
        let status = json!({"addresses": ["ws://127.0.0.1:1", "wss://[::1]:2", "junk"]});
        let expected: [SocketAddr; 2] = ["127.0.0.1:1", "[::1]:2"].map(|text| text.parse().expect("an address"));
        assert_eq!(listening(&status), expected);
        assert!(listening(&Value::Null).is_empty());
    }

    #[test]
    fn only_the_running_server_may_be_in_the_way() {
        let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = taken.local_addr().expect("an address");
        assert!(bind(address, &[]).is_err());
        assert!(bind(address, &[address]).is_ok());
        let everywhere = SocketAddr::new(IpAddr::from([0, 0, 0, 0]), address.port());
        assert!(bind(everywhere, &[address]).is_ok(), "the one becomes the other");
        let another = SocketAddr::new(address.ip(), address.port().wrapping_sub(1));
        assert!(bind(address, &[another]).is_err(), "another port is another matter");
    }
}
