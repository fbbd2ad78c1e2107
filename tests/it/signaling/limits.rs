//! How much one client, one address and all of them may ask. Clients of this machine are limited only where a test wants it.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;

use super::{ICE, Peer, handshake, plain_servers, servers};
use crate::safety::raw::{FINAL, Raw, TEXT, frame, narrow};
use crate::support::soon;

fn limited(mut signaling: Value) -> Value {
    signaling["limitLoopback"] = json!(true);
    json!({ "signaling": signaling })
}

#[tokio::test]
async fn an_address_has_so_many_connections() {
    for server in servers(&limited(json!({ "connectionsPerAddress": 2, "cooldownMs": 0 }))) {
        let mut one = Peer::enter(&server, "/signal/one").await;
        let _two = Peer::enter(&server, "/signal/two").await;
        let mut third = Peer::open(&server, "/signal/three").await;
        assert_eq!(third.refusal().await, ("Too many connections".to_owned(), 1008));
        one.leave().await;
        Peer::enter(&server, "/signal/three").await;
    }
}

#[tokio::test]
async fn whoever_leaves_as_soon_as_it_came_waits_before_it_comes_again() {
    for server in servers(&limited(json!({ "cooldownMs": 3_600_000 }))) {
        Peer::enter(&server, "/signal/r").await.leave().await;
        let mut again = Peer::open(&server, "/signal/r").await;
        assert_eq!(again.refusal().await, ("Slow down".to_owned(), 1008));
    }
}

#[tokio::test]
async fn entries_that_go_on_failing_are_told_no_reason_and_a_right_one_passes() {
    let config = limited(json!({ "failedEntriesPerSecond": 1, "failedEntryBurst": 2, "cooldownMs": 0 }));
    for server in servers(&config) {
        let mut told = Vec::new();
        for _ in 0..8 {
            told.push(Peer::open(&server, "/signal/a.b").await.refusal().await.0);
        }
        assert!(told[0].starts_with("Invalid roomId") && told[1] == told[0], "{told:?}");
        assert!(told.iter().any(|told| told == "Slow down"), "{told:?}");
        Peer::enter(&server, "/signal/r").await;
    }
}

#[tokio::test]
async fn clients_of_this_machine_come_and_go_and_fail_as_they_like() {
    for server in plain_servers() {
        for _ in 0..20 {
            Peer::enter(&server, "/signal/r").await.leave().await;
            let mut wrong = Peer::open(&server, "/signal/a.b").await;
            assert!(wrong.refusal().await.0.starts_with("Invalid roomId"));
        }
    }
}

#[tokio::test]
async fn there_are_so_many_rooms() {
    for server in servers(&json!({ "signaling": { "rooms": 1 } })) {
        let mut one = Peer::enter(&server, "/signal/one").await;
        for path in ["/signal/two", "/signal/"] {
            let mut other = Peer::open(&server, path).await;
            assert_eq!(other.refusal().await, ("Server at capacity".to_owned(), 1013));
        }
        Peer::enter(&server, "/signal/one").await.leave().await;
        assert_eq!(one.hear().await["type"], "peer-joined");
        assert_eq!(one.hear().await["type"], "peer-left");
        Peer::enter(&server, "/signal/two").await;
    }
}

#[tokio::test]
async fn whoever_sends_too_fast_is_read_more_slowly_and_loses_nothing() {
    for server in servers(&json!({ "signaling": { "framesPerSecond": 20, "frameBurst": 5 } })) {
        let (mut one, mut two) = Peer::pair(&server, "/signal/r").await;
        let began = Instant::now();
        for number in 0..25 {
            one.send(
                &json!({ "type": "ice", "payload": { "candidate": number.to_string(), "sdpMid": "0" } }).to_string(),
            )
            .await;
        }
        for number in 0..25 {
            assert_eq!(two.hear().await["payload"]["candidate"], number.to_string());
        }
        // Five at once, the others at twenty a second.
        assert!(began.elapsed() >= Duration::from_millis(900), "{:?}", began.elapsed());
    }
}

#[tokio::test]
async fn whoever_does_not_read_is_cut_off_and_the_other_one_told() {
    let config = json!({
        "limits": { "outgoingQueueBytes": 65_536, "slowReaderGraceMs": 0 },
        "signaling": { "framesPerSecond": 0 },
    });
    for server in servers(&config) {
        let mut one = Peer::enter(&server, "/signal/r").await;
        let _slow = Peer::over(Raw::narrow(&server).await, "/signal/r").await;
        assert_eq!(one.hear().await["type"], "peer-joined");
        let large = json!({ "type": "offer", "payload": "v=".to_owned() + &"x".repeat(16_000) }).to_string();
        let flood = async {
            loop {
                one.send(&large).await;
                one.settle().await;
            }
        };
        let told = async {
            loop {
                let page = server.get("/metrics").await.1;
                if page.contains("wardroom_slow_readers_total 1") {
                    return;
                }
            }
        };
        tokio::select! {
            () = flood => {}
            () = soon("the slow one to be cut off", told) => {}
        }
    }
}

#[tokio::test]
async fn a_flood_costs_others_nothing() {
    for server in plain_servers() {
        let (mut one, mut two) = Peer::pair(&server, "/signal/others").await;
        let mut flooder = narrow(&server).await;
        flooder
            .write_all(handshake("/signal/flood", "localhost").as_bytes())
            .await
            .expect("it is open");
        let burst = frame(FINAL | TEXT, b"null").repeat(1000);
        let flood = async { while flooder.write_all(&burst).await.is_ok() {} };
        let talk = async {
            for _ in 0..50 {
                one.send(ICE).await;
                assert_eq!(two.text().await, ICE);
            }
        };
        tokio::select! {
            () = talk => {}
            () = async { flood.await; std::future::pending().await } => {}
        }
    }
}
