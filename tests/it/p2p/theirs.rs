//! The independent peer: as the one that offers and as the one that answers, and every type of message.

use serde_json::{Value, json};
use wardroom::domain::Permission;
use wardroom::p2p::{Envelope, LinkEvent};

use super::signaling;
use crate::support::link::options;
use crate::support::{NodePeer, TestLink};

/// Both ways to come together: the peer answers when it comes second, and offers when it was there first.
async fn both_ways(more: Value, check: impl AsyncFn(TestLink, NodePeer, bool)) {
    let (_server, url) = signaling();
    for peer_offers in [false, true] {
        let room = format!("room-{peer_offers}");
        let (mut link, peer) = if peer_offers {
            let peer = NodePeer::enter(&url, &room, &more).await;
            (TestLink::enter(&url, &room, Permission::Intimate).await, peer)
        } else {
            let link = TestLink::enter(&url, &room, Permission::Intimate).await;
            (link, NodePeer::enter(&url, &room, &more).await)
        };
        link.connected().await;
        check(link, peer, peer_offers).await;
    }
}

#[tokio::test]
async fn every_type_of_message_passes_in_both_directions_and_roles() {
    both_ways(json!({ "permission": "intimate" }), async |mut link, mut peer, _| {
        peer.message("handshake-ack").await;
        let author = link.link.author().clone();
        let sent = [
            (Envelope::chat(&author, "hi", Some("r")), json!({ "content": "hi" })),
            (Envelope::task(&author, "d", &json!([1])), json!({ "description": "d", "data": [1] })),
            (Envelope::result(&author, &json!({ "ok": true }), "t"), json!({ "data": { "ok": true } })),
            (Envelope::file(&author, "n", "c"), json!({ "name": "n", "content": "c" })),
            (Envelope::query(&author, "q"), json!({ "question": "q" })),
            (Envelope::ack(&author, &json!("m")), json!({})),
            (
                Envelope::session(&author, "start", "s", Some("d"), None),
                json!({ "action": "start", "sessionId": "s", "description": "d", "reason": null }),
            ),
            (Envelope::of(&author, "odd", json!("any"), None), json!("any")),
        ];
        for (envelope, payload) in sent {
            let envelope = envelope.expect("an envelope");
            link.link.send(&envelope).await.expect("sent");
            let heard = peer.message(envelope.kind()).await;
            assert_eq!((&heard["id"], &heard["payload"]), (&json!(envelope.id()), &payload));
            assert_eq!((&heard["from"], &heard["priority"]), (&json!("Ward"), &json!(1)));
        }
        let intro = Envelope::intro(&author, "I am").expect("an envelope");
        link.link.send(&intro).await.expect("sent");
        assert_eq!(peer.message("intro").await["text"], "I am");

        for text in [
            r#"{"id":"e05ca21f","type":"chat","payload":{"content":"hi"},"from":"N","replyTo":null,"priority":1,"ts":1}"#,
            r#"{"id":"e","type":"task","payload":{"description":"d","data":null},"priority":2}"#,
            r#"{"id":"e","type":"result","payload":{"data":null},"replyTo":"t"}"#,
            r#"{"id":"e","type":"file","payload":{"name":"n","content":"ü€𝄞"}}"#,
            r#"{"id":"e","type":"query","payload":{"question":"q"}}"#,
            r#"{"id":"e","type":"ack","payload":{},"replyTo":"m"}"#,
            r#"{"type":"intro","from":"N","text":"I am","id":"69e669da","ts":1}"#,
            r#"{"type":"session","from":"N","ts":1,"content":{"action":"start","sessionId":"01234567"}}"#,
            r#"{"id":7,"type":"odd","payload":"any"}"#,
            "1",
            r#""text""#,
            "[null,{}]",
        ] {
            peer.send(text).await;
            match link.wait_for("a message", |event| matches!(event, LinkEvent::Received { .. })).await {
                LinkEvent::Received { text: heard, refused, .. } => assert_eq!((heard.as_str(), refused), (text, None)),
                other => panic!("{other:?}"),
            }
        }
        peer.order(&json!({ "do": "binary", "text": r#"{"id":"b","type":"chat"}"# })).await;
        assert_eq!(link.received().await.0["id"], "b");
        link.close().await;
    })
    .await;
}

#[tokio::test]
async fn the_peer_hears_the_close_and_the_link_hears_the_peers() {
    both_ways(json!({}), async |link, mut peer, _| {
        peer.message("handshake-ack").await;
        link.close().await;
        peer.wait_for("closed").await;
    })
    .await;
    both_ways(json!({}), async |mut link, mut peer, _| {
        peer.order(&json!({ "do": "hangUp" })).await;
        let reason = "datachannel-closed".to_owned();
        link.wait_for("the loss", |event| {
            *event == LinkEvent::Disconnected { reason: reason.clone() }
        })
        .await;
        link.close().await;
    })
    .await;
}

#[tokio::test]
async fn the_description_is_that_of_the_fact_sheet() {
    let (_server, url) = signaling();
    let mut peer = NodePeer::enter(&url, "room", &json!({})).await;
    let link = TestLink::enter(&url, "room", Permission::Helper).await;
    let open = peer.wait_for("open").await;
    assert_eq!(
        (&open["label"], &open["maxMessageSize"]),
        (&json!("agentlink"), &json!(262_144))
    );
    link.close().await;
}

#[tokio::test]
async fn a_ping_is_answered_and_never_shown() {
    both_ways(json!({}), async |mut link, mut peer, _| {
        peer.send(r#"{"type":"_ping","ts":1}"#).await;
        assert!(peer.message("_pong").await["ts"].is_i64());
        peer.send(r#"{"type":"_pong","ts":1}"#).await;
        peer.send(r#"{"id":"1","type":"chat"}"#).await;
        assert_eq!(
            link.next().await,
            LinkEvent::Received {
                text: r#"{"id":"1","type":"chat"}"#.to_owned(),
                value: json!({ "id": "1", "type": "chat" }),
                refused: None,
            }
        );
        link.close().await;
    })
    .await;
}

#[tokio::test]
async fn surplus_offers_of_the_peer_do_not_make_the_two_renegotiate_for_ever() {
    let (_server, url) = signaling();
    let more = json!({ "surplus": true, "keep": true });
    let mut link = TestLink::enter(&url, "room", Permission::Intimate).await;
    let mut peer = NodePeer::enter(&url, "room", &more).await;
    link.connected().await;
    peer.message("handshake-ack").await;
    for number in 0..20 {
        peer.send(format!(r#"{{"id":"{number}","type":"chat"}}"#)).await;
        assert_eq!(link.received().await.0["id"], number.to_string());
        link.chat(&number.to_string()).await.expect("sent");
    }
    let mut answers = 0;
    loop {
        let said = peer.next().await;
        answers += usize::from(said["event"] == "answer");
        if said["text"]
            .as_str()
            .is_some_and(|text| text.contains(r#""content":"19""#))
        {
            break;
        }
    }
    assert!(answers <= 1, "{answers}");
    link.close().await;
}

#[tokio::test]
async fn a_peer_that_is_there_first_is_called_by_nobody_until_it_calls() {
    let (_server, url) = signaling();
    // One that never calls: the role that it was given says that it should.
    let mut peer = NodePeer::enter(&url, "room", &json!({ "calls": false })).await;
    let mut waiting = options(&url, "room", "Ward", Permission::Helper);
    waiting.intervals.connecting = std::time::Duration::from_millis(300);
    let mut link = TestLink::start(waiting);
    peer.wait_for("peer-joined").await;
    link.wait_for("the end of waiting", |event| *event == LinkEvent::TimedOut)
        .await;
    link.wait_for("another try", |event| *event == LinkEvent::Reconnecting { attempt: 1 })
        .await;
    link.close().await;
}
