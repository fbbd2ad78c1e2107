//! Messages at and above each limit.

use serde_json::json;
use wardroom::domain::Permission;
use wardroom::p2p::{Envelope, SendError};

use super::ours::pair;
use super::signaling;
use crate::support::link::options;
use crate::support::{NodePeer, TestLink};

/// What the channel takes, in bytes.
const CHANNEL: usize = 262_144;

/// A file whose envelope has exactly so many bytes.
fn sized(link: &TestLink, bytes: usize) -> Envelope {
    let author = link.link.author();
    let empty = Envelope::file(author, "n", "").expect("an envelope").text().len();
    let envelope = Envelope::file(author, "n", &"x".repeat(bytes - empty)).expect("an envelope");
    assert_eq!(envelope.text().len(), bytes);
    envelope
}

#[tokio::test]
async fn the_independent_peer_takes_and_sends_up_to_the_limit_and_no_more() {
    let (_server, url) = signaling();
    let mut link = TestLink::enter(&url, "room", Permission::Intimate).await;
    let mut peer = NodePeer::enter(&url, "room", &json!({ "permission": "intimate" })).await;
    link.connected().await;
    peer.message("handshake-ack").await;
    for bytes in [65_535, 65_536, 65_537, CHANNEL - 1, CHANNEL] {
        link.link.send(&sized(&link, bytes)).await.expect("sent");
        assert_eq!(peer.wait_for("message").await["bytes"], bytes);
        peer.order(&json!({ "do": "sendSized", "bytes": bytes })).await;
        let (heard, _) = link.received().await;
        let content = heard["payload"]["content"].as_str().expect("a text");
        assert!(content.len() > bytes - 100, "{bytes}");
    }
    let refused = link.link.send(&sized(&link, CHANNEL + 1)).await.expect_err("too large");
    assert_eq!(
        refused.to_string(),
        format!("Message too large: {} bytes (max {CHANNEL})", CHANNEL + 1)
    );
    assert!(refused.is_final());
    // The binding refuses to send what is above our limit, because we have told it.
    peer.order(&json!({ "do": "sendSized", "bytes": CHANNEL + 1 })).await;
    peer.wait_for("failed").await;
    link.chat("still here").await.expect("sent");
    peer.message("chat").await;
    link.close().await;
}

#[tokio::test]
async fn a_peer_that_takes_less_is_sent_no_more() {
    let (_server, url) = signaling();
    for (room, more, limit) in [
        ("small", json!({ "maxMessageSize": 20_000 }), 20_000),
        // Without the attribute it is 64 KiB by the standard.
        ("silent", json!({ "strip": true }), 65_536),
    ] {
        let mut link = TestLink::enter(&url, room, Permission::Intimate).await;
        let mut peer = NodePeer::enter(&url, room, &more).await;
        link.connected().await;
        peer.message("handshake-ack").await;
        link.link.send(&sized(&link, limit)).await.expect("sent");
        assert_eq!(peer.wait_for("message").await["bytes"], limit);
        let bytes = limit + 1;
        assert_eq!(
            link.link.send(&sized(&link, bytes)).await,
            Err(SendError::TooLarge { bytes, limit })
        );
        link.close().await;
    }
}

#[tokio::test]
async fn between_two_wardrooms_larger_content_goes_in_pieces() {
    let (_server, url) = signaling();
    let (one, mut two) = pair(&url, Permission::Intimate, Permission::Intimate).await;
    for bytes in [CHANNEL, CHANNEL + 1, 3_000_000] {
        let envelope = sized(&one, bytes);
        one.link.send(&envelope).await.expect("sent");
        let (heard, _) = two.received().await;
        assert_eq!(heard.to_string().len(), bytes);
        assert_eq!(heard["id"].as_str(), envelope.id());
    }
    // Quotation marks and other letters survive the cuts.
    let content = "\"\\\n€𝄞".repeat(100_000);
    let file = Envelope::file(one.link.author(), "n", &content).expect("an envelope");
    one.link.send(&file).await.expect("sent");
    assert_eq!(two.received().await.0["payload"]["content"], content);
    let limit = 8 * 1024 * 1024;
    let bytes = limit + 1;
    assert_eq!(
        one.link.send(&sized(&one, bytes)).await,
        Err(SendError::TooLarge { bytes, limit })
    );
    one.close().await;
    two.close().await;
}

#[tokio::test]
async fn pieces_are_held_to_the_receivers_limit() {
    let (_server, url) = signaling();
    let mut small = options(&url, "room", "Small", Permission::Intimate);
    small.limits.joined_bytes = 400_000;
    let mut two = TestLink::start(small);
    let mut one = TestLink::start(options(&url, "room", "One", Permission::Intimate));
    one.connected().await;
    two.connected().await;
    let bytes = 400_001;
    let refused = one.link.send(&sized(&one, bytes)).await;
    assert_eq!(refused, Err(SendError::TooLarge { bytes, limit: 400_000 }));
    one.link.send(&sized(&one, 400_000)).await.expect("sent");
    assert_eq!(two.received().await.0.to_string().len(), 400_000);
    one.close().await;
    two.close().await;
}
