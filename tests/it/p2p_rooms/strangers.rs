//! Peers that share no code with wardroom, and that keep to no level.

use serde_json::{Value, json};

use super::{member, open, room, text};
use crate::support::Cast;
use crate::support::node_peer::NodePeer;

/// Enters the first place of an opening.
async fn enter(opening: &Value, name: &str) -> NodePeer {
    let (url, p2p_room) = (text(&opening["signalUrl"]), text(&opening["p2pRoomId"]));
    NodePeer::enter(&url, &p2p_room, &json!({ "name": name, "permission": "intimate" })).await
}

#[tokio::test]
async fn a_peer_for_talk_that_sends_tasks_and_files_all_the_same_is_not_heard() {
    let cast = Cast::gather().await;
    let room = room(&cast).await;
    let opening = open(cast.alice(), &room, "chat").await;
    let mut peer = enter(&opening, "Rude").await;
    cast.bob().expect("room.joined").await;
    let shown = member(cast.bob(), &room, "Rude").await.expect("a member");
    assert_eq!(shown["permission"], "chat");
    let sent = [
        json!({ "id": "aa", "type": "task", "payload": { "description": "sweep", "data": null } }),
        json!({ "id": "bb", "type": "file", "payload": { "name": "notes.txt", "content": "text" } }),
        json!({ "id": "cc", "type": "chat", "payload": { "content": "hello" } }),
    ];
    for envelope in &sent {
        peer.send(envelope.to_string()).await;
    }
    // Each is acknowledged, or it would come again for ever.
    for envelope in &sent {
        assert_eq!(peer.message("ack").await["replyTo"], envelope["id"]);
    }
    let history = cast.alice().history(&room, 10, None).await;
    assert_eq!(history.len(), 1, "{history:?}");
    assert_eq!(history[0]["content"], "hello");
    // Nor is it shown what is not talk.
    cast.alice()
        .call("task.create", json!({ "roomId": room, "title": "scrub" }))
        .await;
    cast.alice().say(&room, "bye").await;
    assert_eq!(peer.message("chat").await["payload"]["content"], "bye");
}

#[tokio::test]
async fn a_socket_and_a_stranger_see_the_same_and_the_controller_ends_it_at_once() {
    let cast = Cast::gather().await;
    let room = room(&cast).await;
    let opening = open(cast.alice(), &room, "helper").await;
    let mut peer = enter(&opening, "Stranger").await;
    cast.bob().expect("room.joined").await;
    for number in 0..5 {
        peer.send(
            json!({ "id": format!("p{number}"), "type": "chat", "payload": { "content": format!("far {number}") } })
                .to_string(),
        )
        .await;
        assert_eq!(peer.message("ack").await["replyTo"], format!("p{number}"));
        let said = cast.alice().say(&room, &format!("near {number}")).await;
        let shown = peer.message("chat").await;
        assert_eq!(
            (&shown["id"], &shown["payload"]["content"]),
            (&said["messageId"], &json!(format!("near {number}")))
        );
        peer.send(
            json!({ "id": format!("a{number}"), "type": "ack", "replyTo": shown["id"], "payload": {} }).to_string(),
        )
        .await;
    }
    let expected: Vec<String> = (0..5)
        .flat_map(|number| [format!("far {number}"), format!("near {number}")])
        .collect();
    for content in &expected {
        assert_eq!(cast.bob().expect("message").await["message"]["content"], json!(content));
    }
    let guest = member(cast.bob(), &room, "Stranger").await.expect("a member")["agentId"].clone();
    cast.controller().call("agent.kick", json!({ "agentId": guest })).await;
    peer.wait_for("closed").await;
    assert!(member(cast.bob(), &room, "Stranger").await.is_none());
}

#[tokio::test]
async fn frames_without_sense_harm_nobody() {
    let cast = Cast::gather().await;
    let room = room(&cast).await;
    let opening = open(cast.alice(), &room, "intimate").await;
    let mut peer = enter(&opening, "Odd").await;
    cast.bob().expect("room.joined").await;
    for frame in [
        "17",
        "\"text\"",
        "[]",
        "{}",
        r#"{"id":"x","type":"chat","payload":null}"#,
        r#"{"id":"y","type":7,"payload":{"content":{"a":[1]}}}"#,
        r#"{"id":"z","type":"session","payload":{"action":"start"}}"#,
        r#"{"id":"w","type":"task","payload":{}}"#,
        r#"{"type":"result","replyTo":"nothing","payload":{"data":0}}"#,
        r#"{"id":{"odd":1},"type":"query","payload":{"question":"why?"}}"#,
    ] {
        peer.send(frame).await;
    }
    for id in [json!("x"), json!("y"), json!("z"), json!("w"), json!({ "odd": 1 })] {
        assert_eq!(peer.message("ack").await["replyTo"], id);
    }
    let history = cast.alice().history(&room, 10, None).await;
    let said: Vec<String> = history.iter().map(|message| text(&message["content"])).collect();
    assert_eq!(said, [r#"{"a":[1]}"#, "task", "0", "why?"]);
    cast.alice().say(&room, "still here").await;
    assert_eq!(peer.message("chat").await["payload"]["content"], "still here");
}
