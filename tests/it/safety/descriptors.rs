//! No file descriptors left: those inside go on, those outside are told, and it passes.

use std::time::{Duration, Instant};

use super::process::{descriptors, ticks};
use super::raw::{HANDSHAKE, Raw};
use crate::support::{Agent, TestServer};
use serde_json::json;

/// How long after others have let go of descriptors somebody may be kept out.
const RESUMED: Duration = Duration::from_secs(15);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn agents_go_on_without_descriptors_and_others_come_in_when_there_are_some() {
    let server = TestServer::builder()
        .config(json!({ "limits": { "authTimeoutMs": 600_000, "requestHeadTimeoutMs": 600_000 } }))
        .wrapper(&["sh", "-c", "ulimit -n 96; exec \"$@\"", "sh"])
        .start();
    let controller = server.controller().await;
    let alice = server.participant(&controller, "alice").await;
    let bob = server.participant(&controller, "bob").await;
    let room = alice.create_room("Ops", "public").await;
    bob.call("room.join", json!({ "roomId": room })).await;

    // WebSockets until the server has no descriptor for the next ones and closes them at once. One alone may be refused
    // because of a file that was open for a moment only, so ten in a row are.
    let mut sockets = Vec::new();
    let mut refused = 0;
    let (mut began, mut before) = (Instant::now(), ticks(&server));
    while refused < 10 {
        let mut socket = Raw::open(&server).await;
        socket.send(HANDSHAKE.as_bytes()).await;
        if socket.head().await.is_none() {
            refused += 1;
            continue;
        }
        sockets.push(socket);
        assert!(sockets.len() < 96, "it never runs out");
        refused = 0;
        (began, before) = (Instant::now(), ticks(&server));
    }
    // Ten milliseconds a tick: a loop that waits for nothing would use them all.
    let (used, passed) = ((ticks(&server) - before) * 10, began.elapsed().as_millis());
    assert!(u128::from(used) < passed / 2 + 100, "{used} ms of work in {passed} ms");

    for number in 1..=50 {
        let receipt = alice.say(&room, &number.to_string()).await;
        assert_eq!(receipt["seq"], number);
        assert_eq!(bob.expect("message").await["message"]["seq"], number);
    }
    assert_eq!(bob.history(&room, 100, None).await.len(), 50);
    let key = controller.invite("carol").await;

    drop(sockets);
    let freed = Instant::now();
    let connection = crate::support::soon("a connection", async {
        loop {
            // One that is accepted for the last time to be refused is no failure yet.
            if let Ok(connection) = server.try_connect().await {
                break connection;
            }
        }
    })
    .await;
    assert!(freed.elapsed() <= RESUMED, "{:?}", freed.elapsed());
    let carol = Agent::over(connection, json!({ "apiKey": key }))
        .await
        .expect("the key is good");
    assert_eq!(
        carol.call("room.list", json!({})).await["rooms"]
            .as_array()
            .map(Vec::len),
        Some(2)
    );
    let log = server.output();
    assert_eq!(log.matches("cannot be accepted").count(), 1, "{log}");
}

/// What is known of a room's members was kept until somebody spoke there again, and with it the sockets of those who had
/// left: in a quiet room for good.
#[tokio::test]
async fn regression_a_quiet_room_keeps_no_socket_of_those_who_left() {
    let server = TestServer::start();
    let controller = server.controller().await;
    let rooms = [
        controller.create_room("One", "public").await,
        controller.create_room("Two", "public").await,
    ];
    let key = controller.invite("visitor").await;
    let before = descriptors(&server);
    for round in 0..10 {
        let mut visits = Vec::new();
        for _ in 0..8 {
            visits.push(Agent::enter(&server, &key).await);
        }
        if round == 0 {
            for room in &rooms {
                visits[0].call("room.join", json!({ "roomId": room })).await;
            }
        }
        // Spoken to by turns, so that each room knows visitors of its own.
        controller.say(&rooms[round % 2], "welcome").await;
        for visit in visits {
            visit.expect("message").await;
            visit.connection.close(1000, "bye").await;
        }
    }
    crate::support::soon("sockets to be closed", async {
        while descriptors(&server) > before + 2 {
            server.get("/health").await;
        }
    })
    .await;
}
