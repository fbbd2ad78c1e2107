//! What a start tells the operator, in the foreground and in the background alike.

use std::io;
use std::net::{IpAddr, SocketAddr};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::context::Context;
use super::output::{self, Output};

/// A server that has started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Started {
    /// The version of the program that serves.
    pub(super) version: String,
    /// The server's process.
    pub(super) pid: u32,
    /// Where it listens, each as clients write it: `ws://127.0.0.1:18800`.
    pub(super) addresses: Vec<String>,
    /// What the operator should know about these addresses.
    pub(super) warnings: Vec<String>,
}

impl Started {
    /// Describes the server of this process; `is_tunnel` tells whether an address belongs to a tunnel that encrypts.
    pub(super) fn here(scheme: &str, addresses: &[SocketAddr], is_tunnel: impl Fn(IpAddr) -> bool) -> Self {
        let stays_here = |address: IpAddr| address.to_canonical().is_loopback() || is_tunnel(address);
        let is_open = scheme == "ws" && !addresses.iter().all(|address| stays_here(address.ip()));
        let warning = "other machines can reach this server and nothing is encrypted: keys and messages can be read on the \
                       way; set `tls.cert` and `tls.key`, put a TLS proxy before it, or bind `127.0.0.1`";
        Self {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            pid: std::process::id(),
            addresses: addresses
                .iter()
                .map(|address| format!("{scheme}://{address}"))
                .collect(),
            warnings: if is_open { vec![warning.to_owned()] } else { Vec::new() },
        }
    }

    /// Prints what a newcomer needs next; `key` is the controller key if this start made it.
    pub(super) fn print(&self, context: &Context, output: Output, key: Option<&str>) -> io::Result<()> {
        for warning in &self.warnings {
            output::warning(warning);
        }
        for address in &self.addresses {
            output.line(format_args!("wardroom {} listening on {address}", self.version))?;
        }
        output.line(format_args!(
            "Data, documents and log: {}",
            context.data_dir.path().display()
        ))?;
        let address = self
            .addresses
            .first()
            .map_or_else(String::new, |address| reachable(address));
        output.line(format_args!(
            "Connect an agent: open {address} and call `auth` with its key; the controller makes keys with `agent.invite`"
        ))?;
        output.line(format_args!("Stop: {}", context.hint("stop")))?;
        output.object(&self.report(context, key))
    }

    fn report(&self, context: &Context, key: Option<&str>) -> Value {
        let mut report = json!({
            "status": "ok",
            "version": self.version,
            "pid": self.pid,
            "addresses": self.addresses,
            "dataDir": context.data_dir.path().to_string_lossy(),
            "warnings": self.warnings,
        });
        if let Some(key) = key {
            report["controllerKey"] = json!(key);
        }
        report
    }
}

/// An address that a program on this machine can open: nobody connects to "every address".
fn reachable(address: &str) -> String {
    address
        .replace("://0.0.0.0:", "://127.0.0.1:")
        .replace("://[::]:", "://[::1]:")
}

/// The line by which a new controller key is shown, this once.
pub(super) fn key_line(key: &str) -> String {
    format!("Controller key: {key}  (shown once, keep it)")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regression_clear_text_beyond_this_machine_and_its_tunnel_is_warned_of() {
        let check = |scheme: &str, address: &str, expected: usize| {
            let tunnel: IpAddr = "100.64.0.1".parse().expect("an address");
            let started = Started::here(scheme, &[address.parse().expect("an address")], |own| own == tunnel);
            assert_eq!(started.warnings.len(), expected, "{scheme} {address}");
        };
        check("ws", "127.0.0.1:18800", 0);
        check("ws", "[::1]:18800", 0);
        check("ws", "0.0.0.0:18800", 1);
        check("ws", "192.0.2.7:18800", 1);
        check("ws", "[::ffff:127.0.0.1]:18800", 0);
        check("ws", "100.64.0.1:18800", 0);
        // A provider's addresses for its customers, who share its network, look like those of Tailscale.
        check("ws", "100.64.0.2:18800", 1);
        check("ws", "[fd7a:115c:a1e0::1]:18800", 1);
        check("wss", "0.0.0.0:18800", 0);
    }

    #[test]
    fn the_address_to_open_is_one_that_can_be_opened() {
        assert_eq!(reachable("ws://0.0.0.0:18800"), "ws://127.0.0.1:18800");
        assert_eq!(reachable("wss://[::]:443"), "wss://[::1]:443");
        assert_eq!(reachable("ws://192.0.2.7:1"), "ws://192.0.2.7:1");
    }

    #[test]
    fn an_address_is_written_as_clients_write_it() {
        let started = Started::here("wss", &["[::1]:443".parse().expect("an address")], |_| false);
        assert_eq!(started.addresses, ["wss://[::1]:443"]);
    }
}
