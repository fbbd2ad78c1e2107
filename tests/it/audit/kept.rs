//! Which acts are remembered although no request names them, and that nobody pushes out what those did who govern.

use serde_json::{Value, json};
use wardroom::client::Methods;

use super::entries;
use crate::support::{Agent, Cast, TestServer};

/// Who did `method` to what, as the log has it.
async fn actors(controller: &Agent, method: &str) -> Vec<(Value, Value)> {
    let found = entries(controller, json!({ "method": method })).await;
    let who = |entry: &Value| (entry["actor"].clone(), entry["targets"].clone());
    found.iter().map(who).collect()
}

#[tokio::test]
async fn regression_a_pause_by_the_server_is_remembered_as_its_own() {
    let limits = json!({ "messagesPerSecond": 0, "loopMessages": 10 });
    let cast = Cast::gather_on(TestServer::builder().config(json!({ "limits": limits }))).await;
    let room = cast.alice().create_room("Ops", "public").await;
    cast.bob().call("room.join", json!({ "roomId": room })).await;
    for number in 0..=10 {
        let speaker = if number % 2 == 0 { cast.bob() } else { cast.alice() };
        speaker.say(&room, "and you?").await;
    }
    let found = entries(cast.controller(), json!({ "method": "room.pause" })).await;
    let [entry] = found.as_slice() else { panic!("{found:?}") };
    let about = (&entry["actor"], &entry["targets"], &entry["gateway"], &entry["address"]);
    assert_eq!(
        about,
        (&json!("server"), &json!([room]), &json!("server"), &json!(null))
    );
    cast.alice().call("room.resume", json!({ "roomId": room })).await;
    let by_alice = (json!(cast.alice().id()), json!([room]));
    let resumed = actors(cast.controller(), "room.resume").await;
    assert_eq!(resumed.as_slice(), std::slice::from_ref(&by_alice));
    // What is paused already is not paused by whoever comes later.
    for pauser in [cast.alice(), cast.controller()] {
        pauser.call("room.pause", json!({ "roomId": room })).await;
    }
    assert_eq!(actors(cast.controller(), "room.pause").await[1..], [by_alice]);
}

#[tokio::test]
async fn regression_a_task_that_somebody_else_cancels_is_remembered() {
    let cast = Cast::gather().await;
    let room = cast.alice().create_room("Ops", "public").await;
    cast.bob().call("room.join", json!({ "roomId": room })).await;
    let mut tasks = Vec::new();
    for canceler in [cast.alice(), cast.bob()] {
        let offer = json!({ "roomId": room, "title": "work" });
        let task = cast.bob().call("task.create", offer).await["taskId"].clone();
        let cancel = json!({ "taskId": task, "idempotencyKey": "once" });
        for _ in 0..2 {
            canceler.call("task.cancel", cancel.clone()).await;
        }
        tasks.push(task);
    }
    // Once, although it was asked for twice; and what one calls off oneself is nobody else's.
    let found = actors(cast.controller(), "task.cancel").await;
    assert_eq!(found, [(json!(cast.alice().id()), json!([tasks[0]]))]);
}

#[tokio::test]
async fn regression_what_changes_nothing_is_told_to_nobody_and_leaves_no_entry() {
    let cast = Cast::gather().await;
    let (alice, bob) = (cast.alice(), cast.bob());
    let room = alice.create_room("Ops", "public").await;
    cast.settle().await;
    let nothing = [
        ("room.update", json!({ "roomId": room, "name": "Ops" })),
        ("room.visibility", json!({ "roomId": room, "visibility": "public" })),
        ("room.resume", json!({ "roomId": room })),
        ("agent.rename", json!({ "displayName": "alice" })),
    ];
    for (method, params) in nothing {
        alice.call(method, params).await;
        assert!(bob.told().await.is_empty(), "`{method}`");
        assert!(actors(cast.controller(), method).await.is_empty(), "`{method}`");
    }
}

#[tokio::test]
async fn regression_nobody_pushes_out_what_those_did_who_govern() {
    let limits = json!({ "auditRows": 100, "changesPerSecond": 0, "announcementsPerSecond": 0 });
    let mut cast = Cast::gather_on(TestServer::builder().config(json!({ "limits": limits }))).await;
    let motd = json!({ "content": "remember" });
    cast.controller().call("lobby.setMotd", motd).await;
    let operator = cast.server.operator().await;
    operator
        .call("operator.unlock", json!({}))
        .await
        .expect("the operator may");
    let before = entries(cast.controller(), json!({})).await;
    let room = cast.alice().create_room("Ops", "public").await;
    for number in 0..220 {
        let update = json!({ "roomId": room, "name": number.to_string() });
        cast.alice().call("room.update", update).await;
    }
    let mine = actors(cast.controller(), "room.update").await;
    assert_eq!(mine.len(), 100);
    cast.restart().await;
    let mut found = entries(cast.controller(), json!({})).await;
    found.retain(|entry| entry["method"] != "room.update");
    assert_eq!(found, before);
    // It goes on as before, and a later one takes the next number.
    cast.alice().call("room.delete", json!({ "roomId": room })).await;
    let last = entries(cast.controller(), json!({})).await.pop().expect("an entry");
    assert_eq!(
        (&last["method"], &last["seq"]),
        (&json!("room.delete"), &json!(before.len() + 221))
    );
}
