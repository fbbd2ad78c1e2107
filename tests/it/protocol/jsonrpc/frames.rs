//! Frames: their kinds, their sizes and what the text in them may hold.

use serde_json::{Value, json};

use crate::support::{Cast, Raw, TestServer, soon};

/// Largest frame of a connection that has not authenticated.
const BEFORE_AUTH: usize = 64 * 1024;
/// Largest frame of a connection that has.
const AFTER_AUTH: usize = 1024 * 1024;

/// A request of exactly `size` bytes, most of them in a member that nobody knows.
fn request_of(size: usize) -> String {
    let frame = |padding: &str| {
        format!(r#"{{"jsonrpc":"2.0","method":"lobby.getMotd","params":{{"padding":"{padding}"}},"id":1}}"#)
    };
    let padding = "x".repeat(size - frame("").len());
    frame(&padding)
}

#[tokio::test]
async fn a_binary_frame_that_is_text_is_treated_as_text() {
    let server = TestServer::start();
    let controller = server.controller().await;
    let request = br#"{"jsonrpc":"2.0","method":"lobby.getMotd","id":1}"#.to_vec();
    controller.connection.send_binary(request).await.expect("it is open");
    let answer = Raw(&controller.connection).next().await;
    assert_eq!(answer, json!({ "jsonrpc": "2.0", "result": { "motd": null }, "id": 1 }));
}

#[tokio::test]
async fn a_binary_frame_that_is_no_text_closes_with_1003() {
    let server = TestServer::start();
    let controller = server.controller().await;
    let bytes = vec![0xFF, 0xFE, 0x00];
    controller.connection.send_binary(bytes).await.expect("it is open");
    let end = soon("the end", controller.connection.ended()).await;
    assert_eq!(end.code, Some(1003), "{end}");
}

#[tokio::test]
async fn before_auth_a_frame_has_at_most_64_kib() {
    let server = TestServer::start();
    let stranger = server.connect().await;
    Raw(&stranger)
        .assert_error(&request_of(BEFORE_AUTH), json!(1), 4001)
        .await;
    stranger
        .send_text(request_of(BEFORE_AUTH + 1))
        .await
        .expect("it is open");
    let end = soon("the end", stranger.ended()).await;
    assert_eq!(end.code, Some(1009), "{end}");
}

#[tokio::test]
async fn after_auth_a_frame_has_at_most_1_mib() {
    let server = TestServer::start();
    let controller = server.controller().await;
    let answer = Raw(&controller.connection).ask(&request_of(AFTER_AUTH)).await;
    assert_eq!(answer["result"], json!({ "motd": null }));
    let text = request_of(AFTER_AUTH + 1);
    controller.connection.send_text(text).await.expect("it is open");
    let end = soon("the end", controller.connection.ended()).await;
    assert_eq!(end.code, Some(1009), "{end}");
}

#[tokio::test]
async fn a_full_message_written_in_escapes_is_accepted() {
    let cast = Cast::gather().await;
    let alice = cast.alice();
    let raw = Raw(&alice.connection);
    let room = alice.create_room("Ops", "public").await;
    // Outside the basic plane a character takes two escapes, so twelve bytes.
    for (escapes, character) in [(r"\u0041", 'A'), (r"\u00e9", 'é'), (r"\ud83d\ude00", '😀')] {
        let content = escapes.repeat(8192);
        let request = |content: &str| {
            format!(
                r#"{{"jsonrpc":"2.0","method":"message.send","params":{{"roomId":"{room}","content":"{content}"}},"id":1}}"#
            )
        };
        let answer = raw.ask(&request(&content)).await;
        assert!(answer["result"]["messageId"].is_string(), "{answer}");
        let stored = alice.history(&room, 1, None).await;
        assert_eq!(stored[0]["content"], character.to_string().repeat(8192));
        let answer = raw.ask(&request(&format!("{content}{escapes}"))).await;
        assert_eq!(answer["error"]["code"], 4050);
        assert_eq!(answer["error"]["data"]["limit"], 8192);
    }
}

#[tokio::test]
async fn a_longer_message_limit_admits_larger_frames() {
    let builder = TestServer::builder().config(json!({ "maxMessageLength": 200_000 }));
    let server = builder.start();
    let controller = server.controller().await;
    let content = r"\ud83d\ude00".repeat(200_000);
    let room = controller.lobby();
    let text = format!(
        r#"{{"jsonrpc":"2.0","method":"message.send","params":{{"roomId":"{room}","content":"{content}"}},"id":1}}"#
    );
    let answer = Raw(&controller.connection).ask(&text).await;
    assert_eq!(answer["result"]["seq"], 1, "{answer}");
}

#[tokio::test]
async fn text_that_cannot_be_written_as_utf8_is_invalid_params() {
    let server = TestServer::start();
    let controller = server.controller().await;
    let raw = Raw(&controller.connection);
    let room = controller.lobby();
    for content in [r"\ud800", r"\udc00", r"\ude00\ud83d", r"a\ud83dx", r"\ud83d\u0041"] {
        let text = format!(
            r#"{{"jsonrpc":"2.0","method":"message.send","params":{{"roomId":"{room}","content":"{content}"}},"id":1}}"#
        );
        raw.assert_error(&text, json!(1), -32602).await;
    }
    assert!(controller.history(room, 10, None).await.is_empty());
}

#[tokio::test]
async fn content_is_kept_byte_for_byte() {
    let server = TestServer::start();
    let controller = server.controller().await;
    let room = controller.lobby();
    let contents = [
        " leading and trailing \t",
        "\r\n\n\u{0}\u{1}\u{1f}\u{7f}\u{85}\u{2028}",
        "e\u{301} and \u{e9}",
        "\u{feff}\u{202e}\u{200d}\u{fffd}\u{10ffff}",
        r#"{"jsonrpc":"2.0","method":"auth"}"#,
        "'; DROP TABLE messages; --",
    ];
    for content in contents {
        controller.say(room, content).await;
    }
    let history = controller.history(room, 50, None).await;
    let stored: Vec<&Value> = history.iter().map(|message| &message["content"]).collect();
    assert_eq!(stored, contents);
}

#[tokio::test]
async fn nesting_is_bounded_at_64_levels() {
    let server = TestServer::start();
    let controller = server.controller().await;
    let raw = Raw(&controller.connection);
    // The request and its params are two levels themselves.
    let nested = |depth: usize| {
        let (open, close) = ("[".repeat(depth - 2), "]".repeat(depth - 2));
        format!(r#"{{"jsonrpc":"2.0","method":"lobby.getMotd","params":{{"deep":{open}{close}}},"id":1}}"#)
    };
    let answer = raw.ask(&nested(64)).await;
    assert_eq!(answer["result"], json!({ "motd": null }));
    raw.assert_error(&nested(65), Value::Null, -32600).await;
    raw.assert_error(&"[".repeat(60_000), Value::Null, -32600).await;
    // Brackets in a text are no nesting.
    let answer = raw
        .ask(&nested(64).replace("\"deep\"", &format!("\"{}\"", "[".repeat(200))))
        .await;
    assert_eq!(answer["result"], json!({ "motd": null }));
}

#[tokio::test]
async fn a_failing_frame_leaves_the_connection_as_it_was() {
    let cast = Cast::gather().await;
    let alice = cast.alice();
    let raw = Raw(&alice.connection);
    for text in [
        "nonsense",
        "{}",
        "[]",
        "\u{0}",
        r#"{"jsonrpc":"2.0","method":"x","id":{}}"#,
    ] {
        raw.ask(text).await;
    }
    assert_eq!(alice.call("lobby.getMotd", json!({})).await["motd"], Value::Null);
    cast.bob().say(alice.lobby(), "still there?").await;
    assert_eq!(alice.expect("message").await["message"]["content"], "still there?");
}
