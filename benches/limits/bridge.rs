//! Two bridges on this machine with a link between them, beside two in Node that take the same steps.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};

use super::http::Http;
use super::process::{Directory, Process};
use super::table::{Row, Target, median};
use super::{Scale, progress};

/// The rows of this measurement.
pub const ROWS: &[&str] = &[
    "bridge to bridge, 8 senders",
    "bridge to bridge, one at a time",
    "a link until it is connected",
    "memory of an idle link",
];

const SENDERS: usize = 8;
const CONTENT_BYTES: usize = 1024;

/// How long a bridge may take to be linked.
const PATIENCE: Duration = Duration::from_secs(60);

/// Measures.
pub fn measure(scale: Scale) -> anyhow::Result<Vec<Row>> {
    install_reference()?;
    let directory = Directory::new()?;
    let server = Process::wardroom(directory.path())?;
    let signal = format!("ws://{}/signal/", server.address());
    let mut figures = Figures::default();
    for round in 0..scale.rounds() {
        let ours = Pair::wardroom(&signal, &directory.path().join(format!("ours-{round}")))?;
        figures.connected.push(ours.connected.as_secs_f64() * 1000.0);
        ours.warm_up()?;
        figures.rates.0.push(ours.rate(scale.of(20_000, 80))?);
        figures.delays.0.push(ours.delay(scale.of(1000, 10))?);
        drop(ours);
        let theirs = Pair::node(&signal, &directory.path().join(format!("theirs-{round}")))?;
        theirs.warm_up()?;
        figures.rates.1.push(theirs.rate(scale.of(5000, 80))?);
        figures.delays.1.push(theirs.delay(scale.of(1000, 10))?);
    }
    let memory = memory_of_a_link(&signal, directory.path(), scale.of(50, 2))?;
    progress(&format!("  connected after {:.0?} ms", figures.connected));
    let row = |name, unit, wardroom, reference, target| Row {
        name,
        unit,
        wardroom,
        reference,
        target,
    };
    let (rates, delays) = (&figures.rates, &figures.delays);
    Ok(vec![
        row(
            ROWS[0],
            "messages a second",
            median(&rates.0),
            Some(median(&rates.1)),
            Target::RatioAtLeast(5.0),
        ),
        row(
            ROWS[1],
            "us until received",
            median(&delays.0),
            Some(median(&delays.1)),
            Target::RatioAtMost(1.0),
        ),
        row(ROWS[2], "ms", median(&figures.connected), None, Target::AtMost(500.0)),
        row(ROWS[3], "KiB", memory, None, Target::AtMost(1024.0)),
    ])
}

/// Of wardroom, and of the reference.
#[derive(Default)]
struct Figures {
    rates: (Vec<f64>, Vec<f64>),
    delays: (Vec<f64>, Vec<f64>),
    connected: Vec<f64>,
}

fn reference_directory() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/benches/reference"))
}

fn install_reference() -> anyhow::Result<()> {
    if reference_directory().join("node_modules/node-datachannel").exists() {
        return Ok(());
    }
    let status = Command::new("npm")
        .args(["ci", "--no-audit", "--no-fund", "--silent", "--prefix"])
        .arg(reference_directory())
        .status()
        .context("`npm` is needed for the reference")?;
    ensure!(status.success(), "the packages of the reference could not be installed");
    Ok(())
}

/// Two linked bridges; what one is given comes out at the other.
struct Pair {
    from: Process,
    to: Process,
    /// From the second one's wish to connect until both are linked.
    connected: Duration,
}

impl Pair {
    fn wardroom(signal: &str, directory: &Path) -> anyhow::Result<Self> {
        let room = directory.file_name().context("a name")?.to_string_lossy();
        let start = |name: &str| Process::bridge(signal, &directory.join(name));
        let (from, to) = (start("from")?, start("to")?);
        let connect = json!({ "roomId": room }).to_string();
        Http::open(from.address())?.post("/connect", &connect)?;
        let began = Instant::now();
        Http::open(to.address())?.post("/connect", &connect)?;
        for bridge in [&from, &to] {
            await_link(bridge.address(), "/status")?;
        }
        let connected = began.elapsed();
        Ok(Self { from, to, connected })
    }

