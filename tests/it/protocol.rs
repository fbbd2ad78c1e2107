//! The protocol over real sockets: what every method answers, who is told, who may do what, and what holds always.

mod jsonrpc;
mod rights;
mod wire;
