//! Does a room that has grown large still answer, and the server still start, as fast as a small one?

use std::time::Instant;

use anyhow::Context as _;
use rand::RngExt as _;
use serde_json::{Value, json};

use super::agents::{self, saying};
use super::load::{Clients, News};
use super::process::{Directory, Process};
use super::table::{Row, Target, median};
use super::{Scale, progress, wire};

/// The rows of this measurement.
pub const ROWS: &[&str] = &[
    "history of a large room, newest page",
    "history of a large room, any page",
    "start with a large room",
    "search in a large room",
];

const CONTENT_BYTES: usize = 100;

/// Messages of one page.
const PAGE: usize = 50;

/// Sessions that fill a room, and how much each has in flight. They are one agent's, which is not told what it says.
const FILLERS: usize = 8;
const IN_FLIGHT: usize = 256;

/// Measures.
pub fn measure(scale: Scale) -> anyhow::Result<Vec<Row>> {
    let sizes = [scale.of(1_000_000, 2000), scale.of(10_000, 200)];
    let (directory, empty) = (Directory::new()?, Directory::new()?);
    let server = Process::wardroom(directory.path())?;
    Process::wardroom(empty.path())?.stop()?;
    let key = agents::invite(&server, 1)?.remove(0);
    let mut clients = agents::enter(&server, &vec![key; FILLERS])?;
    let rooms = sizes
        .iter()
        .map(|size| Room::fill(&mut clients, *size))
        .collect::<anyhow::Result<Vec<Room>>>()?;

    let pages = scale.of(400, 5);
    let mut newest = [Vec::new(), Vec::new()];
    let mut any = [Vec::new(), Vec::new()];
    let mut found = [Vec::new(), Vec::new()];
    for room in &rooms {
        room.wait_for_index(&mut clients)?;
    }
    // Pages of both rooms take turns, so that whatever else goes on meets both.
    for _ in 0..pages {
        for (room, (newest, any)) in rooms.iter().zip(newest.iter_mut().zip(any.iter_mut())) {
            newest.push(room.page(&mut clients, None)?);
            let before = rand::rng().random_range(room.first..=room.last);
            any.push(room.page(&mut clients, Some(before))?);
        }
        for (room, found) in rooms.iter().zip(&mut found) {
            found.push(room.search(&mut clients)?.0);
        }
    }
    drop(clients);
    server.stop()?;

    let mut starts = [Vec::new(), Vec::new()];
    for _ in 0..scale.of(9, 1) {
        for (place, starts) in [&directory, &empty].into_iter().zip(&mut starts) {
            let server = Process::wardroom(place.path())?;
            starts.push(server.took.as_secs_f64() * 1000.0);
            server.stop()?;
        }
    }
    let row = |name, unit, figures: &[Vec<f64>; 2], most| Row {
        name,
        unit,
        wardroom: median(&figures[0]),
        reference: Some(median(&figures[1])),
        target: Target::RatioAtMost(most),
    };
    Ok(vec![
        row(ROWS[0], "us until answered", &newest, 1.5),
        row(ROWS[1], "us until answered", &any, 1.5),
        row(ROWS[2], "ms until it listens", &starts, 3.0),
        row(ROWS[3], "us until answered", &found, 1.5),
    ])
}

/// A room with messages.
struct Room {
    id: String,
    /// The times of its first and last message.
    first: i64,
    last: i64,
}

impl Room {
    /// Makes a room and fills it by the public door.
    fn fill(clients: &mut Clients, size: usize) -> anyhow::Result<Self> {
        let id = agents::own_rooms(clients, 1)?.remove(0);
        let began = Instant::now();
        let frame = saying(&id, &"word ".repeat(CONTENT_BYTES / 5));
        let burst = frame.repeat(IN_FLIGHT);
        let (mut sent, mut answered) = (0, 0);
        let (mut first, mut last) = (i64::MAX, 0);
        let mut due = vec![IN_FLIGHT; clients.len()];
        while answered < size {
            for (client, due) in due.iter_mut().enumerate() {
                let count = std::mem::take(due).min(size - sent);
                if count > 0 {
                    clients.send(client, &burst[..count * frame.len()])?;
                    sent += count;
                }
            }
            clients.turn(|client, news| {
                let News::Text(text) = news else { return Ok(()) };
                if agents::is_done(text)? {
                    let timestamp = wire::behind(text, br#""timestamp":"#).context("no time")?;
                    let timestamp = wire::number(timestamp).cast_signed();
                    (first, last) = (first.min(timestamp), last.max(timestamp));
                    due[client] += 1;
                    answered += 1;
                }
                Ok(())
            })?;
        }
        progress(&format!(
            "  a room of {size} messages was filled in {:.1} s",
            began.elapsed().as_secs_f64()
        ));
        Ok(Self { id, first, last })
    }

    /// Reads a page: how long it took, in microseconds.
    fn page(&self, clients: &mut Clients, before: Option<i64>) -> anyhow::Result<f64> {
        let mut params = json!({ "roomId": self.id, "limit": PAGE });
        if let Some(before) = before {
            // The first page would be shorter than the others.
            let before = before.max(self.first + i64::try_from(PAGE)?);
            params["before"] = Value::from(before);
        }
        Ok(ask(clients, "room.history", &params)?.0)
    }

    /// Looks for a word that is in every message: how long it took, in microseconds, and whether all could be looked at.
    fn search(&self, clients: &mut Clients) -> anyhow::Result<(f64, bool)> {
        let params = json!({ "roomId": self.id, "query": "word", "limit": PAGE });
        let (took, text) = ask(clients, "message.search", &params)?;
        let is_incomplete = wire::behind(&text, br#""incomplete":"#).is_some();
        Ok((took, !is_incomplete))
    }

    /// Waits until everything that was said can be found.
    fn wait_for_index(&self, clients: &mut Clients) -> anyhow::Result<()> {
        let began = Instant::now();
        // Each search waits for the index, up to two seconds.
        while !self.search(clients)?.1 {}
        progress(&format!(
            "  everything was in the index {:.1} s later",
            began.elapsed().as_secs_f64()
        ));
        Ok(())
    }
}

/// Asks and waits for the answer: how long it took, in microseconds, and what it was.
fn ask(clients: &mut Clients, method: &str, params: &Value) -> anyhow::Result<(f64, Vec<u8>)> {
    let frame = wire::masked(&wire::request(1, method, params));
    let began = Instant::now();
    clients.send(0, &frame)?;
    let mut answer = None;
    while answer.is_none() {
        clients.turn(|_, news| {
            if let News::Text(text) = news
                && agents::is_done(text)?
            {
                answer = Some(text.to_vec());
            }
            Ok(())
        })?;
    }
    let took = began.elapsed().as_nanos() as f64 / 1000.0;
    Ok((took, answer.unwrap_or_default()))
}
