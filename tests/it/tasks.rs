//! Tasks and threads over real sockets: one holder at a time, leases that end and never early, and results that count once.

mod claims;
mod endings;
mod leases;
mod lists;
mod messages;
mod retries;

use serde_json::{Value, json};

use crate::support::{Agent, Cast};

/// A room of alice that bob and carol are in.
async fn room(cast: &Cast) -> String {
    let room = cast.alice().create_room("Ops", "public").await;
    for agent in [cast.bob(), cast.carol()] {
        agent.call("room.join", json!({ "roomId": room })).await;
    }
    cast.settle().await;
    room
}

/// Offers a task: its id.
pub(crate) async fn offer(agent: &Agent, room: &str, title: &str) -> String {
    let params = json!({ "roomId": room, "title": title });
    text(&agent.call("task.create", params).await["taskId"])
}

/// Claims a task: the generation.
async fn claim(agent: &Agent, task: &str) -> u64 {
    let receipt = agent.call("task.claim", json!({ "taskId": task })).await;
    receipt["generation"].as_u64().expect("a number")
}

async fn get(agent: &Agent, task: &str) -> Value {
    agent.call("task.get", json!({ "taskId": task })).await["task"].clone()
}

/// The next change of a task to `state`.
async fn comes_to(agent: &Agent, state: &str) -> Value {
    loop {
        let task = agent.expect("task.updated").await["task"].clone();
        if task["state"] == state {
            return task;
        }
    }
}

fn text(value: &Value) -> String {
    value.as_str().expect("text").to_owned()
}

fn milliseconds(value: &Value) -> i64 {
    value.as_i64().expect("milliseconds")
}
