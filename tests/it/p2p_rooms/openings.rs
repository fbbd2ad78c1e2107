//! Openings without anybody who comes: their limits, their end, their secrets.

use serde_json::json;

use super::{open, openings, room, text};
use crate::support::{Agent, Cast, TestServer};

#[tokio::test]
async fn an_invitation_says_how_to_come_in() {
    let cast = Cast::gather().await;
    let room = room(&cast).await;
    let opening = open(cast.alice(), &room, "helper").await;
    let (p2p_room, url) = (text(&opening["p2pRoomId"]), text(&opening["signalUrl"]));
    assert_eq!(url, format!("ws://{}/signal/", cast.server.authority()));
    assert!(p2p_room.len() == 32 && p2p_room.bytes().all(|byte| byte.is_ascii_hexdigit()));
    let invitation = text(&opening["text"]);
    for part in [
        format!("\nRoom ID: {p2p_room}\n"),
        "\nPermission: helper\n".to_owned(),
        format!("-s '{url}'"),
        format!("bridge connect {p2p_room} --agent YOUR_AGENT_ID"),
        "bridge recv --agent YOUR_AGENT_ID --wait 30".to_owned(),
    ] {
        assert!(invitation.contains(&part), "`{part}` is not in {invitation}");
    }
    assert!(text(&opening["command"]).contains(&p2p_room));
    // Another opening is another P2P room.
    assert_ne!(text(&open(cast.alice(), &room, "helper").await["p2pRoomId"]), p2p_room);
}

#[tokio::test]
async fn peers_are_sent_to_the_configured_signaling_server() {
    let config = json!({ "p2p": { "signalUrl": "wss://agents.example/signal/" } });
    let cast = Cast::gather_on(TestServer::builder().config(config)).await;
    let room = room(&cast).await;
    let opening = open(cast.alice(), &room, "chat").await;
    assert_eq!(opening["signalUrl"], "wss://agents.example/signal/");
}

#[tokio::test]
async fn places_for_peers_are_limited_in_a_room_and_in_all() {
    let config = json!({ "p2p": { "maxPerRoom": 2, "maxPeers": 3 } });
    let cast = Cast::gather_on(TestServer::builder().config(config)).await;
    let (first, second) = (room(&cast).await, room(&cast).await);
    let params = |room: &str, uses: u32| json!({ "roomId": room, "permission": "chat", "maxUses": uses });
    let alice = cast.alice();
    assert_eq!(alice.refused("p2p.open", params(&first, 3)).await, 4121);
    let opening = alice.call("p2p.open", params(&first, 2)).await;
    assert_eq!(alice.refused("p2p.open", params(&first, 1)).await, 4121);
    alice.call("p2p.open", params(&second, 1)).await;
    assert_eq!(alice.refused("p2p.open", params(&second, 1)).await, 4121);
    let id = json!({ "openingId": opening["openingId"] });
    alice.call("p2p.close", id).await;
    alice.call("p2p.open", params(&second, 1)).await;
}

#[tokio::test]
async fn no_room_is_opened_while_peers_are_not_served() {
    for config in [
        json!({ "p2p": { "enabled": false } }),
        json!({ "signaling": { "enabled": false } }),
    ] {
        let cast = Cast::gather_on(TestServer::builder().config(config)).await;
        let room = room(&cast).await;
        let controller = cast.controller();
        let params = json!({ "roomId": room, "permission": "chat" });
        assert_eq!(controller.refused("p2p.open", params).await, 4003);
        let params = json!({ "roomId": room, "p2pRoomId": "elsewhere" });
        assert_eq!(controller.refused("p2p.join", params).await, 4003);
        assert!(openings(controller, &room).await.is_empty());
    }
}

#[tokio::test]
async fn an_opening_ends_when_its_time_is_over() {
    let config = json!({ "p2p": { "expiryMs": 1000 } });
    let cast = Cast::gather_on(TestServer::builder().config(config)).await;
    let room = room(&cast).await;
    let opening = open(cast.alice(), &room, "helper").await;
    let life = opening["expiresAt"].as_i64().expect("a time") - opening["createdAt"].as_i64().expect("a time");
    assert_eq!(life, 1000);
    until_gone(cast.alice(), &room).await;
}

