//! What was read, what was not, and who is told.

use serde_json::{Value, json};

use super::{states, status};
use crate::support::{Agent, Cast, TestServer};

async fn unread(agent: &Agent, room: &str) -> (Value, Value) {
    let listed = agent.call("room.list", json!({})).await;
    let rooms = listed["rooms"].as_array().expect("a list");
    let listed = rooms.iter().find(|listed| listed["roomId"] == room).expect("the room");
    let info = agent.call("room.info", json!({ "roomId": room })).await;
    (listed["unread"].clone(), info["room"]["unread"].clone())
}

#[tokio::test]
async fn what_is_unread_is_counted_from_the_mark_which_never_goes_back() {
    let cast = Cast::gather().await;
    let (alice, bob, carol) = (cast.alice(), cast.bob(), cast.carol());
    let room = alice.create_room("Ops", "public").await;
    bob.call("room.join", json!({ "roomId": room })).await;
    for number in 0..5 {
        alice.say(&room, &number.to_string()).await;
    }
    assert_eq!(unread(bob, &room).await, (json!(5), json!(5)));
    assert_eq!(unread(carol, &room).await, (Value::Null, Value::Null));
    let mark = |seq: u64| json!({ "roomId": room, "seq": seq });
    let at = |seq: u64, unread: u64| json!({ "seq": seq, "unread": unread });
    assert_eq!(bob.call("room.markRead", mark(3)).await, at(3, 2));
    assert_eq!(bob.call("room.markRead", mark(1)).await, at(3, 2));
    assert_eq!(unread(bob, &room).await, (json!(2), json!(2)));
    assert_eq!(bob.call("room.markRead", mark(1000)).await, at(5, 0));
    alice.say(&room, "one more").await;
    assert_eq!(unread(bob, &room).await, (json!(1), json!(1)));
    assert_eq!(carol.refused("room.markRead", mark(1)).await, 4011);
    assert_eq!(
        bob.refused("room.markRead", json!({ "roomId": room, "seq": -1 })).await,
        -32602
    );
}

#[tokio::test]
async fn senders_that_asked_for_it_are_told_once_who_read_their_message() {
    let cast = Cast::gather().await;
    let (alice, bob, carol) = (cast.alice(), cast.bob(), cast.carol());
    let room = alice.create_room("Ops", "public").await;
    for agent in [bob, carol] {
        agent.call("room.join", json!({ "roomId": room })).await;
    }
    alice.say(&room, "does not matter").await;
    let params = json!({ "roomId": room, "content": "matters", "wantRead": true });
    let wanted = alice.call("message.send", params).await["messageId"].clone();
    cast.settle().await;
    bob.call("room.markRead", json!({ "roomId": room, "seq": 1 })).await;
    assert_eq!(alice.told().await, []);
    bob.call("room.markRead", json!({ "roomId": room, "seq": 2 })).await;
    let event = alice.expect("message.read").await;
    assert!(event["readAt"].is_i64());
    let expected = json!({
        "messageId": wanted, "roomId": room, "agentId": bob.id(), "displayName": "bob", "readAt": event["readAt"],
    });
    assert_eq!(event, expected);
    bob.call("room.markRead", json!({ "roomId": room, "seq": 2 })).await;
    alice.call("room.markRead", json!({ "roomId": room, "seq": 2 })).await;
    assert_eq!(alice.told().await, []);
    assert_eq!(
        status(alice, &wanted).await,
        states(&[("bob", "read"), ("carol", "delivered")])
    );
    // Whoever has left hears of the room no more.
    cast.controller()
        .call("room.takeOwnership", json!({ "roomId": room }))
        .await;
    alice.call("room.leave", json!({ "roomId": room })).await;
    cast.settle().await;
    carol.call("room.markRead", json!({ "roomId": room, "seq": 2 })).await;
    assert_eq!(alice.told().await, []);
}

#[tokio::test]
async fn direct_messages_are_marked_by_their_place_in_the_mailbox() {
    let cast = Cast::gather().await;
    let (alice, bob) = (cast.alice(), cast.bob());
    let params = json!({ "toAgentId": bob.id(), "content": "read me", "wantRead": true });
    let message = alice.call("message.dm", params).await["messageId"].clone();
    let seq = bob.expect("dm").await["seq"].clone();
    let marked = bob.call("message.markReadDirect", json!({ "seq": seq })).await;
    assert_eq!(marked, json!({ "seq": 1, "unread": 0 }));
    let event = alice.expect("message.read").await;
    assert_eq!((&event["messageId"], &event["agentId"]), (&message, &json!(bob.id())));
    assert_eq!(event["roomId"], alice.lobby());
    assert_eq!(status(alice, &message).await, states(&[("bob", "read")]));
}

#[tokio::test]
async fn marks_and_requests_survive_a_crash() {
    let mut server = TestServer::start();
    let controller = server.controller().await;
    let (alice_key, bob_key) = (controller.invite("alice").await, controller.invite("bob").await);
    let alice = Agent::enter(&server, &alice_key).await;
    let bob = Agent::enter(&server, &bob_key).await;
    let lobby = alice.lobby().to_owned();
    let first = alice.say(&lobby, "first").await["messageId"].clone();
    bob.call("room.markRead", json!({ "roomId": lobby, "seq": 1 })).await;
    let params = json!({ "roomId": lobby, "content": "second", "wantRead": true });
    let second = alice.call("message.send", params).await["messageId"].clone();
    drop((alice, bob, controller));
    server.kill();
    server.restart();
    let alice = Agent::enter(&server, &alice_key).await;
    let bob = Agent::enter(&server, &bob_key).await;
    assert_eq!(unread(&bob, &lobby).await.0, json!(1));
    let states = status(&alice, &first).await;
    assert!(states.contains(&("bob".into(), "read".into())), "{states:?}");
    bob.call("room.markRead", json!({ "roomId": lobby, "seq": 2 })).await;
    assert_eq!(alice.expect("message.read").await["messageId"], second);
}
