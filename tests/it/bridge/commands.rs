//! The daemon and the commands around it.

use std::process::Command;

use serde_json::{Value, json};

use crate::support::TestBridge;

/// Runs a command in a home directory: its exit code, what it printed, and what it said on the side.
fn run(home: &std::path::Path, arguments: &[&str]) -> (Option<i32>, String, String) {
    let ran = Command::new(env!("CARGO_BIN_EXE_wardroom"))
        .args(arguments)
        .current_dir(home)
        .env("HOME", home)
        .env_remove("AGENTLINK_AGENT_ID")
        .output()
        .expect("it runs");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    (ran.status.code(), text(ran.stdout), text(ran.stderr))
}

#[test]
fn a_bridge_in_the_background_tells_its_port_and_is_stopped_by_it() {
    let home = tempfile::tempdir().expect("a directory");
    let (code, line, _) = run(home.path(), &["bridge", "-p", "0", "-s", "ws://127.0.0.1:9/"]);
    let ready: Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
    assert_eq!((code, line.lines().count()), (Some(0), 1));
    let port = ready["port"].as_u64().expect("a port").to_string();
    assert_eq!(line, format!("{{\"pid\":{},\"port\":{port}}}\n", ready["pid"]));

    let (code, rooms, _) = run(home.path(), &["bridge", "rooms", "-p", &port]);
    assert_eq!((code, rooms.as_str()), (Some(0), "[]\n"));
    let (code, health, _) = run(home.path(), &["bridge", "-p", &port, "status"]);
    assert_eq!(
        (code, health.as_str()),
        (Some(0), "{\"connected\":false,\"rooms\":0}\n")
    );
    assert!(
        home.path()
            .join(format!(".agentlink/bridge-{port}/bridge.db"))
            .is_file()
    );
    let (code, stopped, _) = run(home.path(), &["bridge", "stop", "--port", &port]);
    assert_eq!(code, Some(0));
    assert_eq!(stopped, format!("{{\"stopped\":true,\"pid\":{}}}\n", ready["pid"]));
    let (code, refused, _) = run(home.path(), &["bridge", "rooms", "-p", &port]);
    assert_eq!(code, Some(1));
    assert_eq!(
        refused,
        format!("{{\"error\":\"connect ECONNREFUSED 127.0.0.1:{port}\"}}\n")
    );
    let (code, again, _) = run(home.path(), &["bridge", "stop", "--kill-port", &port]);
    assert_eq!(code, Some(0));
    assert_eq!(again, format!("{{\"error\":\"no bridge serves port {port}\"}}\n"));
}

#[test]
fn a_command_that_is_not_known_starts_nothing() {
    let home = tempfile::tempdir().expect("a directory");
    let (code, line, error) = run(home.path(), &["bridge", "sned", "hello"]);
    assert_eq!((code, line.as_str()), (Some(2), ""));
    assert!(error.contains("sned"), "{error}");
    let (code, _, error) = run(home.path(), &["bridge", "--perm", "root"]);
    assert_eq!(code, Some(2));
    assert!(error.contains("intimate"), "{error}");
    assert!(!home.path().join(".agentlink").exists());
}

#[tokio::test]
async fn errors_are_printed_and_fail_only_when_asked_to() {
    let bridge = TestBridge::start("ws://127.0.0.1:9/", "B");
    let no_room = json!({"error": "No room", "hint": "Connect first: wardroom bridge connect [room-id]"});
    assert_eq!(bridge.cli(&["send", "hello"]).await, (0, no_room.clone()));
    assert_eq!(bridge.cli(&["send", "hello", "--strict"]).await, (1, no_room));
    assert_eq!(bridge.cli(&["recv"]).await, (0, json!([])));
    assert_eq!(bridge.cli(&["close"]).await, (0, json!({"ok": true})));
}

#[tokio::test]
async fn a_stop_in_order_ends_polls_and_keeps_the_data() {
    let mut bridge = TestBridge::start("ws://127.0.0.1:9/", "B");
    bridge.get("/health").await;
    bridge.stop();
    bridge.restart();
    assert_eq!(bridge.get("/health").await["status"], "ok");
}
