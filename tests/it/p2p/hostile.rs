//! Peers that mean harm: refused, without harm to the link or to others.

use serde_json::json;
use wardroom::domain::Permission;
use wardroom::p2p::LinkEvent;

use super::signaling;
use crate::signaling::{OFFER, Peer};
use crate::support::{NodePeer, TestLink, TestServer};

/// A link and a client of its signaling that is no peer at all. It comes first, and so it may call; or it comes second, and
/// is called.
async fn with_raw_client(server: &TestServer, url: &str, room: &str, is_first: bool) -> (TestLink, Peer) {
    let path = format!("/signal/{room}");
    if is_first {
        let mut raw = Peer::enter(server, &path).await;
        let link = TestLink::enter(url, room, Permission::Intimate).await;
        assert_eq!(raw.hear().await["type"], "peer-joined");
        (link, raw)
    } else {
        let link = TestLink::enter(url, room, Permission::Intimate).await;
        let mut raw = Peer::enter(server, &path).await;
        assert_eq!(raw.hear().await["type"], "offer");
        (link, raw)
    }
}

/// The link is as it was: an honest peer connects.
async fn assert_unharmed(mut link: TestLink, url: &str, room: &str) {
    let mut peer = NodePeer::enter(url, room, &json!({})).await;
    link.connected().await;
    peer.message("handshake-ack").await;
    link.close().await;
}

fn frame(kind: &str, payload: &str) -> String {
    json!({ "type": kind, "payload": payload }).to_string()
}

#[tokio::test]
async fn descriptions_that_are_none_are_told_and_change_nothing() {
    let (server, url) = signaling();
    for (number, sdp) in [
        // What the server lets through and no library understands.
        "v=0\r\ns=offer\r\n".to_owned(),
        "v=garbage".to_owned(),
        "v=0\r\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n".to_owned(),
        format!("v=0\r\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n{}", "a=x\r\n".repeat(3000)),
        format!("v=0\r\no=- {} 1 IN IP4 0.0.0.0\r\n", u64::MAX),
        "v=0\r\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=fingerprint:sha-256 zz\r\na=ice-ufrag:\r\na=ice-pwd:\r\na=setup:actpass\r\na=mid:0\r\n".to_owned(),
    ]
    .into_iter()
    .enumerate()
    {
        for kind in ["offer", "answer"] {
            let room = format!("room-{number}-{kind}");
            let (mut link, mut raw) = with_raw_client(&server, &url, &room, kind == "offer").await;
            raw.send(&frame(kind, &sdp)).await;
            let message = link.error().await;
            assert!(message.contains("session description"), "{message}");
            raw.leave().await;
            assert_unharmed(link, &url, &room).await;
        }
    }
}

#[tokio::test]
async fn ten_thousand_candidates_harm_nobody() {
    let (_server, url) = signaling();
    let mut link = TestLink::enter(&url, "room", Permission::Intimate).await;
    let mut peer = NodePeer::enter(&url, "room", &json!({})).await;
    link.connected().await;
    peer.order(&json!({ "do": "candidates", "count": 10_000 })).await;
    peer.wait_for("candidates-sent").await;
    link.chat("unharmed").await.expect("sent");
    peer.message("chat").await;
    link.close().await;
}

#[tokio::test]
async fn offers_by_the_dozen_leave_nothing_behind() {
    let (server, url) = signaling();
    let (mut link, mut raw) = with_raw_client(&server, &url, "room", true).await;
    for _ in 0..20 {
        raw.send(OFFER).await;
    }
    link.error().await;
    raw.leave().await;
    assert_unharmed(link, &url, "room").await;
}

