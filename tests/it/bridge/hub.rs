//! Rooms of a hub through the bridge: a one-shot agent takes part with `curl`.

use std::process::{Child, Stdio};

use serde_json::{Value, json};
use wardroom::client::{Connection, Endpoint};

use super::stage::{HubStage, contents};
use crate::support::bridge::{Notice, unique};
use crate::support::{Agent, soon};

#[tokio::test]
async fn an_agent_takes_part_in_a_hub_by_single_requests() {
    let stage = HubStage::new().await;
    let notice = Notice(unique("hub"));
    let agent = notice.0.as_str();
    let connected = stage.connect(agent).await;
    assert_eq!(connected["roomId"], stage.room.as_str());
    assert_eq!(connected["notify"], notice.path().to_string_lossy().as_ref());

    let receipt = stage.controller.say(&stage.room, "hello").await;
    let came = stage.bridge.receive(agent).await;
    let expected = json!([{
        "id": receipt["messageId"], "type": "chat", "payload": {"content": "hello"}, "from": "Controller",
        "replyTo": null, "priority": 1, "ts": receipt["timestamp"],
    }]);
    assert_eq!(json!([came[0].clone()]), with_name(expected, &came[0]["from"]));
    let told = std::fs::read_to_string(notice.path()).expect("a notice");
    assert!(
        told.ends_with(&format!(":chat:{}\n", came[0]["id"].as_str().expect("an id"))),
        "{told}"
    );

    let sent = stage
        .bridge
        .post(
            "/send",
            json!({"type": "chat", "content": "hi there", "agentId": agent}),
        )
        .await;
    assert_eq!((&sent["ok"], &sent["roomId"]), (&json!(true), &json!(stage.room)));
    assert!(sent.get("queued").is_none(), "{sent}");
    let heard = stage.heard().await;
    assert_eq!((&heard["content"], heard.get("type")), (&json!("hi there"), None));
    // What it said itself does not come back to it.
    assert_eq!(stage.bridge.get(&format!("/recv?agent={agent}")).await, json!([]));
}

/// The expected messages with the sender's name, which the server chose.
fn with_name(mut expected: Value, name: &Value) -> Value {
    expected[0]["from"] = name.clone();
    expected
}

#[tokio::test]
async fn tasks_and_their_results_find_each_other_through_a_hub() {
    let stage = HubStage::new().await;
    let notice = Notice(unique("tasks"));
    let other = Notice(unique("tasks"));
    stage.connect(&notice.0).await;
    stage.connect(&other.0).await;
    let task = json!({"type": "task", "description": "look", "data": {"a": 1}, "agentId": notice.0});
    let sent = stage.bridge.post("/send", task).await;
    let heard = stage.heard().await;
    assert_eq!((&heard["type"], &heard["content"]), (&json!("task"), &json!("look")));
    assert_eq!(heard["data"], json!({"a": 1}));
    let tasks = stage.bridge.get("/tasks").await;
    assert_eq!((&tasks[0]["id"], &tasks[0]["state"]), (&sent["id"], &json!("acked")));

    let answer = json!({
        "roomId": stage.room, "type": "result", "content": "done", "data": {"r": 1}, "replyTo": heard["messageId"],
    });
    stage.controller.call("message.send", answer).await;
    let came = stage.bridge.receive(&notice.0).await;
    assert_eq!((&came[0]["type"], &came[0]["replyTo"]), (&json!("result"), &sent["id"]));
    assert_eq!(came[0]["payload"], json!({"content": "done", "data": {"r": 1}}));
    let tasks = stage.bridge.get("/tasks?state=completed").await;
    assert_eq!((&tasks[0]["id"], &tasks[0]["resultId"]), (&sent["id"], &came[0]["id"]));
    assert_eq!(stage.bridge.get(&format!("/recv?agent={}", other.0)).await, json!([]));

    // And the other way round: what is answered here is what the hub knows.
    let asked = json!({"roomId": stage.room, "type": "query", "content": "how many?"});
    let asked = stage.controller.call("message.send", asked).await;
    let came = stage.bridge.receive(&notice.0).await;
    assert_eq!(came[0]["payload"], json!({"question": "how many?"}));
    let reply = json!({"type": "chat", "content": "three", "replyTo": came[0]["id"]});
    stage.bridge.post("/send", reply).await;
    assert_eq!(stage.heard().await["replyTo"], asked["messageId"]);
}

