//! What every part of the program may be handed: time and chance, metrics, logging, the life cycle.

pub mod clock;
pub mod metrics;
