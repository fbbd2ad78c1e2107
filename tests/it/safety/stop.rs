//! Stopping while agents talk, stall and come in.

use std::time::{Duration, Instant};

use serde_json::json;
use tokio::task::JoinSet;
use wardroom::client::{ClientError, Methods as _};

use super::raw::Raw;
use crate::support::{Agent, TestServer, soon};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_acknowledged_before_a_stop_is_there_after_it() {
    let mut server = TestServer::start();
    let controller = server.controller().await;
    let mut senders = JoinSet::new();
    let mut listener = Vec::new();
    for number in 0..6 {
        let agent = server.participant(&controller, &format!("sender {number}")).await;
        let room = agent.create_room(&format!("Room {number}"), "public").await;
        listener.push((agent.key.clone(), room.clone()));
        senders.spawn(async move {
            let mut acknowledged = 0_u64;
            loop {
                let params = json!({ "roomId": room, "content": "x" });
                match soon("an answer", agent.connection.call("message.send", params)).await {
                    Ok(receipt) => {
                        acknowledged += 1;
                        assert_eq!(receipt["seq"], acknowledged);
                    }
                    Err(ClientError::Closed(end)) => {
                        assert_eq!(end.code, Some(1001), "{end}");
                        return (room, acknowledged);
                    }
                    // The server takes no more; the close is on its way.
                    Err(error) => assert_eq!(error.code(), Some(4092), "{error}"),
                }
            }
        });
    }
    // They are all at it.
    for (_, room) in &listener {
        while controller.history(room, 1, None).await.is_empty() {}
    }
    let mut idle = Raw::open(&server).await.upgrade().await;
    let began = Instant::now();
    server.signal("TERM");
    let mut counts = Vec::new();
    while let Some(sender) = soon("the senders to be told", senders.join_next()).await {
        counts.push(sender.expect("a sender"));
    }
    assert_eq!(idle.ending().await.map(|(code, _)| code), Some(1001));
    drop(controller);
    assert!(server.wait().success());
    assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());

    server.restart();
    for (key, room) in listener {
        let (_, acknowledged) = counts.iter().find(|(name, _)| *name == room).expect("a count");
        let agent = Agent::enter(&server, &key).await;
        let newest = agent.history(&room, 1, None).await[0]["seq"]
            .as_u64()
            .expect("a position");
        // What was saved and not acknowledged any more may be there too: one message of each sender at most.
        assert!(
            (*acknowledged..=acknowledged + 1).contains(&newest),
            "{newest}, {acknowledged} acknowledged"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_is_there_when_the_server_restarts_is_told_that_it_comes_back() {
    let mut server = TestServer::start();
    let controller = server.controller().await;
    let mut stranger = Raw::open(&server).await.upgrade().await;
    let operator = server.operator().await;
    let params = json!({ "restart": true });
    soon("an answer", operator.call("operator.stop", params))
        .await
        .expect("it may");
    let end = soon("the end", controller.connection.ended()).await;
    assert_eq!(end.code, Some(1012), "{end}");
    assert_eq!(stranger.ending().await.map(|(code, _)| code), Some(1012));
    assert!(server.wait().success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_can_hold_up_a_stop() {
    let config = json!({ "maxMessageLength": 200_000, "limits": { "messagesPerSecond": 0, "bytesPerSecond": 0, "loopMessages": 0 } });
    let mut server = TestServer::builder().config(config).start();
    let controller = server.controller().await;
    let lobby = controller.lobby().to_owned();
    let key = controller.invite("deaf").await;
    let mut obstacles = Vec::new();
    for _ in 0..4 {
        // Reads nothing of what it asked for.
        let mut deaf = Raw::narrow(&server).await.enter(&key).await;
        for _ in 0..20 {
            let ask = super::raw::request("h", "room.history", &json!({ "roomId": lobby, "limit": 50 }));
            deaf.send(&super::raw::frame(0x81, ask.as_bytes())).await;
        }
        obstacles.push(deaf);
        // Half a head, half a handshake, half a frame.
        let mut head = Raw::open(&server).await;
        head.send(b"GET / HT").await;
        obstacles.push(head);
        let mut half = Raw::open(&server).await.upgrade().await;
        half.send(&[0x81]).await;
        obstacles.push(half);
    }
    for _ in 0..60 {
        controller.say(&lobby, &"x".repeat(100_000)).await;
    }
    let began = Instant::now();
    server.signal("TERM");
    assert!(server.wait().success());
    // The figure is 15 s.
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    drop(obstacles);
}
