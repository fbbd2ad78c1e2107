//! Many clients that lose their connections, on a server that is restarted and killed, while others talk.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use serde_json::{Value, json};
use tokio::sync::{RwLock, mpsc};
use tokio::task::JoinSet;
use wardroom::client::{Connection, Endpoint, Methods as _};

use super::at;
use crate::durability::{Dice, size};
use crate::support::{Agent, TestServer, soon};

const CLIENTS: u64 = 20;
const SENDERS: u64 = 10;

/// Where the server is. Nobody can look while it is down.
type Shared = Arc<RwLock<String>>;

async fn enter(shared: &Shared, params: Value) -> Option<Agent> {
    let url = shared.read().await.clone();
    let endpoint = Endpoint::parse(&url).expect("an address");
    let connection = Connection::open(&endpoint).await.ok()?;
    Agent::over(connection, params).await.ok()
}

/// Sends until told to stop, under keys, so that what is in doubt is sent once: how many it sent.
async fn send(shared: Shared, key: String, room: String, number: u64, stop: Arc<AtomicBool>) -> u64 {
    let mut sent = 0;
    while !stop.load(Ordering::Relaxed) {
        let Some(agent) = enter(&shared, json!({ "apiKey": key })).await else {
            continue;
        };
        loop {
            let params = json!({
                "roomId": room,
                "content": format!("{number}:{sent}"),
                "idempotencyKey": format!("{number}:{sent}"),
            });
            if agent.connection.call("message.send", params).await.is_err() {
                break;
            }
            sent += 1;
            if stop.load(Ordering::Relaxed) {
                break;
            }
        }
    }
    sent
}

/// What one client heard: the contents, in order of positions.
struct Heard {
    contents: Vec<String>,
}

/// Follows until it has everything up to `last`, which is 0 while nobody knows, losing its connection again and again.
async fn listen(
    shared: Shared,
    key: String,
    room: String,
    seed: u64,
    rounds: mpsc::UnboundedSender<()>,
    last: Arc<AtomicU64>,
) -> Heard {
    let (mut dice, mut epoch, mut contents) = (Dice(seed), json!(""), Vec::new());
    loop {
        let mut params = json!({ "apiKey": key });
        let position = contents.len() as u64;
        params["resume"] = json!({ &room: at(&epoch, position) });
        let Some(agent) = enter(&shared, params).await else {
            continue;
        };
        let resumed = &agent.welcome["resumed"][&room];
        if epoch == "" {
            epoch = agent.welcome["epoch"].clone();
            continue;
        }
        assert_eq!(agent.welcome["epoch"], epoch);
        assert_eq!(resumed.get("reset"), None, "{resumed}");
        let most = 1 + dice.below(200);
        for _ in 0..most {
            let known = last.load(Ordering::Relaxed);
            if known > 0 && contents.len() as u64 == known {
                return Heard { contents };
            }
            let Some(event) = soon("an event", agent.connection.next_event()).await else {
                break;
            };
            if event.method != "message" {
                continue;
            }
            let message = &event.params["message"];
            let known = last.load(Ordering::Relaxed);
            if known > 0 && contents.len() as u64 == known {
                return Heard { contents };
            }
            assert_eq!(
                message["seq"].as_u64(),
                Some(contents.len() as u64 + 1),
                "a gap or a repeat"
            );
            contents.push(message["content"].as_str().expect("text").to_owned());
        }
        // Whoever counts has gone when the storm is over.
        let _ = rounds.send(());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_client_hears_every_message_once_and_in_order_through_disconnects_restarts_and_kills() {
    let rounds_each = size("WARDROOM_TEST_STORM_ROUNDS", 30);
    let config = json!({ "limits": { "messagesPerSecond": 0, "changesPerSecond": 0, "authFailuresPerSecond": 1000 } });
    let mut server = TestServer::builder().config(config).start();
    let controller = server.controller().await;
    let room = controller.create_room("Storm", "public").await;
    let mut keys = Vec::new();
    for number in 0..CLIENTS + SENDERS {
        let agent = server.participant(&controller, &format!("agent {number}")).await;
        agent.call("room.join", json!({ "roomId": room })).await;
        keys.push(agent.key.clone());
    }
    let controller_key = controller.key.clone();
    drop(controller);
    let shared: Shared = Arc::new(RwLock::new(server.url().to_owned()));
    let (stop, last) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let (round, mut rounds) = mpsc::unbounded_channel();
    let (mut senders, mut listeners) = (JoinSet::new(), JoinSet::new());
    for (number, key) in (0_u64..).zip(keys) {
        let (shared, room) = (Arc::clone(&shared), room.clone());
        if number < SENDERS {
            senders.spawn(send(shared, key, room, number, Arc::clone(&stop)));
        } else {
            listeners.spawn(listen(shared, key, room, number, round.clone(), Arc::clone(&last)));
        }
    }
    for cycle in 1..=rounds_each {
        // Each listener has lost its connection once more on the average.
        for _ in 0..CLIENTS {
            tokio::select! {
                round = soon("a disconnect", rounds.recv()) => round.expect("listeners"),
                ended = listeners.join_next() => panic!("a listener ended early: {:?}", ended.map(|ended| ended.is_ok())),
            }
        }
        let mut url = shared.write().await;
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
    }
    stop.store(true, Ordering::Relaxed);
    let mut sent = vec![0; SENDERS as usize];
    let mut total = 0;
    while let Some(count) = soon("a sender", senders.join_next()).await {
        total += count.expect("a sender");
    }
    let controller = Agent::enter(&server, &controller_key).await;
    let head = controller.history(&room, 1, None).await[0]["seq"]
        .as_u64()
        .expect("a position");
    // What was in doubt when a sender was told to stop may be there too.
    assert!(
        (total..=total + SENDERS).contains(&head),
        "{head} messages, {total} acknowledged"
    );
    last.store(head, Ordering::Relaxed);
    controller.say(&room, "wake").await;
    let mut all: Option<Vec<String>> = None;
    while let Some(heard) = soon("a listener", listeners.join_next()).await {
        let contents = heard.expect("a listener").contents;
        assert_eq!(contents.len() as u64, head);
        assert_eq!(*all.get_or_insert_with(|| contents.clone()), contents);
    }
    for content in all.expect("listeners") {
        let (sender, number) = content.split_once(':').expect("a sender");
        let next: &mut u64 = &mut sent[sender.parse::<usize>().expect("a number")];
        assert_eq!(number.parse(), Ok(*next), "of sender {sender}");
        *next += 1;
    }
}
