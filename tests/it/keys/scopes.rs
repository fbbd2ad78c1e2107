//! What a key may be used for: every method of the table, by a session whose key may only look and by one whose key is
//! good for one room.

use serde_json::{Value, json};
use wardroom::client::Methods;
use wardroom::protocol::methods::{self, Access, Order};

use super::stage::Stage;
use super::text;
use crate::support::{Agent, soon};
use crate::tasks::offer;

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
        if may_read && method.name != "agent.listKeys" {
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
    "room.follow",
    "room.markRead",
    "room.pause",
    "room.resume",
    "room.invite",
    "room.kick",
    "room.visibility",
    "room.update",
    "room.delete",
    "room.takeOwnership",
    "message.send",
    "message.search",
    "task.create",
    "task.list",
    "p2p.open",
    "p2p.join",
    "p2p.list",
];

/// What names a task and by that its room.
const BY_TASK: &[&str] = &[
    "task.get",
    "task.claim",
    "task.renew",
    "task.update",
    "task.complete",
    "task.fail",
    "task.cancel",
];

/// What names a message and by that its room.
const BY_MESSAGE: &[&str] = &["message.status", "message.remove"];

/// What names an opening to peers and by that its room.
const BY_OPENING: &[&str] = &["p2p.close", "p2p.setPermission"];

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
            let names_another = [BY_TASK, BY_MESSAGE, BY_OPENING]
                .iter()
                .any(|list| list.contains(&name));
            let room = if names_another { &stage.outside } else { &stage.inside };
            let mut params = stage.params(name, room);
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
            } else if BY_TASK.contains(&name) {
                assert_eq!(code, Some(4100), "`{name}`: as if there were no such task: {answer:?}");
            } else if BY_OPENING.contains(&name) {
                assert_eq!(code, Some(4120), "`{name}`: as if it were not open: {answer:?}");
            } else if BY_MESSAGE.contains(&name) {
                assert_eq!(
                    code,
                    Some(4060),
                    "`{name}`: as if there were no such message: {answer:?}"
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
    assert_eq!(stage.cast.alice().history(&stage.outside, 10, None).await.len(), 2);
    let get = stage.params("task.get", &stage.outside);
    let task = stage.cast.alice().call("task.get", get).await;
    assert_eq!(task["task"]["revision"], 1, "{task}");
    for name in [
        "room.info",
        "room.history",
        "room.follow",
        "message.send",
        "task.create",
        "task.list",
        "task.get",
        "task.claim",
        "task.renew",
        "task.update",
        "task.complete",
        "room.update",
        "room.kick",
        "message.search",
        "message.status",
        "message.remove",
        "p2p.open",
        "p2p.list",
    ] {
        session.call(name, stage.params(name, &stage.inside)).await;
    }
    let listed = session.call("room.list", json!({})).await;
    assert_eq!(listed["rooms"].as_array().map(Vec::len), Some(1), "{listed}");
}

#[tokio::test]
async fn regression_a_key_for_one_room_searches_there_and_is_replaced_by_its_like() {
    let stage = Stage::build().await;
    let session = stage.enter(json!({ "rooms": [stage.inside] })).await;
    // The other word was said in the other room and in a direct message.
    for (word, inside, everywhere) in [("inside", 2, 2), ("SECRET", 0, 3)] {
        for (agent, count) in [(&session, inside), (stage.cast.alice(), everywhere)] {
            let found = agent.call("message.search", json!({ "query": word })).await;
            assert_eq!(found["found"].as_array().map(Vec::len), Some(count), "{found}");
        }
    }
    for params in [
        json!({ "agentId": stage.cast.alice().id() }),
        json!({ "keyId": "00000000-0000-4000-8000-000000000000" }),
    ] {
        assert_eq!(session.refused("agent.rotateKey", params).await, 4003);
    }
    let rotated = session.call("agent.rotateKey", json!({ "agentId": null })).await;
    assert_eq!(rotated["key"]["rooms"], json!([stage.inside]));
    let again = Agent::enter(&stage.cast.server, text(&rotated, "apiKey")).await;
    again.call("room.history", json!({ "roomId": stage.inside })).await;
    assert_eq!(
        again.refused("room.history", json!({ "roomId": stage.outside })).await,
        4011
    );
}

#[tokio::test]
async fn a_key_for_one_room_knows_of_no_other_tasks() {
    let stage = Stage::build().await;
    let session = stage.enter(json!({ "rooms": [stage.inside] })).await;
    let listed = session.call("task.list", json!({})).await;
    let listed = listed["tasks"].as_array().expect("tasks");
    assert_eq!(listed.len(), 1, "{listed:?}");
    assert_eq!(listed[0]["taskId"], stage.inside_task.as_str());
    assert_eq!(
        stage.cast.alice().call("task.list", json!({})).await["tasks"]
            .as_array()
            .map(Vec::len),
        Some(2)
    );
    // Not even by asking again for what another session of the agent did.
    let mut claim = stage.params("task.claim", &stage.outside);
    claim["idempotencyKey"] = json!("again");
    stage.cast.alice().call("task.claim", claim.clone()).await;
    assert_eq!(session.refused("task.claim", claim.clone()).await, 4100);
    stage.cast.alice().call("task.claim", claim).await;
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
    offer(bob, &stage.outside, "SECRET").await;
    bob.call("task.claim", stage.params("task.claim", &stage.outside)).await;
    // What is inside is told, however much of what is outside happens at the same time.
    stage.talk_in_both(40).await;
    for _ in 0..40 {
        assert_eq!(session.expect("message").await["message"]["content"], "said inside");
    }
    bob.call("task.claim", stage.params("task.claim", &stage.inside)).await;
    assert_eq!(
        session.expect("task.updated").await["task"]["roomId"],
        stage.inside.as_str()
    );
    // As long as it takes to have each form of the head of a frame.
    for content in ["x".to_owned(), "x".repeat(5000), "\u{1}".repeat(8192)] {
        bob.say(&stage.inside, &content).await;
        let told = session.expect("message").await;
        assert_eq!(told["roomId"], stage.inside.as_str());
        assert_eq!(told["message"]["content"], content);
    }
    let told = format!("{:?}", session.told().await);
    assert!(!told.contains("SECRET") && !told.contains(&stage.outside), "{told}");
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
    for (session, count) in [(&without, 0), (&with, 1)] {
        let found = session.call("message.search", json!({ "query": "whisper" })).await;
        assert_eq!(found["found"].as_array().map(Vec::len), Some(count), "{found}");
    }
    assert_eq!(
        without.refused("message.markReadDirect", json!({ "seq": 1 })).await,
        4003
    );
    assert_eq!(with.call("message.markReadDirect", json!({ "seq": 1 })).await["seq"], 1);
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
