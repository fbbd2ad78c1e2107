//! Sending again, against a server that the test scripts frame by frame.

use std::sync::Mutex;
use std::time::Duration;

use serde_json::{Value, json};

use super::follow_tests::{ROOM, meet, readmit};
use super::retry::until_answered;
use super::tests::{Peer, Server, identity, options};
use super::*;

fn receipt() -> Value {
    json!({"messageId": "m", "timestamp": 1, "seq": 1})
}

/// Reads a request that must be the same as `first`.
async fn same(peer: &mut Peer, first: &Value) -> Value {
    let again = peer.request(first["method"].as_str().expect("a method")).await;
    assert_eq!(again["params"], first["params"]);
    again
}

#[tokio::test]
async fn a_lost_answer_is_asked_for_again_under_the_same_key() {
    let server = Server::start().await;
    let (client, mut peer) = meet(&server, options(&server)).await;
    let (receipt, ()) = tokio::join!(client.send_message(ROOM, "hello"), async {
        let first = peer.request("message.send").await;
        assert_eq!(first["params"]["idempotencyKey"].as_str().map(str::len), Some(32));
        drop(peer);
        let (mut peer, _) = readmit(&server, json!({})).await;
        let second = same(&mut peer, &first).await;
        let error = json!({"code": 4080, "message": "later", "data": {"retryable": true, "retryAfterMs": 1}});
        peer.send(json!({"jsonrpc": "2.0", "id": second["id"], "error": error}))
            .await;
        let third = same(&mut peer, &first).await;
        peer.answer(&third, receipt()).await;
    });
    assert_eq!(receipt.expect("stored").message_id, "m");
}

#[tokio::test]
async fn retrying_can_be_turned_off_and_other_refusals_are_final() {
    let server = Server::start().await;
    let once = ClientOptions {
        retry_for: Duration::ZERO,
        ..options(&server)
    };
    for (options, code) in [(once, 4090), (options(&server), 4011)] {
        let (client, mut peer) = meet(&server, options).await;
        let (receipt, ()) = tokio::join!(client.send_dm_once("b", "hello", "mine"), async {
            let request = peer.request("message.dm").await;
            assert_eq!(request["params"]["idempotencyKey"], "mine");
            peer.refuse(&request, code).await;
        });
        assert_eq!(receipt.expect_err("refused").code(), Some(code));
    }
}

#[tokio::test]
async fn regression_a_claim_whose_answer_is_lost_is_asked_for_again_under_the_same_key() {
    let server = Server::start().await;
    let (client, mut peer) = meet(&server, options(&server)).await;
    let (claimed, ()) = tokio::join!(client.claim_task("t", Some(60_000), None), async {
        let first = peer.request("task.claim").await;
        assert_eq!(first["params"]["idempotencyKey"].as_str().map(str::len), Some(32));
        drop(peer);
        let (mut peer, _) = readmit(&server, json!({})).await;
        let second = same(&mut peer, &first).await;
        let receipt = json!({"taskId": "t", "state": "accepted", "generation": 1, "revision": 2, "timestamp": 1});
        peer.answer(&second, receipt).await;
    });
    assert_eq!(claimed.expect("claimed").generation, 1);
}

#[tokio::test]
async fn what_the_server_cannot_do_now_is_asked_for_again() {
    for code in [4080, 4090, 4092, -32603] {
        let server = Server::start().await;
        let (client, mut peer) = meet(&server, options(&server)).await;
        let (sent, ()) = tokio::join!(client.send_message(ROOM, "hello"), async {
            let first = peer.request("message.send").await;
            peer.refuse(&first, code).await;
            let second = same(&mut peer, &first).await;
            peer.answer(&second, receipt()).await;
        });
        assert_eq!(sent.expect("stored").message_id, "m", "{code}");
    }
}

#[tokio::test]
async fn what_is_not_answered_in_time_is_asked_for_again() {
    let server = Server::start().await;
    let impatient = ClientOptions {
        connect: ConnectOptions {
            request_timeout: Duration::from_millis(20),
            ..ConnectOptions::default()
        },
        ..options(&server)
    };
    let (client, mut peer) = meet(&server, impatient).await;
    let answering = async {
        let first = peer.request("message.send").await;
        // However often a busy machine lets the answer come late.
        loop {
            let again = same(&mut peer, &first).await;
            peer.answer(&again, receipt()).await;
        }
    };
    let sent = tokio::select! {
        sent = client.send_message(ROOM, "hello") => sent,
        () = answering => unreachable!("it goes on for ever"),
    };
    assert_eq!(sent.expect("stored").message_id, "m");
}

#[tokio::test]
async fn nothing_is_repeated_to_a_server_that_does_not_know_keys() {
    let server = Server::start().await;
    let (client, mut peer) = tokio::join!(Client::connect(options(&server)), async {
        let mut peer = server.accept().await;
        let request = peer.request("auth").await;
        let mut old = identity();
        old.as_object_mut().expect("members").remove("epoch");
        peer.answer(&request, old).await;
        peer
    });
    let client = client.expect("connected");
    let (sent, ()) = tokio::join!(client.send_message(ROOM, "hello"), async {
        let request = peer.request("message.send").await;
        assert_eq!(request["params"], json!({"roomId": ROOM, "content": "hello"}));
        drop(peer);
    });
    assert!(matches!(sent, Err(ClientError::Closed(_))));
}

#[tokio::test]
async fn regression_no_attempt_may_take_longer_than_what_is_left() {
    let limit = Duration::from_millis(50);
    let told = Mutex::new(Vec::new());
    let backoff = Backoff {
        first: Duration::from_millis(2),
        most: Duration::from_millis(2),
    };
    let attempt = |left| {
        told.lock().expect("nobody panicked").push(left);
        std::future::ready(Err::<(), _>(ClientError::Timeout(left)))
    };
    let result = until_answered(limit, backoff, || false, attempt).await;
    assert!(matches!(result, Err(ClientError::Timeout(_))));
    let told = told.into_inner().expect("nobody panicked");
    assert!(told.iter().all(|left| *left <= limit), "{told:?}");
    assert!(told.is_sorted_by(|earlier, later| earlier > later), "{told:?}");
}

#[tokio::test]
async fn regression_a_refusal_does_not_hide_that_an_earlier_attempt_may_have_been_stored() {
    let server = Server::start().await;
    let (client, mut peer) = meet(&server, options(&server)).await;
    let (sent, ()) = tokio::join!(client.send_message(ROOM, "hello"), async {
        let first = peer.request("message.send").await;
        drop(peer);
        let (mut peer, _) = readmit(&server, json!({})).await;
        let second = same(&mut peer, &first).await;
        peer.refuse(&second, 4011).await;
    });
    assert!(matches!(sent, Err(ClientError::Closed(_))), "{sent:?}");
}
