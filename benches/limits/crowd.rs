//! A room in which everybody speaks at once: is it one conversation for all, and what does it cost?

use anyhow::{Context as _, ensure};

use super::agents::{self, saying};
use super::commits::path;
use super::load::{Clients, News};
use super::process::{Directory, Process};
use super::table::{Row, Target, least};
use super::wire::{self, Kind};
use super::{Scale, progress};

/// The rows of this measurement.
pub const ROWS: &[&str] = &["50 members: lost, repeated, reordered", "50 members: CPU"];

const MEMBERS: usize = 50;
const CONTENT_BYTES: usize = 200;

/// Measures.
pub fn measure(scale: Scale) -> anyhow::Result<Vec<Row>> {
    let messages = scale.of(400, 4);
    let mut wardroom = Crowd::wardroom()?;
    let mut reference = Crowd::reference(wardroom.event_bytes()?)?;
    let (mut ours, mut theirs, mut faults) = (Vec::new(), Vec::new(), 0);
    for _ in 0..scale.rounds() {
        let (cost, wrong) = wardroom.talk(messages)?;
        ours.push(cost);
        faults += wrong;
        let (cost, wrong) = reference.talk(messages)?;
        ensure!(wrong == 0, "the reference itself lost the order {wrong} times");
        theirs.push(cost);
    }
    progress(&format!(
        "  checked: {} deliveries",
        scale.rounds() * messages * MEMBERS * (MEMBERS - 1)
    ));
    Ok(vec![
        Row {
            name: ROWS[0],
            unit: "deliveries",
            wardroom: faults as f64,
            reference: None,
            target: Target::AtMost(0.0),
        },
        Row {
            name: ROWS[1],
            unit: "us CPU per delivery",
            wardroom: least(&ours),
            reference: Some(least(&theirs)),
            target: Target::RatioAtMost(1.5),
        },
    ])
}

/// Members of one room, all of whom speak.
struct Crowd {
    server: Process,
    clients: Clients,
    room: String,
    /// The position of the last message so far.
    last: u64,
    _directory: Directory,
}

impl Crowd {
    fn wardroom() -> anyhow::Result<Self> {
        let directory = Directory::new()?;
        let server = Process::wardroom(directory.path())?;
        let keys = agents::invite(&server, MEMBERS)?;
        let mut clients = agents::enter(&server, &keys)?;
        let room = agents::common_room(&mut clients)?;
        Ok(Self {
            server,
            clients,
            room,
            last: 0,
            _directory: directory,
        })
    }

    fn reference(bytes: usize) -> anyhow::Result<Self> {
        let directory = Directory::new()?;
        let database = directory.install()?;
        let bytes = bytes.to_string();
        let server = Process::reference(&["broadcast", "--bytes", &bytes, "--database", path(&database)?])?;
        let clients = Clients::open(server.address(), MEMBERS)?;
        Ok(Self {
            server,
            clients,
            room: "00000000-0000-4000-8000-000000000000".to_owned(),
            last: 0,
            _directory: directory,
        })
    }

    /// The bytes of one event.
    fn event_bytes(&mut self) -> anyhow::Result<usize> {
        self.clients.send(0, &saying(&self.room, &content(0, 0)))?;
        let (mut bytes, mut waiting) = (0, MEMBERS);
        while waiting > 0 {
            self.clients.turn(|_, news| {
                if let News::Text(text) = news {
                    waiting -= 1;
                    bytes = bytes.max(text.len());
                }
                Ok(())
            })?;
        }
        self.last = 1;
        Ok(bytes)
    }

    /// Each member sends `messages`, the next one as soon as the last one is answered: CPU time of the server for each
    /// delivery in microseconds, and how many deliveries were wrong.
    fn talk(&mut self, messages: usize) -> anyhow::Result<(f64, usize)> {
        let total = messages * MEMBERS;
        let mut ledger = Ledger::new(self.last, total);
        let mut sent = [0_usize; MEMBERS];
        let mut due: Vec<usize> = (0..MEMBERS).collect();
        let mut heard = 0;
        let before = self.server.cpu()?;
        while heard < total * MEMBERS {
            for member in due.drain(..) {
                if sent[member] < messages {
                    let frame = saying(&self.room, &content(member, sent[member]));
                    self.clients.send(member, &frame)?;
                    sent[member] += 1;
                }
            }
            self.clients.turn(|member, news| {
                let News::Text(text) = news else { return Ok(()) };
                let seq = wire::seq(text);
                if wire::kind(text)? == Kind::Event {
                    let content = wire::behind(text, br#""content":""#).context("no content")?;
                    ledger.event(member, seq.context("no position")?, wire::number(content));
                } else {
                    ensure!(agents::is_done(text)?, "neither an answer nor an event");
                    let own = identity(member, sent[member] - 1);
                    ledger.note(member, seq.context("no position")?, own);
                    due.push(member);
                }
                heard += 1;
                Ok(())
            })?;
        }
        let used = self.server.cpu()?.micros_since(&before);
        self.last += total as u64;
        Ok((used / (total * (MEMBERS - 1)) as f64, ledger.faults()))
    }
}

/// A number for each message, which its text begins with.
fn identity(member: usize, message: usize) -> u64 {
    1_000_000_000 + (member * 1_000_000 + message) as u64
}

fn content(member: usize, message: usize) -> String {
    format!("{:x<CONTENT_BYTES$}", identity(member, message))
}

/// What everybody heard.
struct Ledger {
    /// The position before the first.
    base: u64,
    /// The message at each position, as whoever heard it first heard it.
    messages: Vec<Option<u64>>,
    /// What each member knows of, by position.
    known: Vec<Vec<bool>>,
    /// The position of the last event of each member.
    last: Vec<u64>,
    wrong: usize,
}

impl Ledger {
    fn new(base: u64, total: usize) -> Self {
        Self {
            base,
            messages: vec![None; total],
            known: vec![vec![false; total]; MEMBERS],
            last: vec![0; MEMBERS],
            wrong: 0,
        }
    }

    /// A member heard of somebody else's message: later than all others that it heard of.
    fn event(&mut self, member: usize, seq: u64, message: u64) {
        self.wrong += usize::from(seq <= self.last[member]);
        self.last[member] = seq;
        self.note(member, seq, message);
    }

    /// A member knows what stands at a position.
    fn note(&mut self, member: usize, seq: u64, message: u64) {
        let place = seq
            .checked_sub(self.base + 1)
            .and_then(|place| usize::try_from(place).ok());
        let Some((place, slot)) = place.and_then(|place| Some((place, self.messages.get_mut(place)?))) else {
            self.wrong += 1;
            return;
        };
        let agreed = *slot.get_or_insert(message) == message;
        let is_new = !std::mem::replace(&mut self.known[member][place], true);
        self.wrong += usize::from(!agreed || !is_new);
    }

    /// How many deliveries were repeated, out of order, somebody else's or missing.
    fn faults(&self) -> usize {
        let missing = self.known.iter().flatten().filter(|known| !**known).count();
        self.wrong + missing
    }
}
