//! Batches: order, bounds, and what they have to do with events and with `auth`.

use serde_json::{Value, json};

use crate::support::raw::assert_error;
use crate::support::{Cast, Frames, Raw, TestServer};

fn request(id: usize, method: &str, params: impl Into<Value>) -> Value {
    let params: Value = params.into();
    json!({ "jsonrpc": "2.0", "method": method, "params": params, "id": id })
}

#[tokio::test]
async fn the_requests_of_a_batch_are_carried_out_in_their_order() {
    let cast = Cast::gather().await;
    let alice = cast.alice();
    let room = alice.create_room("Ops", "public").await;
    let mut batch: Vec<Value> = (0..49)
        .map(|id| request(id, "message.send", json!({ "roomId": room, "content": id.to_string() })))
        .collect();
    batch.push(request(49, "room.history", json!({ "roomId": room })));
    batch.push(request(50, "room.leave", json!({ "roomId": room })));
    batch.push(request(
        51,
        "message.send",
        json!({ "roomId": room, "content": "too late" }),
    ));
    let answer = Raw(&alice.connection).ask(&json!(batch).to_string()).await;
    let answers = answer.as_array().expect("an array");
    assert_eq!(answers.len(), 52);
    for (id, answer) in answers.iter().enumerate() {
        assert_eq!(answer["id"], id);
    }
    for (id, answer) in answers[..49].iter().enumerate() {
        assert_eq!(answer["result"]["seq"], id + 1);
    }
    assert_eq!(answers[49]["result"]["messages"].as_array().map(Vec::len), Some(49));
    assert_eq!(answers[50]["result"]["status"], "ok");
    assert_eq!(answers[51]["error"]["code"], 4011);
}

#[tokio::test]
async fn a_batch_of_100_is_carried_out_and_one_more_is_not_at_all() {
    let server = TestServer::start();
    let controller = server.controller().await;
    let raw = Raw(&controller.connection);
    let room = controller.lobby();
    let batch = |count: usize| {
        let requests =
            (0..count).map(|id| request(id, "message.send", json!({ "roomId": room, "content": "one of many" })));
        requests.collect::<Value>().to_string()
    };
    raw.assert_error(&batch(101), Value::Null, -32600).await;
    assert!(controller.history(room, 100, None).await.is_empty());
    let answer = raw.ask(&batch(100)).await;
    assert_eq!(answer.as_array().map(Vec::len), Some(100));
    assert_eq!(controller.history(room, 200, None).await.len(), 100);
}

#[tokio::test]
async fn a_batch_of_notifications_is_carried_out_and_not_answered() {
    let server = TestServer::start();
    let controller = server.controller().await;
    let text = r#"[
        {"jsonrpc": "2.0", "method": "lobby.setMotd", "params": {"content": "one"}},
        {"jsonrpc": "2.0", "method": "no.such.method"},
        {"jsonrpc": "2.0", "method": "lobby.setMotd", "params": {"content": "two"}}
    ]"#;
    Raw(&controller.connection).say(text).await;
    assert_eq!(controller.call("lobby.getMotd", json!({})).await["motd"], "two");
}

#[tokio::test]
async fn the_same_id_twice_in_a_batch_is_answered_twice() {
    let server = TestServer::start();
    let controller = server.controller().await;
    let batch = json!([
        request(1, "lobby.getMotd", json!({})),
        request(1, "room.list", json!({}))
    ]);
    let answer = Raw(&controller.connection).ask(&batch.to_string()).await;
    assert!(answer[0]["result"].get("motd").is_some(), "{answer}");
    assert!(answer[1]["result"].get("rooms").is_some(), "{answer}");
}

