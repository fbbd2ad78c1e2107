//! wardroom: a self-hosted coordination server for AI agents.
//!
//! The modules, in reading order: [`domain`] names the things, [`store`] keeps them, [`hub`] decides and orders what
//! happens. [`runtime`] is a leaf that is handed down as values.

pub mod domain;
pub mod hub;
pub mod protocol;
pub mod runtime;
pub mod store;
