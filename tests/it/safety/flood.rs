//! One agent that talks without pause: it is slowed down, and the others are heard.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::task::JoinSet;
use wardroom::config::Config;

use super::raw::{FINAL, Raw, TEXT, frame, request};
use crate::support::{Agent, TestServer, at_most, slowest, soon};

const FLOOD: u64 = 4000;

/// What each of the others says meanwhile.
const SAID: usize = 25;

/// How long 99 of 100 of the others' messages may take to be acknowledged, and to be heard.
const OTHERS: Duration = Duration::from_millis(500);

/// Sends as fast as it goes, over a connection of its own: how many were acknowledged.
async fn flood(socket: Raw, room: String) -> (u64, Raw) {
    let (mut socket, mut acknowledged, mut limited) = (socket, 0, 0);
    let mut bytes = Vec::new();
    for number in 0..FLOOD {
        let params = json!({ "roomId": room, "content": "flood" });
        bytes.extend(frame(FINAL | TEXT, request(number, "message.send", &params).as_bytes()));
    }
    for part in bytes.chunks(bytes.len() / 8) {
        socket.send(part).await;
    }
    while acknowledged + limited < FLOOD {
        let answer: Value = socket.frame().await.expect("an answer").json();
        if answer.get("id").is_none() {
            continue;
        }
        match answer["error"]["code"].as_i64() {
            None => acknowledged += 1,
            Some(4080) => {
                limited += 1;
                let data = &answer["error"]["data"];
                let wait = data["retryAfterMs"].as_u64().expect("a time");
                assert!((1..=1000).contains(&wait), "{answer}");
                assert_eq!(data["retryable"], true);
            }
            Some(_) => panic!("{answer}"),
        }
    }
    (acknowledged, socket)
}

/// Hears `count` messages that are no flood: each with the time at which it came.
async fn listen(listener: Agent, count: usize) -> Vec<(String, Instant)> {
    let mut heard = Vec::new();
    while heard.len() < count {
        let message = listener.expect("message").await;
        let content = message["message"]["content"].as_str().expect("a text");
        if content != "flood" {
            heard.push((content.to_owned(), Instant::now()));
        }
    }
    heard
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_is_limited_over_all_connections_and_others_are_heard() {
    let defaults = Config::default().limits;
    assert_eq!((defaults.messages_per_second, defaults.message_burst), (200, 400));
    let server = TestServer::builder().config(json!({})).start();
    let controller = server.controller().await;
    let listener = server.participant(&controller, "listener").await;
    let room = listener.create_room("Square", "public").await;
    let mut senders = Vec::new();
    for number in 0..4 {
        let sender = server.participant(&controller, &format!("sender {number}")).await;
        sender.call("room.join", json!({ "roomId": room })).await;
        senders.push(sender);
    }
    let key = controller.invite("flooder").await;
    let began = Instant::now();
    let mut floods = JoinSet::new();
    for number in 0..2 {
        let mut socket = Raw::open(&server).await.enter(&key).await;
        if number == 0 {
            socket.call("room.join", &json!({ "roomId": room })).await;
        }
        floods.spawn(flood(socket, room.clone()));
    }

    let mut listening = JoinSet::new();
    listening.spawn(listen(listener, senders.len() * SAID));
    let mut conversations = JoinSet::new();
    for sender in senders {
        let room = room.clone();
        conversations.spawn(async move {
            let mut said = Vec::new();
            for number in 0..SAID {
                let content = format!("{} {number}", sender.id());
                let began = Instant::now();
                sender.say(&room, &content).await;
                said.push((content, began, began.elapsed()));
            }
            (sender, said)
        });
    }
    let (mut sent, mut acknowledgements) = (HashMap::new(), Vec::new());
    let mut kept: Vec<Agent> = Vec::new();
    while let Some(conversation) = conversations.join_next().await {
        let (sender, said) = conversation.expect("it was acknowledged");
        for (content, began, took) in said {
            sent.insert(content, began);
            acknowledgements.push(took);
        }
        kept.push(sender);
    }
    // Everything acknowledged was delivered, once, to the one who listened throughout.
    let mut deliveries = Vec::new();
    let heard = soon("all to be heard", listening.join_next()).await;
    for (content, at) in heard.expect("a task").expect("it was heard") {
        let began = sent
            .remove(&content)
            .expect("it was said, and heard for the first time");
        deliveries.push(at.duration_since(began));
    }
    assert!(sent.is_empty(), "{sent:?}");
    for (what, took) in [("acknowledged", acknowledgements), ("heard", deliveries)] {
        let (most, longest) = slowest(took);
        println!("of others' messages 99 of 100 were {what} in {most:?}, all in {longest:?}");
        assert!(most <= at_most(OTHERS), "{what} in {most:?}");
    }

    let mut acknowledged = 0;
    while let Some(flood) = floods.join_next().await {
        acknowledged += flood.expect("it was answered").0;
    }
    let allowed = 400 + 200 * (began.elapsed().as_secs() + 1);
    assert!(
        (400..=allowed).contains(&acknowledged),
        "{acknowledged} of {allowed} allowed"
    );
    drop(kept);
}

#[tokio::test]
async fn a_limited_agent_may_go_on_after_the_time_it_was_told() {
    let limits = json!({ "messagesPerSecond": 5, "messageBurst": 2 });
    let server = TestServer::builder().config(json!({ "limits": limits })).start();
    let controller = server.controller().await;
    let lobby = controller.lobby().to_owned();
    controller.say(&lobby, "one").await;
    controller.say(&lobby, "two").await;
    let mut socket = Raw::open(&server).await.enter(server.controller_key()).await;
    let params = json!({ "roomId": lobby, "content": "three" });
    let refused = socket.call("message.send", &params).await;
    assert_eq!(refused["error"]["code"], 4080, "{refused}");
    let wait = refused["error"]["data"]["retryAfterMs"].as_u64().expect("a time");
    assert!((1..=201).contains(&wait), "{wait}");
    let mut clock = tokio::time::interval(Duration::from_millis(wait));
    clock.tick().await;
    clock.tick().await;
    assert!(socket.call("message.send", &params).await["result"]["seq"].is_number());
}
