//! The local bridge, by its HTTP API and its command line: rooms with peers, rooms of hubs, and what must not be lost.

mod commands;
mod hub;
mod loss;
mod peers;
mod queues;
mod safety;
mod stage;
mod takeover;
mod told;
