//! What the process needs around its work: tasks with an orderly end, and a log.

pub mod lifecycle;
pub mod telemetry;
