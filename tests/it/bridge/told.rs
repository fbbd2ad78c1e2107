//! Hooks and notifiers: the operator's own programs are told what happens.

use std::path::Path;

use serde_json::{Value, json};

use super::stage::HubStage;
use crate::support::bridge::{Notice, unique};
use crate::support::{TestBridge, TestServer, soon};

/// The content of a file as soon as it is as it should be.
async fn file_when(path: &Path, is_so: impl Fn(&str) -> bool) -> String {
    soon("a file", async {
        loop {
            let text = std::fs::read_to_string(path).unwrap_or_default();
            if is_so(&text) {
                return text;
            }
            tokio::task::yield_now().await;
        }
    })
    .await
}

#[tokio::test]
async fn hooks_and_notifiers_are_told_and_no_text_of_a_peer_is_run() {
    let server = TestServer::start();
    let controller = server.controller().await;
    let key = controller.invite("Scout").await;
    let room = controller.lobby().to_owned();
    let place = tempfile::tempdir().expect("a directory");
    let (log, told) = (place.path().join("log"), place.path().join("told"));
    let rc = json!({
        "signalingUrl": "ws://127.0.0.1:9/", "name": "Scout", "iceServers": [],
        "hooks": {"onMessage": format!("printf '%s|%s\\n' {{type}} {{content}} >> {}", log.display())},
        "notify": {"type": "file", "dir": told},
    });
    let bridge = TestBridge::with_rc(&rc, &[]);
    let stage = HubStage {
        key_file: {
            let path = bridge.home().join("key");
            std::fs::write(&path, &key).expect("written");
            path
        },
        server,
        controller,
        bridge,
        key,
        room,
    };
    let notice = Notice(unique("told"));
    stage.connect(&notice.0).await;
    let hostile = format!(
        "$(touch {0}/owned) `touch {0}/owned`; touch {0}/owned '\"",
        place.path().display()
    );
    stage.controller.say(&stage.room, &hostile).await;
    let text = file_when(&log, |text| text.ends_with('\n')).await;
    assert_eq!(text, format!("chat|{hostile}\n"));
    assert!(!place.path().join("owned").exists());
    stage
        .bridge
        .post("/send", json!({"type": "chat", "content": "mine"}))
        .await;
    let events = soon("the events", async {
        loop {
            let mut events: Vec<Value> = std::fs::read_dir(&told)
                .map(|entries| {
                    let texts = entries.filter_map(|entry| std::fs::read_to_string(entry.ok()?.path()).ok());
                    texts.filter_map(|text| serde_json::from_str(&text).ok()).collect()
                })
                .unwrap_or_default();
            if events.len() >= 4 {
                events.sort_by_key(|event| event["ts"].as_i64());
                return events;
            }
            tokio::task::yield_now().await;
        }
    })
    .await;
    let of = |event: &Value| format!("{} {} {}", event["event"], event["from"], event["content"]);
    let said: Vec<String> = events.iter().map(of).collect();
    assert!(
        said.contains(&r#""message" "Scout (me)" "mine""#.to_owned()),
        "{said:?}"
    );
    assert!(said.iter().any(|event| event.starts_with("\"connected\"")), "{said:?}");
}

#[tokio::test]
async fn a_notifier_that_cannot_work_is_refused_at_the_start() {
    let bridge = TestBridge::start("ws://127.0.0.1:9/", "B");
    let mut command = bridge.bare_command();
    let home = tempfile::tempdir().expect("a directory");
    std::fs::write(home.path().join(".agentlinkrc"), r#"{"notify": {"type": "mail"}}"#).expect("written");
    command
        .current_dir(home.path())
        .env("HOME", home.path())
        .args(["bridge", "--port", "0"]);
    let ran = tokio::task::spawn_blocking(move || command.output());
    let ran = soon("its end", ran).await.expect("joined").expect("it runs");
    let said: Value = serde_json::from_slice(&ran.stdout).expect("one line");
    assert!(
        said["error"]
            .as_str()
            .is_some_and(|error| error.contains("notify.type")),
        "{said}"
    );
    assert!(!ran.status.success());
}
