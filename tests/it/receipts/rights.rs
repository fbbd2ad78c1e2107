//! What became of a message is told to few.

use serde_json::json;

use super::{states, status};
use crate::support::Cast;

#[tokio::test]
async fn the_sender_the_owner_and_the_controller_may_know() {
    let cast = Cast::gather().await;
    let (alice, bob, carol) = (cast.alice(), cast.bob(), cast.carol());
    let room = alice.create_room("Ops", "private").await;
    alice
        .call("room.invite", json!({ "roomId": room, "agentId": bob.id() }))
        .await;
    bob.call("room.join", json!({ "roomId": room })).await;
    let message = bob.say(&room, "hello").await["messageId"].clone();
    alice.expect("message").await;
    for agent in [alice, bob, cast.controller()] {
        assert_eq!(status(agent, &message).await, states(&[("alice", "delivered")]));
    }
    let of = json!({ "messageId": message });
    assert_eq!(carol.refused("message.status", of.clone()).await, 4060);
    // Whoever has left a room knows of its members no more.
    bob.call("room.leave", json!({ "roomId": room })).await;
    assert_eq!(bob.refused("message.status", of).await, 4003);
}

#[tokio::test]
async fn of_a_direct_message_the_sender_alone_may_know() {
    let cast = Cast::gather().await;
    let (alice, bob) = (cast.alice(), cast.bob());
    let params = json!({ "toAgentId": bob.id(), "content": "hello" });
    let message = alice.call("message.dm", params).await["messageId"].clone();
    let of = json!({ "messageId": message });
    assert_eq!(bob.refused("message.status", of.clone()).await, 4003);
    assert_eq!(cast.carol().refused("message.status", of.clone()).await, 4060);
    assert_eq!(cast.controller().refused("message.status", of).await, 4060);
    assert_eq!(alice.refused("message.status", json!({ "messageId": "x" })).await, 4060);
}
