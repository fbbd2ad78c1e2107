//! Readers that are slower than their room.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::at;
use crate::safety::raw::{FINAL, Raw, TEXT, frame, request};
use crate::support::{Agent, TestServer};

const MESSAGES: u64 = 400;

/// Talks far more than may wait for a reader, and than the kernel keeps for one.
async fn talk(speaker: &Agent, room: &str) {
    let content = "x".repeat(50_000);
    for _ in 0..MESSAGES {
        speaker.say(room, &content).await;
    }
}

/// Reads every message of the room: the positions in which they came.
async fn read_all(reader: &mut Raw, last: u64) -> Vec<u64> {
    let mut heard = Vec::new();
    while heard.last() != Some(&last) {
        let frame = reader.frame().await.expect("it stays connected");
        assert_eq!(frame.opcode & 0x8, 0, "it is not cut off");
        if frame.opcode != TEXT {
            continue;
        }
        let event: Value = frame.json();
        if event["method"] == "message" {
            heard.push(event["params"]["message"]["seq"].as_u64().expect("a position"));
        }
    }
    heard
}

async fn large_messages() -> (TestServer, Agent) {
    let config = json!({ "maxMessageLength": 60_000, "limits": { "messagesPerSecond": 0, "bytesPerSecond": 0, "loopMessages": 0, "slowReaderTimeoutMs": 0 } });
    let server = TestServer::builder().config(config).start();
    let controller = server.controller().await;
    (server, controller)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_that_falls_behind_gets_everything_from_the_store_as_fast_as_it_reads() {
    let (server, controller) = large_messages().await;
    let key = controller.invite("slow").await;
    let mut slow = Raw::narrow(&server).await.enter(&key).await;
    let lobby = controller.lobby().to_owned();
    talk(&controller, &lobby).await;
    assert_eq!(read_all(&mut slow, MESSAGES).await, (1..=MESSAGES).collect::<Vec<_>>());
    // It is live again.
    controller.say(&lobby, "one more").await;
    assert_eq!(read_all(&mut slow, MESSAGES + 1).await, [MESSAGES + 1]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_that_falls_behind_is_not_shown_what_its_own_agent_said_unless_it_follows() {
    let (server, controller) = large_messages().await;
    let key = controller.invite("slow").await;
    let mut listener = Raw::narrow(&server).await.enter(&key).await;
    let mut follower = Raw::narrow(&server).await.enter(&key).await;
    let lobby = controller.lobby().to_owned();
    let since = at(&controller.welcome["epoch"], 0);
    follower
        .call("room.follow", &json!({ "roomId": lobby, "since": since }))
        .await;
    let own = Agent::enter(&server, &key).await;
    own.say(&lobby, "own").await;
    talk(&controller, &lobby).await;
    own.say(&lobby, "own").await;
    controller.say(&lobby, "last").await;
    let (last, others) = (MESSAGES + 3, 2..=MESSAGES + 1);
    let heard = read_all(&mut listener, last).await;
    assert_eq!(heard, others.chain([last]).collect::<Vec<_>>());
    assert_eq!(read_all(&mut follower, last).await, (1..=last).collect::<Vec<_>>());
}

/// A page that was read ahead was shown as it had been, also after a message in it was removed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn regression_what_is_removed_while_somebody_catches_up_is_not_shown_any_more() {
    let (server, controller) = large_messages().await;
    let key = controller.invite("slow").await;
    let mut slow = Raw::narrow(&server).await.enter(&key).await;
    let lobby = controller.lobby().to_owned();
    let content = "x".repeat(50_000);
    let mut said = Vec::new();
    for _ in 0..MESSAGES {
        said.push(controller.say(&lobby, &content).await["messageId"].clone());
    }
    for message in &said {
        let removal = json!({ "messageId": message });
        controller.call("message.remove", removal).await;
    }
    controller.say(&lobby, "last").await;
    let mut removed = std::collections::BTreeSet::new();
    loop {
        let frame = slow.frame().await.expect("it stays connected");
        if frame.opcode != TEXT {
            continue;
        }
        let event: Value = frame.json();
        if event["method"] == "message.removed" {
            removed.insert(event["params"]["messageId"].to_string());
        } else if event["method"] == "message" {
            let message = &event["params"]["message"];
            if message["content"] == "last" {
                break;
            }
            let is_removed = removed.contains(&message["messageId"].to_string());
            assert!(!is_removed || message["removed"] == true, "{}", message["seq"]);
        }
    }
}

/// Many large messages of one commit made one piece, which was more than may wait for a reader: the next thing that
/// happened got it cut off.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn regression_a_burst_of_large_messages_cuts_nobody_off() {
    let config = json!({ "maxMessageLength": 50_000, "limits": {
        "messagesPerSecond": 0, "bytesPerSecond": 0, "slowReaderTimeoutMs": 0, "outgoingQueueBytes": 131_072,
    } });
    let server = TestServer::builder().config(config).start();
    let controller = server.controller().await;
    let key = controller.invite("slow").await;
    let mut slow = Raw::narrow(&server).await.enter(&key).await;
    let lobby = controller.lobby().to_owned();
    let content = "x".repeat(40_000);
    let request = |id: u64| {
        let params = json!({ "roomId": lobby, "content": content });
        json!({ "jsonrpc": "2.0", "id": id, "method": "message.send", "params": params })
    };
    let batch = json!((0..20).map(request).collect::<Vec<_>>()).to_string();
    for _ in 0..20 {
        crate::support::Raw(&controller.connection).ask(&batch).await;
        // It is told of this at once, whatever else waits.
        let params = json!({ "content": "hello" });
        controller.call("lobby.setMotd", params).await;
    }
    assert_eq!(read_all(&mut slow, 400).await, (1..=400).collect::<Vec<_>>());
}

/// Whoever resumed much over a slow link was cut off as if it had never authenticated: it counted as inside only when the
/// first of what it had missed had found room.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn regression_whoever_resumes_much_over_a_slow_link_is_not_taken_for_a_stranger() {
    const ROOMS: usize = 40;
    const EACH: u64 = 6;
    let config = json!({ "maxMessageLength": 60_000, "limits": {
        "messagesPerSecond": 0, "bytesPerSecond": 0, "joinsPerSecond": 0, "slowReaderTimeoutMs": 0, "authTimeoutMs": 4000,
    } });
    let server = TestServer::builder().config(config).start();
    let controller = server.controller().await;
    let key = controller.invite("slow").await;
    let agent = Agent::enter(&server, &key).await;
    let content = "x".repeat(50_000);
    let mut resume = serde_json::Map::new();
    // Far more in all than may wait and than the kernel keeps, and a page of each.
    for number in 0..ROOMS {
        let room = controller.create_room(&format!("Room {number}"), "public").await;
        agent.call("room.join", json!({ "roomId": room })).await;
        for _ in 0..EACH {
            controller.say(&room, &content).await;
        }
        resume.insert(room, at(&controller.welcome["epoch"], 0));
    }
    drop(agent);
    let mut slow = Raw::narrow(&server).await.upgrade().await;
    let auth = request("auth", "auth", &json!({ "apiKey": key, "resume": resume }));
    slow.send(&frame(FINAL | TEXT, auth.as_bytes())).await;
    assert_eq!(slow.frame().await.expect("an answer").json()["id"], "auth");
    // When the time of a stranger is over that came later, its own time would be too.
    let mut stranger = Raw::open(&server).await.upgrade().await;
    assert_eq!(stranger.ending().await.map(|(code, _)| code), Some(1008));
    let mut heard: BTreeMap<String, u64> = BTreeMap::new();
    while heard.len() < ROOMS || heard.values().any(|last| *last < EACH) {
        let frame = slow.frame().await.expect("it stays connected");
        assert_eq!(frame.opcode & 0x8, 0, "it is not cut off");
        let event = frame.json();
        if event["method"] == "message" {
            let last = heard.entry(event["params"]["roomId"].to_string()).or_default();
            assert_eq!(event["params"]["message"]["seq"], *last + 1);
            *last += 1;
        }
    }
}

