//! Many clients that lose their connections, on a server that is restarted and killed, while others talk. Half of them speak
//! the protocol themselves, the other half are clients of this crate.

mod library;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use serde_json::{Value, json};
use tokio::sync::{RwLock, Semaphore, mpsc};
use tokio::task::JoinSet;
use wardroom::client::{Connection, Endpoint, Methods as _};

use super::at;
use super::client::Passage;
use crate::durability::{Dice, size};
use crate::support::{Agent, TestServer, soon};

const CLIENTS: u64 = 20;
const SENDERS: u64 = 10;

/// What senders and listeners share.
struct Storm {
    /// Where the server is. Nobody can look while it is down.
    url: RwLock<String>,
    room: String,
    epoch: Value,
    /// The agents that are written to.
    readers: Vec<String>,
    /// What may be sent: one message for each that all listeners have heard, so that nobody gets far behind or ahead.
    pace: Semaphore,
    stop: AtomicBool,
    /// The last position, once nothing more is sent; 0 until then.
    last: AtomicU64,
}

impl Storm {
    async fn enter(&self, params: Value) -> Option<Agent> {
        let url = self.url.read().await.clone();
        let endpoint = Endpoint::parse(&url).expect("an address");
        let connection = Connection::open(&endpoint).await.ok()?;
        Agent::over(connection, params).await.ok()
    }

    /// Sends until told to stop, under keys, so that what is in doubt is sent once: how many it sent.
    async fn send(self: Arc<Self>, key: String, number: u64) -> u64 {
        let mut sent = 0;
        while !self.stop.load(Ordering::Relaxed) {
            let Some(agent) = self.enter(json!({ "apiKey": key })).await else {
                continue;
            };
            while !self.stop.load(Ordering::Relaxed) {
                self.pace.acquire().await.expect("it stays open").forget();
                let mark = format!("{number}:{sent}");
                let params = json!({ "roomId": self.room, "content": mark, "idempotencyKey": mark });
                if agent.connection.call("message.send", params).await.is_err() {
                    // It will be sent again.
                    self.pace.add_permits(1);
                    break;
                }
                sent += 1;
            }
        }
        sent
    }

    /// Follows until it has everything, losing its connection again and again: the contents, in order of positions.
    async fn listen(self: Arc<Self>, key: String, number: u64, rounds: mpsc::Sender<()>) -> Vec<String> {
        let (mut dice, mut epoch, mut contents) = (Dice(number), json!(""), Vec::new());
        loop {
            let resume = json!({ &self.room: at(&epoch, contents.len() as u64) });
            let Some(agent) = self.enter(json!({ "apiKey": key, "resume": resume })).await else {
                continue;
            };
            if epoch == "" {
                epoch = agent.welcome["epoch"].clone();
                continue;
            }
            let resumed = &agent.welcome["resumed"][&self.room];
            assert_eq!(resumed["epoch"], epoch);
            assert_eq!(resumed.get("reset"), None, "{resumed}");
            if self.hear(&agent, dice.below(100), number, &mut contents).await {
                return contents;
            }
            // Whoever counts has gone when the storm is over.
            let _ = rounds.send(()).await;
        }
    }

    /// Hears some messages, or all that come once the storm is over. True when that is all there are.
    async fn hear(&self, agent: &Agent, most: u64, number: u64, contents: &mut Vec<String>) -> bool {
        let mut heard = 0;
        loop {
            let last = self.last.load(Ordering::Relaxed);
            if last > 0 && contents.len() as u64 == last {
                return true;
            }
            if last == 0 && heard > most {
                return false;
            }
            let Some(event) = soon("an event", agent.connection.next_event()).await else {
                return false;
            };
            if event.method != "message" {
                continue;
            }
            let message = &event.params["message"];
            let next = contents.len() as u64 + 1;
            if message["content"] == AFTERWARDS {
                continue;
            }
            assert_eq!(message["seq"].as_u64(), Some(next), "a gap or a repeat");
            if next % CLIENTS == number % CLIENTS {
                self.pace.add_permits(1);
            }
            contents.push(message["content"].as_str().expect("text").to_owned());
            heard += 1;
        }
    }
}

/// Whether an agent is a client of this crate.
fn is_by_library(number: u64) -> bool {
    number % 2 == 1
}

