//! Two wardroom links with one another.

use serde_json::json;
use wardroom::domain::Permission;
use wardroom::p2p::{Envelope, LinkEvent, LinkOptions, RoomSecret, SendError};
use wardroom::runtime::clock::SystemEntropy;

use super::signaling;
use crate::support::link::{TestLink, options};
use crate::support::soon;

/// Two links in one room, connected.
pub async fn pair(url: &str, mine: Permission, theirs: Permission) -> (TestLink, TestLink) {
    let mut one = TestLink::start(options(url, "room", "One", mine));
    one.wait_for("the role", |event| matches!(event, LinkEvent::Role { .. }))
        .await;
    let mut two = TestLink::start(options(url, "room", "Two", theirs));
    assert_eq!(one.connected().await, ("Two".to_owned(), mine.negotiate(theirs)));
    assert_eq!(two.connected().await, ("One".to_owned(), mine.negotiate(theirs)));
    (one, two)
}

#[tokio::test]
async fn two_links_find_each_other_and_talk_in_both_directions() {
    let (_server, url) = signaling();
    let (mut one, mut two) = pair(&url, Permission::Intimate, Permission::Intimate).await;
    one.chat("hello").await.expect("sent");
    let (heard, _) = two.received().await;
    assert_eq!((&heard["type"], &heard["from"]), (&json!("chat"), &json!("One")));
    assert_eq!(heard["payload"], json!({ "content": "hello" }));
    let ack = Envelope::ack(two.link.author(), &heard["id"]).expect("an ack");
    two.link.send(&ack).await.expect("sent");
    let (heard_back, _) = one.received().await;
    assert_eq!(heard_back["replyTo"], heard["id"]);
    let status = one.link.status();
    assert!(status.connected && status.peer_joins_pieces && !status.reconnecting);
    assert_eq!(
        (status.peer.as_deref(), status.room_id.as_deref()),
        (Some("Two"), Some("room"))
    );
    assert!(status.last_activity_ms.is_some());
    let details = one.link.ice_details().await.expect("a connection");
    assert_eq!(details.state, "connected");
    assert!(details.selected_pair.is_some());
    one.close().await;
    two.wait_for("the loss", |event| matches!(event, LinkEvent::Disconnected { .. }))
        .await;
    two.close().await;
}

#[tokio::test]
async fn a_room_that_the_server_makes_is_told_and_can_be_entered() {
    let (_server, url) = signaling();
    let mut one = TestLink::start(LinkOptions::new(&url, "One"));
    let LinkEvent::Room { room_id } = one.next().await else {
        panic!("the room comes first")
    };
    assert_eq!(room_id.len(), 32);
    assert_eq!(one.link.status().room_id.as_deref(), Some(room_id.as_str()));
    let mut two = TestLink::start(options(&url, &room_id, "Two", Permission::Helper));
    assert_eq!(one.connected().await.0, "Two");
    assert_eq!(two.connected().await.0, "One");
    one.close().await;
    two.close().await;
}

#[tokio::test]
async fn many_messages_arrive_in_their_order_and_a_slow_reader_makes_the_sender_wait() {
    let (_server, url) = signaling();
    let (one, mut two) = pair(&url, Permission::Intimate, Permission::Intimate).await;
    let (link, content) = (one.link.clone(), "x".repeat(8 * 1024));
    // More than all queues on the way hold, and nobody reads yet.
    let sending = tokio::task::JoinSet::from_iter([async move {
        for number in 0..2000 {
            let payload = json!({ "number": number, "content": content });
            let envelope = Envelope::of(link.author(), "odd", payload, None).expect("an envelope");
            link.send(&envelope).await.expect("sent");
        }
    }]);
    for number in 0..2000 {
        let (heard, _) = two.received().await;
        assert_eq!(heard["payload"]["number"], number);
    }
    soon("the end of sending", sending.join_all()).await;
    one.close().await;
    two.close().await;
}

#[tokio::test]
async fn the_last_words_before_a_close_arrive() {
    let (_server, url) = signaling();
    let (one, mut two) = pair(&url, Permission::Intimate, Permission::Intimate).await;
    for number in 0..50 {
        one.chat(&number.to_string()).await.expect("sent");
    }
    one.close().await;
    for number in 0..50 {
        assert_eq!(two.received().await.0["payload"]["content"], number.to_string());
    }
    two.close().await;
}

#[tokio::test]
async fn nothing_can_be_sent_without_a_connection_or_after_the_end() {
    let (_server, url) = signaling();
    let mut link = TestLink::enter(&url, "room", Permission::Intimate).await;
    assert_eq!(link.chat("x").await, Err(SendError::NotConnected));
    soon("the end", link.link.close()).await;
    link.wait_for("the end", |event| *event == LinkEvent::Closed).await;
    assert_eq!(link.chat("x").await, Err(SendError::Closed));
    assert_eq!(soon("nothing more", link.events.recv()).await, None);
}

