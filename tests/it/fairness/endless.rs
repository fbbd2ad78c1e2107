//! Rooms that are paused: by hand, and because agents answer each other without end.

use serde_json::{Value, json};
use wardroom::client::{ClientError, Methods};

use crate::support::{Agent, Cast, TestServer, soon};

async fn gather(answers: u32) -> Cast {
    let limits = json!({ "messagesPerSecond": 0, "changesPerSecond": 0, "loopMessages": answers });
    Cast::gather_on(TestServer::builder().config(json!({ "limits": limits }))).await
}

/// A room of alice that bob and carol are in.
async fn room(cast: &Cast) -> String {
    let room = cast.alice().create_room("Ops", "public").await;
    for agent in [cast.bob(), cast.carol()] {
        agent.call("room.join", json!({ "roomId": room })).await;
    }
    cast.settle().await;
    room
}

/// Sends a message that is refused with 4130: the data of the error.
async fn paused(agent: &Agent, room: &str) -> Value {
    let params = json!({ "roomId": room, "content": "one more" });
    match soon("an answer", agent.connection.call("message.send", params)).await {
        Err(ClientError::Rpc(error)) if error.code == 4130 => error.data.clone().unwrap_or_default(),
        other => panic!("the room is not paused: {other:?}"),
    }
}

async fn pause_of(agent: &Agent, room: &str) -> Value {
    agent.call("room.info", json!({ "roomId": room })).await["room"]["paused"].clone()
}

#[tokio::test]
async fn two_agents_that_answer_each_other_without_end_are_stopped_and_everybody_learns_why() {
    let mut cast = gather(20).await;
    let room = room(&cast).await;
    for number in 0..=20 {
        let speaker = if number % 2 == 0 { cast.bob() } else { cast.carol() };
        speaker.say(&room, "and you?").await;
    }
    let told = cast.alice().expect("room.paused").await;
    let reason = told["reason"].as_str().expect("a reason").to_owned();
    assert!(reason.contains("2 agents") && reason.contains("20 times"), "{reason}");
    assert_eq!(told["pausedBy"], Value::Null);
    for agent in [cast.bob(), cast.carol()] {
        assert_eq!(agent.expect("room.paused").await, told);
        let data = paused(agent, &room).await;
        assert_eq!(
            (&data["reason"], &data["since"], &data["retryable"]),
            (&json!(reason), &told["since"], &json!(false))
        );
    }
    let task = json!({ "roomId": room, "title": "one more" });
    assert_eq!(cast.bob().refused("task.create", task).await, 4130);
    // Reading, other rooms and direct messages go on.
    assert_eq!(cast.bob().history(&room, 50, None).await.len(), 21);
    cast.bob().say(cast.bob().lobby(), "elsewhere").await;

    cast.restart().await;
    paused(cast.bob(), &room).await;
    let shown = pause_of(cast.bob(), &room).await;
    assert_eq!(
        shown,
        json!({ "reason": reason, "since": told["since"], "pausedBy": null })
    );
    assert_eq!(cast.bob().refused("room.resume", json!({ "roomId": room })).await, 4003);
    cast.alice().call("room.resume", json!({ "roomId": room })).await;
    let resumed = cast.bob().expect("room.resumed").await;
    assert_eq!(resumed["resumedBy"], json!(cast.alice().id()));
    assert_eq!(pause_of(cast.bob(), &room).await, Value::Null);
    // The count begins anew.
    for number in 0..20 {
        let speaker = if number % 2 == 0 { cast.bob() } else { cast.carol() };
        speaker.say(&room, "and you?").await;
    }
    assert_eq!(pause_of(cast.bob(), &room).await, Value::Null);
}

#[tokio::test]
async fn regression_two_agents_that_hand_tasks_to_each_other_are_stopped_too() {
    let mut cast = gather(20).await;
    let room = room(&cast).await;
    let offer = json!({ "roomId": room, "title": "your turn" });
    for _ in 0..10 {
        let task = cast.bob().call("task.create", offer.clone()).await["taskId"].clone();
        let claim = cast.carol().call("task.claim", json!({ "taskId": task })).await;
        let done = json!({ "taskId": task, "generation": claim["generation"] });
        cast.carol().call("task.complete", done).await;
    }
    // Nineteen answers until now.
    let task = cast.bob().call("task.create", offer.clone()).await["taskId"].clone();
    let told = cast.alice().expect("room.paused").await;
    assert_eq!(told["pausedBy"], Value::Null);
    assert_eq!(cast.carol().refused("task.create", offer).await, 4130);
    // What is in hand is finished, but nothing more is said of it before.
    let claim = cast.carol().call("task.claim", json!({ "taskId": task })).await;
    let note = json!({ "taskId": task, "generation": claim["generation"], "note": "and you?" });
    assert_eq!(cast.carol().refused("task.update", note).await, 4130);
    let begin = json!({ "taskId": task, "generation": claim["generation"], "state": "working" });
    cast.carol().call("task.update", begin).await;
    let done = json!({ "taskId": task, "generation": claim["generation"] });
    cast.carol().call("task.complete", done).await;
    cast.restart().await;
    assert_eq!(pause_of(cast.bob(), &room).await["reason"], told["reason"]);
}

#[tokio::test]
async fn a_busy_room_and_one_that_only_one_speaks_in_go_on() {
    let cast = gather(20).await;
    let room = room(&cast).await;
    for number in 0..100 {
        let speaker = [cast.alice(), cast.bob(), cast.carol()][number % 3];
        speaker.say(&room, "busy").await;
    }
    for _ in 0..100 {
        cast.bob().say(&room, "alone").await;
    }
    for number in 0..100 {
        let speaker = if number % 2 == 0 { cast.bob() } else { cast.carol() };
        speaker.say(&room, "two of them").await;
        if number % 15 == 14 {
            cast.alice().say(&room, "I am listening").await;
        }
    }
    assert_eq!(pause_of(cast.bob(), &room).await, Value::Null);
}

#[tokio::test]
async fn zero_never_stops_anybody() {
    let cast = gather(0).await;
    let room = room(&cast).await;
    for number in 0..200 {
        let speaker = if number % 2 == 0 { cast.bob() } else { cast.carol() };
        speaker.say(&room, "and you?").await;
    }
    assert_eq!(pause_of(cast.bob(), &room).await, Value::Null);
}

#[tokio::test]
async fn what_was_sent_before_a_pause_is_acknowledged_again_and_work_in_hand_is_finished() {
    let cast = gather(0).await;
    let room = room(&cast).await;
    let message = json!({ "roomId": room, "content": "once", "idempotencyKey": "k" });
    let receipt = cast.bob().call("message.send", message.clone()).await;
    let task = cast
        .bob()
        .call("task.create", json!({ "roomId": room, "title": "work" }))
        .await["taskId"]
        .clone();
    let claim = cast.carol().call("task.claim", json!({ "taskId": task })).await;
    cast.alice()
        .call("room.pause", json!({ "roomId": room, "reason": "lunch" }))
        .await;
    assert_eq!(paused(cast.bob(), &room).await["reason"], json!("lunch"));
    assert_eq!(cast.bob().call("message.send", message).await, receipt);
    let result = json!({ "taskId": task, "generation": claim["generation"], "content": "done" });
    let finished = cast.carol().call("task.complete", result).await;
    assert_eq!(finished["state"], json!("completed"));
}
