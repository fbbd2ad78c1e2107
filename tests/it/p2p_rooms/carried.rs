//! What is carried between a room and its peers: in which order, in which form, and at which level.

use serde_json::{Value, json};
use wardroom::p2p::{Envelope, SendError};

use super::{member, open, peer, peer_at, room, text};
use crate::support::Cast;

/// Messages that each of those in the room says in the test of their order.
const EACH: usize = 15;

#[tokio::test]
async fn everybody_sees_the_same_messages_in_the_same_order() {
    let cast = Cast::gather().await;
    let room = room(&cast).await;
    let params = json!({ "roomId": room, "permission": "helper", "maxUses": 2 });
    let opening = cast.alice().call("p2p.open", params).await;
    let mut first = peer_at(&opening, 0, "first").await;
    let mut second = peer_at(&opening, 1, "second").await;
    for _ in 0..2 {
        cast.bob().expect("room.joined").await;
    }
    let by_socket = async {
        for number in 0..EACH {
            cast.alice().say(&room, &format!("alice {number}")).await;
        }
    };
    let by_first = async {
        for number in 0..EACH {
            first.say(&format!("first {number}")).await;
        }
    };
    let by_second = async {
        for number in 0..EACH {
            second.say(&format!("second {number}")).await;
        }
    };
    tokio::join!(by_socket, by_first, by_second);

    let history = cast.alice().history(&room, 100, None).await;
    let said: Vec<(String, String)> = history
        .iter()
        .map(|message| (text(&message["messageId"]), text(&message["content"])))
        .collect();
    assert_eq!(said.len(), 3 * EACH);
    for message in &history {
        let expected = if message["senderName"] == "alice" {
            Value::Null
        } else {
            json!("p2p")
        };
        assert_eq!(message["origin"], expected, "{message}");
    }
    for expected in &said {
        let shown = cast.bob().expect("message").await["message"].clone();
        assert_eq!((text(&shown["messageId"]), text(&shown["content"])), *expected);
    }
    for (name, peer) in [("first", &mut first), ("second", &mut second)] {
        // Its own it is not sent.
        for expected in said.iter().filter(|(_, content)| !content.starts_with(name)) {
            let shown = peer.next().await;
            assert_eq!(
                (text(&shown["id"]), text(&shown["payload"]["content"])),
                *expected,
                "{name}"
            );
        }
    }
}

#[tokio::test]
async fn what_a_peer_sends_is_a_typed_message_of_the_room() {
    let cast = Cast::gather().await;
    let room = room(&cast).await;
    let opening = open(cast.alice(), &room, "helper").await;
    let mut peer = peer(&opening, "Far Away").await;
    let author = peer.author().clone();
    let envelopes = [
        Envelope::chat(&author, "hello", None),
        Envelope::query(&author, "why?"),
        Envelope::file(&author, "notes.txt", "some text"),
        Envelope::task(&author, "sweep the deck\nand the stairs", &json!({ "tool": "broom" })),
    ];
    let expected = [
        json!({ "content": "hello" }),
        json!({ "content": "why?", "type": "query" }),
        json!({ "content": "notes.txt", "type": "file", "data": { "name": "notes.txt", "content": "some text" } }),
        json!({ "content": "sweep the deck\nand the stairs", "type": "task", "data": { "tool": "broom" } }),
    ];
    for (envelope, expected) in envelopes.into_iter().zip(expected) {
        peer.send(&envelope.expect("an envelope")).await;
        let shown = cast.bob().expect("message").await["message"].clone();
        for member in ["content", "type", "data"] {
            assert_eq!(shown[member], expected[member], "{shown}");
        }
        assert_eq!(
            (&shown["origin"], &shown["senderName"]),
            (&json!("p2p"), &json!("Far Away"))
        );
    }
    // The task is one that is claimed and finished as any other, and its result is an answer to the peer.
    let task = cast.bob().expect("task.created").await["task"].clone();
    assert_eq!(task["title"], "sweep the deck");
    let claim = cast.bob().call("task.claim", json!({ "taskId": task["taskId"] })).await;
    let done = json!({ "taskId": task["taskId"], "generation": claim["generation"], "content": "swept", "data": { "minutes": 5 } });
    cast.bob().call("task.complete", done).await;
    let result = peer.next().await;
    assert_eq!((&result["type"], &result["from"]), (&json!("result"), &json!("bob")));
    assert_eq!(result["payload"]["data"], json!({ "minutes": 5 }));
    // By the id that the peer gave the task.
    let history = cast.bob().history(&room, 10, None).await;
    assert_eq!(history.len(), 5);
    assert_eq!(text(&result["replyTo"]).len(), 32);
}