#[tokio::test]
async fn a_link_that_cannot_work_says_why_and_is_closed() {
    for (url, room, problem) in [
        ("http://127.0.0.1", "room", "ws://"),
        ("wss://127.0.0.1", "room", "certificate authorities"),
        ("ws://127.0.0.1", "no room", "room name"),
    ] {
        let mut link = TestLink::start(options(url, room, "One", Permission::Helper));
        let message = link.error().await;
        assert!(message.contains(problem), "{message}");
        link.wait_for("the end", |event| *event == LinkEvent::Closed).await;
    }
}

#[tokio::test]
async fn a_third_one_is_told_that_the_room_is_full_and_harms_nobody() {
    let (_server, url) = signaling();
    let (mut one, mut two) = pair(&url, Permission::Intimate, Permission::Intimate).await;
    let mut third = TestLink::start(options(&url, "room", "Three", Permission::Intimate));
    assert_eq!(third.error().await, "Server: Room is full");
    let lost = third
        .wait_for("the loss", |event| matches!(event, LinkEvent::Disconnected { .. }))
        .await;
    let reason = "signaling-lost-before-p2p".to_owned();
    assert_eq!(lost, LinkEvent::Disconnected { reason });
    third
        .wait_for("another try", |event| *event == LinkEvent::Reconnecting { attempt: 1 })
        .await;
    third.close().await;
    one.chat("still here").await.expect("sent");
    assert_eq!(two.received().await.0["payload"]["content"], "still here");
    assert!(one.events.try_recv().is_err());
    one.close().await;
    two.close().await;
}

#[tokio::test]
async fn a_link_ends_with_its_handles_and_with_its_events() {
    let (_server, url) = signaling();
    let (one, mut two) = pair(&url, Permission::Intimate, Permission::Intimate).await;
    let TestLink { link, mut events, .. } = one;
    drop(link);
    assert_eq!(soon("the end", events.recv()).await, Some(LinkEvent::Closed));
    two.wait_for("the loss", |event| matches!(event, LinkEvent::Disconnected { .. }))
        .await;
    let (three, mut four) = (
        TestLink::enter(&url, "other", Permission::Helper).await,
        options(&url, "other", "Four", Permission::Helper),
    );
    four.name = "Four".to_owned();
    let mut four = TestLink::start(four);
    four.connected().await;
    let TestLink { events, link, .. } = three;
    drop(events);
    four.wait_for("the loss", |event| matches!(event, LinkEvent::Disconnected { .. }))
        .await;
    soon("the end", link.close()).await;
}

#[tokio::test]
async fn two_that_know_a_secret_prove_it_and_the_server_never_sees_it() {
    let (_server, url) = signaling();
    let secret = RoomSecret::random(&SystemEntropy).expect("random bytes");
    let with = |name: &str| LinkOptions {
        secret: Some(secret.clone()),
        ..options(&url, "not used", name, Permission::Intimate)
    };
    let mut one = TestLink::start(with("One"));
    let LinkEvent::Room { room_id } = one.next().await else {
        panic!("the room comes first")
    };
    assert_eq!(room_id, secret.room());
    let mut two = TestLink::start(with("Two"));
    one.connected().await;
    two.connected().await;
    assert!(one.link.status().proven && two.link.status().proven);
    one.chat("hello").await.expect("sent");
    two.received().await;
    two.link.set_permission(Permission::Chat).await;
    one.wait_for("the change", |event| {
        matches!(event, LinkEvent::PermissionChanged { .. })
    })
    .await;
    assert!(one.link.status().proven);
    one.close().await;
    two.close().await;
}

#[tokio::test]
async fn whoever_has_found_the_room_and_does_not_know_the_secret_is_not_let_in() {
    let (_server, url) = signaling();
    let secret = RoomSecret::random(&SystemEntropy).expect("random bytes");
    let mut one = TestLink::start(LinkOptions {
        secret: Some(secret.clone()),
        ..options(&url, "not used", "One", Permission::Intimate)
    });
    one.wait_for("the role", |event| matches!(event, LinkEvent::Role { .. }))
        .await;
    // One that hands on what it hears from the server, as the server itself could.
    let mut stranger = TestLink::start(options(&url, &secret.room(), "Stranger", Permission::Intimate));
    assert!(one.error().await.contains("secret"));
    assert!(!one.link.status().connected);
    stranger
        .wait_for("the loss", |event| matches!(event, LinkEvent::Disconnected { .. }))
        .await;
    stranger.close().await;
    let mut two = TestLink::start(LinkOptions {
        secret: Some(secret),
        ..options(&url, "not used", "Two", Permission::Intimate)
    });
    one.connected().await;
    two.connected().await;
    one.close().await;
    two.close().await;
}
