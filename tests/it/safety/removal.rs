//! Kick, ban and revoke: nothing accepted and nothing shown afterwards, on any connection.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::task::JoinSet;
use wardroom::client::{ClientError, Methods as _};

use super::raw::{CLOSE, FINAL, Raw, TEXT, frame, request};
use crate::support::{Agent, Cast, TestServer, at_most, soon};

const SESSIONS: usize = 4;

/// Sends without waiting for answers until it is cut off; what it was shown and answered until then.
async fn talk(mut socket: Raw, room: String) -> (Vec<u64>, Vec<String>, Option<(u16, String)>) {
    let (mut acknowledged, mut shown, mut close) = (Vec::new(), Vec::new(), None);
    let mut refused = 0;
    for number in 0.. {
        let params = json!({ "roomId": room, "content": "from the rogue" });
        let text = request(number, "message.send", &params);
        socket.send(&frame(FINAL | TEXT, text.as_bytes())).await;
        let Some(frame) = socket.frame().await else { break };
        if frame.opcode == CLOSE {
            close = Some(frame.close());
            socket.finish().await;
            continue;
        }
        if frame.opcode != TEXT {
            continue;
        }
        let told = frame.json();
        // Between its end and the close frame it may be refused a few times.
        refused += usize::from(told["error"].is_object());
        assert!(refused < 10_000, "it was never cut off");
        if let Some(seq) = told["result"]["seq"].as_u64() {
            acknowledged.push(seq);
        }
        if let Some(content) = told["params"]["message"]["content"].as_str() {
            shown.push(content.to_owned());
        }
    }
    (acknowledged, shown, close)
}

