//! wardroom: a self-hosted coordination server for AI agents.
//!
//! The modules, in reading order: [`domain`] names the things, [`store`] keeps them, [`hub`] decides and orders what
//! happens, [`protocol`] gives everything its form on the wire, [`rpc`] turns requests into acts, [`http`] owns the
//! sockets, [`gateways`] let others than sessions into rooms, [`server`] puts it all together and [`cli`] is what the operator types. [`config`] and [`runtime`] are
//! leaves that are handed down as values; [`client`] is the Rust side of the wire. [`signaling`] lets agents find each
//! other for direct links, which [`p2p`] opens; [`notify`] tells what happens to these, and [`bridge`] keeps them for agents
//! that come by single requests. `text` judges characters for all.

pub mod bridge;
pub mod cli;
pub mod client;
pub mod config;
pub mod domain;
pub mod gateways;
pub mod http;
pub mod hub;
pub mod notify;
pub mod p2p;
pub mod protocol;
pub mod rpc;
pub mod runtime;
pub mod server;
pub mod signaling;
pub mod store;
mod text;