/// Said when the storm is over, so that nobody waits for something to happen.
const AFTERWARDS: &str = "it is over";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_client_hears_every_message_once_and_in_order_through_disconnects_restarts_and_kills() {
    let cycles = size("WARDROOM_TEST_STORM_CYCLES", 30);
    let config = json!({ "limits": { "messagesPerSecond": 0, "changesPerSecond": 0, "bytesPerSecond": 0, "joinsPerSecond": 0, "loopMessages": 0, "authFailuresPerSecond": 1000 } });
    let mut server = TestServer::builder().config(config).start();
    let controller = server.controller().await;
    let room = controller.create_room("Storm", "public").await;
    let (mut keys, mut readers) = (Vec::new(), Vec::new());
    for number in 0..CLIENTS + SENDERS {
        let agent = server.participant(&controller, &format!("agent {number}")).await;
        agent.call("room.join", json!({ "roomId": room })).await;
        keys.push(agent.key.clone());
        if number >= SENDERS && is_by_library(number) {
            readers.push(agent.id().to_owned());
        }
    }
    let epoch = controller.welcome["epoch"].clone();
    let controller_key = controller.key.clone();
    drop(controller);
    let storm = Arc::new(Storm {
        url: RwLock::new(server.url().to_owned()),
        room,
        epoch,
        readers: readers.clone(),
        pace: Semaphore::new(200),
        stop: AtomicBool::new(false),
        last: AtomicU64::new(0),
    });
    // A listener waits until it is counted.
    let (round, mut rounds) = mpsc::channel(1);
    let (mut senders, mut listeners, mut passages) = (JoinSet::new(), JoinSet::new(), Vec::new());
    for (number, key) in (0_u64..).zip(keys) {
        let storm = Arc::clone(&storm);
        if !is_by_library(number) {
            if number < SENDERS {
                senders.spawn(storm.send(key, number));
            } else {
                listeners.spawn(storm.listen(key, number, round.clone()));
            }
            continue;
        }
        let passage = Arc::new(Passage::to(&server).await);
        passages.push(Arc::clone(&passage));
        if number < SENDERS {
            senders.spawn(storm.send_by_library(passage, key, number));
        } else {
            listeners.spawn(storm.listen_by_library(passage, key, number, round.clone()));
        }
    }
    for cycle in 1..=cycles {
        // Each listener has lost its connection once more on the average.
        for _ in 0..CLIENTS {
            tokio::select! {
                round = soon("a disconnect", rounds.recv()) => round.expect("listeners"),
                ended = listeners.join_next() => panic!("a listener ended early: {:?}", ended.map(|ended| ended.is_ok())),
            }
        }
        let mut url = storm.url.write().await;
        tokio::task::block_in_place(|| {
            if cycle % 3 == 0 {
                server.signal("TERM");
                server.wait();
            } else {
                server.kill();
            }
            server.restart();
        });
        server.url().clone_into(&mut url);
        for passage in &passages {
            passage.lead_to(&server);
        }
    }
    storm.stop.store(true, Ordering::Relaxed);
    storm.pace.add_permits(1000);
    drop(rounds);
    let mut total = 0;
    while let Some(count) = soon("a sender", senders.join_next()).await {
        total += count.expect("a sender");
    }
    let controller = Agent::enter(&server, &controller_key).await;
    let newest = controller.history(&storm.room, 1, None).await;
    let head = newest[0]["seq"].as_u64().expect("a position");
    // What was in doubt when a sender was told to stop may be there too.
    assert!(
        (total..=total + SENDERS).contains(&head),
        "{head} messages, {total} acknowledged"
    );
    storm.last.store(head, Ordering::Relaxed);
    controller.say(&storm.room, AFTERWARDS).await;
    for reader in readers {
        let params = json!({ "toAgentId": reader, "content": AFTERWARDS });
        controller.call("message.dm", params).await;
    }
    let mut all: Option<Vec<String>> = None;
    while let Some(contents) = soon("a listener", listeners.join_next()).await {
        let contents = contents.expect("a listener");
        assert_eq!(contents.len() as u64, head);
        assert_eq!(*all.get_or_insert_with(|| contents.clone()), contents);
    }
    check_senders(&all.expect("listeners"));
}

/// Each sender said each of its messages once, and one after the other.
fn check_senders(contents: &[String]) {
    let mut sent = BTreeMap::new();
    for (sender, number) in contents.iter().map(|content| mark_of(content)) {
        let next: &mut u64 = sent.entry(sender).or_default();
        assert_eq!(number, *next, "of sender {sender}");
        *next += 1;
    }
}

/// Who sent a message, and how many it had sent before.
fn mark_of(content: &str) -> (u64, u64) {
    let mark = content
        .split_once(':')
        .and_then(|(sender, number)| Some((sender.parse().ok()?, number.parse().ok()?)));
    mark.unwrap_or_else(|| panic!("`{content}` was not sent"))
}