#[tokio::test]
async fn after_a_kill_an_agent_receives_exactly_what_it_has_not() {
    let mut stage = HubStage::new().await;
    let notice = Notice(unique("resume"));
    let agent = notice.0.clone();
    stage.connect(&agent).await;
    let (mut said, mut seen) = (Vec::new(), Vec::new());
    for round in 0..5 {
        for number in 0..4 {
            said.push(format!("{round}.{number}"));
            stage.controller.say(&stage.room, &said[said.len() - 1]).await;
        }
        if round % 2 == 0 {
            wait_for_unread(&stage, said.len() - seen.len()).await;
            let came = stage.bridge.get(&format!("/recv?agent={agent}&limit=3")).await;
            seen.extend(contents(came.as_array().expect("messages")));
            // Until then the answer may not be noted yet, and would be given once more.
            wait_for_unread(&stage, said.len() - seen.len()).await;
        }
        stage.bridge.kill();
        said.push(format!("{round} meanwhile"));
        stage.controller.say(&stage.room, &said[said.len() - 1]).await;
        stage.bridge.restart();
    }
    let missing = said.len() - seen.len();
    seen.extend(contents(&stage.bridge.receive_many(&agent, missing).await));
    assert_eq!(seen, said);
    assert_eq!(stage.bridge.get("/rooms").await[0]["connected"], true);
}

/// Waits until so many messages wait for the only agent.
async fn wait_for_unread(stage: &HubStage, count: usize) {
    let is_so = |status: &Value| status["agents"][0]["unread"] == count;
    stage.bridge.until("/status", "the queue", is_so).await;
}

#[tokio::test]
async fn what_is_sent_while_the_hub_is_away_is_there_once_when_it_is_back() {
    let mut stage = HubStage::new().await;
    let notice = Notice(unique("away"));
    stage.connect(&notice.0).await;
    stage.server.kill();
    stage
        .bridge
        .until("/status", "the loss to be noticed", |status| {
            status["connected"] == false
        })
        .await;
    for number in 0..3 {
        let message = json!({"type": "chat", "content": format!("m{number}"), "id": format!("fixed-{number}"), "payload": {"content": format!("m{number}")}});
        let sent = stage.bridge.post("/send", message).await;
        assert_eq!(
            (&sent["id"], &sent["queued"]),
            (&json!(format!("fixed-{number}")), &json!(true))
        );
    }
    assert_eq!(stage.bridge.get("/status").await["pending"], 3);
    stage.bridge.kill();
    // On the same port, which was this server's until just now.
    let port = stage.server.authority().rsplit(':').next().expect("a port").to_owned();
    let mut again = stage.bridge.bare_command();
    again
        .args(["serve", "--foreground", "--port", &port, "--data-dir"])
        .arg(stage.server.data_dir())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let _again = Ended(again.spawn().expect("the program starts"));
    stage.bridge.restart();
    stage
        .bridge
        .until("/status", "everything to be sent", |status| status["pending"] == 0)
        .await;
    let endpoint = Endpoint::parse(stage.server.url()).expect("an address");
    let connection = soon("a connection", Connection::open(&endpoint))
        .await
        .expect("a connection");
    let controller = Agent::over(connection, json!({"apiKey": stage.controller.key}))
        .await
        .expect("let in");
    let said: Vec<Value> = controller.history(&stage.room, 10, None).await;
    let said: Vec<&str> = said.iter().filter_map(|message| message["content"].as_str()).collect();
    assert_eq!(said, ["m0", "m1", "m2"]);
}

#[tokio::test]
async fn what_a_hub_refuses_is_told_and_not_kept() {
    let stage = HubStage::new().await;
    let notice = Notice(unique("refused"));
    let wrong = stage.bridge.home().join("wrong");
    std::fs::write(&wrong, "bl_k_wrong").expect("written");
    let body = json!({"hub": stage.server.url(), "keyFile": wrong});
    assert_eq!(stage.bridge.post_text("/connect", &body).await.0, 502);
    let body = json!({"hub": stage.server.url(), "keyFile": stage.bridge.home().join("none")});
    assert_eq!(stage.bridge.post_text("/connect", &body).await.0, 400);
    let mut body = stage.connect_body(&notice.0);
    body["roomId"] = json!("no such room");
    assert_eq!(stage.bridge.post_text("/connect", &body).await.0, 404);

    stage.connect(&notice.0).await;
    let (status, text) = stage
        .bridge
        .post_text("/send", &json!({"type": "chat", "content": ""}))
        .await;
    assert_eq!(status, 403, "{text}");
    assert_eq!(stage.bridge.get("/status").await["pending"], 0);
    let log = std::fs::read_to_string(stage.bridge.root().join(&stage.room).join("events.jsonl")).expect("events");
    assert!(log.contains(r#""event":"error""#) && !log.contains(&stage.key), "{log}");
}

/// A process that ends with the test.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}
