//! What is a match.

use serde_json::json;

use super::{find, search};
use crate::support::Cast;

#[tokio::test]
async fn all_words_and_phrases_have_to_be_there() {
    let cast = Cast::gather().await;
    let (alice, bob) = (cast.alice(), cast.bob());
    let room = alice.create_room("Ops", "public").await;
    for content in [
        "The quick brown fox",
        "a brown and quick Fox",
        "foxes are quick",
        "Café au lait, naïve",
        "error code E-4711 in main.rs",
        "AND OR NOT NEAR",
    ] {
        alice.say(&room, content).await;
    }
    assert_eq!(
        find(alice, "quick FOX").await,
        ["a brown and quick Fox", "The quick brown fox"]
    );
    assert_eq!(find(alice, "\"quick brown\"").await, ["The quick brown fox"]);
    assert_eq!(find(alice, "fox \"brown and\"").await, ["a brown and quick Fox"]);
    assert_eq!(find(alice, "cafe naive").await, ["Café au lait, naïve"]);
    assert_eq!(find(alice, "e-4711 main.rs").await, ["error code E-4711 in main.rs"]);
    // What other programs take for operators are words.
    assert_eq!(find(alice, "and or not near").await, ["AND OR NOT NEAR"]);
    assert_eq!(find(alice, "not OR").await, ["AND OR NOT NEAR"]);
    assert_eq!(find(alice, "quick bear").await, [""; 0]);
    // The word that stands for a sender is none that can be typed.
    assert_eq!(find(alice, "sender2 sender1").await, [""; 0]);
    assert_eq!(find(alice, "sender : quick").await, [""; 0]);
    // Bob is not in the room.
    assert_eq!(find(bob, "quick").await, [""; 0]);
}

#[tokio::test]
async fn a_search_can_be_narrowed_to_room_sender_and_time() {
    let cast = Cast::gather().await;
    let (alice, bob) = (cast.alice(), cast.bob());
    let room = alice.create_room("Ops", "public").await;
    bob.call("room.join", json!({ "roomId": room })).await;
    alice.say(&room, "deploy one").await;
    let two = bob.say(&room, "deploy two").await["timestamp"].clone();
    let three = alice.say(&room, "deploy three").await["timestamp"].clone();
    alice.say(alice.lobby(), "deploy four").await;
    let everything = ["deploy four", "deploy three", "deploy two", "deploy one"];
    // Times increase within a room; of two rooms either may be ahead by a millisecond.
    let sorted = |mut found: Vec<String>| {
        found.sort();
        found
    };
    let expected = |found: &[&str]| sorted(found.iter().map(|&content| content.to_owned()).collect());
    assert_eq!(sorted(find(bob, "deploy").await), expected(&everything));
    let with = |name: &str, value: serde_json::Value| json!({ "query": "deploy", name: value });
    assert_eq!(search(bob, with("roomId", json!(room))).await, everything[1..]);
    assert_eq!(search(bob, with("senderId", json!(bob.id()))).await, ["deploy two"]);
    let since = json!({ "query": "deploy", "roomId": room, "from": two.clone() });
    assert_eq!(search(bob, since).await, everything[1..3]);
    let until = json!({ "query": "deploy", "roomId": room, "to": three.clone() });
    assert_eq!(search(bob, until).await, everything[2..]);
    let both = json!({ "query": "deploy", "roomId": room, "from": two, "to": three, "senderId": bob.id() });
    assert_eq!(search(bob, both).await, ["deploy two"]);
}

#[tokio::test]
async fn what_is_no_search_is_refused() {
    let cast = Cast::gather().await;
    let alice = cast.alice();
    for query in ["", "   ", "*", "\"open", "\"\""] {
        assert_eq!(
            alice.refused("message.search", json!({ "query": query })).await,
            -32602,
            "{query}"
        );
    }
    let long = json!({ "query": "x".repeat(1001) });
    assert_eq!(alice.refused("message.search", long).await, -32602);
    for (name, value) in [("limit", json!(0)), ("cursor", json!("x")), ("from", json!("x"))] {
        let params = json!({ "query": "x", name: value });
        assert_eq!(alice.refused("message.search", params).await, -32602, "{name}");
    }
    let nobody = json!({ "query": "x", "senderId": "x" });
    assert_eq!(alice.refused("message.search", nobody).await, 4020);
    let nowhere = json!({ "query": "x", "roomId": "x" });
    assert_eq!(alice.refused("message.search", nowhere).await, 4010);
}
