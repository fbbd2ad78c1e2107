//! A real server in a process of its own, and agents that talk to it over real sockets.

pub mod agent;
pub mod cast;
pub mod fault;
pub mod link;
pub mod node_peer;
pub mod peer;
pub mod raw;
pub mod server;

pub use agent::Agent;
pub use cast::Cast;
pub use link::TestLink;
pub use node_peer::NodePeer;
pub use raw::{Frames, Raw};
pub use server::TestServer;

use std::time::Duration;

/// How long anything may take that is expected to happen. Long, because the machine may be busy; nothing waits for it to
/// pass.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Awaits something that is expected to happen.
pub async fn soon<F: Future>(what: &str, future: F) -> F::Output {
    let output = tokio::time::timeout(PATIENCE, future).await;
    output.unwrap_or_else(|_| panic!("did not happen in {PATIENCE:?}: {what}"))
}

/// How long something may take that is promised to take at most `alone` where nothing else runs. Tests run many at a time,
/// on machines that others use too: four times as long, which is still the order that was promised. With
/// `WARDROOM_TEST_ALONE` set it is the figure itself; then let one test run at a time.
pub fn at_most(alone: Duration) -> Duration {
    if std::env::var_os("WARDROOM_TEST_ALONE").is_some() {
        alone
    } else {
        alone * 4
    }
}

/// What 99 of 100 did not exceed, and the longest.
pub fn slowest(mut took: Vec<Duration>) -> (Duration, Duration) {
    took.sort_unstable();
    (took[(took.len() - 1) * 99 / 100], took[took.len() - 1])
}