#[tokio::test]
async fn what_comes_before_a_handshake_is_not_delivered() {
    let (_server, url) = signaling();
    let mut link = TestLink::enter(&url, "room", Permission::Intimate).await;
    let mut peer = NodePeer::enter(&url, "room", &json!({ "handshake": false })).await;
    peer.wait_for("open").await;
    for text in [
        r#"{"id":"early","type":"task","payload":{}}"#,
        r#"{"type":"_ping"}"#,
        r#"{"type":"_piece","of":"x","index":0,"count":1,"text":"{}"}"#,
        "not JSON",
    ] {
        peer.send(text).await;
        link.error().await;
    }
    // An ack alone will do, and what it says of the level is not believed.
    peer.send(r#"{"type":"handshake-ack","name":"N","requestedPermission":"chat","negotiatedPermission":"intimate"}"#)
        .await;
    assert_eq!(link.connected().await, ("N".to_owned(), Permission::Chat));
    peer.send(r#"{"id":"late","type":"task","payload":{}}"#).await;
    let (heard, is_allowed) = link.received().await;
    assert!(heard["id"] == "late" && !is_allowed);
    link.close().await;
}

#[tokio::test]
async fn a_peer_that_claims_to_be_intimate_gets_what_this_side_allows() {
    let (_server, url) = signaling();
    let mut link = TestLink::enter(&url, "room", Permission::Chat).await;
    let mut peer = NodePeer::enter(&url, "room", &json!({ "permission": "intimate" })).await;
    assert_eq!(link.connected().await.1, Permission::Chat);
    for _ in 0..3 {
        peer.order(&json!({ "do": "level", "level": "intimate" })).await;
        peer.send(r#"{"type":"handshake-ack","requestedPermission":"intimate","negotiatedPermission":"intimate"}"#)
            .await;
        peer.send(r#"{"id":"x","type":"file","payload":{"name":"../x","content":"x"}}"#)
            .await;
        let (_, is_allowed) = link.received().await;
        assert!(!is_allowed);
    }
    link.close().await;
}

#[tokio::test]
async fn a_flood_waits_for_its_reader_and_arrives_in_order() {
    let (_server, url) = signaling();
    let mut link = TestLink::enter(&url, "room", Permission::Intimate).await;
    let mut peer = NodePeer::enter(&url, "room", &json!({ "permission": "intimate" })).await;
    link.connected().await;
    peer.order(&json!({ "do": "flood", "count": 1000, "bytes": 20_000 }))
        .await;
    peer.wait_for("flooded").await;
    for number in 0..1000 {
        assert_eq!(link.received().await.0["id"], format!("flood-{number}"));
    }
    link.chat("unharmed").await.expect("sent");
    peer.message("chat").await;
    link.close().await;
}

#[tokio::test]
async fn pieces_without_end_and_deep_nesting_are_refused() {
    let (_server, url) = signaling();
    let mut link = TestLink::enter(&url, "room", Permission::Intimate).await;
    let mut peer = NodePeer::enter(&url, "room", &json!({ "handshake": false })).await;
    peer.wait_for("open").await;
    peer.send(r#"{"type":"handshake","name":"N","requestedPermission":"intimate","wardroom":{"joinsBytes":1000000}}"#)
        .await;
    link.connected().await;
    let text = "x".repeat(200_000);
    for index in 0..60 {
        peer.send(format!(
            r#"{{"type":"_piece","of":"m","index":{index},"count":1000,"text":"{text}"}}"#
        ))
        .await;
    }
    assert!(link.error().await.contains("larger than allowed"));
    peer.send("[".repeat(10_000)).await;
    link.wait_for(
        "an error",
        |event| matches!(event, LinkEvent::Error { message } if message.contains("JSON")),
    )
    .await;
    peer.send(r#"{"id":"1","type":"chat"}"#).await;
    assert_eq!(link.received().await.0["id"], "1");
    link.close().await;
}

#[tokio::test]
async fn a_peer_that_opens_more_channels_loses_its_connection() {
    let (_server, url) = signaling();
    let mut link = TestLink::enter(&url, "room", Permission::Intimate).await;
    let mut peer = NodePeer::enter(&url, "room", &json!({})).await;
    link.connected().await;
    peer.order(&json!({ "do": "channels", "count": 50 })).await;
    link.wait_for("the loss", |event| matches!(event, LinkEvent::Disconnected { .. }))
        .await;
    link.close().await;
}
