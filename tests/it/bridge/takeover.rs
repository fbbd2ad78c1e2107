//! What link-agent's bridge left behind is taken over.

use serde_json::{Value, json};

use super::stage::Pair;
use crate::support::TestBridge;

#[tokio::test]
async fn the_files_of_an_original_are_taken_over_when_their_room_is_connected() {
    let pair = Pair::new();
    let room = "r1";
    let directory = pair.one.root().join(room);
    std::fs::create_dir_all(&directory).expect("made");
    let old =
        r#"{"id":"0a0a0a0a","type":"chat","payload":{"content":"old"},"from":"X","replyTo":null,"priority":1,"ts":1}"#;
    std::fs::write(directory.join("inbox.jsonl"), format!("{old}\n")).expect("written");
    let pending = r#"{"id":"0b0b0b0b","type":"task","payload":{"description":"t","data":null},"from":"PeerA","replyTo":null,"priority":2,"ts":2}"#;
    std::fs::write(directory.join("pending.jsonl"), format!("garbage\n{pending}\n")).expect("written");
    let task = r#"{"id":"0b0b0b0b","description":"t","state":"sent","priority":2,"sentAt":2,"completedAt":null,"resultId":null}"#;
    std::fs::write(directory.join("tasks.jsonl"), format!("{task}\n")).expect("written");

    pair.meet(room).await;
    let came = pair.other.get_text("/recv?wait=30").await;
    assert_eq!(came, format!("[{pending}]"), "sent as it was");
    let tasks = pair
        .one
        .until("/tasks", "the acknowledgement", |tasks| tasks[0]["state"] == "acked")
        .await;
    assert_eq!(tasks[0]["priority"], 2);
    assert_eq!(pair.one.get_text("/recv?all=1").await, format!("[{old}]"));
    assert_eq!(
        pair.one.get("/recv").await,
        json!([]),
        "what was received then is not new"
    );
    assert!(!directory.join("pending.jsonl").exists() && !directory.join("tasks.jsonl").exists());
    let inbox = std::fs::read_to_string(directory.join("inbox.jsonl")).expect("a file");
    assert_eq!(inbox, format!("{old}\n"));
}

#[tokio::test]
async fn settings_come_from_the_rc_file_and_its_aliases_name_rooms() {
    let server = crate::support::TestServer::start();
    let rc = json!({
        "signalingUrl": format!("{}/signal/", server.url()), "name": "FromRc", "permission": "chat", "iceServers": [],
        "aliases": {"team": "room-behind-it", "constructor": "harmless"},
    });
    let bridge = TestBridge::with_rc(&rc, &[]);
    let connected = bridge.post("/connect", json!({"roomId": "team"})).await;
    assert_eq!(connected["roomId"], "room-behind-it");
    let status: Value = bridge.get("/status?room=team").await;
    assert_eq!(
        (&status["roomId"], &status["permission"]),
        (&json!("room-behind-it"), &json!("chat"))
    );
    let (_, line) = bridge.cli(&["status", "--room", "team"]).await;
    assert_eq!(line["roomId"], "room-behind-it");
    let invite = std::fs::read_to_string(bridge.root().join("room-behind-it/invite.txt")).expect("an invite");
    assert!(
        invite.contains("Room ID: room-behind-it\nPermission: chat\n"),
        "{invite}"
    );
}