/// Waits until a room has no opening. Each look is a request, so this does not spin.
async fn until_gone(agent: &Agent, room: &str) {
    let gone = async { while !openings(agent, room).await.is_empty() {} };
    crate::support::soon("the end of an opening", gone).await;
}

#[tokio::test]
async fn openings_outlive_the_server_and_not_their_room() {
    let mut cast = Cast::gather().await;
    let room = room(&cast).await;
    let opened = open(cast.alice(), &room, "helper").await;
    cast.restart().await;
    let listed = openings(cast.alice(), &room).await;
    assert_eq!(listed.len(), 1);
    for member in ["openingId", "permission", "createdAt", "expiresAt"] {
        assert_eq!(listed[0][member], opened[member], "{member}");
    }
    assert_eq!(listed[0]["places"][0]["p2pRoomId"], opened["p2pRoomId"]);
    cast.alice().call("room.delete", json!({ "roomId": room })).await;
    let all = cast.controller().call("p2p.list", json!({})).await;
    assert_eq!(all["openings"], json!([]));
}

#[tokio::test]
async fn the_id_of_a_p2p_room_is_in_no_log() {
    let config = json!({ "log": { "level": "trace" } });
    let mut cast = Cast::gather_on(TestServer::builder().config(config)).await;
    let room = room(&cast).await;
    let opening = open(cast.alice(), &room, "helper").await;
    let joined = json!({ "roomId": room, "p2pRoomId": "opened-elsewhere" });
    cast.alice().call("p2p.join", joined).await;
    let id = json!({ "openingId": opening["openingId"], "permission": "chat" });
    cast.alice().call("p2p.setPermission", id.clone()).await;
    cast.alice().call("p2p.close", id).await;
    let audit = cast.controller().call("audit.list", json!({})).await.to_string();
    for method in ["p2p.open", "p2p.join", "p2p.setPermission", "p2p.close"] {
        assert!(audit.contains(method), "`{method}` is not in {audit}");
    }
    assert!(
        audit.contains(&text(&opening["openingId"])) && audit.contains(&room),
        "{audit}"
    );
    cast.server.signal("TERM");
    cast.server.wait();
    let log = cast.server.output();
    assert!(log.contains("TRACE") || log.contains("DEBUG"), "nothing was logged");
    for secret in [text(&opening["p2pRoomId"]), "opened-elsewhere".to_owned()] {
        assert!(!audit.contains(&secret) && !log.contains(&secret), "{log}");
    }
}

#[tokio::test]
async fn a_key_for_another_room_knows_nothing_of_an_opening() {
    let cast = Cast::gather().await;
    let (first, second) = (room(&cast).await, room(&cast).await);
    let opening = open(cast.alice(), &first, "helper").await;
    let key = cast
        .alice()
        .call("agent.createKey", json!({ "keyName": "second", "rooms": [second] }))
        .await;
    let limited = Agent::enter(&cast.server, key["apiKey"].as_str().expect("a key")).await;
    let id = json!({ "openingId": opening["openingId"] });
    assert_eq!(limited.refused("p2p.close", id).await, 4120);
    let params = json!({ "roomId": first, "permission": "chat" });
    assert_eq!(limited.refused("p2p.open", params).await, 4011);
    open(&limited, &second, "helper").await;
    let key = cast
        .alice()
        .call("agent.createKey", json!({ "keyName": "look", "readOnly": true }))
        .await;
    let reader = Agent::enter(&cast.server, key["apiKey"].as_str().expect("a key")).await;
    let params = json!({ "roomId": first, "permission": "chat" });
    assert_eq!(reader.refused("p2p.open", params).await, 4003);
    let shown = openings(&reader, &first).await;
    assert_eq!(shown.len(), 1);
    // Whoever knows a place can come in by it and speak.
    assert_eq!(shown[0]["places"], json!([]));
}
