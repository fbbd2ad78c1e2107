//! A server that lets agents find each other for direct links, and does nothing else: it keeps nothing on the disk.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use super::{StartError, front, listen};
use crate::config::Config;
use crate::runtime::clock::SystemEntropy;
use crate::runtime::lifecycle::Lifecycle;
use crate::runtime::metrics::Metrics;
use crate::signaling::{Rooms, SignalingLimits};

/// A running signaling server.
#[derive(Clone, Debug)]
pub struct SignalingServer {
    /// The addresses that it listens on.
    pub addresses: Vec<SocketAddr>,
    /// `ws`, or `wss` when the port is encrypted.
    pub scheme: &'static str,
}

impl SignalingServer {
    /// Listens on the host and port of `config`. Files of a certificate are relative to `data_dir`, which is not used for
    /// anything else. The server stops when the soft token of `lifecycle` is cancelled; wait for `lifecycle` then.
    ///
    /// # Errors
    ///
    /// [`StartError`] when the address cannot be listened on, or the certificate cannot be used.
    pub async fn start(config: &Config, data_dir: &Path, lifecycle: &Lifecycle) -> Result<Self, StartError> {
        // Every connection needs a descriptor; a limit that cannot be raised is the operator's choice.
        let _ = rlimit::increase_nofile_limit(u64::MAX);
        let bound = listen::bind(config, data_dir).await?;
        let listeners = listen::network_only(bound).map_err(|error| StartError::Failed(error.to_string()))?;
        let metrics = Metrics::default();
        let front = front(config, &listeners.addresses, lifecycle, &Arc::default(), &metrics);
        crate::http::serve_signaling(&front, &rooms(config, &metrics), listeners.all);
        tracing::info!(addresses = ?listeners.addresses, "the signaling server is ready");
        Ok(Self {
            addresses: listeners.addresses,
            scheme: listeners.scheme,
        })
    }
}

/// The rooms of a server.
pub(super) fn rooms(config: &Config, metrics: &Metrics) -> Arc<Rooms> {
    let limits = SignalingLimits::from(&config.signaling);
    Arc::new(Rooms::new(limits, Arc::new(SystemEntropy), metrics.clone()))
}
