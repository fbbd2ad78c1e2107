//! The `p2p` section: rooms that are opened to peers beyond the server.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::check::Checks;

/// Opening rooms to peers that come over WebRTC, and what they find each other by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct P2p {
    /// Whether rooms can be opened to peers at all. When it is turned off, openings that are there are not served; they stay
    /// known and end when their time is over. Default `true`.
    pub enabled: bool,

    /// The signaling server where peers and this server find each other, as both reach it: `wss://agents.example/signal/`
    /// for a server behind that name. `null` is this server's own by its bound address, which serves peers on this machine
    /// only when the server is bound to it. Default `null`.
    pub signal_url: Option<String>,

    /// STUN and TURN servers, asked only when a peer is there: `stun:host:port`, `turn:host:port:user:password`, or
    /// `turns:` likewise. Without any, peers are reached on this machine and its networks only. Default `[]`.
    pub ice_servers: Vec<String>,

    /// Most places for peers in one room; each has a P2P room and a link of its own. Default `8`.
    #[schemars(range(min = 1, max = 1000))]
    pub max_per_room: u32,

    /// Most places for peers in all rooms together. Default `64`.
    #[schemars(range(min = 1, max = 10_000))]
    pub max_peers: u32,

    /// How long a room stays open to peers when who opens it does not say, in milliseconds. Default `86400000`.
    #[schemars(range(min = 1000, max = 31_536_000_000_u64))]
    pub expiry_ms: u64,

    /// Messages of a room that one peer is sent before it has acknowledged the first of them; further ones wait in the
    /// store. Default `64`.
    #[schemars(range(min = 1, max = 1024))]
    pub unacknowledged: u32,
}

impl Default for P2p {
    fn default() -> Self {
        Self {
            enabled: true,
            signal_url: None,
            ice_servers: Vec::new(),
            max_per_room: 8,
            max_peers: 64,
            expiry_ms: 86_400_000,
            unacknowledged: 64,
        }
    }
}

impl P2p {
    /// Checks the forms of the addresses.
    pub(super) fn validate(&self, checks: &mut Checks<'_>) {
        if self.signal_url.as_deref().is_some_and(|url| !is_signal_url(url)) {
            checks.report(
                &["p2p.signalUrl"],
                "must be an address such as `wss://agents.example/signal/`",
            );
        }
        let is_ice = |text: &str| {
            ["stun:", "turn:", "turns:"]
                .iter()
                .any(|scheme| text.starts_with(scheme))
        };
        if self.ice_servers.iter().any(|text| !is_ice(text)) {
            // What is wrong may hold a password, so it is not repeated.
            checks.report(
                &["p2p.iceServers"],
                "must hold `stun:host:port`, `turn:host:port:user:password` or `turns:` likewise",
            );
        }
    }
}

/// Longest address of a signaling server, in characters.
const URL_LENGTH: usize = 500;

/// Whether `text` can be the address of a signaling server: `ws://` or `wss://`, a host, and only characters that stand in
/// addresses, none of which ends a quotation in a shell.
#[must_use]
pub fn is_signal_url(text: &str) -> bool {
    let rest = text.strip_prefix("ws://").or_else(|| text.strip_prefix("wss://"));
    let is_allowed = |letter: char| letter.is_ascii_alphanumeric() || "-._~:/[]%?=&+,".contains(letter);
    rest.is_some_and(|rest| {
        rest.starts_with(|first: char| first.is_ascii_alphanumeric() || first == '[') && rest.chars().all(is_allowed)
    }) && text.len() <= URL_LENGTH
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_signaling_servers_are_told_from_others() {
        for good in [
            "ws://127.0.0.1:18800/signal/",
            "wss://agents.example/signal/",
            "ws://[::1]:1/",
            "wss://h",
        ] {
            assert!(is_signal_url(good), "{good}");
        }
        let too_long = format!("ws://{}", "h".repeat(URL_LENGTH));
        for bad in [
            "",
            "http://h/",
            "ws://",
            "ws:///x",
            "wss://h/'; rm -rf x",
            "wss://h/ x",
            "wss://user@h/",
            "wss://h/$(x)",
            too_long.as_str(),
        ] {
            assert!(!is_signal_url(bad), "{bad}");
        }
    }
}
