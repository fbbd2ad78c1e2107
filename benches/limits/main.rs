//! Measures wardroom beside what this machine can do at best, in one run, and prints one table.
//!
//! `cargo bench` measures; `cargo bench -- --help` tells the options; `docs/performance.md` tells what the rows mean.
//! `cargo test` runs everything once at a small scale: every row has to come out, whatever its figures are.

#![expect(unreachable_pub, reason = "nothing of a benchmark program is reachable from outside")]

mod acknowledgements;
mod agents;
mod arguments;
mod bridge;
mod broadcast;
mod channel;
mod commits;
mod crowd;
mod fanout;
mod http;
mod large_room;
mod load;
mod log;
mod memory;
mod process;
mod reconnect;
mod scene;
mod table;
mod wire;

use std::io::Write as _;
use std::process::ExitCode;

use anyhow::{Context as _, ensure};

use arguments::{Options, Role};
use table::Row;

/// How much work a measurement does.
#[derive(Clone, Copy)]
pub struct Scale {
    /// A smoke test: everything happens, and no figure means anything.
    pub quick: bool,
}

impl Scale {
    /// `full`, or `quick` in a smoke test.
    pub fn of<T>(self, full: T, quick: T) -> T {
        if self.quick { quick } else { full }
    }

    /// How often wardroom and its reference take turns.
    pub fn rounds(self) -> usize {
        self.of(5, 1)
    }
}

/// Measurements that share what they measure on.
struct Group {
    name: &'static str,
    /// The rows that it gives, in this order.
    rows: &'static [&'static str],
    measure: fn(Scale) -> anyhow::Result<Vec<Row>>,
}

const GROUPS: &[Group] = &[
    Group {
        name: "fan-out",
        rows: fanout::ROWS,
        measure: fanout::measure,
    },
    Group {
        name: "acknowledgements",
        rows: acknowledgements::ROWS,
        measure: acknowledgements::measure,
    },
    Group {
        name: "crowd",
        rows: crowd::ROWS,
        measure: crowd::measure,
    },
    Group {
        name: "memory",
        rows: memory::ROWS,
        measure: memory::measure,
    },
    Group {
        name: "reconnect",
        rows: reconnect::ROWS,
        measure: reconnect::measure,
    },
    Group {
        name: "large-room",
        rows: large_room::ROWS,
        measure: large_room::measure,
    },
    Group {
        name: "bridge",
        rows: bridge::ROWS,
        measure: bridge::measure,
    },
    Group {
        name: "channel",
        rows: channel::ROWS,
        measure: channel::measure,
    },
];

fn main() -> anyhow::Result<ExitCode> {
    match arguments::read(std::env::args().skip(1)) {
        Role::Broadcast(options) => broadcast::serve(options)?,
        Role::Commits(options) => commits::run(&options)?,
        Role::Nothing(text) => write!(std::io::stdout().lock(), "{text}")?,
        Role::Measure(options) => measure(&options)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn measure(options: &Options) -> anyhow::Result<()> {
    // Thousands of connections end in this process, and as many in each server that it starts.
    rlimit::increase_nofile_limit(u64::MAX).context("cannot raise the limit of open files")?;
    let wanted = |group: &&Group| {
        let is_named = |name: &&str| options.only.as_deref().is_none_or(|only| name.contains(only));
        is_named(&group.name) || group.rows.iter().any(is_named)
    };
    let groups: Vec<&Group> = GROUPS.iter().filter(wanted).collect();
    ensure!(
        !groups.is_empty(),
        "no measurement is called so; there are: {}",
        GROUPS.iter().map(|group| group.name).collect::<Vec<_>>().join(", ")
    );
    let scale = Scale { quick: options.quick };
    let mut rows = Vec::new();
    for group in groups {
        progress(&format!("measuring: {}", group.name));
        let found = (group.measure)(scale).with_context(|| format!("the measurement `{}` failed", group.name))?;
        let names: Vec<&str> = found.iter().map(|row| row.name).collect();
        ensure!(names == group.rows, "`{}` gave the rows {names:?}", group.name);
        rows.extend(found);
    }
    let mut out = std::io::stdout().lock();
    if options.json {
        writeln!(out, "{}", table::json(&rows))?;
    } else {
        write!(out, "{}", table::text(&rows))?;
    }
    Ok(())
}

/// Says on standard error what is going on: a full run takes minutes.
pub fn progress(text: &str) {
    // Whoever closed standard error does not want to know.
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}
