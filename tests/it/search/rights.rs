//! Nobody finds what it may not read.

use serde_json::json;

use super::{find, search};
use crate::support::Cast;

#[tokio::test]
async fn rooms_are_found_by_their_members_and_the_controller() {
    let cast = Cast::gather().await;
    let (alice, bob, carol, controller) = (cast.alice(), cast.bob(), cast.carol(), cast.controller());
    let room = alice.create_room("Plans", "private").await;
    let here = json!({ "roomId": room });
    alice
        .call("room.invite", json!({ "roomId": room, "agentId": bob.id() }))
        .await;
    bob.call("room.join", here.clone()).await;
    alice.say(&room, "the treasure is buried").await;
    for agent in [alice, bob, controller] {
        assert_eq!(find(agent, "treasure").await, ["the treasure is buried"]);
    }
    let narrowed = json!({ "roomId": room, "query": "treasure" });
    assert_eq!(find(carol, "treasure").await, [""; 0]);
    assert_eq!(carol.refused("message.search", narrowed.clone()).await, 4011);
    bob.call("room.leave", here.clone()).await;
    assert_eq!(find(bob, "treasure").await, [""; 0]);
    assert_eq!(bob.refused("message.search", narrowed.clone()).await, 4011);
    alice.call("room.delete", here).await;
    assert_eq!(find(alice, "treasure").await, [""; 0]);
    assert_eq!(alice.refused("message.search", narrowed.clone()).await, 4010);
    // As in its history.
    assert_eq!(search(controller, narrowed).await, ["the treasure is buried"]);
    assert_eq!(find(controller, "treasure").await, ["the treasure is buried"]);
}

#[tokio::test]
async fn direct_messages_are_found_by_their_two_parties_alone() {
    let cast = Cast::gather().await;
    let (alice, bob, carol, controller) = (cast.alice(), cast.bob(), cast.carol(), cast.controller());
    let params = json!({ "toAgentId": bob.id(), "content": "the password is swordfish" });
    alice.call("message.dm", params).await;
    let own = json!({ "toAgentId": carol.id(), "content": "note: swordfish tastes good" });
    carol.call("message.dm", own).await;
    for agent in [alice, bob] {
        let found = agent.call("message.search", json!({ "query": "swordfish" })).await;
        let found = found["found"].as_array().expect("a list");
        assert_eq!(found.len(), 1);
        assert_eq!(found[0]["roomId"], alice.lobby());
        assert_eq!(found[0]["message"]["toAgentId"], bob.id());
        assert_eq!(found[0]["message"]["content"], "the password is swordfish");
        let in_lobby = json!({ "query": "swordfish", "roomId": alice.lobby() });
        assert_eq!(search(agent, in_lobby).await, ["the password is swordfish"]);
    }
    assert_eq!(find(carol, "swordfish").await, ["note: swordfish tastes good"]);
    assert_eq!(find(controller, "swordfish").await, [""; 0]);
    let of_alice = json!({ "query": "swordfish", "senderId": alice.id() });
    assert_eq!(search(controller, of_alice.clone()).await, [""; 0]);
    assert_eq!(search(carol, of_alice).await, [""; 0]);
    // Elsewhere they are not.
    let room = alice.create_room("Ops", "public").await;
    let elsewhere = json!({ "query": "swordfish", "roomId": room });
    assert_eq!(search(alice, elsewhere).await, [""; 0]);
}

#[tokio::test]
async fn what_is_removed_is_found_no_more() {
    let cast = Cast::gather().await;
    let (alice, bob) = (cast.alice(), cast.bob());
    let room = alice.create_room("Ops", "public").await;
    let early = alice.say(&room, "oops secret one").await["messageId"].clone();
    assert_eq!(find(alice, "secret").await, ["oops secret one"]);
    alice.call("message.remove", json!({ "messageId": early })).await;
    // Also one that is removed before it is in the index, and a direct one.
    let late = alice.say(&room, "oops secret two").await["messageId"].clone();
    alice.call("message.remove", json!({ "messageId": late })).await;
    let params = json!({ "toAgentId": bob.id(), "content": "oops secret three" });
    let direct = alice.call("message.dm", params).await["messageId"].clone();
    assert_eq!(find(bob, "secret").await, ["oops secret three"]);
    alice.call("message.remove", json!({ "messageId": direct })).await;
    for agent in [alice, bob, cast.controller()] {
        for query in ["secret", "removed", "oops"] {
            assert_eq!(find(agent, query).await, [""; 0]);
        }
    }
}
