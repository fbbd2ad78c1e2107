//! Another key in the place of one: both work for a while, or the former one ends at once.

use serde_json::json;

use super::{end, enrol, now_ms, refused_entry, text};
use crate::support::{Agent, Cast, TestServer};

#[tokio::test]
async fn both_keys_work_until_the_overlap_is_over() {
    let cast = Cast::gather().await;
    let former = cast.alice().key.clone();
    let other = Agent::enter(&cast.server, &former).await;
    let rotated = cast.alice().call("agent.rotateKey", json!({})).await;
    let key = text(&rotated, "apiKey");
    assert_ne!(key, former);
    let ends_in = rotated["previousExpiresAt"].as_i64().expect("a time") - now_ms();
    assert!((86_300_000..=86_400_000).contains(&ends_in), "{ends_in}");
    // Nobody was cut off, and both keys let an agent in.
    other.call("lobby.getMotd", json!({})).await;
    assert_eq!(Agent::enter(&cast.server, &former).await.id(), cast.alice().id());
    assert_eq!(Agent::enter(&cast.server, key).await.id(), cast.alice().id());
    let listed = cast.alice().call("agent.listKeys", json!({})).await;
    assert_eq!(listed["keys"].as_array().map(Vec::len), Some(2));
    // The session that asked goes on with the new key.
    assert_eq!(listed["keys"][1]["current"], true, "{listed}");
    assert_eq!(listed["keys"][0]["keyId"], rotated["previousKeyId"]);
}

#[tokio::test]
async fn a_short_overlap_ends_the_former_key_and_its_sessions() {
    let cast = Cast::gather().await;
    let former = cast.alice().key.clone();
    let other = Agent::enter(&cast.server, &former).await;
    let rotated = cast.alice().call("agent.rotateKey", json!({ "overlapMs": 300 })).await;
    let expected = (Some(1008), "the API key has expired".to_owned());
    assert_eq!(end(&other.connection).await, expected);
    let late = now_ms() - rotated["previousExpiresAt"].as_i64().expect("a time");
    assert!((0..1000).contains(&late), "{late} ms late");
    assert_eq!(refused_entry(&cast.server, &former).await, Some(4002));
    Agent::enter(&cast.server, text(&rotated, "apiKey")).await;
    cast.alice().call("lobby.getMotd", json!({})).await;
}

#[tokio::test]
async fn without_an_overlap_the_former_key_ends_before_the_answer() {
    let cast = Cast::gather().await;
    let former = cast.alice().key.clone();
    let other = Agent::enter(&cast.server, &former).await;
    cast.settle().await;
    let rotated = cast.alice().call("agent.rotateKey", json!({ "overlapMs": 0 })).await;
    let expected = (Some(1008), "the API key was replaced".to_owned());
    assert_eq!(end(&other.connection).await, expected);
    assert_eq!(refused_entry(&cast.server, &former).await, Some(4002));
    // She is still here, so nobody hears that she went.
    assert_eq!(cast.bob().told().await, []);
    cast.alice().call("lobby.getMotd", json!({})).await;
    let mut cast = cast;
    cast.server.kill();
    cast.server.restart();
    assert_eq!(refused_entry(&cast.server, &former).await, Some(4002));
    Agent::enter(&cast.server, text(&rotated, "apiKey")).await;
}

#[tokio::test]
async fn the_controller_gets_a_token_for_somebody_elses_key() {
    let cast = Cast::gather().await;
    let params = json!({ "agentId": cast.bob().id(), "overlapMs": 0 });
    let rotated = cast.controller().call("agent.rotateKey", params).await;
    assert!(rotated.get("apiKey").is_none(), "{rotated}");
    assert_eq!(rotated["previousExpiresAt"], json!(null));
    // Until he has shown the token nothing happens to him: it may never reach him.
    cast.bob().call("lobby.getMotd", json!({})).await;
    Agent::enter(&cast.server, &cast.bob().key).await;
    cast.settle().await;
    let enrolled = enrol(&cast.server, text(&rotated, "enrolmentToken"))
        .await
        .expect("the token is good");
    let expected = (Some(1008), "the API key was replaced".to_owned());
    assert_eq!(end(&cast.bob().connection).await, expected);
    assert_eq!(cast.alice().expect("presence").await["online"], false);
    assert_eq!(refused_entry(&cast.server, &cast.bob().key).await, Some(4002));
    let bob = Agent::enter(&cast.server, text(&enrolled, "apiKey")).await;
    assert_eq!(bob.id(), cast.bob().id());
}

#[tokio::test]
async fn regression_the_overlap_of_another_agents_key_begins_when_its_token_is_used() {
    let mut cast = Cast::gather().await;
    let params = json!({ "agentId": cast.bob().id(), "overlapMs": 1000 });
    let rotated = cast.controller().call("agent.rotateKey", params.clone()).await;
    let other = cast.controller().call("agent.rotateKey", params).await;
    let ends_at = |listed: &serde_json::Value| listed["keys"][0]["expiresAt"].as_i64();
    assert_eq!(ends_at(&cast.bob().call("agent.listKeys", json!({})).await), None);
    cast.restart().await;
    let before = now_ms();
    let token = text(&rotated, "enrolmentToken").to_owned();
    let enrolled = enrol(&cast.server, &token).await.expect("the token is good");
    let listed = cast
        .controller()
        .call("agent.listKeys", json!({ "agentId": cast.bob().id() }))
        .await;
    assert!(ends_at(&listed).is_some_and(|at| at >= before + 1000), "{listed}");
    let bob = Agent::enter(&cast.server, text(&enrolled, "apiKey")).await;
    let expected = (Some(1008), "the API key has expired".to_owned());
    assert_eq!(end(&cast.bob().connection).await, expected);
    // Another token for the same is still good, although there is nothing left to replace.
    let token = text(&other, "enrolmentToken").to_owned();
    enrol(&cast.server, &token).await.expect("the token is good");
    bob.call("lobby.getMotd", json!({})).await;
}

