//! What the process needs around its work: time and chance, tasks with an orderly end, a log, metrics.

pub mod clock;
pub mod control_socket;
pub mod lifecycle;
pub mod limiter;
pub mod metrics;
pub mod network;
pub mod telemetry;
pub mod turn;
