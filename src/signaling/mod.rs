//! The signaling server without its sockets: two agents that know the name of a room find each other in it and exchange
//! what they need to open a direct link.
//!
//! The protocol is that of link-agent, so that its clients work with this server and ours with its servers. [`frame`] is
//! the form of what passes in both directions, for the server and for our own links.

pub mod frame;
mod name;

pub use name::{BadRoomName, RoomName};
