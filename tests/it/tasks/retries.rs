//! The same request under the same key is done once, and answered with the same receipt for as long as the key is kept.

use serde_json::{Value, json};

use super::{get, room, text};
use crate::support::{Agent, Cast};

/// Every change that can be asked for, each under a key of its own, with who asks. `$task` stands for the task.
fn requests(room: &str) -> Vec<(&'static str, &'static str, Value)> {
    vec![
        ("alice", "task.create", json!({ "roomId": room, "title": "count" })),
        ("bob", "task.claim", json!({ "leaseMs": 60_000 })),
        ("bob", "task.renew", json!({ "generation": 1 })),
        (
            "bob",
            "task.update",
            json!({ "generation": 1, "state": "working", "note": "on it" }),
        ),
        (
            "bob",
            "task.complete",
            json!({ "generation": 1, "content": "7", "data": { "sheep": 7 } }),
        ),
    ]
}

fn with_key(mut params: Value, task: Option<&str>, key: &str) -> Value {
    params["idempotencyKey"] = json!(key);
    if let Some(task) = task {
        params["taskId"] = json!(task);
    }
    params
}

async fn ask(cast: &Cast, who: &str, method: &str, params: Value) -> Value {
    let agent: &Agent = cast.agent(who);
    agent.call(method, params).await
}

#[tokio::test]
async fn every_change_of_a_task_can_be_asked_for_again_also_after_a_restart() {
    let mut cast = Cast::gather().await;
    let room = room(&cast).await;
    let (mut task, mut receipts): (Option<String>, Vec<Value>) = (None, Vec::new());
    for (number, (who, method, params)) in requests(&room).into_iter().enumerate() {
        let asked = with_key(params, task.as_deref(), &format!("key {number}"));
        let receipt = ask(&cast, who, method, asked.clone()).await;
        assert_eq!(ask(&cast, who, method, asked).await, receipt, "{method}");
        task.get_or_insert_with(|| text(&receipt["taskId"]));
        receipts.push(receipt);
    }
    let task = task.expect("it was offered");
    let messages = cast.alice().history(&room, 50, None).await;
    assert_eq!(messages.len(), 2, "the task and its result, each once");
    assert_eq!(get(cast.alice(), &task).await["revision"], 5);
    for kill in [false, true] {
        if kill {
            cast.server.kill();
            cast.server.restart();
        }
        cast.restart().await;
        let again = requests(&room).into_iter().enumerate();
        for ((number, (who, method, params)), receipt) in again.zip(&receipts) {
            let of = (method != "task.create").then_some(task.as_str());
            let key = format!("key {number}");
            let asked = with_key(params.clone(), of, &key);
            assert_eq!(&ask(&cast, who, method, asked).await, receipt, "{method}");
            // The key holds for that request alone, whatever else is right or wrong about another.
            let mut other = with_key(params, of, &key);
            other["leaseMs"] = json!(1);
            other["title"] = json!("another");
            other["note"] = json!("another");
            other["content"] = json!("another");
            assert_eq!(cast.agent(who).refused(method, other).await, 4081, "{method}");
        }
        assert_eq!(cast.alice().history(&room, 50, None).await, messages);
        assert_eq!(get(cast.alice(), &task).await["revision"], 5);
    }
}

#[tokio::test]
async fn a_key_serves_one_request_of_any_method_and_each_agent_has_its_own() {
    let cast = Cast::gather().await;
    let room = room(&cast).await;
    let said = json!({ "roomId": room, "content": "count", "idempotencyKey": "mine" });
    let offered = json!({ "roomId": room, "title": "count", "idempotencyKey": "mine" });
    cast.alice().call("message.send", said.clone()).await;
    assert_eq!(cast.alice().refused("task.create", offered.clone()).await, 4081);
    let task = cast.bob().call("task.create", offered).await["taskId"].clone();
    assert_eq!(cast.bob().refused("message.send", said).await, 4081);
    let failed = json!({ "taskId": task, "generation": 1, "idempotencyKey": "mine" });
    assert_eq!(cast.bob().refused("task.fail", failed.clone()).await, 4081);
    // What was refused for another reason uses no key up.
    let cancel = json!({ "taskId": task, "idempotencyKey": "theirs" });
    assert_eq!(cast.carol().refused("task.cancel", cancel.clone()).await, 4003);
    let receipt = cast.bob().call("task.cancel", cancel.clone()).await;
    assert_eq!(cast.bob().call("task.cancel", cancel).await, receipt);
}
