//! Floods that never amount to a message: everybody else still gets a turn.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::json;
use tokio::task::JoinSet;

use super::raw::{CONTINUATION, FINAL, PONG, Raw, TEXT, frame};
use crate::support::{TestServer, soon};

/// As many floods as could each hold a thread of the server, and some.
const FLOODS: usize = 6;

async fn flood(mut socket: Raw, bytes: Vec<u8>, enough: Arc<AtomicBool>) {
    while !enough.load(Ordering::Relaxed) {
        let write = tokio::time::timeout(crate::support::PATIENCE, socket.try_send(&bytes));
        if !matches!(write.await, Ok(Ok(()))) {
            return;
        }
    }
}

/// An empty fragment is no message and costs its sender six bytes. Read without a pause, a stream of them held a thread of
/// the server for as long as it lasted, and two of them everybody.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn regression_endless_fragments_and_pongs_hold_up_nobody() {
    let server = TestServer::start();
    let controller = server.controller().await;
    let alice = server.participant(&controller, "alice").await;
    let enough = Arc::new(AtomicBool::new(false));
    let mut floods = JoinSet::new();
    for number in 0..FLOODS {
        let mut socket = Raw::open(&server).await.upgrade().await;
        let bytes = if number % 2 == 0 {
            socket.send(&frame(TEXT, b"")).await;
            frame(CONTINUATION, b"").repeat(100_000)
        } else {
            frame(FINAL | PONG, b"").repeat(100_000)
        };
        floods.spawn(flood(socket, bytes, Arc::clone(&enough)));
    }
    for number in 1..=20 {
        let text = number.to_string();
        let lobby = controller.lobby();
        controller.say(lobby, &text).await;
        assert_eq!(alice.expect("message").await["message"]["content"], text.as_str());
        // A newcomer gets in, too.
        let stranger = server.connect().await;
        drop(soon("an answer", stranger.send_text("{}")).await);
        assert!(soon("an answer", stranger.next_frame()).await.is_some());
    }
    enough.store(true, Ordering::Relaxed);
    // They had no time to authenticate, so the server ends them in any case.
    while let Some(ended) = soon("the floods to end", floods.join_next()).await {
        ended.expect("a flood");
    }
    assert_eq!(
        alice.call("lobby.getMotd", json!({})).await["motd"],
        serde_json::Value::Null
    );
}
