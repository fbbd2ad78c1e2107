//! How fast messages are on the disk and answered.

use std::time::Instant;

use super::agents::{self, saying};
use super::commits;
use super::load::{Clients, News};
use super::process::{Directory, Process};
use super::table::{Row, Target, median};
use super::{Scale, progress};

/// The rows of this measurement.
pub const ROWS: &[&str] = &[
    "acknowledgements, 64 senders",
    "acknowledgements, lone sender",
    "acknowledgements, 4 senders with 256 in flight",
];

const CONTENT_BYTES: usize = 200;

struct Case {
    name: &'static str,
    senders: usize,
    in_flight: usize,
    /// Messages of each sender and round.
    messages: usize,
    target: Target,
}

/// Measures.
pub fn measure(scale: Scale) -> anyhow::Result<Vec<Row>> {
    let cases = [
        Case {
            name: ROWS[0],
            senders: 64,
            in_flight: 1,
            messages: scale.of(1000, 10),
            target: Target::RatioAtLeast(0.8),
        },
        Case {
            name: ROWS[1],
            senders: 1,
            in_flight: 1,
            messages: scale.of(3000, 50),
            target: Target::RatioAtMost(1.4),
        },
        Case {
            name: ROWS[2],
            senders: 4,
            in_flight: 256,
            messages: scale.of(25_000, 300),
            target: Target::RatioAtLeast(0.5),
        },
    ];
    cases.iter().map(|case| case.row(scale.rounds())).collect()
}

impl Case {
    fn row(&self, rounds: usize) -> anyhow::Result<Row> {
        let directory = Directory::new()?;
        let server = Process::wardroom(directory.path())?;
        let mut senders = Senders::enter(&server, self.senders)?;
        let is_lone = self.senders * self.in_flight == 1;
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for round in 0..rounds {
            let before = server.cpu()?;
            let reached = senders.send(self.in_flight, self.messages)?;
            let spent = server.cpu()?.micros_since(&before);
            let bare = self.best_reference()?;
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
    fn best_reference(&self) -> anyhow::Result<commits::Reached> {
        let threads = commits::reached(self.senders, self.in_flight, self.messages, CONTENT_BYTES)?;
        if self.senders == 1 {
            return Ok(threads);
        }
        let (in_flight, messages) = (self.senders * self.in_flight, self.senders * self.messages);
        let single = commits::reached(1, in_flight, messages, CONTENT_BYTES)?;
        progress(&format!(
            "  bare group commit: {:.0} a second with a thread for each sender, {:.0} with one for all",
            threads.per_second, single.per_second
        ));
        Ok(if single.per_second > threads.per_second {
            single
        } else {
            threads
        })
    }
}

/// Agents that send, each in a room of its own: nothing but the answers comes back.
struct Senders {
    clients: Clients,
    frames: Vec<Vec<u8>>,
}

impl Senders {
    fn enter(server: &Process, count: usize) -> anyhow::Result<Self> {
        let keys = agents::invite(server, count)?;
        let mut clients = agents::enter(server, &keys)?;
        let rooms = agents::own_rooms(&mut clients, count)?;
        let content = "x".repeat(CONTENT_BYTES);
        let frames = rooms.iter().map(|room| saying(room, &content)).collect();
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
