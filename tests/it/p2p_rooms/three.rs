//! A socket, a peer that shares no code with wardroom, and an agent that makes single requests, in one room.

use serde_json::{Value, json};

use super::{open, room, text};
use crate::support::bridge::{Notice, unique};
use crate::support::node_peer::NodePeer;
use crate::support::{Cast, TestBridge};

#[tokio::test]
async fn three_ways_in_see_the_same_messages_in_the_same_order() {
    let cast = Cast::gather().await;
    let room = room(&cast).await;
    let scout = cast
        .controller()
        .call("agent.invite", json!({ "displayName": "Scout" }))
        .await;
    let invited = json!({ "roomId": room, "agentId": scout["agentId"] });
    cast.alice().call("room.invite", invited).await;
    let bridge = TestBridge::start("ws://127.0.0.1:9/", "Scout");
    let key_file = bridge.home().join("key");
    std::fs::write(&key_file, text(&scout["apiKey"])).expect("written");
    let notice = Notice(unique("three"));
    let agent = notice.0.as_str();
    let place = json!({ "hub": cast.server.url(), "keyFile": key_file, "roomId": room, "agentId": agent });
    bridge.post("/connect", place).await;
    let opening = open(cast.alice(), &room, "helper").await;
    let (url, p2p_room) = (text(&opening["signalUrl"]), text(&opening["p2pRoomId"]));
    let mut peer = NodePeer::enter(&url, &p2p_room, &json!({ "name": "Stranger" })).await;
    // What was said before one is in is not shown.
    for who in ["Scout", "Stranger"] {
        assert_eq!(cast.bob().expect("room.joined").await["displayName"], who);
    }

    let (mut said, mut came) = (Vec::new(), Vec::new());
    for round in 0..3 {
        cast.alice().say(&room, &format!("socket {round}")).await;
        came.push(content(&peer.message("chat").await["payload"]));
        let chat =
            json!({ "id": format!("p{round}"), "type": "chat", "payload": { "content": format!("peer {round}") } });
        peer.send(chat.to_string()).await;
        assert_eq!(peer.message("ack").await["replyTo"], format!("p{round}"));
        let chat = json!({ "type": "chat", "content": format!("request {round}"), "agentId": agent });
        bridge.post("/send", chat).await;
        came.push(content(&peer.message("chat").await["payload"]));
        said.extend(["socket", "peer", "request"].map(|who| format!("{who} {round}")));
    }

    // Each but its own.
    let others = |own: &str| -> Vec<String> { said.iter().filter(|text| !text.starts_with(own)).cloned().collect() };
    assert_eq!(came, others("peer"));
    let received = bridge.receive_many(agent, others("request").len()).await;
    let received: Vec<String> = received.iter().map(|message| content(&message["payload"])).collect();
    assert_eq!(received, others("request"));
    let mut heard = Vec::new();
    for _ in &said {
        heard.push(content(&cast.bob().expect("message").await["message"]));
    }
    assert_eq!(heard, said);
}

fn content(message: &Value) -> String {
    text(&message["content"])
}
