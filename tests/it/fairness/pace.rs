//! How much and how fast one agent may speak and join.

use std::time::Duration;

use serde_json::{Value, json};
use wardroom::client::{ClientError, Connection, Methods};

use crate::support::{Agent, TestServer, soon};

async fn server(limits: Value) -> (TestServer, Agent) {
    let builder = TestServer::builder().config(json!({ "limits": limits }));
    let server = tokio::task::spawn_blocking(move || builder.start()).await;
    let server = server.expect("the server starts");
    let controller = server.controller().await;
    (server, controller)
}

/// Calls a method that is refused with 4080: what was too much, and after how many milliseconds to come again.
async fn limited(connection: &Connection, method: &str, params: Value) -> (String, u64) {
    match soon(method, connection.call(method, params)).await {
        Err(ClientError::Rpc(error)) if error.code == 4080 => {
            let data = error.data.clone().unwrap_or_default();
            assert_eq!(data["retryable"], json!(true), "{error:?}");
            (error.message.clone(), data["retryAfterMs"].as_u64().expect("a time"))
        }
        other => panic!("`{method}` was not limited: {other:?}"),
    }
}

#[tokio::test]
async fn bytes_are_counted_over_all_sessions_and_the_wait_that_is_told_is_enough() {
    let limits = json!({ "messagesPerSecond": 0, "bytesPerSecond": 10_000, "byteBurst": 20_000 });
    let (server, controller) = server(limits).await;
    let lobby = controller.lobby().to_owned();
    let alice = server.participant(&controller, "alice").await;
    let again = Agent::enter(&server, &alice.key).await;
    let send = |length: usize| json!({ "roomId": lobby, "content": "x".repeat(length) });
    alice.call("message.send", send(8000)).await;
    let with_data = json!({ "roomId": lobby, "content": "x", "data": "y".repeat(8000) });
    again.call("message.send", with_data).await;
    let (message, wait) = limited(&again.connection, "message.send", send(8000)).await;
    assert!(message.contains("bytes"), "{message}");
    // 4,003 bytes are missing, less what has come back meanwhile.
    assert!((1..=402).contains(&wait), "{wait}");
    let direct = json!({ "toAgentId": controller.id(), "content": "x".repeat(8000) });
    limited(&alice.connection, "message.dm", direct).await;
    // Others speak on, and so does whoever has little to say.
    controller.call("message.send", send(8000)).await;
    let mut clock = tokio::time::interval(Duration::from_millis(wait));
    clock.tick().await;
    clock.tick().await;
    alice.call("message.send", send(8000)).await;
}

#[tokio::test]
async fn a_message_larger_than_a_burst_passes_after_a_pause() {
    let limits = json!({ "messagesPerSecond": 0, "bytesPerSecond": 1000, "byteBurst": 1000 });
    let (_server, controller) = server(limits).await;
    let lobby = controller.lobby().to_owned();
    controller.say(&lobby, &"x".repeat(8000)).await;
    let more = json!({ "roomId": lobby, "content": "x".repeat(500) });
    limited(&controller.connection, "message.send", more).await;
}

#[tokio::test]
async fn regression_what_is_said_of_tasks_counts_as_bytes_too() {
    let limits = json!({ "messagesPerSecond": 0, "changesPerSecond": 0, "bytesPerSecond": 1, "byteBurst": 4000 });
    let (_server, controller) = server(limits).await;
    let task = json!({ "roomId": controller.lobby(), "title": "count", "description": "x".repeat(300) });
    let task = controller.call("task.create", task).await["taskId"].clone();
    let claim = controller.call("task.claim", json!({ "taskId": task })).await;
    let note = json!({ "taskId": task, "generation": claim["generation"], "note": "x".repeat(1000) });
    // The task is in its message and shown beside it, which makes 614 bytes.
    for _ in 0..3 {
        controller.call("task.update", note.clone()).await;
    }
    let (message, _) = limited(&controller.connection, "task.update", note).await;
    assert!(message.contains("tasks"), "{message}");
    let cancel = json!({ "taskId": task, "reason": "x".repeat(1000) });
    limited(&controller.connection, "task.cancel", cancel).await;
    // What says nothing costs nothing.
    let renewal = json!({ "taskId": task, "generation": claim["generation"] });
    controller.call("task.renew", renewal).await;
}

#[tokio::test]
async fn regression_what_everybody_is_told_of_has_a_limit_of_its_own() {
    let limits = json!({ "changesPerSecond": 0, "announcementsPerSecond": 1, "announcementBurst": 3 });
    let (server, controller) = server(limits).await;
    let alice = server.participant(&controller, "alice").await;
    let room = alice.create_room("Ops", "public").await;
    let update = |name: &str| json!({ "roomId": room, "name": name });
    // What nobody is told of costs nothing.
    for _ in 0..10 {
        alice.call("room.update", update("Ops")).await;
        alice.create_room("mine", "private").await;
    }
    for name in ["Works", "Operations"] {
        alice.call("room.update", update(name)).await;
    }
    // In case the first one has come back by now.
    let _ = alice
        .connection
        .call("agent.rename", json!({ "displayName": "Alice" }))
        .await;
    let closed = json!({ "roomId": room, "visibility": "private" });
    let calls = [
        ("room.update", update("Ops")),
        ("room.create", json!({ "name": "more" })),
        ("agent.rename", json!({ "displayName": "alice" })),
        ("room.visibility", closed),
    ];
    for (method, params) in calls {
        let (message, wait) = limited(&alice.connection, method, params).await;
        assert!(message.contains("everybody") && (1..=1001).contains(&wait), "{message}");
    }
    controller.create_room("others", "public").await;
}

#[tokio::test]
async fn joins_have_a_limit_of_their_own() {
    let (server, controller) = server(json!({ "joinsPerSecond": 1, "joinBurst": 3 })).await;
    let alice = server.participant(&controller, "alice").await;
    let mut rooms = Vec::new();
    for number in 0..4 {
        rooms.push(controller.create_room(&format!("room {number}"), "public").await);
    }
    let last = rooms.pop().expect("four");
    for room in &rooms {
        alice.call("room.join", json!({ "roomId": room })).await;
    }
    let (message, wait) = limited(&alice.connection, "room.join", json!({ "roomId": last })).await;
    assert!(message.contains("joins") && (1..=1001).contains(&wait), "{message}");
    // Whoever may join no more may still leave, and others may join.
    alice.call("room.leave", json!({ "roomId": rooms[0] })).await;
    let bob = server.participant(&controller, "bob").await;
    bob.call("room.join", json!({ "roomId": last })).await;
}
