//! How fast messages are on the disk and answered.

use std::path::PathBuf;
use std::time::Instant;

use super::agents::{self, saying};
use super::arguments::CommitOptions;
use super::commits;
use super::load::{Clients, News};
use super::process::{Directory, Process};
use super::table::{Row, Target, median};
use super::{Scale, progress};

/// The rows of this measurement.
pub const ROWS: &[&str] = &[
    "acknowledgements, 64 senders in one room",
    "acknowledgements, 64 senders in a room each",
    "acknowledgements, lone sender",
    "acknowledgements, 4 senders with 256 in flight",
];

const CONTENT_BYTES: usize = 200;

/// Messages stored before anything is measured, on both sides: until then the files of a database still grow.
const WARM: usize = 25_600;

struct Case {
    name: &'static str,
    senders: usize,
    /// Rooms that they send to. One room of many senders is filled by sessions of one agent, which are not told what
    /// the others say: nothing but the answers is to come back.
    rooms: usize,
    in_flight: usize,
    /// Messages of each sender and round.
    messages: usize,
    target: Target,
}

/// Measures.
pub fn measure(scale: Scale) -> anyhow::Result<Vec<Row>> {
    let many = scale.of(300, 10);
    let case = |name, (senders, rooms), in_flight, messages, target| Case {
        name,
        senders,
        rooms,
        in_flight,
        messages,
        target,
    };
    let cases = [
        case(ROWS[0], (64, 1), 1, many, Target::RatioAtLeast(0.8)),
        case(ROWS[1], (64, 64), 1, many, Target::RatioAtLeast(0.8)),
        case(ROWS[2], (1, 1), 1, scale.of(1000, 50), Target::RatioAtMost(1.4)),
        case(ROWS[3], (4, 4), 256, scale.of(10_000, 300), Target::RatioAtLeast(0.5)),
    ];
    cases.iter().map(|case| case.row(scale)).collect()
}

impl Case {
    fn row(&self, scale: Scale) -> anyhow::Result<Row> {
        let directory = Directory::new()?;
        let server = Process::wardroom(directory.path())?;
        let mut senders = Senders::enter(&server, self.senders, self.rooms)?;
        let before = scale.of(WARM, WARM / 100);
        senders.send(self.in_flight, before / self.senders)?;
        let is_lone = self.senders * self.in_flight == 1;
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for round in 0..scale.rounds() {
            let started = server.cpu()?;
            let reached = senders.send(self.in_flight, self.messages)?;
            let spent = server.cpu()?.micros_since(&started);
            let bare = self.best_reference(before)?;
            let count = self.senders * self.messages;
            progress(&format!(
                "  {}, round {}: {:.0} a second against {:.0}; {:.1} us of server CPU for each",
                self.name,
                round + 1,
                reached.per_second,
                bare.per_second,
                spent / count as f64
            ));
            if is_lone {
                ours.push(reached.latency_micros);
                theirs.push(bare.latency_micros);
            } else {
                ours.push(reached.per_second);
                theirs.push(bare.per_second);
            }
        }
        Ok(Row {
            name: self.name,
            unit: if is_lone {
                "us until answered"
            } else {
                "messages a second"
            },
            wardroom: median(&ours),
            reference: Some(median(&theirs)),
            target: self.target,
        })
    }

    /// The better of two forms: a thread for each sender, which has to be woken, or one for all.
    fn best_reference(&self, before: usize) -> anyhow::Result<commits::Reached> {
        let threads = CommitOptions {
            database: PathBuf::new(),
            requesters: self.senders,
            in_flight: self.in_flight,
            requests: self.messages,
            bytes: CONTENT_BYTES,
            rooms: self.rooms,
            before,
        };
        let separate = commits::reached(&threads)?;
        if self.senders == 1 {
            return Ok(separate);
        }
        let single = commits::reached(&CommitOptions {
            requesters: 1,
            in_flight: self.senders * self.in_flight,
            requests: self.senders * self.messages,
            ..threads
        })?;
        Ok(if single.per_second > separate.per_second {
            single
        } else {
            separate
        })
    }
}

/// Sessions that send.
struct Senders {
    clients: Clients,
    frames: Vec<Vec<u8>>,
}

impl Senders {
    fn enter(server: &Process, count: usize, rooms: usize) -> anyhow::Result<Self> {
        let keys = agents::invite(server, rooms)?;
        let keys: Vec<String> = keys.into_iter().cycle().take(count).collect();
        let mut clients = agents::enter(server, &keys)?;
        let rooms = agents::own_rooms(&mut clients, rooms)?;
        let content = "x".repeat(CONTENT_BYTES);
        let frames = rooms.iter().cycle().take(count);
        let frames = frames.map(|room| saying(room, &content)).collect();
        Ok(Self { clients, frames })
    }

    /// Each sends `messages`, `in_flight` of them at a time.
    fn send(&mut self, in_flight: usize, messages: usize) -> anyhow::Result<commits::Reached> {
        let bursts: Vec<Vec<u8>> = self.frames.iter().map(|frame| frame.repeat(in_flight)).collect();
        let mut left = vec![messages; bursts.len()];
        let mut due = vec![in_flight; bursts.len()];
        let mut latencies = Vec::new();
        let (mut answered, total) = (0, messages * bursts.len());
        let began = Instant::now();
        let mut asked = began;
        while answered < total {
            for (client, due) in due.iter_mut().enumerate() {
                let count = std::mem::take(due).min(left[client]);
                if count > 0 {
                    asked = Instant::now();
                    left[client] -= count;
                    let bytes = count * self.frames[client].len();
                    self.clients.send(client, &bursts[client][..bytes])?;
                }
            }
            self.clients.turn(|client, news| {
                let News::Text(text) = news else { return Ok(()) };
                if agents::is_done(text)? {
                    due[client] += 1;
                    answered += 1;
                    latencies.push(asked.elapsed().as_nanos() as f64 / 1000.0);
                }
                Ok(())
            })?;
        }
        Ok(commits::Reached {
            per_second: total as f64 / began.elapsed().as_secs_f64(),
            latency_micros: median(&latencies),
        })
    }
}
