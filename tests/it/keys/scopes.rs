//! What a key may be used for: every method of the table, by a session whose key may only look and by one whose key is
//! good for one room.

use serde_json::{Value, json};
use wardroom::client::Methods;
use wardroom::protocol::methods::{self, Access, Order};

use super::text;
use crate::support::{Agent, Cast, soon};

/// Alice on sessions with other keys of hers, in two rooms of her own. Bob is in them too.
struct Stage {
    cast: Cast,
    inside: String,
    outside: String,
}

impl Stage {
    async fn build() -> Self {
        let cast = Cast::gather().await;
        let inside = cast.alice().create_room("inside", "private").await;
        let outside = cast.alice().create_room("outside", "private").await;
        for room in [&inside, &outside] {
            let bob = json!({ "roomId": room, "agentId": cast.bob().id() });
            cast.alice().call("room.invite", bob).await;
            cast.bob().call("room.join", json!({ "roomId": room })).await;
        }
        cast.alice().say(&inside, "said inside").await;
        cast.alice().say(&outside, "SECRET outside").await;
        let dm = json!({ "toAgentId": cast.alice().id(), "content": "SECRET whisper" });
        cast.bob().call("message.dm", dm).await;
        cast.settle().await;
        Self { cast, inside, outside }
    }

    /// A session of Alice with a new key like this.
    async fn enter(&self, scope: Value) -> Agent {
        let mut params = scope;
        params["keyName"] = json!("scoped");
        let made = self.cast.alice().call("agent.createKey", params).await;
        Agent::enter(&self.cast.server, text(&made, "apiKey")).await
    }

    /// Params with which Alice may call `method`.
    fn params(&self, method: &str, room: &str) -> Value {
        let bob = self.cast.bob().id();
        match method {
            "auth" => json!({ "apiKey": self.cast.alice().key }),
            "agent.enrol" => json!({ "token": "x" }),
            "room.invite" | "room.kick" => json!({ "roomId": room, "agentId": bob }),
            "room.visibility" => json!({ "roomId": room, "visibility": "private" }),
            "room.update" => json!({ "roomId": room, "name": "again" }),
            "room.create" => json!({ "name": "new" }),
            "message.send" => json!({ "roomId": room, "content": "hello" }),
            "message.dm" => json!({ "toAgentId": bob, "content": "hello" }),
            "agent.rename" => json!({ "displayName": "alicia" }),
            "agent.createKey" => json!({ "keyName": "more" }),
            "agent.revokeKey" => json!({ "keyId": "00000000-0000-4000-8000-000000000000" }),
            "docs.get" => json!({ "name": "constitution" }),
            _ => json!({ "roomId": room, "agentId": bob, "displayName": "x", "content": "x" }),
        }
    }
}

#[tokio::test]
async fn a_read_only_key_changes_nothing() {
    let stage = Stage::build().await;
    let session = stage.enter(json!({ "readOnly": true })).await;
    for method in methods::all() {
        let answer = soon(
            method.name,
            session
                .connection
                .call(method.name, stage.params(method.name, &stage.inside)),
        )
        .await;
        let code = answer.as_ref().err().and_then(wardroom::client::ClientError::code);
        let may_read = method.access == Access::Agent && method.order == Order::Read;
        if may_read && method.name != "agent.listKeys" && !method.name.starts_with("task.") {
            assert!(answer.is_ok(), "`{}`: {answer:?}", method.name);
        } else {
            assert_eq!(code, Some(4003), "`{}`: {answer:?}", method.name);
        }
    }
    // It is told what there is to see.
    stage.cast.bob().say(&stage.outside, "look").await;
    assert_eq!(session.expect("message").await["message"]["content"], "look");
}

/// What a session with a key for one room may call: with what outcome inside the room.
const IN_THE_ROOM: &[&str] = &[
    "room.join",
    "room.leave",
    "room.info",
    "room.history",
    "room.invite",
    "room.kick",
    "room.visibility",
    "room.update",
    "room.delete",
    "room.takeOwnership",
    "message.send",
];

/// What is about no room.
const BESIDE: &[&str] = &["rpc.discover", "room.list", "lobby.getMotd", "docs.list", "docs.get"];

#[tokio::test]
async fn a_key_for_one_room_is_good_for_nothing_else() {
    let stage = Stage::build().await;
    let session = stage.enter(json!({ "rooms": [stage.inside] })).await;
    for method in methods::all() {
        let name = method.name;
        let mut calls = vec![stage.params(name, &stage.outside), stage.params(name, session.lobby())];
        if !IN_THE_ROOM.contains(&name) {
            // A room of the key that the method does not ask for opens no door.
            let mut params = stage.params(name, &stage.inside);
            params["roomId"] = json!(stage.inside);
            calls.push(params);
        }
        for params in calls {
            let answer = soon(name, session.connection.call(name, params)).await;
            let code = answer.as_ref().err().and_then(wardroom::client::ClientError::code);
            if BESIDE.contains(&name) {
                let answer = answer.expect("it is about no room").to_string();
                assert!(
                    !answer.contains("outside") && !answer.contains("SECRET"),
                    "`{name}`: {answer}"
                );
            } else {
                assert!(matches!(code, Some(4003 | 4011)), "`{name}`: {answer:?}");
                if IN_THE_ROOM.contains(&name) && name != "room.takeOwnership" {
                    assert_eq!(code, Some(4011), "`{name}`: as if not a member");
                }
            }
        }
    }
    // Nothing was changed by all that.
    assert_eq!(stage.cast.alice().history(&stage.outside, 10, None).await.len(), 1);
    for name in ["room.info", "room.history", "message.send", "room.update", "room.kick"] {
        session.call(name, stage.params(name, &stage.inside)).await;
    }
    let listed = session.call("room.list", json!({})).await;
    assert_eq!(listed["rooms"].as_array().map(Vec::len), Some(1), "{listed}");
}