/// While a batch that began with `auth` was carried out, whoever read on from the store asked without end for room that came
/// only when it was answered.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn regression_a_batch_that_begins_with_auth_is_answered_and_then_shows_everything_once() {
    let (server, controller) = large_messages().await;
    let key = controller.invite("reader").await;
    let lobby = controller.lobby();
    talk(&controller, lobby).await;
    let resume = json!({ lobby: at(&controller.welcome["epoch"], 0) });
    let auth = json!({ "jsonrpc": "2.0", "id": 0, "method": "auth", "params": { "apiKey": key, "resume": resume } });
    let read = |id: u64| {
        let params = json!({ "query": "nothing of the kind" });
        json!({ "jsonrpc": "2.0", "id": id, "method": "message.search", "params": params })
    };
    let batch: Vec<Value> = std::iter::once(auth).chain((1..100).map(read)).collect();
    let mut reader = Raw::open(&server).await.upgrade().await;
    reader
        .send(&frame(FINAL | TEXT, json!(batch).to_string().as_bytes()))
        .await;
    let answers = reader.frame().await.expect("an answer").json();
    let answers = answers.as_array().expect("the answer to a batch");
    assert_eq!(answers.len(), 100);
    assert!(
        answers.iter().all(|answer| answer.get("result").is_some()),
        "{answers:?}"
    );
    assert_eq!(
        read_all(&mut reader, MESSAGES).await,
        (1..=MESSAGES).collect::<Vec<_>>()
    );
}
