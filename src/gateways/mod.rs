//! Ways into rooms from beyond the server.
//!
//! A gateway translates and owns nothing else: whoever it brings in is an agent of the room model with a session, which acts by
//! [`Hub::submit`] and is shown what happens by a feed, as every other agent. It holds no messages of its own, decides no
//! rights and keeps no order; when it fails it is started again and finds everything where it was.

pub mod webrtc;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use tokio_util::sync::CancellationToken;

use crate::hub::Hub;
use crate::runtime::metrics::GatewayLabels;

/// Something outside the process that takes part in rooms.
pub trait Gateway: Send + Sync + 'static {
    /// Its name, for the log and the metrics.
    fn name(&self) -> &'static str;

    /// Serves until `stop`. An error ends this run of the gateway, never the server; it is then run again.
    fn run<'a>(&'a self, hub: &'a Hub, stop: &'a CancellationToken) -> BoxFuture<'a, Result<(), GatewayError>>;
}

/// Why a gateway could not go on.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct GatewayError(pub String);

/// The wait before a gateway is run again, doubled with each failure in a row.
const FIRST_WAIT: Duration = Duration::from_secs(1);

/// The longest wait before a gateway is run again.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// A run that lasted so long was no failure in a row.
const GOOD_RUN: Duration = Duration::from_secs(60);

/// Runs a gateway until `stop`, and again after each failure, a panic included.
pub async fn supervise(gateway: Arc<dyn Gateway>, hub: Hub, stop: CancellationToken) {
    let mut wait = FIRST_WAIT;
    while !stop.is_cancelled() {
        let began = tokio::time::Instant::now();
        let ended = AssertUnwindSafe(gateway.run(&hub, &stop)).catch_unwind().await;
        if stop.is_cancelled() {
            return;
        }
        let reason = match ended {
            Ok(Ok(())) => "it ended before it was asked to".to_owned(),
            Ok(Err(error)) => error.to_string(),
            Err(_) => "it panicked".to_owned(),
        };
        if began.elapsed() >= GOOD_RUN {
            wait = FIRST_WAIT;
        }
        let name = gateway.name();
        tracing::error!(
            gateway = name,
            reason,
            wait_ms = wait.as_millis(),
            "a gateway failed and is started again"
        );
        let labels = GatewayLabels { gateway: name };
        hub.metrics().gateway_restarts.get_or_create(&labels).inc();
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = stop.cancelled() => return,
        }
        wait = (wait * 2).min(LONGEST_WAIT);
    }
}
