//! Starting, watching and stopping.

use serde_json::{Value, json};

use super::{OFFER, Peer, plain_servers, servers};
use crate::support::TestServer;

#[tokio::test]
async fn no_room_is_named_in_the_log() {
    for mut server in servers(&json!({ "log": { "level": "trace" } })) {
        let (mut one, two) = Peer::pair(&server, "/signal/my-secret-room").await;
        Peer::open(&server, "/signal/my-secret-room").await.refusal().await;
        Peer::open(&server, "/signal/my-secret-room.").await.refusal().await;
        let mut made = Peer::open(&server, "/signal/").await;
        let (_, name) = made.ready().await;
        one.send(OFFER).await;
        one.send("my-secret-room").await;
        one.settle().await;
        drop(two);
        assert_eq!(one.hear().await, json!({ "type": "peer-left" }));
        server.signal("TERM");
        assert!(server.wait().success());
        let log = server.output();
        assert!(log.contains("a client entered a signaling room"), "{log}");
        assert!(!log.contains("secret-room") && !log.contains(&name), "{log}");
    }
}

#[tokio::test]
async fn a_stop_closes_with_1001_and_tells_nobody_that_another_one_left() {
    for mut server in plain_servers() {
        let (mut one, mut two) = Peer::pair(&server, "/signal/r").await;
        let mut alone = Peer::enter(&server, "/signal/").await;
        server.signal("TERM");
        for peer in [&mut one, &mut two, &mut alone] {
            // Nothing comes before it.
            assert_eq!(peer.ending().await.map(|(code, _)| code), Some(1001));
        }
        assert!(server.wait().success());
    }
}

#[tokio::test]
async fn a_server_for_signaling_tells_how_it_is() {
    let server = TestServer::builder().signaling_only().start();
    let health = async || -> Value {
        let (status, body) = server.get("/health").await;
        assert_eq!(status, 200);
        serde_json::from_str(&body).expect("JSON")
    };
    assert_eq!(health().await, json!({ "status": "ok", "rooms": 0, "rooms_active": 0 }));
    let _pair = Peer::pair(&server, "/one").await;
    let _alone = Peer::enter(&server, "/two").await;
    assert_eq!(health().await, json!({ "status": "ok", "rooms": 2, "rooms_active": 1 }));
    assert_eq!(server.get("/").await.0, 426);
}

#[tokio::test]
async fn a_server_for_signaling_counts_what_it_does() {
    let server = TestServer::builder().signaling_only().start();
    let (mut one, mut two) = Peer::pair(&server, "/r").await;
    one.assert_hears_next(&mut two).await;
    one.send("null").await;
    assert_eq!(one.hear().await["type"], "error");
    Peer::open(&server, "/r").await.refusal().await;
    let (status, page) = server.get("/metrics").await;
    assert_eq!(status, 200);
    for sample in [
        "wardroom_signaling_rooms 1",
        "wardroom_signaling_peers 2",
        "wardroom_signaling_relayed_total 1",
        "wardroom_signaling_refused_total{reason=\"frame\"} 1",
        "wardroom_signaling_refused_total{reason=\"room_full\"} 1",
    ] {
        assert!(page.lines().any(|line| line == sample), "`{sample}` is not in:\n{page}");
    }
}

#[tokio::test]
async fn a_server_for_signaling_leaves_nothing_on_the_disk() {
    let mut server = TestServer::builder().signaling_only().start();
    Peer::pair(&server, "/r").await;
    server.signal("INT");
    assert!(server.wait().success());
    let left: Vec<_> = std::fs::read_dir(server.data_dir())
        .expect("a directory")
        .map(|entry| entry.expect("an entry").file_name())
        .collect();
    assert_eq!(left, ["wardroom.json"], "what the test wrote");
}
