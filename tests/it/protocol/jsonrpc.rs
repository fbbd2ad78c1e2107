//! JSON-RPC 2.0, as its specification has it, over the real socket.

mod batches;
mod examples;
mod frames;
mod ids;