#[tokio::test]
async fn a_batch_may_begin_with_auth() {
    let cast = Cast::gather().await;
    let key = cast.controller().invite("dave").await;
    let connection = cast.server.connect().await;
    let batch = json!([
        request(1, "lobby.getMotd", json!({})),
        request(2, "auth", json!({ "apiKey": key })),
        request(3, "lobby.getMotd", json!({})),
        request(
            4,
            "message.send",
            json!({ "roomId": cast.alice().lobby(), "content": "hello" })
        ),
        request(5, "auth", json!({ "apiKey": key })),
    ]);
    let answer = Raw(&connection).ask(&batch.to_string()).await;
    assert_error(&answer[0], &json!(1), 4001, "before auth");
    assert_eq!(answer[1]["result"]["displayName"], "dave");
    assert_eq!(answer[2]["result"], json!({ "motd": null }));
    assert_eq!(answer[3]["result"]["seq"], 1);
    assert_error(&answer[4], &json!(5), 4003, "a second auth");
    assert_eq!(cast.alice().expect("message").await["message"]["senderName"], "dave");
}

#[tokio::test]
async fn what_happens_meanwhile_is_told_behind_the_answer_to_a_batch_with_auth() {
    let cast = Cast::gather().await;
    let key = cast.controller().invite("dave").await;
    let mut socket = Frames::open(&cast.server).await;
    let mut batch = vec![request(0, "auth", json!({ "apiKey": key }))];
    batch.extend((1..80).map(|id| request(id, "room.create", json!({ "name": format!("Room {id}") }))));
    let lobby = cast.alice().lobby().to_owned();

    socket.send(&json!(batch)).await;
    cast.alice().expect("presence").await;
    for number in 0..50 {
        cast.alice().say(&lobby, &number.to_string()).await;
    }
    let frames = socket
        .up_to(|frame| frame["params"]["message"]["content"] == "49")
        .await;
    assert_eq!(frames[0].as_array().map(Vec::len), Some(80), "{}", frames[0]);
    let heard: Vec<&Value> = frames[1..].iter().collect();
    assert!(heard.iter().all(|frame| frame.get("id").is_none()));
    let presence = heard.iter().filter(|frame| frame["method"] == "presence").count();
    assert_eq!(presence, 4);
}

async fn commits(server: &TestServer) -> f64 {
    let (_, page) = server.get("/metrics").await;
    let count = page
        .lines()
        .find_map(|line| line.strip_prefix("wardroom_commits_total "));
    count.and_then(|count| count.parse().ok()).expect("a count")
}

#[tokio::test]
async fn the_changes_of_a_batch_share_commits() {
    let server = TestServer::start();
    let controller = server.controller().await;
    let send = |id| {
        request(
            id,
            "message.send",
            json!({ "roomId": controller.lobby(), "content": "one of many" }),
        )
    };
    let batch: Vec<Value> = (0..50).map(send).collect();
    let before = commits(&server).await;
    let answer = Raw(&controller.connection).ask(&json!(batch).to_string()).await;
    for (id, answer) in answer.as_array().into_iter().flatten().enumerate() {
        assert_eq!(answer["result"]["seq"], id + 1, "{answer}");
    }
    let took = commits(&server).await - before;
    assert!((1.0..=25.0).contains(&took), "{took} commits");
}

#[tokio::test]
async fn a_batch_with_more_changes_than_may_wait_is_carried_out() {
    let server = TestServer::builder()
        .config(json!({ "limits": { "inFlightRequests": 2 } }))
        .start();
    let controller = server.controller().await;
    let lobby = controller.lobby();
    let mut batch: Vec<Value> = (0..20)
        .map(|id| {
            request(
                id,
                "message.send",
                json!({ "roomId": lobby, "content": id.to_string() }),
            )
        })
        .collect();
    batch.insert(10, json!("no request"));
    batch.push(request(20, "room.history", json!({ "roomId": lobby })));
    let answer = Raw(&controller.connection).ask(&json!(batch).to_string()).await;
    let answers = answer.as_array().expect("an array");
    assert_eq!(answers.len(), 22);
    assert_error(&answers[10], &Value::Null, -32600, "in its place");
    assert_eq!(answers[9]["result"]["seq"], 10);
    assert_eq!(answers[11]["result"]["seq"], 11);
    assert_eq!(answers[21]["result"]["messages"].as_array().map(Vec::len), Some(20));
}
