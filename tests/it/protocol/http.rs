//! What the server's port offers besides the WebSocket.

mod metrics;
mod pages;
