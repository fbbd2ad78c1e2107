//! Everybody comes back at once, as after a restart or when a network returns.

use std::time::Instant;

use super::agents;
use super::load::Clients;
use super::process::{Directory, Process};
use super::table::{Row, Target, median};
use super::{Scale, progress};

/// The row of this measurement.
pub const ROWS: &[&str] = &["clients that come back at once"];

/// Measures.
pub fn measure(scale: Scale) -> anyhow::Result<Vec<Row>> {
    let count = scale.of(1000, 50);
    let directory = Directory::new()?;
    let server = Process::wardroom(directory.path())?;
    let keys = agents::invite(&server, count)?;
    let mut watcher = agents::enter(&server, &[server.controller_key()?.to_owned()])?;
    drop(agents::enter(&server, &keys)?);
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..scale.rounds() {
        // The watcher is told of everybody who leaves.
        watcher.settle()?;
        let began = Instant::now();
        let bare = Clients::open(server.address(), count)?;
        theirs.push(began.elapsed().as_secs_f64() * 1000.0);
        drop(bare);
        watcher.settle()?;
        let began = Instant::now();
        let mut clients = Clients::new(server.address())?;
        agents::come_in(&mut clients, &keys)?;
        ours.push(began.elapsed().as_secs_f64() * 1000.0);
        clients.settle()?;
    }
    progress(&format!("  bare {theirs:.0?} ms, authenticated {ours:.0?} ms"));
    Ok(vec![Row {
        name: ROWS[0],
        unit: "ms until all are live",
        wardroom: median(&ours),
        reference: Some(median(&theirs)),
        target: Target::RatioAtMost(3.0),
    }])
}
