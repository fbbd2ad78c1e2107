//! The port and the certificate.

use std::fs::File;
use std::io;
use std::net::{SocketAddr, TcpListener, ToSocketAddrs};

use super::{Finding, Server};
use crate::cli::context::Context;
use crate::config::Config;

/// Whether the configured address can be bound, or is bound by the running server.
pub(super) fn port(config: &Config, server: &Server) -> Vec<Finding> {
    let subject = "port";
    let addresses = match addresses(config) {
        Ok(addresses) => addresses,
        Err(problem) => {
            return vec![Finding::wrong(
                subject,
                problem,
                "put `host` or the section `tailscale` right",
            )];
        }
    };
    if let Server::Running(status) = server {
        let shown = status["addresses"].to_string();
        let is_ours = |address: &SocketAddr| address.port() == 0 || shown.contains(&format!("{address}\""));
        return vec![if addresses.iter().all(is_ours) {
            Finding::fine(subject, "the running server listens where the configuration says")
        } else {
            let text = format!("the running server listens on {shown}, the configuration says otherwise");
            Finding::notice(
                subject,
                text,
                "restart the server if it should follow the configuration",
            )
        }];
    }
    let advice = "stop what listens there, or choose another `port`";
    addresses
        .into_iter()
        .map(|address| match TcpListener::bind(address) {
            Ok(_) => Finding::fine(subject, format!("{address} is free")),
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
                Finding::wrong(subject, format!("{address} is taken by another program"), advice)
            }
            Err(error) => Finding::wrong(subject, format!("{address} cannot be bound: {error}"), advice),
        })
        .collect()
}

fn addresses(config: &Config) -> Result<Vec<SocketAddr>, String> {
    if config.tailscale.enabled {
        let address = config.tailscale.bind_address().map_err(|error| error.to_string())?;
        return Ok(vec![SocketAddr::new(address, config.port)]);
    }
    let found: Vec<SocketAddr> = (config.host.as_str(), config.port)
        .to_socket_addrs()
        .map_err(|error| format!("`{}` cannot be looked up: {error}", config.host))?
        .collect();
    if found.is_empty() {
        Err(format!("`{}` has no address", config.host))
    } else {
        Ok(found)
    }
}

/// Whether certificate and key can be read.
pub(super) fn tls(config: &Config, context: &Context) -> Vec<Finding> {
    let Some((certificate, key)) = config.tls.files(context.data_dir.path()) else {
        return Vec::new();
    };
    [("tls.cert", certificate), ("tls.key", key)]
        .into_iter()
        .map(|(name, path)| match File::open(&path) {
            Ok(_) => Finding::fine("tls", format!("`{name}` can be read")),
            Err(error) => Finding::wrong(
                "tls",
                format!("`{name}` is {}, which cannot be read: {error}", path.display()),
                "name a file that the server's user can read",
            ),
        })
        .collect()
}