#[tokio::test]
async fn the_controller_rotates_its_own_key_like_everybody() {
    let cast = Cast::gather().await;
    let rotated = cast
        .controller()
        .call("agent.rotateKey", json!({ "overlapMs": 0 }))
        .await;
    let key = text(&rotated, "apiKey");
    assert!(key.starts_with("bl_k_ctrl_"));
    assert_eq!(Agent::enter(&cast.server, key).await.id(), cast.controller().id());
    assert_eq!(
        refused_entry(&cast.server, cast.server.controller_key()).await,
        Some(4002)
    );
}

#[tokio::test]
async fn which_key_is_meant_must_be_clear_and_ones_own() {
    let cast = Cast::gather().await;
    let spare = cast.bob().call("agent.createKey", json!({ "keyName": "spare" })).await;
    let bob = cast.bob().id();
    assert_eq!(
        cast.controller()
            .refused("agent.rotateKey", json!({ "agentId": bob }))
            .await,
        -32602
    );
    assert_eq!(
        cast.alice().refused("agent.rotateKey", json!({ "agentId": bob })).await,
        4003
    );
    assert_eq!(
        cast.alice()
            .refused("agent.createKey", json!({ "agentId": bob, "keyName": "x" }))
            .await,
        4003
    );
    assert_eq!(
        cast.alice().refused("agent.listKeys", json!({ "agentId": bob })).await,
        4003
    );
    // Nothing says what the key of an agent that never had one is to be.
    let invite = json!({ "displayName": "dave", "enrol": true, "readOnly": true });
    let invited = cast.controller().call("agent.invite", invite).await;
    let dave = json!({ "agentId": invited["agentId"] });
    assert_eq!(cast.controller().refused("agent.rotateKey", dave).await, 4111);
    let key = text(&spare["key"], "keyId");
    assert_eq!(
        cast.alice().refused("agent.rotateKey", json!({ "keyId": key })).await,
        4111
    );
    assert_eq!(
        cast.alice().refused("agent.revokeKey", json!({ "keyId": key })).await,
        4111
    );
    assert_eq!(
        cast.alice().refused("agent.revokeKey", json!({ "keyId": "x" })).await,
        4111
    );
    assert_eq!(
        cast.alice()
            .refused("agent.rotateKey", json!({ "overlapMs": -1 }))
            .await,
        -32602
    );
    assert_eq!(
        cast.alice()
            .refused("agent.rotateKey", json!({ "overlapMs": 2_592_000_001_i64 }))
            .await,
        -32602
    );
    // The other of one's own keys can be replaced too; this session is not touched by that.
    let params = json!({ "keyId": key, "overlapMs": 0, "keyName": "other" });
    let rotated = cast.bob().call("agent.rotateKey", params).await;
    assert_eq!(rotated["key"]["keyName"], "other");
    assert_eq!(refused_entry(&cast.server, text(&spare, "apiKey")).await, Some(4002));
    Agent::enter(&cast.server, &cast.bob().key).await;
}

#[tokio::test]
async fn one_key_is_revoked_and_the_others_stay() {
    let cast = Cast::gather().await;
    let spare = cast.bob().call("agent.createKey", json!({ "keyName": "spare" })).await;
    let session = Agent::enter(&cast.server, text(&spare, "apiKey")).await;
    let key = json!({ "keyId": spare["key"]["keyId"] });
    assert_eq!(session.refused("agent.revokeKey", key.clone()).await, 4003, "its own");
    cast.bob().call("agent.revokeKey", key.clone()).await;
    let expected = (Some(1008), "the API key was revoked".to_owned());
    assert_eq!(end(&session.connection).await, expected);
    assert_eq!(refused_entry(&cast.server, text(&spare, "apiKey")).await, Some(4002));
    assert_eq!(cast.bob().refused("agent.revokeKey", key).await, 4111);
    Agent::enter(&cast.server, &cast.bob().key).await;
}

#[tokio::test]
async fn an_agent_has_so_many_keys_and_no_more() {
    let config = json!({ "limits": { "keysPerAgent": 2 } });
    let cast = Cast::gather_on(TestServer::builder().config(config)).await;
    cast.alice()
        .call("agent.createKey", json!({ "keyName": "second" }))
        .await;
    assert_eq!(
        cast.alice()
            .refused("agent.createKey", json!({ "keyName": "third" }))
            .await,
        4112
    );
    assert_eq!(cast.alice().refused("agent.rotateKey", json!({})).await, 4112);
    let another = json!({ "agentId": cast.alice().id(), "keyName": "third" });
    assert_eq!(cast.controller().refused("agent.createKey", another).await, 4112);
    cast.alice().call("agent.rotateKey", json!({ "overlapMs": 0 })).await;
}
