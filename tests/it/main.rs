//! The server through its public doors: real processes, real sockets. One file per behaviour.

#![expect(unreachable_pub, reason = "nothing of a test program is reachable from outside")]

#[path = "../support/mod.rs"]
mod support;

mod audit;
mod cli;
mod durability;
mod fairness;
mod first_steps;
mod following;
mod keys;
mod operation;
mod p2p;
mod p2p_rooms;
mod protocol;
mod receipts;
mod safety;
mod search;
mod signaling;
mod tasks;
