//! A real server in a process of its own, and agents that talk to it over real sockets.

pub mod agent;
pub mod cast;
pub mod fault;
pub mod raw;
pub mod server;

pub use agent::Agent;
pub use cast::Cast;
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
