//! The HTTP API: that of link-agent's bridge, field for field and in the same order, on the loopback address.
//!
//! Each connection is served by hyper. What is different from the original: pages of browsers and foreign host names are
//! refused (`guard`), a body is read as a whole before it is decoded (`body`), and a message counts as received only when
//! its answer was written to the socket (`receipt`).

mod answers;
mod body;
mod connect;
mod guard;
mod listen;
mod query;
mod receipt;
mod receive;
mod routes;

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::TcpListener;

use self::guard::Guard;
use super::options::BridgeOptions;
use super::rooms::Rooms;
use crate::runtime::lifecycle::Lifecycle;

/// What requests need.
struct Api {
    rooms: Rooms,
    guard: Guard,
    /// The port that is told.
    port: u16,
    lifecycle: Lifecycle,
}

/// Serves the API until the lifecycle stops.
pub(super) fn serve(
    rooms: Rooms,
    options: &BridgeOptions,
    listener: TcpListener,
    address: SocketAddr,
    lifecycle: &Lifecycle,
) {
    let api = Arc::new(Api {
        guard: Guard::new(&options.token, options.require_token),
        rooms,
        port: address.port(),
        lifecycle: lifecycle.clone(),
    });
    lifecycle.spawn_core("bridge listener", listen::run(api, listener));
}
