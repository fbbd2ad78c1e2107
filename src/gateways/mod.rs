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

/// How long to wait before a gateway is run again.
struct Waits {
    first: Duration,
    longest: Duration,
    /// A run that lasted so long was no failure in a row.
    good_run: Duration,
    /// The last wait.
    last: Option<Duration>,
}

impl Waits {
    const NONE_YET: Self = Self {
        first: Duration::from_secs(1),
        longest: Duration::from_secs(60),
        good_run: Duration::from_secs(60),
        last: None,
    };

    /// The wait after a run that lasted so long: twice the last one, unless the run was a good one.
    fn after(&mut self, lasted: Duration) -> Duration {
        let last = self.last.filter(|_| lasted < self.good_run);
        let wait = last.map_or(self.first, |last| (last * 2).min(self.longest));
        self.last = Some(wait);
        wait
    }
}

/// Runs a gateway until `stop`, and again after each failure, a panic included.
pub async fn supervise(gateway: Arc<dyn Gateway>, hub: Hub, stop: CancellationToken) {
    let run = || gateway.run(&hub, &stop);
    run_again(gateway.name(), run, Waits::NONE_YET, &stop).await;
}

/// Runs something until `stop`, and again after a while whenever it ends before.
async fn run_again<'a>(
    name: &'static str,
    run: impl Fn() -> BoxFuture<'a, Result<(), GatewayError>>,
    mut waits: Waits,
    stop: &CancellationToken,
) {
    while !stop.is_cancelled() {
        let began = tokio::time::Instant::now();
        let ended = AssertUnwindSafe(run()).catch_unwind().await;
        if stop.is_cancelled() {
            return;
        }
        let reason = match ended {
            Ok(Ok(())) => "it ended before it was asked to".to_owned(),
            Ok(Err(error)) => error.to_string(),
            Err(_) => "it panicked".to_owned(),
        };
        let wait = waits.after(began.elapsed());
        let wait_ms = wait.as_millis();
        tracing::error!(gateway = name, reason, wait_ms, "a gateway failed and is started again");
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = stop.cancelled() => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[test]
    fn waits_grow_with_failures_in_a_row_up_to_the_longest() {
        let mut waits = Waits::NONE_YET;
        let mut after = |lasted| waits.after(Duration::from_secs(lasted)).as_secs();
        let grown: Vec<u64> = (0..8).map(|_| after(59)).collect();
        assert_eq!(grown, [1, 2, 4, 8, 16, 32, 60, 60]);
        assert_eq!([after(60), after(0)], [1, 2]);
    }

    #[tokio::test]
    async fn a_gateway_that_fails_is_run_again_until_it_is_stopped() {
        let (stop, runs) = (CancellationToken::new(), AtomicU32::new(0));
        let run = || -> BoxFuture<'_, Result<(), GatewayError>> {
            let count = runs.fetch_add(1, Ordering::Relaxed);
            let stop = stop.clone();
            Box::pin(async move {
                match count {
                    0 => return Err(GatewayError("it broke".into())),
                    1 => panic!("it broke badly"),
                    2 => {}
                    _ => stop.cancel(),
                }
                Ok(())
            })
        };
        let at_once = Waits {
            first: Duration::ZERO,
            ..Waits::NONE_YET
        };
        run_again("test", run, at_once, &stop).await;
        assert_eq!(runs.load(Ordering::Relaxed), 4);
    }
}
