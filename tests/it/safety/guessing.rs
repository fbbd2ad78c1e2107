//! Guessing keys: slowed down by address, and never at the cost of those who have one.

use std::time::Instant;

use serde_json::{Value, json};
use wardroom::config::Config;

use super::raw::{FINAL, Raw, TEXT, frame, request};
use crate::support::{Agent, TestServer};

fn guess(number: usize) -> Value {
    json!({ "apiKey": format!("bl_k_{number:048x}") })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn guesses_are_judged_slowly_and_a_right_key_passes_at_once() {
    let defaults = Config::default().limits;
    let figures = (
        defaults.auth_attempts,
        defaults.auth_failures_per_second,
        defaults.auth_failure_burst,
    );
    assert_eq!(figures, (5, 1, 10));
    let server = TestServer::start();
    let controller = server.controller().await;
    let key = controller.invite("alice").await;
    let began = Instant::now();
    let (mut judged, mut limited) = (0, 0);
    for connection in 0..60 {
        let mut socket = Raw::open(&server).await.upgrade().await;
        for attempt in 0..5 {
            let answer = socket.call("auth", &guess(connection * 5 + attempt)).await;
            let error = &answer["error"];
            match error["code"].as_i64() {
                Some(4002) => judged += 1,
                Some(4080) => {
                    limited += 1;
                    assert!(
                        error["data"]["retryAfterMs"]
                            .as_u64()
                            .is_some_and(|wait| (1..=1001).contains(&wait))
                    );
                }
                _ => panic!("{answer}"),
            }
        }
        let (code, reason) = socket.ending().await.expect("a close frame");
        assert_eq!(
            (code, reason.as_str()),
            (1008, "too many failed attempts to authenticate")
        );
        if connection % 10 == 0 {
            // The agents behind the attacker's proxy have its address.
            Agent::enter(&server, &key).await;
        }
    }
    let allowed = 10 + 1 + usize::try_from(began.elapsed().as_secs()).expect("a number");
    assert!((10..=allowed).contains(&judged), "{judged} judged of {allowed}");
    assert_eq!(judged + limited, 300);
}

#[tokio::test]
async fn failures_lock_nobody_out() {
    let server = TestServer::start();
    let controller = server.controller().await;
    let key = controller.invite("alice").await;
    for _ in 0..20 {
        let mut socket = Raw::open(&server).await.upgrade().await;
        for last in ["w", "x", "y", "z"] {
            let wrong = format!("{}{last}", &key[..key.len() - 1]);
            let answer = socket.call("auth", &json!({ "apiKey": wrong })).await;
            let code = answer["error"]["code"].as_i64();
            assert!(code == Some(4002) || code == Some(4080), "{answer}");
        }
        let answer = socket.call("auth", &json!({ "apiKey": key })).await;
        assert_eq!(answer["result"]["status"], "ok", "{answer}");
    }
}

#[tokio::test]
async fn a_batch_of_guesses_counts_each() {
    let server = TestServer::start();
    let mut socket = Raw::open(&server).await.upgrade().await;
    let batch: Vec<Value> = (0..50)
        .map(|number| serde_json::from_str(&request(number, "auth", &guess(number))).expect("a request"))
        .collect();
    socket
        .send(&frame(FINAL | TEXT, Value::from(batch).to_string().as_bytes()))
        .await;
    let answers = socket.frame().await.expect("an answer").json();
    assert_eq!(answers.as_array().map(Vec::len), Some(5));
    assert_eq!(socket.ending().await.map(|(code, _)| code), Some(1008));
}

#[tokio::test]
async fn unknown_and_revoked_keys_are_told_the_same() {
    let server = TestServer::start();
    let controller = server.controller().await;
    let alice = server.participant(&controller, "alice").await;
    controller.call("agent.revoke", json!({ "agentId": alice.id() })).await;
    let answer = async |key: &str| {
        let mut socket = Raw::open(&server).await.upgrade().await;
        socket.call("auth", &json!({ "apiKey": key })).await["error"].clone()
    };
    let revoked = answer(&alice.key).await;
    assert_eq!(revoked["code"], 4002);
    assert_eq!(revoked, answer(&format!("bl_k_{}", "0".repeat(48))).await);
    assert_eq!(revoked, answer("").await);
    assert_eq!(revoked, answer(&format!(" {}", server.controller_key())).await);
    assert_eq!(revoked, answer(&server.controller_key().to_uppercase()).await);
}
