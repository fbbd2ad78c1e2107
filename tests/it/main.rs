//! The server through its public doors: real processes, real sockets. One file per behaviour.

#[path = "../support/mod.rs"]
mod support;

mod cli;
mod first_steps;
