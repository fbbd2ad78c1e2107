//! Reference: a thread that commits whatever waits, and answers through channels in the same process.

use std::io::Write as _;
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Instant;

use anyhow::Context as _;
use serde_json::{Value, json};

use super::arguments::CommitOptions;
use super::log::Log;
use super::process::{Directory, ask_reference};
use super::table::median;

/// Most messages in one commit, as in the product.
const GROUP: usize = 1024;

/// Messages in one commit before anything is measured.
const WARM_GROUP: usize = 64;

/// What a requester sends: who it is, and what it says.
type Request = (usize, String);

/// Runs the loop in a process of its own and prints what it reached.
pub fn run(options: &CommitOptions) -> anyhow::Result<()> {
    let mut log = Log::open(&options.database, options.rooms)?;
    warm_up(&mut log, options)?;
    // Full means that requesters wait for a place.
    let (requests, inbox) = sync_channel::<Request>(4 * GROUP);
    let (mut answers, mut requesters) = (Vec::new(), Vec::new());
    let began = Instant::now();
    for number in 0..options.requesters {
        // Never full: as many answers as there are requests in flight.
        let (sender, receiver) = sync_channel(options.in_flight);
        answers.push(sender);
        let requests = requests.clone();
        let (in_flight, count) = (options.in_flight, options.requests);
        let content = "x".repeat(options.bytes);
        requesters.push(std::thread::spawn(move || {
            ask(number, &content, (in_flight, count), &requests, &receiver)
        }));
    }
    drop(requests);
    commit_all(&mut log, options.rooms, &inbox, &answers)?;
    let took = began.elapsed();
    let mut latencies = Vec::new();
    for requester in requesters {
        latencies.extend(requester.join().ok().context("a requester failed")?);
    }
    let found = json!({
        "perSecond": (options.requesters * options.requests) as f64 / took.as_secs_f64(),
        "latencyMicros": median(&latencies),
    });
    writeln!(std::io::stdout().lock(), "{found}")?;
    Ok(())
}

/// Stores messages until the files have the size that they keep.
fn warm_up(log: &mut Log, options: &CommitOptions) -> anyhow::Result<()> {
    let content = "x".repeat(options.bytes);
    for group in 0..options.before.div_ceil(WARM_GROUP) {
        log.begin()?;
        for number in 0..WARM_GROUP {
            log.append((group * WARM_GROUP + number) % options.rooms, &content)?;
        }
        log.commit()?;
    }
    Ok(())
}

fn commit_all(
    log: &mut Log,
    rooms: usize,
    inbox: &Receiver<Request>,
    answers: &[SyncSender<i64>],
) -> anyhow::Result<()> {
    let mut done = Vec::with_capacity(GROUP);
    let mut room = 0;
    while let Ok(first) = inbox.recv() {
        log.begin()?;
        let mut next = Some(first);
        while let Some((requester, content)) = next {
            // Whoever speaks, the rooms take turns: senders that wait for each other do that too.
            room = (room + 1) % rooms;
            done.push((requester, log.append(room, &content)?));
            next = (done.len() < GROUP).then(|| inbox.try_recv().ok()).flatten();
        }
        log.commit()?;
        for (requester, seq) in done.drain(..) {
            answers[requester].send(seq).context("a requester is gone")?;
        }
    }
    Ok(())
}

/// Sends `count` requests, `in_flight` at a time: how long each waited, in microseconds, where one waits for the other.
fn ask(
    number: usize,
    content: &str,
    (in_flight, count): (usize, usize),
    requests: &SyncSender<Request>,
    answers: &Receiver<i64>,
) -> Vec<f64> {
    let mut latencies = Vec::new();
    let mut sent = 0;
    let mut began = Instant::now();
    for answered in 0..count {
        while sent < count && sent - answered < in_flight {
            began = Instant::now();
            if requests.send((number, content.to_owned())).is_err() {
                return latencies;
            }
            sent += 1;
        }
        if answers.recv().is_err() {
            return latencies;
        }
        if in_flight == 1 {
            latencies.push(began.elapsed().as_nanos() as f64 / 1000.0);
        }
    }
    latencies
}

/// What the loop reached.
pub struct Reached {
    /// Messages a second.
    pub per_second: f64,
    /// The median of how long a message waited, in microseconds.
    pub latency_micros: f64,
}

/// Runs the loop on a fresh database.
pub fn reached(options: &CommitOptions) -> anyhow::Result<Reached> {
    let directory = Directory::new()?;
    let database = directory.install()?;
    let mut arguments = vec![
        "commits".to_owned(),
        "--database".to_owned(),
        path(&database)?.to_owned(),
    ];
    for (name, value) in [
        ("--requesters", options.requesters),
        ("--in-flight", options.in_flight),
        ("--requests", options.requests),
        ("--bytes", options.bytes),
        ("--rooms", options.rooms),
        ("--before", options.before),
    ] {
        arguments.extend([name.to_owned(), value.to_string()]);
    }
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let found = ask_reference(&arguments)?;
    let figure = |name: &str| found.get(name).and_then(Value::as_f64);
    Ok(Reached {
        per_second: figure("perSecond").context("no rate")?,
        latency_micros: figure("latencyMicros").unwrap_or(f64::NAN),
    })
}

/// A path as an argument.
pub fn path(path: &Path) -> anyhow::Result<&str> {
    path.to_str().context("the path of the build directory is not UTF-8")
}
