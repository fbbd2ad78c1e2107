//! The port and the certificate.

use std::io;
use std::net::{SocketAddr, TcpListener};

use super::{Finding, Server};
use crate::cli::context::Context;
use crate::cli::preflight;
use crate::config::Config;

/// Whether the configured address can be bound, or is bound by the running server.
pub(super) fn port(config: &Config, server: &Server) -> Vec<Finding> {
    let subject = "port";
    let addresses = match preflight::addresses(config) {
        Ok(addresses) => addresses,
        Err(problem) => {
            return vec![Finding::wrong(
                subject,
                problem.to_string(),
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
    if let Server::Starting(_) = server {
        // It has the port already and does not tell yet which.
        return Vec::new();
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

/// Whether certificate and key can encrypt connections.
pub(super) fn tls(config: &Config, context: &Context) -> Option<Finding> {
    config.tls.files(context.data_dir.path())?;
    Some(match preflight::certificate(config, &context.data_dir) {
        Ok(()) => Finding::fine("tls", "certificate and key work together"),
        Err(failure) => Finding::wrong(
            "tls",
            failure.message(),
            "name a certificate and its own key that the server's user can read",
        ),
    })
}
