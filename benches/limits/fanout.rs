//! What it costs the server to bring one message to each member of a room.

use super::Scale;
use super::progress;
use super::scene::Scene;
use super::table::{Row, Target, least};

/// The rows of this measurement.
pub const ROWS: &[&str] = &[
    "fan-out to 100, one at a time",
    "fan-out to 100, 32 in flight",
    "fan-out to 1000, one at a time",
    "fan-out to 1000, 32 in flight",
];

const CONTENT_BYTES: usize = 200;
const IN_FLIGHT: usize = 32;

/// Deliveries of each round: enough that a tick of the clock does not matter.
const SINGLY: usize = 200_000;
const TOGETHER: usize = 2_000_000;

/// Measures.
pub fn measure(scale: Scale) -> anyhow::Result<Vec<Row>> {
    let content = "x".repeat(CONTENT_BYTES);
    let mut rows = Vec::new();
    for (receivers, names) in [(scale.of(100, 10), &ROWS[..2]), (scale.of(1000, 50), &ROWS[2..])] {
        let mut wardroom = Scene::wardroom(receivers, &content)?;
        let bytes = wardroom.event_bytes()?;
        progress(&format!("  an event of a message of {CONTENT_BYTES} bytes has {bytes}"));
        let mut reference = Scene::reference(receivers, &content, bytes)?;
        let modes = [
            (names[0], 1, scale.of(SINGLY, 500) / receivers, 1.3),
            (names[1], IN_FLIGHT, scale.of(TOGETHER, 5000) / receivers, 2.0),
        ];
        for (name, in_flight, messages, most) in modes {
            let (mut ours, mut theirs) = (Vec::new(), Vec::new());
            for _ in 0..scale.rounds() {
                ours.push(wardroom.cost(messages, in_flight)?);
                theirs.push(reference.cost(messages, in_flight)?);
            }
            rows.push(Row {
                name,
                unit: "us CPU per delivery",
                wardroom: least(&ours),
                reference: Some(least(&theirs)),
                target: Target::RatioAtMost(most),
            });
        }
    }
    Ok(rows)
}
