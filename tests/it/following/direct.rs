//! Following direct messages.

use serde_json::json;

use super::{at, resume};
use crate::support::{Cast, TestServer};

#[tokio::test]
async fn direct_messages_resume_by_their_own_positions() {
    let cast = Cast::gather().await;
    let (alice, bob, carol) = (cast.alice(), cast.bob(), cast.carol());
    let dm = |to: &str, content: &str| json!({ "toAgentId": to, "content": content });
    assert_eq!(alice.call("message.dm", dm(bob.id(), "one")).await["seq"], 1);
    assert_eq!(bob.call("message.dm", dm(carol.id(), "two")).await["seq"], 2);
    assert_eq!(carol.call("message.dm", dm(alice.id(), "not for bob")).await["seq"], 2);
    assert_eq!(bob.call("message.dm", dm(bob.id(), "three")).await["seq"], 3);
    let since = at(&bob.welcome["epoch"], 0);
    let again = resume(&cast.server, &bob.key, &json!({}), Some(&since)).await;
    assert_eq!(again.welcome["resumedDirect"]["seq"], 3);
    alice.call("message.dm", dm(bob.id(), "four")).await;
    bob.call("message.dm", dm(alice.id(), "five")).await;
    for (seq, content, to) in [
        (1, "one", None),
        (2, "two", Some(carol.id())),
        (3, "three", Some(bob.id())),
        (4, "four", None),
        (5, "five", Some(alice.id())),
    ] {
        let event = again.expect("dm").await;
        assert_eq!(event["seq"], seq, "{event}");
        assert_eq!(event["content"], content);
        assert_eq!(event.get("toAgentId").and_then(serde_json::Value::as_str), to);
    }
    assert!(again.told().await.iter().all(|(method, _)| method != "dm"));
}

#[tokio::test]
async fn a_direct_message_that_is_not_kept_any_longer_leaves_a_gap_that_is_told() {
    let config = json!({ "lobby": { "historyLimit": 3 }, "limits": { "messagesPerSecond": 0, "bytesPerSecond": 0, "loopMessages": 0 } });
    let cast = Cast::gather_on(TestServer::builder().config(config)).await;
    let (alice, bob, carol) = (cast.alice(), cast.bob(), cast.carol());
    carol
        .call("message.dm", json!({ "toAgentId": bob.id(), "content": "kept" }))
        .await;
    for number in 0..10 {
        let dm = json!({ "toAgentId": bob.id(), "content": number.to_string() });
        alice.call("message.dm", dm).await;
    }
    let since = at(&bob.welcome["epoch"], 0);
    let again = resume(&cast.server, &bob.key, &json!({}), Some(&since)).await;
    assert_eq!(again.expect("dm").await["seq"], 1);
    let reset = again.expect("reset").await;
    assert_eq!(
        (&reset["missedFrom"], &reset["resumesFrom"]),
        (&json!(2), &json!(9)),
        "{reset}"
    );
    for seq in 9..=11 {
        assert_eq!(again.expect("dm").await["seq"], seq);
    }
}
