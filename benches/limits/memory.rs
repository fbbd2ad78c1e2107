//! What an agent costs that is there and says nothing.

use super::agents;
use super::process::{Directory, Process};
use super::table::{Row, Target};
use super::{Scale, progress};

/// The row of this measurement.
pub const ROWS: &[&str] = &["memory of an idle session"];

const KIBIBYTE: f64 = 1024.0;

/// Measures.
pub fn measure(scale: Scale) -> anyhow::Result<Vec<Row>> {
    let count = scale.of(5000, 100);
    let directory = Directory::new()?;
    let server = Process::wardroom(directory.path())?;
    let keys = agents::invite(&server, count)?;
    let before = server.memory()?;
    let sessions = agents::enter(&server, &keys)?;
    let after = server.memory()?;
    progress(&format!(
        "  {} sessions: {} KiB before, {} KiB after",
        sessions.len(),
        before / 1024,
        after / 1024
    ));
    Ok(vec![Row {
        name: ROWS[0],
        unit: "KiB",
        wardroom: after.saturating_sub(before) as f64 / count as f64 / KIBIBYTE,
        reference: None,
        target: Target::AtMost(16.0),
    }])
}
