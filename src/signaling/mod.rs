//! The signaling server without its sockets: two agents that know the name of a room find each other in it and exchange
//! what they need to open a direct link.
//!
//! The protocol is that of link-agent, so that its clients work with this server and ours with its servers. [`frame`] is
//! the form of what passes in both directions, for the server and for our own links; [`Rooms`] is the server.

pub mod frame;
mod limits;
mod name;
mod path;
mod rooms;

pub use limits::SignalingLimits;
pub use name::{BadRoomName, RoomName};
pub use path::room_of;
pub use rooms::{Expiry, Outlet, Refusal, Rooms, Seat};
