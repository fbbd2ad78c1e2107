//! JSON-RPC sessions: text in, answers out, no socket.

mod audit;
mod dispatch;
mod guard;
mod handlers;
mod reply;
mod resume;
mod scope;
mod session;
mod table;
#[cfg(test)]
mod tests;
mod turns;

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use serde_json::Value;

pub use dispatch::Flow;
pub use session::{Peer, Session};

use crate::hub::{Hub, Link};
use crate::protocol::envelope::FrameLimits;
use crate::protocol::openrpc;
use audit::Tally;
use guard::FailureGuard;
use table::Route;
use turns::ReadTurns;

/// Where a session's answers go. Being a [`Link`] too, it takes events and answers in one order.
pub trait Outlet: Link {
    /// Queues an answer. True when the outlet was not waiting for a flush yet.
    fn answer(&self, json: Vec<u8>) -> bool;

    /// Keeps events back, so that the answer to `auth` comes before all of them.
    fn hold(&self);

    /// Lets the events go that were kept back, behind what was answered meanwhile.
    fn release(&self);
}

/// What the command line may ask of the process itself.
pub trait Control: Send + Sync + 'static {
    /// Where the server listens, as `ws://` or `wss://` addresses.
    fn addresses(&self) -> Vec<String>;

    /// Milliseconds since the start.
    fn uptime_ms(&self) -> u64;

    /// Begins an orderly stop; agents are told whether the server comes back.
    fn stop(&self, restart: bool);

    /// Runs work that takes long beside the connection that asked for it.
    fn spawn(&self, name: &'static str, work: BoxFuture<'static, ()>);
}

/// Bounds of sessions.
#[derive(Clone, Copy, Debug)]
pub struct RpcLimits {
    /// Nesting and batch size of a frame.
    pub frame: FrameLimits,
    /// Failures to authenticate before the connection is closed.
    pub auth_attempts: u32,
    /// Failures to authenticate that are judged, per second and address.
    pub auth_failures_per_second: u32,
    /// Failures that are judged at once after a pause, per address.
    pub auth_failure_burst: u32,
    /// Requests of a connection that may wait for their commit.
    pub in_flight: u32,
    /// Bytes of answers to one batch; what is asked for beyond that is refused.
    pub batch_answer_bytes: usize,
}

/// How rooms are opened to peers.
#[derive(Clone, Debug, Default)]
pub struct PeerSettings {
    /// Whether they can be.
    pub enabled: bool,
    /// The signaling server where the ends find each other.
    pub signal_url: String,
}

/// What all sessions share.
pub struct Rpc {
    hub: Hub,
    routes: HashMap<&'static str, Route>,
    limits: RpcLimits,
    guard: FailureGuard,
    turns: ReadTurns,
    tally: Arc<Tally>,
    control: Arc<dyn Control>,
    peers: PeerSettings,
    openrpc: Value,
}

impl Rpc {
    /// Makes the table and everything that sessions need.
    pub fn new(hub: Hub, limits: RpcLimits, peers: PeerSettings, control: Arc<dyn Control>) -> Arc<Self> {
        Arc::new(Self {
            hub,
            routes: table::routes(),
            limits,
            guard: FailureGuard::new(limits.auth_failures_per_second, limits.auth_failure_burst),
            turns: ReadTurns::default(),
            tally: Arc::default(),
            control,
            peers,
            openrpc: openrpc::document(),
        })
    }

    /// The room model.
    pub fn hub(&self) -> &Hub {
        &self.hub
    }

    /// The OpenRPC document.
    pub fn openrpc(&self) -> &Value {
        &self.openrpc
    }

    /// Counts a failure to authenticate; when there were too many from `address`, milliseconds until the next one is
    /// judged.
    fn count_failure(&self, address: Option<IpAddr>) -> Result<(), u64> {
        address.map_or(Ok(()), |address| self.guard.count(address))
    }
}