#[tokio::test]
async fn what_the_room_says_is_an_envelope_for_the_peer() {
    let cast = Cast::gather().await;
    let room = room(&cast).await;
    let opening = open(cast.alice(), &room, "helper").await;
    let mut peer = peer(&opening, "Far Away").await;
    cast.bob().expect("room.joined").await;
    let said = [
        (json!({ "content": "hello" }), json!({ "content": "hello" }), "chat"),
        (
            json!({ "content": "why?", "type": "query" }),
            json!({ "question": "why?" }),
            "query",
        ),
        (
            json!({ "content": "notes.txt", "type": "file", "data": { "name": "notes.txt", "content": "some text" } }),
            json!({ "name": "notes.txt", "content": "some text" }),
            "file",
        ),
    ];
    for (message, payload, kind) in said {
        let mut params = message;
        params["roomId"] = json!(room);
        let sent = cast.alice().call("message.send", params).await;
        let envelope = peer.next().await;
        let expected = json!({ "id": sent["messageId"], "type": kind, "payload": payload, "from": "alice", "replyTo": null, "priority": 1, "ts": sent["timestamp"] });
        assert_eq!(envelope, expected);
    }
    // A task that the peer answers is done.
    let params = json!({ "roomId": room, "title": "sweep the deck", "data": { "tool": "broom" } });
    let task = cast.alice().call("task.create", params).await;
    let envelope = peer.next().await;
    assert_eq!(
        envelope["payload"],
        json!({ "description": "sweep the deck", "data": { "tool": "broom" } })
    );
    let result = Envelope::result(peer.author(), &json!({ "minutes": 5 }), &text(&envelope["id"]));
    peer.send(&result.expect("an envelope")).await;
    let done = cast.alice().call("task.get", json!({ "taskId": task["taskId"] })).await["task"].clone();
    assert_eq!(done["state"], "completed");
    let history = cast.alice().history(&room, 1, None).await;
    assert_eq!(
        (&history[0]["messageId"], &history[0]["replyTo"]),
        (&done["resultMessageId"], &task["taskId"])
    );
}

#[tokio::test]
async fn answers_find_what_they_answer_in_both_directions() {
    let cast = Cast::gather().await;
    let room = room(&cast).await;
    let params = json!({ "roomId": room, "permission": "helper", "maxUses": 2 });
    let opening = cast.alice().call("p2p.open", params).await;
    let mut first = peer_at(&opening, 0, "first").await;
    let mut second = peer_at(&opening, 1, "second").await;
    for _ in 0..2 {
        cast.bob().expect("room.joined").await;
    }
    let asked = first.say("who is there?").await;
    let shown = cast.alice().expect("message").await["message"].clone();
    let params = json!({ "roomId": room, "content": "alice is", "replyTo": shown["messageId"] });
    let answer = cast.alice().call("message.send", params).await;
    // The first knows its question by its own id, the second by that of the room.
    assert_eq!(first.next().await["replyTo"], json!(asked));
    assert_eq!(second.next().await["id"], shown["messageId"]);
    assert_eq!(second.next().await["replyTo"], shown["messageId"]);
    let thanks = Envelope::chat(second.author(), "thanks", Some(&text(&answer["messageId"])));
    second.send(&thanks.expect("an envelope")).await;
    let history = cast.alice().history(&room, 1, None).await;
    assert_eq!(
        (&history[0]["content"], &history[0]["replyTo"]),
        (&json!("thanks"), &answer["messageId"])
    );
    // What answers nothing that is there is said all the same.
    let lost = Envelope::chat(second.author(), "lost", Some("nothing"));
    second.send(&lost.expect("an envelope")).await;
    let history = cast.alice().history(&room, 1, None).await;
    assert!(history[0]["content"] == "lost" && history[0].get("replyTo").is_none());
}

#[tokio::test]
async fn a_peer_for_talk_sends_and_sees_talk_and_nothing_else() {
    let cast = Cast::gather().await;
    let room = room(&cast).await;
    let opening = open(cast.alice(), &room, "chat").await;
    let mut peer = peer(&opening, "Far Away").await;
    cast.bob().expect("room.joined").await;
    let shown = member(cast.bob(), &room, "Far Away").await.expect("a member");
    assert_eq!(shown["permission"], "chat");
    for envelope in [
        Envelope::task(peer.author(), "sweep", &Value::Null),
        Envelope::file(peer.author(), "notes.txt", "text"),
    ] {
        let refused = peer.try_send(&envelope.expect("an envelope")).await;
        assert!(matches!(refused, Err(SendError::NotAllowed { .. })), "{refused:?}");
    }
    for (kind, content) in [("query", "why?"), ("file", "notes.txt"), ("chat", "hello")] {
        let params = json!({ "roomId": room, "content": content, "type": kind });
        cast.alice().call("message.send", params).await;
    }
    cast.alice()
        .call("task.create", json!({ "roomId": room, "title": "sweep" }))
        .await;
    cast.alice().say(&room, "bye").await;
    assert_eq!(peer.next().await["payload"]["content"], "hello");
    assert_eq!(peer.next().await["payload"]["content"], "bye");
}

#[tokio::test]
async fn nobody_speaks_in_a_paused_room_and_a_peer_sends_again_what_was_not_taken() {
    let cast = Cast::gather().await;
    let room = room(&cast).await;
    let opening = open(cast.alice(), &room, "helper").await;
    let mut peer = peer(&opening, "Far Away").await;
    cast.alice().call("room.pause", json!({ "roomId": room })).await;
    let envelope = Envelope::chat(peer.author(), "hush", None).expect("an envelope");
    peer.try_send(&envelope).await.expect("it is sent");
    // An empty question says nothing, and is acknowledged: so the message before it was judged.
    let nothing = Envelope::query(peer.author(), "").expect("an envelope");
    peer.send(&nothing).await;
    assert!(cast.alice().history(&room, 1, None).await.is_empty());
    cast.alice().call("room.resume", json!({ "roomId": room })).await;
    peer.send(&envelope).await;
    assert_eq!(cast.alice().history(&room, 5, None).await.len(), 1);
}

#[tokio::test]
async fn a_message_too_long_for_the_room_is_settled_and_harms_nothing() {
    let cast = Cast::gather().await;
    let room = room(&cast).await;
    let opening = open(cast.alice(), &room, "helper").await;
    let mut peer = peer(&opening, "Far Away").await;
    peer.say(&"x".repeat(100_000)).await;
    peer.say("hello").await;
    let history = cast.alice().history(&room, 5, None).await;
    assert_eq!(history.len(), 1);
    assert_eq!(history[0]["content"], "hello");
}