async fn check(method: &str, back: Option<i64>) {
    let server = TestServer::start();
    let controller = server.controller().await;
    let witness = server.participant(&controller, "witness").await;
    let room = witness.create_room("Room", "public").await;
    let rogue = server.participant(&controller, "rogue").await;
    rogue.call("room.join", json!({ "roomId": room })).await;
    let (id, key) = (rogue.id().to_owned(), rogue.key.clone());
    let mut sessions = JoinSet::new();
    for _ in 0..SESSIONS {
        let socket = Raw::open(&server).await.enter(&key).await;
        sessions.spawn(talk(socket, room.clone()));
    }
    // Its messages come in.
    for _ in 0..20 {
        witness.expect("message").await;
    }

    controller.call(method, json!({ "agentId": id })).await;
    let done = Instant::now();
    // From the acknowledgement on nothing of it is accepted, so whoever reads now reads all there will ever be.
    let last = witness.history(&room, 1, None).await[0]["seq"]
        .as_u64()
        .expect("a position");
    witness.say(&room, "is it gone?").await;

    let mut highest = 0;
    while let Some(session) = sessions.join_next().await {
        let (acknowledged, shown, close) = session.expect("a session");
        highest = highest.max(acknowledged.into_iter().max().unwrap_or(0));
        assert!(!shown.contains(&"is it gone?".to_owned()));
        assert_eq!(close.map(|(code, _)| code), Some(1008));
    }
    let took = done.elapsed();
    assert!(took <= at_most(Duration::from_secs(1)), "cut off after {took:?}");
    assert!(
        highest <= last,
        "{highest} acknowledged, {last} there when it was acknowledged"
    );
    let after = witness.history(&room, 1, None).await;
    assert_eq!(after[0]["content"], "is it gone?");
    assert_eq!(after[0]["seq"], last + 1);
    let refused = Agent::try_enter(&server, json!({ "apiKey": key })).await.err();
    assert_eq!(refused.and_then(|error| error.code()), back);
    drop(
        rogue
            .connection
            .call("room.list", json!({}))
            .await
            .expect_err("it was cut off"),
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kicked_agent_says_and_sees_nothing_more_until_it_comes_back() {
    check("agent.kick", None).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_banned_agent_says_and_sees_nothing_more() {
    check("agent.ban", Some(4004)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revoked_agent_says_and_sees_nothing_more() {
    check("agent.revoke", Some(4002)).await;
}

/// Coming in while being banned: whichever came first, nobody is inside afterwards.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_slips_in_beside_a_ban() {
    let server = TestServer::start();
    let controller = server.controller().await;
    for round in 0..20 {
        let key = controller.invite(&format!("rogue {round}")).await;
        let agents = controller.call("agent.list", json!({})).await;
        let id = agents["agents"].as_array().expect("agents").last().expect("one")["agentId"].clone();
        let mut sockets = Vec::new();
        for _ in 0..4 {
            let mut socket = Raw::open(&server).await.upgrade().await;
            let text = request(1, "auth", &json!({ "apiKey": key }));
            socket.send(&frame(FINAL | TEXT, text.as_bytes())).await;
            sockets.push(socket);
        }
        controller.call("agent.ban", json!({ "agentId": id })).await;
        for mut socket in sockets {
            // Refused, or let in and cut off, perhaps before it was told that it is in.
            let first = socket.frame().await.expect("an answer");
            if first.opcode == CLOSE {
                assert_eq!(first.close().0, 1008);
                continue;
            }
            let told = first.json();
            if told["error"]["code"] != 4004 {
                // The answer to `auth` comes before all events, `disconnected` included.
                assert_eq!(told["result"]["status"], "ok", "{told}");
                assert_eq!(socket.ending().await.map(|(code, _)| code), Some(1008));
            }
        }
        let agents = controller.call("agent.list", json!({})).await;
        let inside = agents["agents"]
            .as_array()
            .expect("agents")
            .iter()
            .filter(|agent| agent["online"] == true)
            .count();
        assert_eq!(inside, 1);
    }
}

/// A session that was ending for a reason of its own was not found by a ban, and went on reading what waited for it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn regression_a_ban_finds_a_session_that_is_ending_already() {
    let config = json!({ "maxMessageLength": 60_000, "limits": {
        "messagesPerSecond": 0, "bytesPerSecond": 0, "slowReaderTimeoutMs": 0,
    } });
    let server = TestServer::builder().config(config).start();
    let controller = server.controller().await;
    let key = controller.invite("rogue").await;
    let mut rogue = Raw::narrow(&server).await.enter(&key).await;
    let id = controller.expect("presence").await["agentId"].clone();
    for _ in 0..200 {
        controller.say(controller.lobby(), &"x".repeat(50_000)).await;
    }
    // A frame that no client may send.
    rogue.send(&frame(FINAL | 0x40 | TEXT, b"{}")).await;
    controller.call("agent.ban", json!({ "agentId": id })).await;
    // It is not waited for, so it may miss why; but it is not told that it may come back.
    let code = rogue.ending().await.map(|(code, _)| code);
    assert!(matches!(code, None | Some(1008)), "{code:?}");
}

/// Between the end of a session and the close of its connection, requests were refused with 4001, as if they could never
/// succeed, and iterations over a room ended for good when the server was restarted.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn regression_whoever_is_ended_hears_that_and_no_refusal() {
    let config = json!({ "limits": { "messagesPerSecond": 0, "changesPerSecond": 0 } });
    let cast = Cast::gather_on(TestServer::builder().config(config)).await;
    let key = cast.controller().invite("dave").await;
    for _ in 0..100 {
        let dave = Agent::enter(&cast.server, &key).await;
        let until_the_end = async |method: &str, params: Value| loop {
            match soon("an answer", dave.connection.call(method, params.clone())).await {
                Ok(_) => {}
                Err(ClientError::Closed(_)) => return,
                Err(error) => panic!("{method}: {error}"),
            }
        };
        let message = json!({ "roomId": dave.lobby(), "content": "x" });
        tokio::join!(
            until_the_end("room.list", json!({})),
            until_the_end("message.send", message),
            cast.controller().call("agent.kick", json!({ "agentId": dave.id() })),
        );
    }
}
