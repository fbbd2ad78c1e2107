//! Bridges that are killed in the middle of a stream: nothing acknowledged is lost, nothing comes twice.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::stage::{Pair, contents};
use crate::support::soon;

/// Kills of each run, unless `WARDROOM_BRIDGE_ROUNDS` asks for more.
const ROUNDS: usize = 15;

/// Messages of each half of a round.
const MESSAGES: usize = 20;

fn rounds() -> usize {
    let asked = std::env::var_os("WARDROOM_BRIDGE_ROUNDS").and_then(|text| text.to_str()?.parse().ok());
    asked.unwrap_or(ROUNDS)
}

/// Sends messages until the bridge is gone or all are sent: those that were answered.
async fn send_some(pair: &Pair, round: &str) -> Vec<String> {
    let mut answered = Vec::new();
    for number in 0..MESSAGES {
        let content = format!("{round}.{number}");
        let body = json!({"type": "chat", "content": content}).to_string();
        let request = format!(
            "POST /send HTTP/1.0\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        match pair.one.try_raw(request.as_bytes()).await {
            Ok(answer) if answer.starts_with("HTTP/1.0 200") => answered.push(content),
            _ => break,
        }
    }
    answered
}

/// Everything that the other side has, by the record that it keeps.
async fn record(pair: &Pair) -> Vec<String> {
    let all = pair.other.get("/recv?all=1").await;
    contents(all.as_array().expect("messages"))
}

fn assert_once_in_order(record: &[String], sent: &[String]) {
    let unique: BTreeSet<&String> = record.iter().collect();
    assert_eq!(unique.len(), record.len(), "something came twice: {record:?}");
    let wanted: BTreeSet<&String> = sent.iter().collect();
    let there: Vec<&String> = record.iter().filter(|content| wanted.contains(content)).collect();
    assert_eq!(there, sent.iter().collect::<Vec<_>>(), "lost, or out of order");
}

/// Waits until both are linked again.
async fn linked(pair: &Pair) {
    pair.one.connected("r1").await;
    pair.other.connected("r1").await;
}

#[tokio::test]
async fn a_receiver_that_is_killed_mid_stream_has_everything_once_and_in_order() {
    let mut pair = Pair::new();
    pair.meet("r1").await;
    let mut sent = Vec::new();
    for round in 0..rounds() {
        sent.extend(send_some(&pair, &format!("{round} before")).await);
        pair.other.kill();
        sent.extend(send_some(&pair, &format!("{round} behind")).await);
        pair.other.restart();
        linked(&pair).await;
    }
    assert_eq!(sent.len(), 2 * MESSAGES * rounds());
    drain(&pair).await;
    assert_once_in_order(&record(&pair).await, &sent);
}

#[tokio::test]
async fn a_sender_that_is_killed_mid_stream_loses_nothing_that_it_answered() {
    let mut pair = Pair::new();
    pair.meet("r1").await;
    let mut sent = Vec::new();
    for round in 0..rounds() {
        let pid = pair.one.pid();
        // The kill comes from a thread of its own, somewhere in the middle.
        let killer = tokio::task::spawn_blocking(move || {
            for _ in 0..(round * 40) {
                std::thread::yield_now();
            }
            let status = std::process::Command::new("kill")
                .args(["-9", &pid.to_string()])
                .status();
            assert!(status.expect("`kill` runs").success());
        });
        sent.extend(send_some(&pair, &round.to_string()).await);
        soon("the kill", killer).await.expect("killed");
        pair.one.restart();
        linked(&pair).await;
    }
    drain(&pair).await;
    assert_once_in_order(&record(&pair).await, &sent);
}

#[tokio::test]
async fn signaling_that_is_killed_cuts_no_stream() {
    let mut pair = Pair::new();
    pair.meet("r1").await;
    let mut sent = send_some(&pair, "before").await;
    pair.server.kill();
    sent.extend(send_some(&pair, "behind").await);
    drain(&pair).await;
    assert_eq!(sent.len(), 2 * MESSAGES);
    assert_once_in_order(&record(&pair).await, &sent);
}

/// Waits until the other side has acknowledged everything.
async fn drain(pair: &Pair) {
    let acknowledged = |status: &Value| status["pending"] == 0;
    pair.one
        .until("/status", "everything to be acknowledged", acknowledged)
        .await;
}
