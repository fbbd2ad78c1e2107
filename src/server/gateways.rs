//! The ways into rooms from beyond the server, as the configuration has them.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;

use super::{StartError, blocking};
use crate::client::Trust;
use crate::config::Config;
use crate::gateways::webrtc::{Settings, WebRtc};
use crate::gateways::{Gateway, supervise};
use crate::hub::Hub;
use crate::p2p::IceServer;
use crate::rpc::PeerSettings;
use crate::runtime::clock::{SystemClock, SystemEntropy};
use crate::runtime::lifecycle::Lifecycle;

/// Runs the gateways that are turned on.
pub(super) async fn start(
    (config, data_dir): (&Config, &Path),
    peers: &PeerSettings,
    hub: &Hub,
    lifecycle: &Lifecycle,
) -> Result<(), StartError> {
    if !config.p2p.enabled {
        return Ok(());
    }
    let (config, data_dir) = (config.clone(), data_dir.to_owned());
    let (peers, tasks) = (peers.clone(), lifecycle.clone());
    let gateway = blocking(move || webrtc(&config, &data_dir, &peers, &tasks)).await?;
    let gateway: Arc<dyn Gateway> = Arc::new(gateway);
    lifecycle.spawn_core("gateway", supervise(gateway, hub.clone(), lifecycle.soft_stop()));
    Ok(())
}

fn webrtc(config: &Config, data_dir: &Path, peers: &PeerSettings, lifecycle: &Lifecycle) -> Result<WebRtc, StartError> {
    let servers = config.p2p.ice_servers.iter().map(|text| text.parse::<IceServer>());
    let ice_servers: Result<Vec<IceServer>, _> = servers.collect();
    let ice_servers =
        ice_servers.map_err(|problem| StartError::Configuration(format!("`p2p.iceServers`: {problem}")))?;
    Ok(WebRtc::new(Settings {
        signal_url: peers.signal_url.clone(),
        ice_servers,
        trust: trust(config, data_dir, peers),
        unacknowledged: config.p2p.unacknowledged as usize,
        lifecycle: lifecycle.clone(),
        clock: Arc::new(SystemClock::default()),
        entropy: Arc::new(SystemEntropy),
    }))
}

/// Whose certificates links trust: of a server that only meets peers on its own encrypted port its own, else those that the
/// system trusts. Without any, links to `wss://` addresses tell what is missing.
fn trust(config: &Config, data_dir: &Path, peers: &PeerSettings) -> Option<Trust> {
    let own = config.tls.files(data_dir).filter(|_| config.p2p.signal_url.is_none());
    if let Some((certificate, _)) = own.filter(|_| peers.signal_url.starts_with("wss://")) {
        return in_file(&certificate);
    }
    Trust::in_system(None)
        .inspect_err(|error| tracing::debug!(%error, "links to peers cannot use encrypted signaling"))
        .ok()
}

fn in_file(certificate: &Path) -> Option<Trust> {
    let pem = std::fs::read(certificate).ok()?;
    Trust::in_authorities(&pem).ok()
}

/// How rooms are opened to peers on a server that listens on `bound`.
pub(super) fn peer_settings(config: &Config, scheme: &str, bound: &[SocketAddr]) -> PeerSettings {
    PeerSettings {
        enabled: config.p2p.enabled && (config.p2p.signal_url.is_some() || config.signaling.enabled),
        signal_url: config
            .p2p
            .signal_url
            .clone()
            .unwrap_or_else(|| own_signal_url(scheme, bound)),
    }
}

/// The signaling server of this server, by an address that it listens on.
fn own_signal_url(scheme: &str, bound: &[SocketAddr]) -> String {
    let mut address = bound
        .first()
        .copied()
        .unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 0)));
    if address.ip().is_unspecified() {
        // Bound everywhere: this machine is the one place where it is surely reached.
        address.set_ip(match address {
            SocketAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            SocketAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        });
    }
    format!("{scheme}://{address}/signal/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn peers_are_sent_to_an_address_that_leads_here() {
        let url = |address: &str| own_signal_url("ws", &[address.parse().expect("an address")]);
        assert_eq!(url("0.0.0.0:18800"), "ws://127.0.0.1:18800/signal/");
        assert_eq!(url("[::]:18800"), "ws://[::1]:18800/signal/");
        assert_eq!(url("192.0.2.7:1"), "ws://192.0.2.7:1/signal/");
        let mut config = Config::default();
        config.p2p.signal_url = Some("wss://agents.example/signal/".to_owned());
        let settings = peer_settings(&config, "ws", &[]);
        assert_eq!(settings.signal_url, "wss://agents.example/signal/");
    }
}
