//! What is resumed, followed and read from the store later stays inside the scope of the key.

use serde_json::{Value, json};

use super::stage::Stage;
use crate::following::{at, expect_messages, resume};
use crate::safety::raw::{Raw, TEXT};
use crate::support::TestServer;

#[tokio::test]
async fn what_is_outside_is_neither_resumed_nor_followed_and_the_rest_goes_on() {
    let stage = Stage::build().await;
    let alice = stage.cast.alice();
    let (inside, outside, lobby) = (&stage.inside, &stage.outside, alice.lobby());
    let start = at(&alice.welcome["epoch"], 0);
    let key = stage.key(json!({ "rooms": [inside] })).await;
    let rooms = json!({ inside: start, outside: start, lobby: start });
    let session = resume(&stage.cast.server, &key, &rooms, Some(&start)).await;
    let resumed = &session.welcome["resumed"];
    // As if not a member.
    assert_eq!(resumed[outside]["error"]["code"], 4011, "{resumed}");
    assert_eq!(resumed[lobby]["error"]["code"], 4011, "{resumed}");
    assert_eq!(session.welcome["resumedDirect"]["error"]["code"], 4003);
    assert_eq!(resumed[inside]["seq"], 2, "{resumed}");
    for room in [outside.as_str(), lobby] {
        let params = json!({ "roomId": room, "since": start });
        assert_eq!(session.refused("room.follow", params).await, 4011);
    }
    let params = json!({ "since": start });
    assert_eq!(session.refused("message.followDirect", params).await, 4003);
    stage.talk_in_both(40).await;
    expect_messages(&session, 1..=42).await;
    // Following anew is within the scope too.
    let params = json!({ "roomId": inside, "since": at(&alice.welcome["epoch"], 40) });
    session.call("room.follow", params).await;
    stage.cast.bob().say(inside, "the last").await;
    expect_messages(&session, 41..=43).await;
    let told = format!("{:?}", session.told().await);
    assert!(!told.contains("SECRET") && !told.contains(outside.as_str()), "{told}");
}

#[tokio::test]
async fn direct_messages_resume_with_a_word_in_the_scope() {
    let stage = Stage::build().await;
    let (alice, bob) = (stage.cast.alice(), stage.cast.bob());
    let (epoch, lobby) = (&alice.welcome["epoch"], alice.lobby());
    let key = stage.key(json!({ "rooms": [stage.inside], "direct": true })).await;
    let without = stage.key(json!({ "rooms": [lobby] })).await;
    let (rooms, start) = (json!({ lobby: at(epoch, 0) }), at(epoch, 0));
    let session = resume(&stage.cast.server, &key, &rooms, Some(&start)).await;
    assert_eq!(session.welcome["resumed"][lobby]["error"]["code"], 4011);
    assert_eq!(session.welcome["resumedDirect"]["seq"], 1);
    let whispered = session.expect("dm").await;
    assert_eq!(whispered["content"], "SECRET whisper");
    let other = resume(&stage.cast.server, &without, &rooms, None).await;
    bob.call("message.remove", json!({ "messageId": whispered["messageId"] }))
        .await;
    assert_eq!(
        session.expect("message.removed").await["messageId"],
        whispered["messageId"]
    );
    let again = resume(&stage.cast.server, &key, &json!({}), Some(&at(epoch, 1))).await;
    assert_eq!(
        again.expect("message.removed").await["messageId"],
        whispered["messageId"]
    );
    // The lobby alone, whose id the removal carries, does not open it.
    let late = resume(&stage.cast.server, &without, &rooms, None).await;
    bob.say(lobby, "the last").await;
    for session in [&other, &late] {
        assert_eq!(session.expect("message").await["message"]["content"], "the last");
        let told = session.told().await;
        assert!(
            told.iter()
                .all(|(method, _)| !["dm", "message.removed"].contains(&method.as_str())),
            "{told:?}"
        );
    }
}

#[tokio::test]
async fn a_key_that_may_only_look_resumes_and_follows() {
    let stage = Stage::build().await;
    let alice = stage.cast.alice();
    let start = at(&alice.welcome["epoch"], 0);
    let key = stage.key(json!({ "readOnly": true })).await;
    let rooms = json!({ &stage.inside: start });
    let session = resume(&stage.cast.server, &key, &rooms, Some(&start)).await;
    expect_messages(&session, 1..=2).await;
    assert_eq!(session.expect("dm").await["seq"], 1);
    let params = json!({ "roomId": stage.outside, "since": start });
    session.call("room.follow", params).await;
    expect_messages(&session, 1..=2).await;
}

/// More than may wait for a reader, and than the kernel keeps for one.
const MESSAGES: u64 = 200;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_that_falls_behind_catches_up_inside_its_scope() {
    let config = json!({ "maxMessageLength": 60_000, "limits": { "messagesPerSecond": 0, "bytesPerSecond": 0, "slowReaderTimeoutMs": 0 } });
    let stage = Stage::build_on(TestServer::builder().config(config)).await;
    let key = stage.key(json!({ "rooms": [stage.inside] })).await;
    let mut slow = Raw::narrow(&stage.cast.server).await.enter(&key).await;
    let content = "x".repeat(50_000);
    for _ in 0..MESSAGES {
        for room in [&stage.outside, &stage.inside] {
            stage.cast.bob().say(room, &content).await;
        }
    }
    // Two were there before.
    let last = MESSAGES + 2;
    let mut heard = Vec::new();
    while heard.last() != Some(&last) {
        let frame = slow.frame().await.expect("it stays connected");
        assert_eq!(frame.opcode & 0x8, 0, "it is not cut off");
        if frame.opcode != TEXT {
            continue;
        }
        let event: Value = frame.json();
        if event["method"] == "message" {
            assert_eq!(event["params"]["roomId"], stage.inside.as_str());
            heard.push(event["params"]["message"]["seq"].as_u64().expect("a position"));
        }
    }
    assert_eq!(heard, (3..=last).collect::<Vec<_>>());
}