    fn node(signal: &str, directory: &Path) -> anyhow::Result<Self> {
        let room = directory.file_name().context("a name")?.to_string_lossy();
        let start = |name: &str| {
            let mut program = Command::new("node");
            program
                .args(["--experimental-websocket", "--no-warnings"])
                .arg(reference_directory().join("bridge.mjs"))
                .args([signal, &*room])
                .arg(directory.join(name));
            Process::listening(program)
        };
        let began = Instant::now();
        let (from, to) = (start("from")?, start("to")?);
        for bridge in [&from, &to] {
            await_link(bridge.address(), "/status")?;
        }
        let connected = began.elapsed();
        Ok(Self { from, to, connected })
    }

    fn warm_up(&self) -> anyhow::Result<()> {
        self.rate(8 * SENDERS).map(drop)
    }

    /// Messages a second from [`SENDERS`] connections that send the next one when the last was taken, until all are received.
    fn rate(&self, messages: usize) -> anyhow::Result<f64> {
        let each = messages / SENDERS;
        let (from, to) = (self.from.address(), self.to.address());
        let began = Instant::now();
        thread::scope(|scope| {
            let senders: Vec<_> = (0..SENDERS).map(|_| scope.spawn(move || send(from, each))).collect();
            let received = receive(to, each * SENDERS);
            for sender in senders {
                sender.join().map_err(|_| anyhow::anyhow!("a sender panicked"))??;
            }
            received
        })?;
        Ok((each * SENDERS) as f64 / began.elapsed().as_secs_f64())
    }

    /// Microseconds from sending until a receiver that waits has it: the median.
    fn delay(&self, messages: usize) -> anyhow::Result<f64> {
        let to = self.to.address();
        let mut sender = Http::open(self.from.address())?;
        let body = message();
        let mut delays = Vec::with_capacity(messages);
        for _ in 0..messages {
            let delay = thread::scope(|scope| {
                let receiver = scope.spawn(move || {
                    receive(to, 1)?;
                    anyhow::Ok(Instant::now())
                });
                let began = Instant::now();
                sender.post("/send", &body)?;
                let ended = receiver.join().map_err(|_| anyhow::anyhow!("a receiver panicked"))??;
                anyhow::Ok(ended - began)
            })?;
            delays.push(delay.as_secs_f64() * 1_000_000.0);
        }
        Ok(median(&delays))
    }
}

fn message() -> String {
    json!({ "type": "chat", "content": "x".repeat(CONTENT_BYTES) }).to_string()
}

fn send(bridge: SocketAddr, messages: usize) -> anyhow::Result<()> {
    let (mut connection, body) = (Http::open(bridge)?, message());
    for _ in 0..messages {
        connection.post("/send", &body)?;
    }
    Ok(())
}

fn receive(bridge: SocketAddr, messages: usize) -> anyhow::Result<()> {
    let mut connection = Http::open(bridge)?;
    let mut received = 0;
    while received < messages {
        let answer = connection.get("/recv?wait=30")?;
        let taken = answer.as_array().context("no array")?.len();
        ensure!(taken > 0, "{received} of {messages} messages came");
        received += taken;
    }
    ensure!(
        received == messages,
        "{received} messages came, and {messages} were sent"
    );
    Ok(())
}

fn await_link(bridge: SocketAddr, status: &str) -> anyhow::Result<()> {
    let began = Instant::now();
    let mut connection = Http::open(bridge)?;
    while connection.get(status)?["connected"] != Value::Bool(true) {
        ensure!(began.elapsed() < PATIENCE, "no link came up");
        thread::yield_now();
    }
    Ok(())
}

/// KiB by which a bridge grows for each link, both ends of which are in one process each.
fn memory_of_a_link(signal: &str, directory: &Path, links: usize) -> anyhow::Result<f64> {
    let start = |name: &str| Process::bridge(signal, &directory.join(name));
    let (one, other) = (start("one")?, start("other")?);
    let link = |number: usize| {
        let room = json!({ "roomId": format!("idle-{number}") }).to_string();
        for bridge in [&one, &other] {
            Http::open(bridge.address())?.post("/connect", &room)?;
        }
        let status = format!("/status?room=idle-{number}");
        for bridge in [&one, &other] {
            await_link(bridge.address(), &status)?;
        }
        anyhow::Ok(())
    };
    // What the first link makes ready serves all.
    link(0)?;
    let before = one.memory()?;
    (1..=links).try_for_each(link)?;
    let grown = one.memory()?.saturating_sub(before);
    Ok(grown as f64 / links as f64 / 1024.0)
}
