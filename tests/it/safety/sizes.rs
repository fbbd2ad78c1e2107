//! How large anything may be.

use std::fmt::Write as _;

use serde_json::{Value, json};
use wardroom::config::Config;

use super::raw::{FINAL, HANDSHAKE, Raw, TEXT, frame, request, status};
use crate::support::TestServer;

/// A text frame of exactly so many bytes: a request padded with blanks.
fn padded(bytes: usize) -> Vec<u8> {
    let mut text = request("big", "lobby.getMotd", &json!({}));
    text.extend(std::iter::repeat_n(' ', bytes - text.len()));
    frame(FINAL | TEXT, text.as_bytes())
}

#[tokio::test]
async fn frames_are_small_before_authentication_and_large_enough_after_it() {
    let config = Config::default();
    assert_eq!(
        (config.frame_bytes(), config.limits.frame_bytes_before_auth),
        (1 << 20, 1 << 16)
    );
    let server = TestServer::start();
    let mut socket = Raw::open(&server).await.upgrade().await;
    socket.send(&padded(1 << 16)).await;
    assert_eq!(socket.frame().await.expect("an answer").json()["error"]["code"], 4001);
    socket.send(&padded((1 << 16) + 1)).await;
    assert_eq!(socket.ending().await.map(|(code, _)| code), Some(1009));

    let mut socket = Raw::open(&server).await.enter(server.controller_key()).await;
    socket.send(&padded(1 << 20)).await;
    assert_eq!(
        socket.frame().await.expect("an answer").json()["result"]["motd"],
        Value::Null
    );
    socket.send(&padded((1 << 20) + 1)).await;
    assert_eq!(socket.ending().await.map(|(code, _)| code), Some(1009));
}

#[tokio::test]
async fn a_full_message_fits_however_it_is_written() {
    for length in [8192_usize, 200_000] {
        let config = json!({ "maxMessageLength": length });
        let server = TestServer::builder().config(config).start();
        let mut socket = Raw::open(&server).await.enter(server.controller_key()).await;
        let lobby = {
            let rooms = socket.call("room.list", &json!({})).await;
            rooms["result"]["rooms"][0]["roomId"].clone()
        };
        // Each character twelve bytes: a pair of surrogates.
        for (count, code) in [(length, None), (length + 1, Some(4050))] {
            let mut text = format!(
                r#"{{"jsonrpc":"2.0","id":"e","method":"message.send","params":{{"roomId":{lobby},"content":""#
            );
            for _ in 0..count {
                text.push_str(r"\ud83d\ude00");
            }
            text.push_str(r#""}}"#);
            socket.send(&frame(FINAL | TEXT, text.as_bytes())).await;
            let answer = socket.frame().await.expect("an answer").json();
            assert_eq!(answer["error"]["code"].as_i64(), code, "{count} of {length}");
        }
        let page = socket.call("room.history", &json!({ "roomId": lobby })).await;
        let content = page["result"]["messages"][0]["content"].as_str().expect("a text");
        assert_eq!(content, "😀".repeat(length));
    }
}

#[tokio::test]
async fn nesting_is_bounded() {
    let server = TestServer::start();
    let mut socket = Raw::open(&server).await.enter(server.controller_key()).await;
    for (depth, code) in [(63, None), (64, Some(-32600)), (100_000, Some(-32600))] {
        // The request itself is one level.
        let nested = "[".repeat(depth - 1) + &"]".repeat(depth - 1);
        let text = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"lobby.getMotd","params":{{"x":{nested}}}}}"#);
        socket.send(&frame(FINAL | TEXT, text.as_bytes())).await;
        let answer = socket.frame().await.expect("an answer").json();
        assert_eq!(answer["error"]["code"].as_i64(), code, "{depth}");
    }
    // Brackets in a text are none.
    let text = request(1, "lobby.setMotd", &json!({ "content": "[".repeat(1000) + "\\\"[" }));
    socket.send(&frame(FINAL | TEXT, text.as_bytes())).await;
    assert_eq!(
        socket.frame().await.expect("an answer").json()["result"]["status"],
        "ok"
    );
}

#[tokio::test]
async fn every_stored_text_is_bounded() {
    let server = TestServer::start();
    let controller = server.controller().await;
    let alice = server.participant(&controller, "alice").await;
    let room = controller.create_room("Room", "public").await;
    let message = controller.say(&room, "x").await["messageId"].clone();
    let cases = [
        ("agent.invite", json!({}), "displayName", 100),
        ("room.create", json!({}), "name", 100),
        ("room.create", json!({ "name": "Described" }), "description", 1000),
        ("room.update", json!({ "roomId": room }), "name", 100),
        ("room.update", json!({ "roomId": room }), "description", 1000),
        ("lobby.setMotd", json!({}), "content", 65_536),
        ("docs.update", json!({ "name": "constitution" }), "content", 65_536),
        (
            "docs.update",
            json!({ "name": "constitution", "content": "x" }),
            "version",
            64,
        ),
        ("message.remove", json!({ "messageId": message }), "reason", 1000),
        ("agent.kick", json!({ "agentId": alice.id() }), "reason", 1000),
        ("agent.ban", json!({ "agentId": alice.id() }), "reason", 1000),
    ];
    for (method, params, field, limit) in cases {
        let with = |length: usize| {
            let mut params = params.clone();
            params[field] = "ß".repeat(length).into();
            params
        };
        assert_eq!(
            controller.refused(method, with(limit + 1)).await,
            -32602,
            "{method} {field}"
        );
        controller.call(method, with(limit)).await;
    }
}

