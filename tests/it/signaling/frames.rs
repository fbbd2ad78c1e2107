//! What clients send that is not as it should be, and what becomes of it.

use serde_json::{Value, json};

use super::{ICE, OFFER, Peer, plain_servers};
use crate::safety::raw::{BINARY, CONTINUATION, FINAL, TEXT};

/// Texts that are answered with an error and go no further.
fn garbage() -> Vec<(String, &'static str)> {
    let description = |payload: Value| json!({ "type": "offer", "payload": payload }).to_string();
    let candidate = |payload: Value| json!({ "type": "ice", "payload": payload }).to_string();
    let (not_object, not_allowed) = (
        "Invalid message: the frame is not a JSON object",
        "Message type not allowed",
    );
    vec![
        ("null".into(), not_object),
        ("[]".into(), not_object),
        ("[{\"type\":\"offer\"}]".into(), not_object),
        ("7".into(), not_object),
        ("\"offer\"".into(), not_object),
        ("garbage".into(), not_object),
        (String::new(), not_object),
        ("[".repeat(60_000), not_object),
        ("{}".into(), not_allowed),
        (r#"{"type":null}"#.into(), not_allowed),
        (r#"{"type":"chat","payload":"v=0"}"#.into(), not_allowed),
        (r#"{"type":"ready","payload":{"role":"offerer"}}"#.into(), not_allowed),
        (r#"{"type":"peer-left"}"#.into(), not_allowed),
        (r#"{"type":"error","payload":"gotcha"}"#.into(), not_allowed),
        (r#"{"type":"__proto__"}"#.into(), not_allowed),
        (description(Value::Null), "Invalid message"),
        (description(json!({ "sdp": "v=0" })), "Invalid message"),
        (description(json!("garbage sdp")), "Invalid message"),
        (
            description(json!("v=".to_owned() + &"x".repeat(16_384))),
            "Invalid message",
        ),
        (
            description(json!("v=0\r\nm=audio 9 RTP/SAVPF 0\r\n")),
            "Invalid message",
        ),
        (candidate(Value::Null), "Invalid message"),
        (candidate(json!("candidate")), "Invalid message"),
        (candidate(json!({ "candidate": "x" })), "Invalid message"),
        (candidate(json!({ "candidate": {}, "sdpMid": "0" })), "Invalid message"),
        (
            candidate(json!({ "candidate": "x".repeat(2000), "sdpMid": "0" })),
            "Invalid message",
        ),
    ]
}

#[tokio::test]
async fn garbage_is_answered_with_an_error_and_harms_nobody() {
    for server in plain_servers() {
        let (mut one, mut two) = Peer::pair(&server, "/signal/r").await;
        for (text, expected) in garbage() {
            one.send(&text).await;
            let told = one.hear().await;
            let payload = told["payload"].as_str().unwrap_or_default();
            assert!(
                told["type"] == "error" && payload.starts_with(expected),
                "{text:.80}: {told}"
            );
        }
        two.assert_hears_next(&mut one).await;
        one.assert_hears_next(&mut two).await;
    }
}

#[tokio::test]
async fn of_a_member_that_comes_twice_the_last_counts_and_members_that_are_not_known_pass() {
    for server in plain_servers() {
        let (mut one, mut two) = Peer::pair(&server, "/signal/r").await;
        one.send(r#"{"payload":7,"type":"chat","more":{"a":[1]},"payload":"v=0","type":"offer"}"#)
            .await;
        let expected = json!({ "type": "offer", "payload": "v=0", "more": { "a": [1] } });
        assert_eq!(two.hear().await, expected);
        let fragment = json!({ "type": "ice", "payload": { "candidate": "", "sdpMid": "0", "usernameFragment": "u" } });
        one.send(&fragment.to_string()).await;
        assert_eq!(two.hear().await, fragment);
    }
}

#[tokio::test]
async fn a_binary_frame_of_json_is_passed_on_as_text() {
    for server in plain_servers() {
        let (mut one, mut two) = Peer::pair(&server, "/signal/r").await;
        one.send_frame(FINAL | BINARY, OFFER.as_bytes()).await;
        assert_eq!(two.text().await, OFFER);
        // In two fragments.
        let (first, second) = ICE.as_bytes().split_at(30);
        one.send_frame(TEXT, first).await;
        one.send_frame(FINAL | CONTINUATION, second).await;
        assert_eq!(two.text().await, ICE);
    }
}

#[tokio::test]
async fn the_largest_description_passes() {
    for server in plain_servers() {
        let (mut one, mut two) = Peer::pair(&server, "/signal/r").await;
        let text = json!({ "type": "answer", "payload": "v=".to_owned() + &"x".repeat(16_382) });
        one.send(&text.to_string()).await;
        assert_eq!(two.hear().await, text);
    }
}

#[tokio::test]
async fn a_frame_that_is_too_large_ends_its_sender_only() {
    for server in plain_servers() {
        let (mut one, mut two) = Peer::pair(&server, "/signal/r").await;
        one.send(&"x".repeat(65_537)).await;
        assert_eq!(one.ending().await.map(|(code, _)| code), Some(1009));
        assert_eq!(two.hear().await, json!({ "type": "peer-left" }));
    }
}

#[tokio::test]
async fn what_is_no_text_and_no_websocket_frame_ends_its_sender_only() {
    for server in plain_servers() {
        for (first, payload, code) in [
            (FINAL | BINARY, &[0xFF][..], 1003),
            (FINAL | TEXT, &[0xC3], 1007),
            (0xF3, &[], 1002),
        ] {
            let (mut one, mut two) = Peer::pair(&server, "/signal/r").await;
            one.send_frame(first, payload).await;
            assert_eq!(one.ending().await.map(|(code, _)| code), Some(code));
            assert_eq!(two.hear().await, json!({ "type": "peer-left" }));
        }
    }
}