#[tokio::test]
async fn a_key_for_one_room_is_told_of_nothing_else() {
    let stage = Stage::build().await;
    let session = stage.enter(json!({ "rooms": [stage.inside] })).await;
    let (alice, bob) = (stage.cast.alice(), stage.cast.bob());
    bob.say(&stage.outside, "SECRET").await;
    let renaming = json!({ "roomId": stage.outside, "name": "SECRET" });
    alice.call("room.update", renaming).await;
    bob.say(alice.lobby(), "SECRET").await;
    let dm = json!({ "toAgentId": alice.id(), "content": "SECRET" });
    let whispered = bob.call("message.dm", dm).await;
    let removal = json!({ "messageId": whispered["messageId"], "reason": "SECRET" });
    bob.call("message.remove", removal).await;
    // As long as it takes to have each form of the head of a frame.
    for content in ["x".to_owned(), "x".repeat(5000), "\u{1}".repeat(8192)] {
        bob.say(&stage.inside, &content).await;
        let told = session.expect("message").await;
        assert_eq!(told["roomId"], stage.inside.as_str());
        assert_eq!(told["message"]["content"], content);
    }
    let mut others = Vec::new();
    while let Some(event) = session.connection.poll_event() {
        others.push(format!("{} {}", event.method, event.params));
    }
    assert!(others.iter().all(|event| !event.contains("SECRET")), "{others:?}");
}

#[tokio::test]
async fn direct_messages_need_a_word_in_the_scope() {
    let stage = Stage::build().await;
    let alice = stage.cast.alice();
    let lobby = alice.lobby();
    let without = stage.enter(json!({ "rooms": [lobby] })).await;
    let with = stage.enter(json!({ "rooms": [lobby], "direct": true })).await;
    let dm = json!({ "toAgentId": stage.cast.bob().id(), "content": "hello" });
    assert_eq!(without.refused("message.dm", dm.clone()).await, 4003);
    with.call("message.dm", dm).await;
    assert_eq!(without.history(lobby, 10, None).await, Vec::<Value>::new());
    assert_eq!(with.history(lobby, 10, None).await.len(), 2);
    let dm = json!({ "toAgentId": alice.id(), "content": "back" });
    let whispered = stage.cast.bob().call("message.dm", dm).await;
    assert_eq!(with.expect("dm").await["content"], "back");
    let said = stage.cast.bob().say(lobby, "to all").await;
    for message in [&whispered, &said] {
        let removal = json!({ "messageId": message["messageId"] });
        stage.cast.bob().call("message.remove", removal).await;
    }
    assert_eq!(without.expect("message.removed").await["messageId"], said["messageId"]);
    assert_eq!(
        with.expect("message.removed").await["messageId"],
        whispered["messageId"]
    );
    let mut told = Vec::new();
    while let Some(event) = without.connection.poll_event() {
        told.push(event.method);
    }
    assert!(!told.contains(&"dm".to_owned()), "{told:?}");
}

#[tokio::test]
async fn a_scope_is_checked_and_goes_with_the_rotation() {
    let stage = Stage::build().await;
    let (cast, inside) = (&stage.cast, &stage.inside);
    for (scope, code) in [
        (json!({ "keyName": "x", "rooms": [] }), -32602),
        (json!({ "keyName": "x", "rooms": ["x"] }), 4010),
        (json!({ "keyName": "x", "direct": true }), -32602),
        (json!({ "keyName": "x", "rooms": vec![inside; 65] }), -32602),
        (json!({ "keyName": "" }), -32602),
    ] {
        assert_eq!(
            cast.alice().refused("agent.createKey", scope.clone()).await,
            code,
            "{scope}"
        );
    }
    let scope = json!({ "keyName": "watcher", "readOnly": true, "rooms": [inside] });
    let made = cast.alice().call("agent.createKey", scope).await;
    let params = json!({ "keyId": made["key"]["keyId"] });
    let rotated = cast.alice().call("agent.rotateKey", params).await;
    assert_eq!(rotated["key"]["readOnly"], true);
    assert_eq!(rotated["key"]["rooms"], json!([inside]));
    let session = Agent::enter(&cast.server, text(&rotated, "apiKey")).await;
    assert_eq!(
        session
            .refused("message.send", json!({ "roomId": inside, "content": "x" }))
            .await,
        4003
    );
    session.call("room.history", json!({ "roomId": inside })).await;
}