#[tokio::test]
async fn a_page_of_history_is_bounded_as_it_is_written() {
    let limits =
        json!({ "historyAnswerBytes": 65_536, "messagesPerSecond": 0, "bytesPerSecond": 0, "loopMessages": 0 });
    let server = TestServer::builder().config(json!({ "limits": limits })).start();
    let mut socket = Raw::open(&server).await.enter(server.controller_key()).await;
    let lobby = socket.call("room.list", &json!({})).await["result"]["rooms"][0]["roomId"].clone();
    for _ in 0..30 {
        let params = json!({ "roomId": lobby, "content": "\u{1}".repeat(4000) });
        assert!(socket.call("message.send", &params).await["error"].is_null());
    }
    let (mut before, mut found) = (Value::Null, 0);
    loop {
        let ask = request(
            "page",
            "room.history",
            &json!({ "roomId": lobby, "limit": 100, "before": before }),
        );
        socket.send(&frame(FINAL | TEXT, ask.as_bytes())).await;
        let answer = socket.frame().await.expect("an answer");
        assert!(answer.payload.len() <= 65_536 + 200, "{} bytes", answer.payload.len());
        let answer = answer.json();
        let messages = answer["result"]["messages"].as_array().expect("messages").clone();
        found += messages.len();
        if messages.is_empty() {
            break;
        }
        before = messages[0]["timestamp"].clone();
        assert_eq!(
            answer["result"]["more"],
            if found < 30 { json!(true) } else { Value::Null }
        );
    }
    assert_eq!(found, 30);
}

#[tokio::test]
async fn batches_are_bounded_in_number_and_in_what_they_answer() {
    let config = json!({ "limits": { "historyAnswerBytes": 65_536 } });
    let server = TestServer::builder().config(config).start();
    let mut socket = Raw::open(&server).await.enter(server.controller_key()).await;
    let batch = |count: usize, method: &str| {
        let entries = (0..count)
            .map(|number| request(number, method, &json!({})))
            .collect::<Vec<_>>();
        frame(FINAL | TEXT, format!("[{}]", entries.join(",")).as_bytes())
    };
    socket.send(&batch(100, "lobby.getMotd")).await;
    assert_eq!(
        socket.frame().await.expect("an answer").json().as_array().map(Vec::len),
        Some(100)
    );
    socket.send(&batch(101, "lobby.getMotd")).await;
    assert_eq!(socket.frame().await.expect("an answer").json()["error"]["code"], -32600);
    // Each answer is tens of kilobytes.
    socket.send(&batch(100, "rpc.discover")).await;
    let answer = socket.frame().await.expect("an answer");
    assert!(answer.payload.len() < 400_000, "{} bytes", answer.payload.len());
    let answers = answer.json();
    let codes: Vec<&Value> = answers
        .as_array()
        .expect("answers")
        .iter()
        .map(|answer| &answer["error"]["code"])
        .collect();
    assert_eq!(codes.len(), 100);
    assert!(codes[0].is_null() && *codes[99] == 4080, "{codes:?}");
}

#[tokio::test]
async fn compression_is_not_taken_up() {
    let server = TestServer::start();
    for offer in [
        "permessage-deflate",
        "permessage-deflate; client_max_window_bits",
        "x-webkit-deflate-frame, permessage-deflate; server_no_context_takeover",
        "permessage-bzip2",
    ] {
        let mut head = HANDSHAKE.trim_end().to_owned();
        let _ = write!(
            head,
            "\r\nSec-WebSocket-Extensions: {offer}\r\nSec-WebSocket-Protocol: chat\r\n\r\n"
        );
        let mut socket = Raw::open(&server).await;
        socket.send(head.as_bytes()).await;
        let answer = socket.head().await.expect("an answer");
        assert_eq!(status(&answer), Some(101));
        let answer = answer.to_ascii_lowercase();
        assert!(
            !answer.contains("sec-websocket-extensions") && !answer.contains("sec-websocket-protocol"),
            "{answer}"
        );
        // What is sent compressed all the same is a violation.
        socket
            .send(&frame(FINAL | 0x40 | TEXT, b"\xaa\x56\x4a\x2c\x4a\x05\x00"))
            .await;
        assert_eq!(socket.ending().await.map(|(code, _)| code), Some(1002));
    }
}
