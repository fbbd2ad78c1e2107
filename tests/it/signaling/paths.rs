//! Which path leads to which room, for the clients of both of link-agent's servers.

use serde_json::json;

use super::{Peer, handshake, plain_servers};
use crate::safety::raw::{Raw, status};
use crate::support::TestServer;

const INVALID: &str = "Invalid roomId: only alphanumeric, hyphen and underscore are allowed";

/// The room that a path leads to; none for one that the server names.
async fn room_at(server: &TestServer, path: &str) -> Option<String> {
    let mut peer = Peer::open(server, path).await;
    let (role, room) = peer.ready().await;
    assert_eq!(role, "offerer", "{path}");
    // The place is free before the next one comes.
    peer.leave().await;
    (room.len() != 32).then_some(room)
}

#[tokio::test]
async fn a_server_for_signaling_takes_both_kinds_of_addresses() {
    let server = TestServer::builder().signaling_only().start();
    let longest = "x".repeat(64);
    let at_root = format!("/{longest}");
    for (path, expected) in [
        ("/", None),
        ("/?x=1", None),
        ("/%2e", None),
        ("//", None),
        ("/signal", None),
        ("/signal/", None),
        ("/signal/?x=1", None),
        ("/abc", Some("abc")),
        ("/abc/", Some("abc")),
        ("/abc?room=zzz", Some("abc")),
        ("/signal/abc", Some("abc")),
        ("/signal/abc/", Some("abc")),
        ("/a/b/abc", Some("abc")),
        ("/../abc", Some("abc")),
        ("/A-b_9", Some("A-b_9")),
        ("/health", Some("health")),
        ("/metrics", Some("metrics")),
        (at_root.as_str(), Some(longest.as_str())),
    ] {
        assert_eq!(room_at(&server, path).await.as_deref(), expected, "{path}");
    }
}

#[tokio::test]
async fn a_hub_takes_them_below_signal() {
    let server = TestServer::start();
    for (path, expected) in [
        ("/signal", None),
        ("/signal/", None),
        ("/signal/?x=1", None),
        ("/signal//", None),
        ("/signal/abc", Some("abc")),
        ("/signal/abc/", Some("abc")),
        ("/signal/abc?room=zzz", Some("abc")),
        ("/signal/signal", Some("signal")),
    ] {
        assert_eq!(room_at(&server, path).await.as_deref(), expected, "{path}");
    }
    // The rest is the hub's.
    for path in ["//", "/abc", "/signals"] {
        assert_eq!(server.get(path).await.0, 404, "{path}");
    }
    assert_eq!(server.get("/signal/abc").await.0, 426);
}

#[tokio::test]
async fn what_is_no_name_is_refused_after_the_handshake() {
    for server in plain_servers() {
        let too_long = format!("/signal/{}", "x".repeat(65));
        for path in [
            "/signal/x%20y",
            "/signal/a.b",
            "/signal/abc%2Fdef",
            "/signal/%C3%A4",
            too_long.as_str(),
        ] {
            let mut peer = Peer::open(&server, path).await;
            assert_eq!(peer.refusal().await, (INVALID.to_owned(), 1008), "{path}");
        }
        assert_eq!(room_at(&server, "/signal/abc").await.as_deref(), Some("abc"));
    }
}

#[tokio::test]
async fn a_bad_host_or_a_foreign_page_is_refused_and_harms_nobody() {
    for server in plain_servers() {
        let (mut one, mut two) = Peer::pair(&server, "/signal/r").await;
        for (head, expected) in [
            (handshake("/signal/r", "attacker.example"), 403),
            (handshake("/signal/r", "a b\\^["), 403),
            (handshake("/signal/r", ""), 403),
            (
                handshake("/signal/r", "localhost").replace("\r\n\r\n", "\r\nOrigin: https://attacker.example\r\n\r\n"),
                403,
            ),
            (
                "GET /signal/r HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n".to_owned(),
                403,
            ),
            ("GET \\\\ HTTP/1.1\r\nHost: [\r\n\r\n".to_owned(), 400),
            (
                "POST /signal/r HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nContent-Length: 0\r\n\r\n"
                    .to_owned(),
                400,
            ),
        ] {
            let mut raw = Raw::open(&server).await;
            raw.send(head.as_bytes()).await;
            assert_eq!(raw.head().await.as_deref().and_then(status), Some(expected), "{head}");
        }
        one.assert_hears_next(&mut two).await;
    }
}

#[tokio::test]
async fn a_hub_whose_operator_turned_signaling_off_has_none() {
    let server = TestServer::builder()
        .config(json!({ "signaling": { "enabled": false } }))
        .start();
    for path in ["/signal", "/signal/", "/signal/abc"] {
        let mut raw = Raw::open(&server).await;
        raw.send(handshake(path, "localhost").as_bytes()).await;
        assert_eq!(raw.head().await.as_deref().and_then(status), Some(404), "{path}");
    }
}
