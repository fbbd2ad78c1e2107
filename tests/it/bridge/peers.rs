//! Two bridges that meet through a hub's signaling: the whole workflow of the fact sheet, with its answers member for member.

use serde_json::{Value, json};

use super::stage::{Pair, contents};
use crate::support::TestBridge;
use crate::support::bridge::{Notice, unique};
use crate::support::soon;

/// Compares a text with a pattern in which `*` stands for anything that holds no quote, comma or closing bracket.
#[track_caller]
fn assert_like(text: &str, pattern: &str) {
    let mut rest = text;
    for (index, part) in pattern.split('*').enumerate() {
        if index > 0 {
            let end = rest.find(['"', ',', '}', ']']).unwrap_or(rest.len());
            assert!(end > 0, "nothing stands at a `*`\n text: {text}\n like: {pattern}");
            rest = &rest[end..];
        }
        rest = rest
            .strip_prefix(part)
            .unwrap_or_else(|| panic!("differs at `{rest}`\n text: {text}\n like: {pattern}"));
    }
    assert_eq!(rest, "", "more than\n like: {pattern}");
}

#[tokio::test]
async fn the_workflow_of_the_fact_sheet_member_for_member() {
    let pair = Pair::new();
    let (one, other) = (&pair.one, &pair.other);
    let (notice, second) = (Notice(unique("b1")), Notice(unique("b2")));
    let (b1, b2) = (notice.0.as_str(), second.0.as_str());
    let (status, text) = other
        .post_text("/send", &json!({"roomId": "nope", "type": "chat", "content": "x"}))
        .await;
    assert_eq!(status, 404);
    assert_eq!(
        text,
        r#"{"error":"No room","hint":"Connect first: wardroom bridge connect [room-id]"}"#
    );
    assert_eq!(other.get_text("/status").await, r#"{"connected":false,"rooms":0}"#);

    let (status, text) = other
        .post_text("/connect", &json!({"roomId": "r1", "agentId": b1}))
        .await;
    let root = other.root().to_string_lossy().into_owned();
    assert_eq!(status, 200);
    assert_eq!(
        text,
        format!(
            r#"{{"roomId":"r1","inbox":"{root}/r1/inbox.jsonl","invite":"{root}/r1/invite.txt","agentId":"{b1}","notify":"/tmp/agentlink_notify_{b1}","recv":"wardroom bridge recv --agent {b1} --wait 30 --port {}","hookCheck":"[ -s /tmp/agentlink_notify_{b1} ]"}}"#,
            other.port()
        )
    );
    let (status, text) = other.post_text("/send", &json!({"type": "chat", "content": "x"})).await;
    assert_eq!(status, 409, "nobody was ever there");
    assert_eq!(
        text,
        r#"{"error":"Room 'r1' not connected","hint":"Peer has not joined yet. Check: wardroom bridge status"}"#
    );
    let (_, text) = one.post_text("/connect", &json!({"roomId": "r1"})).await;
    assert_like(&text, r#"{"roomId":"r1","inbox":"*","invite":"*"}"#);
    one.connected("r1").await;
    other.connected("r1").await;
    other.get(&format!("/recv?agent={b2}")).await;

    let (status, text) = other
        .post_text("/send", &json!({"type": "task", "description": "t1", "agentId": b1}))
        .await;
    assert_eq!(status, 200);
    assert_like(&text, r#"{"ok":true,"id":"*","roomId":"r1"}"#);
    let id = serde_json::from_str::<Value>(&text).expect("JSON")["id"]
        .as_str()
        .expect("an id")
        .to_owned();
    let text = one.get_text("/recv?wait=30").await;
    assert_like(
        &text,
        &format!(
            r#"[{{"id":"{id}","type":"task","payload":{{"description":"t1","data":null}},"from":"PeerB","replyTo":null,"priority":1,"ts":*}}]"#
        ),
    );
    other
        .until("/tasks", "the acknowledgement", |tasks| tasks[0]["state"] == "acked")
        .await;
    assert_like(
        &other.get_text("/tasks").await,
        &format!(
            r#"[{{"id":"{id}","description":"t1","state":"acked","priority":1,"sentAt":*,"completedAt":null,"resultId":null}}]"#
        ),
    );
    one.post("/send", json!({"type": "result", "data": {"r": 1}, "replyTo": id}))
        .await;
    let text = other.get_text(&format!("/recv?agent={b1}&wait=30")).await;
    assert_like(
        &text,
        &format!(
            r#"[{{"id":"*","type":"result","payload":{{"data":{{"r":1}}}},"from":"PeerA","replyTo":"{id}","priority":1,"ts":*}}]"#
        ),
    );
    assert_eq!(other.get_text(&format!("/recv?agent={b2}")).await, "[]");
    assert_like(
        &other.get_text("/tasks?state=completed").await,
        &format!(
            r#"[{{"id":"{id}","description":"t1","state":"completed","priority":1,"sentAt":*,"completedAt":*,"resultId":"*"}}]"#
        ),
    );
    let expected = format!(
        r#"[{{"roomId":"r1","connected":true,"peer":"PeerA","permission":"helper","unread":0,"total":1,"agents":[{{"id":"{b1}","unread":0}},{{"id":"{b2}","unread":0}}]}}]"#
    );
    other
        .until("/rooms", "the queue to be empty", |rooms| {
            rooms[0]["agents"][0]["unread"] == 0
        })
        .await;
    assert_eq!(other.get_text("/rooms").await, expected);
    assert_like(
        &one.get_text("/status").await,
        r#"{"connected":true,"reconnecting":false,"roomId":"r1","peer":"PeerB","permission":"helper","unread":0,"total":1,"pending":*,"lastActivity":*,"silenceSec":*,"reconnectAttempt":0,"inbox":"*","agents":[]}"#,
    );
    assert_like(
        &one.get_text("/debug").await,
        r#"{"roomId":"r1","peer":"PeerB","iceState":"*","state":"*","gatheringState":"*","signalingState":"*","selectedCandidatePair":"*","bytesSent":*,"bytesReceived":*,"rtt":*}"#,
    );
    let permitted = one.post_text("/perm", &json!({"level": "chat"})).await.1;
    assert_eq!(permitted, r#"{"ok":true,"roomId":"r1","permission":"chat"}"#);
    let told = std::fs::read_to_string(notice.path()).expect("a notice");
    assert!(told.starts_with("PeerA:result:"), "{told}");
    assert_eq!(one.post_text("/close", &json!({})).await.1, r#"{"ok":true}"#);
    assert_eq!(one.get_text("/rooms").await, "[]");
}

#[tokio::test]
async fn the_workflow_by_the_command_line() {
    let server = crate::support::TestServer::start();
    let signal = format!("{}/signal/", server.url());
    let (one, other) = (TestBridge::start(&signal, "PeerA"), TestBridge::start(&signal, "PeerB"));
    let notice = Notice(unique("cli"));
    let agent = notice.0.as_str();
    let (code, line) = one.cli(&["connect"]).await;
    let room = line["roomId"].as_str().expect("a room").to_owned();
    assert_eq!(
        (code, room.len()),
        (0, 32),
        "the server makes a name that cannot be guessed"
    );
    let (_, line) = other.cli(&["connect", &room, "--agent", agent]).await;
    assert_eq!((&line["roomId"], &line["agentId"]), (&json!(room), &json!(agent)));
    one.connected(&room).await;
    other.connected(&room).await;
    let (_, sent) = one
        .cli(&[
            "send",
            "-t",
            "task",
            "--desc",
            "review",
            "--data",
            r#"{"f": 1.50}"#,
            "--priority",
            "high",
        ])
        .await;
    assert_eq!(sent["ok"], true);
    let (_, came) = other.cli(&["recv", "--agent", agent, "--wait", "30"]).await;
    assert_eq!((&came[0]["id"], &came[0]["priority"]), (&sent["id"], &json!(2)));
    assert_eq!(came[0]["payload"], json!({"description": "review", "data": {"f": 1.5}}));
    let task = came[0]["id"].as_str().expect("an id");
    let (_, sent) = other
        .cli(&[
            "send",
            "-t",
            "result",
            "--data",
            "plain text",
            "--reply-to",
            task,
            "--agent",
            agent,
        ])
        .await;
    assert_eq!(sent["ok"], true);
    let (_, came) = one.cli(&["recv", "-w", "30", "-l", "1", "-r", &room]).await;
    assert_eq!(came[0]["payload"], json!({"data": "plain text"}));
    let (_, tasks) = one.cli(&["tasks", "-s", "completed"]).await;
    assert_eq!(tasks[0]["id"], task);
    for (arguments, payload) in [
        (&["send", "-t", "query", "why?"][..], json!({"question": "why?"})),
        (
            &["send", "-t", "file", "--file-name", "n.txt", "text"],
            json!({"name": "n.txt", "content": "text"}),
        ),
        (&["send", "hello"], json!({"content": "hello"})),
    ] {
        let (_, sent) = other.cli(arguments).await;
        assert_eq!(sent["ok"], true, "{arguments:?}: {sent}");
        let (_, came) = one.cli(&["recv", "--wait", "30"]).await;
        assert_eq!(came[0]["payload"], payload, "{arguments:?}");
    }
    let (_, all) = one.cli(&["recv", "--all"]).await;
    assert_eq!(all.as_array().map(Vec::len), Some(4));
    let (code, line) = one.cli(&["perm", "root", "--strict"]).await;
    assert_eq!(
        (code, line),
        (1, json!({"error": "level must be intimate|helper|chat"}))
    );
    let (code, line) = one.cli(&["close", &room]).await;
    assert_eq!((code, line), (0, json!({"ok": true})));
}

#[tokio::test]
async fn the_more_restrictive_level_holds_on_both_sides() {
    let pair = Pair::new();
    pair.meet("r1").await;
    pair.one.post("/perm", json!({"level": "chat"})).await;
    for bridge in [&pair.one, &pair.other] {
        bridge
            .until("/status", "the level", |status| status["permission"] == "chat")
            .await;
        let (status, text) = bridge
            .post_text("/send", &json!({"type": "task", "description": "t"}))
            .await;
        assert_eq!(status, 403, "{text}");
    }
    pair.one
        .post("/send", json!({"type": "chat", "content": "still"}))
        .await;
    assert_eq!(contents(&[pair.other.get("/recv?wait=30").await[0].clone()]), ["still"]);
    pair.one.post("/perm", json!({"level": "intimate"})).await;
    pair.one
        .until("/status", "the level", |status| status["permission"] == "helper")
        .await;
}

#[tokio::test]
async fn what_is_sent_while_the_peer_is_away_reaches_it_in_order_when_it_is_back() {
    let mut pair = Pair::new();
    pair.meet("r1").await;
    pair.other.kill();
    pair.one
        .until("/status", "the loss to be noticed", |status| {
            status["connected"] == false
        })
        .await;
    for number in 0..5 {
        let sent = pair
            .one
            .post("/send", json!({"content": number.to_string(), "type": "chat"}))
            .await;
        assert_eq!(sent["queued"], true);
    }
    assert_eq!(pair.one.get("/status").await["pending"], 5);
    // The one who waits is restarted too: what it keeps is on the disk.
    pair.one.kill();
    pair.one.restart();
    pair.other.restart();
    soon("a link", pair.other.connected("r1")).await;
    let mut all = Vec::new();
    while all.len() < 5 {
        let came = pair.other.get("/recv?wait=30").await;
        all.extend(contents(came.as_array().expect("messages")));
    }
    assert_eq!(all, ["0", "1", "2", "3", "4"]);
    pair.one
        .until("/status", "the acknowledgements", |status| status["pending"] == 0)
        .await;
}

#[tokio::test]
async fn a_third_peer_and_a_dead_server_are_told_at_once_and_the_room_is_not_kept() {
    let pair = Pair::new();
    pair.meet("r1").await;
    let third = TestBridge::start(&format!("{}/signal/", pair.server.url()), "PeerC");
    let (status, text) = third.post_text("/connect", &json!({"roomId": "r1"})).await;
    let answer: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!((status, &answer["error"]), (504, &json!("Signaling timeout")));
    assert!(
        answer["detail"].as_str().is_some_and(|detail| detail.contains("full")),
        "{text}"
    );
    assert_eq!(third.get("/rooms").await, json!([]));
    let nowhere = TestBridge::start("ws://127.0.0.1:9/", "PeerD");
    assert_eq!(nowhere.post_text("/connect", &json!({"roomId": "r1"})).await.0, 504);
    assert_eq!(nowhere.post_text("/connect", &json!({})).await.0, 504);
    assert_eq!(nowhere.get("/rooms").await, json!([]));
}

#[tokio::test]
async fn an_introduction_comes_first_and_urgent_messages_before_others() {
    let pair = Pair::with_arguments(&["--intro", "I review code"]);
    pair.meet("r1").await;
    let intro = pair.other.get("/recv?wait=30").await;
    assert_eq!(
        (&intro[0]["type"], &intro[0]["text"]),
        (&json!("intro"), &json!("I review code"))
    );
    for (priority, content) in [("normal", "1"), ("low", "2"), ("high", "3")] {
        pair.one
            .post(
                "/send",
                json!({"type": "chat", "content": content, "priority": priority}),
            )
            .await;
    }
    pair.other
        .until("/status", "three messages", |status| status["unread"] == 3)
        .await;
    let came = pair.other.get("/recv").await;
    assert_eq!(contents(came.as_array().expect("messages")), ["3", "1", "2"]);
}

#[tokio::test]
async fn a_repeat_is_told_from_another_message_with_the_same_id() {
    let mut pair = Pair::new();
    pair.meet("r1").await;
    let say = |content: &str| json!({"id": "00000001", "type": "chat", "payload": {"content": content}});
    for content in ["a", "a", "b"] {
        let sent = pair.one.post("/send", say(content)).await;
        assert_eq!(sent["id"], "00000001");
    }
    let acknowledged = |status: &Value| status["pending"] == 0;
    pair.one.until("/status", "the acknowledgements", acknowledged).await;
    let came = pair.other.get("/recv").await;
    assert_eq!(contents(came.as_array().expect("messages")), ["a", "b"]);
    pair.other
        .until("/status", "the answer to be noted", |status| status["unread"] == 0)
        .await;
    // It is known for good, not only while the bridge runs.
    pair.other.kill();
    pair.other.restart();
    pair.other.connected("r1").await;
    pair.one.connected("r1").await;
    pair.one.post("/send", say("a")).await;
    pair.one.post("/send", say("c")).await;
    assert_eq!(
        contents(pair.other.get("/recv?wait=30").await.as_array().expect("messages")),
        ["c"]
    );
}
