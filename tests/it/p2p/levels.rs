//! What passes at which level, on sending and on receiving.

use serde_json::{Value, json};
use wardroom::domain::Permission;
use wardroom::p2p::{Envelope, LinkEvent, SendError, Shorthand};

use super::ours::pair;
use super::signaling;
use crate::support::{NodePeer, TestLink};

#[tokio::test]
async fn all_nine_pairs_are_negotiated_with_the_independent_peer() {
    let (_server, url) = signaling();
    for mine in Permission::ALL {
        for theirs in Permission::ALL {
            let room = format!("{mine}-{theirs}");
            let mut link = TestLink::enter(&url, &room, mine).await;
            let mut peer = NodePeer::enter(&url, &room, &json!({ "permission": theirs.as_str() })).await;
            let level = mine.negotiate(theirs);
            assert_eq!(link.connected().await, ("Node".to_owned(), level));
            assert_eq!(link.link.status().permission, level);
            let hello = peer.message("handshake").await;
            assert_eq!(hello["requestedPermission"], mine.as_str());
            assert_eq!(
                peer.message("handshake-ack").await["negotiatedPermission"],
                level.as_str()
            );

            // What this side sends is judged here.
            let task = Envelope::task(link.link.author(), "t", &Value::Null).expect("an envelope");
            let refused = SendError::NotAllowed {
                kind: "task".to_owned(),
                permission: Permission::Chat,
            };
            let expected = if level == Permission::Chat {
                Err(refused)
            } else {
                Ok(())
            };
            assert_eq!(link.link.send(&task).await, expected, "{room}");
            link.chat("hello").await.expect("talk always passes");
            assert_eq!(peer.message("chat").await["payload"]["content"], "hello");

            // What the other side sends is judged here too: the peer itself holds back nothing.
            peer.send(r#"{"id":"1","type":"file","payload":{"name":"n","content":"c"}}"#)
                .await;
            assert_eq!(link.received().await.1, level != Permission::Chat, "{room}");
            peer.send(r#"{"id":"2","type":"chat","payload":{"content":"my password"}}"#)
                .await;
            let (heard, is_allowed) = link.received().await;
            assert!(is_allowed && heard["id"] == "2");
            let is_kept = heard["payload"]["content"] == "my password";
            assert_eq!(is_kept, level != Permission::Helper, "{room}");
            link.close().await;
        }
    }
}

#[tokio::test]
async fn private_talk_does_not_leave_at_level_helper() {
    let (_server, url) = signaling();
    let (one, mut two) = pair(&url, Permission::Helper, Permission::Intimate).await;
    let refused = one.chat("the API key is x").await.expect_err("kept back");
    assert_eq!(
        refused,
        SendError::Private {
            pattern: "api key".to_owned()
        }
    );
    assert!(refused.is_final());
    one.chat("hello").await.expect("sent");
    assert_eq!(two.received().await.0["payload"]["content"], "hello");
    one.close().await;
    two.close().await;
}

#[tokio::test]
async fn a_level_can_change_at_any_time_and_no_side_can_raise_the_others() {
    let (_server, url) = signaling();
    let (mut one, mut two) = pair(&url, Permission::Helper, Permission::Intimate).await;
    two.link.set_permission(Permission::Chat).await;
    let chat = LinkEvent::PermissionChanged {
        permission: Permission::Chat,
    };
    one.wait_for("the change", |event| *event == chat).await;
    two.wait_for("the change", |event| *event == chat).await;
    assert_eq!(one.link.status().permission, Permission::Chat);
    let query = Envelope::query(one.link.author(), "q").expect("an envelope");
    assert!(matches!(one.link.send(&query).await, Err(SendError::NotAllowed { .. })));
    two.link.set_permission(Permission::Intimate).await;
    let helper = LinkEvent::PermissionChanged {
        permission: Permission::Helper,
    };
    one.wait_for("the change", |event| *event == helper).await;
    two.wait_for("the change", |event| *event == helper).await;
    one.link.send(&query).await.expect("allowed again");
    assert_eq!(two.received().await.0["type"], "query");
    one.close().await;
    two.close().await;
}

#[tokio::test]
async fn a_peer_that_asks_anew_gets_the_right_level_and_an_ack() {
    let (_server, url) = signaling();
    let mut link = TestLink::enter(&url, "room", Permission::Helper).await;
    let mut peer = NodePeer::enter(&url, "room", &json!({ "permission": "intimate" })).await;
    link.connected().await;
    peer.message("handshake-ack").await;
    for (asked, level) in [
        ("chat", Permission::Chat),
        ("intimate", Permission::Helper),
        ("root", Permission::Chat),
    ] {
        peer.order(&json!({ "do": "level", "level": asked })).await;
        link.wait_for("the change", |event| {
            *event == LinkEvent::PermissionChanged { permission: level }
        })
        .await;
        assert_eq!(
            peer.message("handshake-ack").await["negotiatedPermission"],
            level.as_str()
        );
    }
    link.close().await;
}

#[tokio::test]
async fn words_of_the_link_itself_cannot_be_sent_as_messages() {
    let (_server, url) = signaling();
    let (one, two) = pair(&url, Permission::Intimate, Permission::Intimate).await;
    for kind in ["handshake", "handshake-ack", "_ping", "_pong", "_piece"] {
        let text = json!({ "type": kind, "payload": {} }).to_string();
        let envelope = Envelope::from_shorthand(&text, Shorthand::JsonLines, one.link.author()).expect("an envelope");
        let refused = SendError::Reserved { kind: kind.to_owned() };
        assert_eq!(one.link.send(&envelope).await, Err(refused));
    }
    one.close().await;
    two.close().await;
}
