//! Links between two agents over WebRTC: wardroom with itself, with a peer that shares no code with it, and with hostile ones.

mod connect;
mod hostile;
mod levels;
mod loss;
mod ours;
mod sizes;
mod theirs;

use crate::support::TestServer;

/// A signaling server, and its address.
pub fn signaling() -> (TestServer, String) {
    let server = TestServer::builder().signaling_only().start();
    let url = format!("{}/signal/", server.url());
    (server, url)
}
