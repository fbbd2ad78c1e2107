//! Several sessions of one agent.

use serde_json::{Value, json};
use wardroom::client::Methods;

use crate::support::{Agent, Cast, soon};

/// Sessions that an agent may have.
const CAP: usize = 8;

fn methods(told: Vec<(String, Value)>) -> Vec<String> {
    told.into_iter().map(|(method, _)| method).collect()
}

#[tokio::test]
async fn the_oldest_session_makes_room_for_one_too_many() {
    let cast = Cast::gather().await;
    let key = cast.controller().invite("dave").await;
    let mut sessions = Vec::new();
    for _ in 0..CAP {
        sessions.push(Agent::enter(&cast.server, &key).await);
    }
    cast.settle().await;
    let ninth = Agent::enter(&cast.server, &key).await;
    assert_eq!(
        sessions[0].expect("disconnected").await,
        json!({ "reason": "replaced by a newer session" })
    );
    let end = soon("the end", sessions[0].connection.ended()).await;
    assert_eq!(
        (end.code, end.reason.as_str()),
        (Some(1008), "replaced by a newer session")
    );
    // The others go on, and nobody was told that the agent went offline.
    for session in sessions[1..].iter().chain([&ninth]) {
        assert_eq!(session.call("lobby.getMotd", json!({})).await["motd"], Value::Null);
    }
    assert_eq!(cast.alice().told().await, []);
    let status = cast.server.operator().await.call("operator.status", json!({})).await;
    assert_eq!(status.expect("the operator may ask")["sessions"], 4 + CAP);
}

#[tokio::test]
async fn every_session_of_the_recipient_hears_and_none_of_the_sender() {
    let cast = Cast::gather().await;
    let (alice, bob) = (cast.alice(), cast.bob());
    let alice_too = Agent::enter(&cast.server, &alice.key).await;
    let bob_too = Agent::enter(&cast.server, &bob.key).await;
    alice_too.told().await;
    bob_too.told().await;

    alice.say(alice.lobby(), "to all").await;
    alice
        .call("message.dm", json!({ "toAgentId": bob.id(), "content": "to bob" }))
        .await;
    alice
        .call("message.dm", json!({ "toAgentId": alice.id(), "content": "to myself" }))
        .await;

    for session in [bob, &bob_too] {
        assert_eq!(methods(session.told().await), ["message", "dm"]);
    }
    for session in [alice, &alice_too] {
        assert_eq!(methods(session.told().await), Vec::<String>::new());
    }
    let history = alice_too.history(alice.lobby(), 10, None).await;
    assert_eq!(history.len(), 3);
}

#[tokio::test]
async fn what_one_session_does_to_rooms_the_others_of_the_agent_are_told() {
    let cast = Cast::gather().await;
    let alice = cast.alice();
    let other = Agent::enter(&cast.server, &alice.key).await;
    other.told().await;
    let room = alice.create_room("Ops", "private").await;
    assert_eq!(methods(other.told().await), ["room.created"]);
    let message = alice.say(&room, "hello").await["messageId"].clone();
    for (method, params, event) in [
        (
            "room.update",
            json!({ "roomId": room, "name": "Operations" }),
            "room.updated",
        ),
        (
            "room.visibility",
            json!({ "roomId": room, "visibility": "public" }),
            "room.visibilityChanged",
        ),
        ("message.remove", json!({ "messageId": message }), "message.removed"),
    ] {
        alice.call(method, params).await;
        assert_eq!(methods(other.told().await), [event]);
    }
    alice.call("room.leave", json!({ "roomId": room })).await;
    alice.call("room.join", json!({ "roomId": room })).await;
    assert_eq!(methods(other.told().await), ["room.left", "room.joined"]);
    alice.call("room.delete", json!({ "roomId": room })).await;
    assert_eq!(methods(other.told().await), ["room.deleted"]);
    // Of all this the acting session itself is told nothing.
    assert_eq!(alice.told().await, []);
}

#[tokio::test]
async fn kicking_an_agent_ends_all_its_sessions_and_it_may_come_back() {
    let cast = Cast::gather().await;
    let bob = cast.bob();
    let bob_too = Agent::enter(&cast.server, &bob.key).await;
    // Long, and of characters of several bytes: a close frame has no room for it.
    let reason = "genug 🛑 ".repeat(125);
    cast.controller()
        .call("agent.kick", json!({ "agentId": bob.id(), "reason": reason }))
        .await;
    for session in [bob, &bob_too] {
        assert_eq!(session.expect("disconnected").await, json!({ "reason": reason }));
        let end = soon("the end", session.connection.ended()).await;
        assert_eq!(end.code, Some(1008));
        assert!(end.reason.starts_with("kicked: genug 🛑 genug"), "{}", end.reason);
    }
    let back = Agent::enter(&cast.server, &bob.key).await;
    assert_eq!(back.id(), bob.id());
}

#[tokio::test]
async fn a_session_name_counts_for_that_session_alone() {
    let cast = Cast::gather().await;
    let alice = cast.alice();
    let named = json!({ "apiKey": alice.key, "displayName": " Alice at night " });
    let night = Agent::try_enter(&cast.server, named).await.expect("the key is good");
    assert_eq!(night.welcome["displayName"], "Alice at night");
    alice.say(alice.lobby(), "by day").await;
    night.say(alice.lobby(), "by night").await;
    night
        .call("message.dm", json!({ "toAgentId": cast.bob().id(), "content": "psst" }))
        .await;
    assert_eq!(cast.bob().expect("message").await["message"]["senderName"], "alice");
    assert_eq!(
        cast.bob().expect("message").await["message"]["senderName"],
        "Alice at night"
    );
    assert_eq!(cast.bob().expect("dm").await["fromDisplayName"], "Alice at night");
    let room = night.create_room("Ops", "public").await;
    let info = night.call("room.info", json!({ "roomId": room })).await;
    assert_eq!(info["room"]["ownerName"], "alice");
    assert_eq!(info["members"][0]["displayName"], "alice");
}
