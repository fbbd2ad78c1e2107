//! The protocol over real sockets: what every method answers, who is told, who may do what, and what holds always.

mod guarantees;
mod http;
mod interop;
mod jsonrpc;
mod rights;
mod wire;
