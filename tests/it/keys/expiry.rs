//! Keys that end by themselves, and what is remembered of their use.

use serde_json::json;

use super::{end, now_ms, refused_entry, text};
use crate::support::{Agent, Cast};

#[tokio::test]
async fn a_key_that_expires_ends_its_sessions_within_a_second() {
    let mut cast = Cast::gather().await;
    let ends_at = now_ms() + 1500;
    let params = json!({ "displayName": "dave", "expiresAt": ends_at });
    let invited = cast.controller().call("agent.invite", params).await;
    let key = text(&invited, "apiKey").to_owned();
    let dave = Agent::enter(&cast.server, &key).await;
    cast.settle().await;
    let expected = (Some(1008), "the API key has expired".to_owned());
    assert_eq!(end(&dave.connection).await, expected);
    let late = now_ms() - ends_at;
    assert!((0..1000).contains(&late), "{late} ms late");
    assert_eq!(cast.alice().expect("presence").await["online"], false);
    // Like one that never was.
    let wrong = Agent::try_enter(&cast.server, json!({ "apiKey": "bl_k_0" }))
        .await
        .err()
        .expect("refused");
    let expired = Agent::try_enter(&cast.server, json!({ "apiKey": key }))
        .await
        .err()
        .expect("refused");
    assert_eq!(expired.to_string(), wrong.to_string());
    assert_eq!(expired.code(), Some(4002));
    cast.restart().await;
    assert_eq!(refused_entry(&cast.server, &key).await, Some(4002));
}

#[tokio::test]
async fn an_end_that_is_past_is_refused() {
    let cast = Cast::gather().await;
    for expires_at in [0, -1, now_ms() - 1] {
        let params = json!({ "displayName": "dave", "expiresAt": expires_at });
        assert_eq!(cast.controller().refused("agent.invite", params).await, -32602);
        let params = json!({ "keyName": "short", "expiresAt": expires_at });
        assert_eq!(cast.alice().refused("agent.createKey", params).await, -32602);
    }
}

#[tokio::test]
async fn nothing_that_a_key_makes_outlives_it() {
    let cast = Cast::gather().await;
    let ends_at = now_ms() + 3_600_000;
    let params = json!({ "displayName": "dave", "expiresAt": ends_at });
    let invited = cast.controller().call("agent.invite", params).await;
    let dave = Agent::enter(&cast.server, text(&invited, "apiKey")).await;
    for params in [
        json!({ "keyName": "second" }),
        json!({ "keyName": "third", "expiresAt": ends_at + 1000 }),
    ] {
        let made = dave.call("agent.createKey", params).await;
        assert_eq!(made["key"]["expiresAt"], ends_at);
    }
    let rotated = dave
        .call("agent.rotateKey", json!({ "expiresAt": ends_at + 1000 }))
        .await;
    assert_eq!(rotated["key"]["expiresAt"], ends_at);
    assert_eq!(rotated["previousExpiresAt"], ends_at);
    let rotated = dave
        .call("agent.rotateKey", json!({ "expiresAt": ends_at - 1000 }))
        .await;
    assert_eq!(rotated["key"]["expiresAt"], ends_at - 1000);
}

#[tokio::test]
async fn regression_a_rotation_of_another_key_does_not_outlive_the_session_that_asked() {
    let cast = Cast::gather().await;
    let ends_at = now_ms() + 3_600_000;
    let params = json!({ "keyName": "short", "expiresAt": ends_at });
    let short = cast.alice().call("agent.createKey", params).await;
    let endless = cast.alice().call("agent.createKey", json!({ "keyName": "long" })).await;
    assert_eq!(endless["key"]["expiresAt"], json!(null));
    let alice = Agent::enter(&cast.server, text(&short, "apiKey")).await;
    let params = json!({ "keyId": endless["key"]["keyId"] });
    let rotated = alice.call("agent.rotateKey", params).await;
    assert_eq!(rotated["key"]["expiresAt"], ends_at);
}

#[tokio::test]
async fn the_last_use_of_a_key_is_remembered() {
    let mut cast = Cast::gather().await;
    let made = cast
        .alice()
        .call("agent.createKey", json!({ "keyName": "spare" }))
        .await;
    let listed = cast.alice().call("agent.listKeys", json!({})).await;
    let used = listed["keys"][0]["lastUsedAt"].as_i64().expect("it was used");
    assert!((0..60_000).contains(&(now_ms() - used)));
    assert_eq!(listed["keys"][1]["lastUsedAt"], json!(null));
    assert_eq!(listed["keys"][1]["keyName"], "spare");
    let spare = Agent::enter(&cast.server, text(&made, "apiKey")).await;
    // A change comes after what `auth` has left to be stored.
    spare.told().await;
    let listed = spare.call("agent.listKeys", json!({})).await;
    let first = listed["keys"][1]["lastUsedAt"].as_i64().expect("it was used");
    Agent::enter(&cast.server, text(&made, "apiKey")).await.told().await;
    let listed = spare.call("agent.listKeys", json!({})).await;
    assert_eq!(listed["keys"][1]["lastUsedAt"], first, "written at most once a minute");
    cast.restart().await;
    let listed = cast.alice().call("agent.listKeys", json!({})).await;
    assert_eq!(listed["keys"][1]["lastUsedAt"], first);
}
