//! What was sent, acknowledged, refused and shown, to be compared with what the server has stored.

use std::collections::{HashMap, HashSet};
use std::sync::Mutex;

use serde_json::Value;

/// Where a message goes.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) enum Stream {
    /// To a room, by its id.
    Room(String),
    /// To an agent, by its id.
    Direct(String),
}

/// What a receipt or an event says of a message.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Facts {
    id: String,
    timestamp: i64,
    seq: Option<u64>,
}

impl Facts {
    fn of(value: &Value) -> Self {
        Self {
            id: value["messageId"].as_str().expect("an id").to_owned(),
            timestamp: value["timestamp"].as_i64().expect("a time"),
            seq: value["seq"].as_u64(),
        }
    }
}

struct Entry {
    sender: String,
    /// The connection: order is promised on each.
    connection: u64,
    /// The how-manieth message of this connection it is.
    number: u64,
    stream: Stream,
    refused: bool,
    /// Whether the sender knows that it is stored.
    acknowledged: bool,
    facts: Option<Facts>,
}

/// What every test of durability compares with. Contents are unique and identify the messages.
#[derive(Default)]
pub(super) struct Ledger(Mutex<HashMap<String, Entry>>);

impl Ledger {
    /// A message is about to be sent by the agent `sender`, as the next one of a connection.
    pub(super) fn sent(&self, content: &str, sender: &str, connection: u64, number: u64, stream: Stream) {
        let entry = Entry {
            sender: sender.to_owned(),
            connection,
            number,
            stream,
            refused: false,
            acknowledged: false,
            facts: None,
        };
        let former = self.0.lock().expect("not poisoned").insert(content.to_owned(), entry);
        assert!(former.is_none(), "contents must be unique");
    }

    /// The server has acknowledged it.
    pub(super) fn acknowledged(&self, content: &str, receipt: &Value) {
        self.learn(content, Facts::of(receipt), true);
    }

    /// The server has shown it to somebody: the params of `message` or `dm`.
    pub(super) fn shown(&self, params: &Value) {
        let message = params.get("message").unwrap_or(params);
        let content = message["content"].as_str().expect("a content");
        self.learn(content, Facts::of(message), false);
    }

    /// The server has said that it was not saved.
    pub(super) fn refused(&self, content: &str) {
        let mut entries = self.0.lock().expect("not poisoned");
        let entry = entries.get_mut(content).expect("it was sent");
        assert!(entry.facts.is_none(), "shown or acknowledged, and refused: {content}");
        entry.refused = true;
    }

    fn learn(&self, content: &str, mut facts: Facts, acknowledged: bool) {
        let mut entries = self.0.lock().expect("not poisoned");
        let entry = entries
            .get_mut(content)
            .unwrap_or_else(|| panic!("shown, but never sent: {content}"));
        assert!(!entry.refused, "refused, and shown or acknowledged: {content}");
        entry.acknowledged |= acknowledged;
        if let Stream::Direct(_) = entry.stream {
            // Each party has a mailbox of its own, with positions of its own.
            facts.seq = None;
        }
        match &entry.facts {
            None => entry.facts = Some(facts),
            Some(known) => assert_eq!(*known, facts, "receipt and events differ: {content}"),
        }
    }

    /// Compares with all of a room's history.
    pub(super) fn check_room(&self, room: &str, history: &[Value]) {
        for (message, seq) in history.iter().zip(1_u64..) {
            assert_eq!(message["seq"], seq, "positions have no gap: {message}");
        }
        let stream = Stream::Room(room.to_owned());
        self.check(history, |entry| entry.stream == stream);
    }

    /// Compares with all direct messages in the lobby's history as the agent `reader` sees it.
    pub(super) fn check_direct(&self, reader: &str, history: &[Value]) {
        let direct: Vec<Value> = history
            .iter()
            .filter(|message| message.get("toAgentId").is_some())
            .cloned()
            .collect();
        for message in &direct {
            assert!(
                message["senderId"] == reader || message["toAgentId"] == reader,
                "somebody else's: {message}"
            );
        }
        let concerns = |entry: &Entry| match &entry.stream {
            Stream::Direct(to) => to == reader || entry.sender == reader,
            Stream::Room(_) => false,
        };
        self.check(&direct, concerns);
    }

    /// What `sender` sent and was never told the fate of, in the order of sending.
    pub(super) fn unanswered(&self, sender: &str) -> Vec<(String, Stream)> {
        let entries = self.0.lock().expect("not poisoned");
        let mut found: Vec<_> = entries
            .iter()
            .filter(|(_, entry)| entry.sender == sender && !entry.acknowledged && !entry.refused)
            .collect();
        found.sort_by_key(|(_, entry)| (entry.connection, entry.number));
        let told = |(content, entry): (&String, &Entry)| (content.clone(), entry.stream.clone());
        found.into_iter().map(told).collect()
    }

    /// The message is about to be sent again, as the next one of a connection. Where it was stored the first time it
    /// stays.
    pub(super) fn again(&self, content: &str, connection: u64, number: u64) {
        let mut entries = self.0.lock().expect("not poisoned");
        let entry = entries.get_mut(content).expect("it was sent");
        if entry.facts.is_none() {
            (entry.connection, entry.number) = (connection, number);
        }
    }

    fn check(&self, history: &[Value], belongs: impl Fn(&Entry) -> bool) {
        let mut entries = self.0.lock().expect("not poisoned");
        check_times(history);
        let mut stored = HashSet::new();
        let mut last: HashMap<(u64, Stream), u64> = HashMap::new();
        for message in history {
            let content = message["content"].as_str().expect("a content");
            let entry = entries
                .get_mut(content)
                .unwrap_or_else(|| panic!("stored, but never sent: {message}"));
            assert!(belongs(entry), "stored where it was not sent to: {message}");
            assert!(!entry.refused, "stored, although it was refused: {message}");
            assert_eq!(message["senderId"], entry.sender.as_str(), "{message}");
            // What was found once stays as it is.
            let facts = entry.facts.get_or_insert_with(|| Facts::of(message));
            assert_eq!(*facts, Facts::of(message), "altered: {message}");
            assert!(stored.insert(content), "stored twice: {message}");
            let former = last.insert((entry.connection, entry.stream.clone()), entry.number);
            assert!(former.unwrap_or(0) < entry.number, "out of order: {message}");
        }
        for (content, entry) in entries.iter().filter(|(_, entry)| belongs(entry)) {
            if stored.contains(content.as_str()) || entry.refused {
                continue;
            }
            assert!(entry.facts.is_none(), "acknowledged or shown, and lost: {content}");
            // On one connection, whatever was sent before a stored message was decided before it.
            let reached = last
                .get(&(entry.connection, entry.stream.clone()))
                .copied()
                .unwrap_or(0);
            assert!(reached < entry.number, "left out in between: {content}");
        }
    }
}

/// Timestamps strictly increase.
pub(super) fn check_times(history: &[Value]) {
    let times: Vec<i64> = history
        .iter()
        .map(|message| message["timestamp"].as_i64().expect("a time"))
        .collect();
    assert!(
        times.is_sorted_by(|one, next| one < next),
        "times do not increase: {times:?}"
    );
}
