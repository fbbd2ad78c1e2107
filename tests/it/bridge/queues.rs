//! Queues: who gets what, in which order, and that nothing is lost on the way to whoever asks.

use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use super::stage::{HubStage, contents};
use crate::support::bridge::{Notice, unique};
use crate::support::soon;

#[tokio::test]
async fn a_poll_that_is_given_up_loses_nothing() {
    let stage = HubStage::new().await;
    let notice = Notice(unique("abort"));
    let agent = &notice.0;
    stage.connect(agent).await;
    for round in 0..10 {
        let mut socket = TcpStream::connect(("127.0.0.1", stage.bridge.port()))
            .await
            .expect("a connection");
        let request = format!("GET /recv?agent={agent}&wait=60 HTTP/1.1\r\nHost: localhost\r\n\r\n");
        socket.write_all(request.as_bytes()).await.expect("written");
        // Behind it on another connection, so that it is being served.
        stage.bridge.get("/health").await;
        if round % 2 == 0 {
            drop(socket);
            stage.controller.say(&stage.room, &round.to_string()).await;
        } else {
            // The answer lies in the socket unread when it is closed: the other end is told by a reset.
            stage.controller.say(&stage.room, &round.to_string()).await;
            soon("an answer", socket.readable()).await.expect("readable");
            drop(socket);
        }
        let came = stage.bridge.receive(agent).await;
        assert_eq!(contents(&came), [round.to_string()]);
    }
}

#[tokio::test]
async fn a_queue_has_its_limit_and_survives_a_kill() {
    let mut stage = HubStage::new().await;
    let notice = Notice(unique("limit"));
    let agent = notice.0.clone();
    stage.connect(&agent).await;
    for number in 0..5 {
        stage.controller.say(&stage.room, &number.to_string()).await;
    }
    let waiting = |count: u64| move |status: &Value| status["agents"][0]["unread"] == count;
    stage.bridge.until("/status", "five messages", waiting(5)).await;
    let two = stage.bridge.get(&format!("/recv?agent={agent}&limit=2")).await;
    assert_eq!(contents(two.as_array().expect("messages")), ["0", "1"]);
    stage.bridge.until("/status", "three to be left", waiting(3)).await;
    stage.bridge.kill();
    stage.bridge.restart();
    let rest = stage.bridge.get(&format!("/recv?agent={agent}")).await;
    assert_eq!(contents(rest.as_array().expect("messages")), ["2", "3", "4"]);

    let all = stage.bridge.get("/recv?all=1").await;
    assert_eq!(all.as_array().map(Vec::len), Some(5));
    let file = std::fs::read_to_string(stage.bridge.root().join(&stage.room).join("inbox.jsonl")).expect("a file");
    let lines: Vec<Value> = file
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    assert_eq!(json!(lines), all);
}

#[tokio::test]
async fn the_files_of_a_room_are_completed_after_a_crash() {
    let mut stage = HubStage::new().await;
    let notice = Notice(unique("files"));
    stage.connect(&notice.0).await;
    for number in 0..4 {
        stage.controller.say(&stage.room, &number.to_string()).await;
    }
    stage.bridge.receive_many(&notice.0, 4).await;
    stage.bridge.kill();
    let path = stage.bridge.root().join(&stage.room).join("inbox.jsonl");
    let whole = std::fs::read_to_string(&path).expect("a file");
    let second_line = whole.match_indices('\n').nth(1).expect("lines").0;
    // As a crash in the middle of writing the third line would leave it.
    std::fs::write(&path, &whole[..second_line + 20]).expect("written");
    stage.bridge.restart();
    assert_eq!(std::fs::read_to_string(&path).expect("a file"), whole);
    stage.bridge.kill();
    std::fs::remove_file(&path).expect("removed");
    stage.bridge.restart();
    assert_eq!(std::fs::read_to_string(&path).expect("a file"), whole);
}

#[tokio::test]
async fn agents_have_queues_of_their_own_once_they_are_named() {
    let stage = HubStage::new().await;
    let body = json!({"hub": stage.server.url(), "keyFile": stage.key_file});
    stage.bridge.post("/connect", body).await;
    stage.controller.say(&stage.room, "for all").await;
    stage
        .bridge
        .until("/status", "a message", |status| status["unread"] == 1)
        .await;
    assert_eq!(stage.bridge.get("/recv?agent=one").await, json!([]));
    assert_eq!(stage.bridge.get("/recv?agent=other").await, json!([]));
    stage.controller.say(&stage.room, "for each").await;
    for agent in ["one", "other"] {
        assert_eq!(contents(&stage.bridge.receive(agent).await), ["for each"]);
    }
    let shared = stage.bridge.get("/recv").await;
    assert_eq!(contents(shared.as_array().expect("messages")), ["for all"]);
}
