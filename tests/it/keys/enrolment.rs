//! A token is good for one key, once, and the key is seen by nobody but whoever shows the token.

use serde_json::json;
use wardroom::client::Methods;

use super::{enrol, now_ms, refused_entry, text};
use crate::support::agent::call_error;
use crate::support::{Agent, Cast, soon};

#[tokio::test]
async fn an_agent_gets_its_key_without_the_controller_seeing_it() {
    let cast = Cast::gather().await;
    let params = json!({ "displayName": "dave", "enrol": true, "keyName": "laptop" });
    let invited = cast.controller().call("agent.invite", params).await;
    assert!(invited.get("apiKey").is_none(), "{invited}");
    let token = text(&invited, "enrolmentToken");
    let random = token.strip_prefix("wr_e_").expect("the published form");
    assert!(random.len() == 48 && random.bytes().all(|byte| byte.is_ascii_hexdigit()));
    let ends_in = invited["enrolmentExpiresAt"].as_i64().expect("a time") - now_ms();
    assert!((3_500_000..=3_600_000).contains(&ends_in), "{ends_in}");

    let enrolled = enrol(&cast.server, token).await.expect("the token is good");
    assert_eq!(enrolled["agentId"], invited["agentId"]);
    assert_eq!(enrolled["key"]["keyName"], "laptop");
    let dave = Agent::enter(&cast.server, text(&enrolled, "apiKey")).await;
    assert_eq!(dave.welcome["displayName"], "dave");

    let listed = cast
        .controller()
        .call("agent.listKeys", json!({ "agentId": dave.id() }))
        .await;
    let key = text(&enrolled, "apiKey");
    assert_eq!(listed["keys"][0]["keyId"], enrolled["key"]["keyId"]);
    assert!(!listed.to_string().contains(&key[key.len() - 48..]));
}

#[tokio::test]
async fn used_unknown_revoked_and_expired_tokens_are_refused_with_the_same_words() {
    let cast = Cast::gather_on(
        crate::support::TestServer::builder()
            .config(json!({ "limits": { "enrolmentExpiryMs": 1000, "authFailureBurst": 1000 } })),
    )
    .await;
    let invite = json!({ "displayName": "dave", "enrol": true });
    let used = cast.controller().call("agent.invite", invite.clone()).await;
    let used = text(&used, "enrolmentToken");
    enrol(&cast.server, used).await.expect("the token is good");
    let revoked = cast.controller().call("agent.invite", invite.clone()).await;
    let agent = json!({ "agentId": revoked["agentId"] });
    cast.controller().call("agent.revoke", agent).await;
    let late = cast.controller().call("agent.invite", invite).await;
    let late_id = json!({ "agentId": late["agentId"] });
    // Until the server has forgotten it by itself.
    let waiting = async {
        loop {
            let listed = cast.controller().call("agent.listKeys", late_id.clone()).await;
            if listed["keys"] == json!([]) {
                break;
            }
            tokio::task::yield_now().await;
        }
    };
    soon("the end of the token", waiting).await;
    let unknown = format!("wr_e_{}", "0".repeat(48));
    let mut answers = Vec::new();
    for token in [
        used,
        text(&revoked, "enrolmentToken"),
        text(&late, "enrolmentToken"),
        &unknown,
        "",
        "x",
    ] {
        let error = enrol(&cast.server, token).await.expect_err("it is refused");
        answers.push((error.code(), error.to_string()));
    }
    assert_eq!(answers[0].0, Some(4110));
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_that_show_one_token_at_once_exactly_one_gets_the_key() {
    let cast = Cast::gather_on(
        crate::support::TestServer::builder().config(json!({ "limits": { "authFailureBurst": 1000 } })),
    )
    .await;
    for _ in 0..10 {
        let invite = json!({ "displayName": "dave", "enrol": true });
        let invited = cast.controller().call("agent.invite", invite).await;
        let token = text(&invited, "enrolmentToken");
        let attempts = (0..20).map(|_| enrol(&cast.server, token));
        let outcomes = futures_util::future::join_all(attempts).await;
        let winners: Vec<_> = outcomes.iter().filter_map(|outcome| outcome.as_ref().ok()).collect();
        assert_eq!(winners.len(), 1, "{outcomes:?}");
        Agent::enter(&cast.server, text(winners[0], "apiKey")).await;
        let lost = outcomes.iter().filter_map(|outcome| outcome.as_ref().err());
        assert!(
            lost.map(wardroom::client::ClientError::code)
                .all(|code| code == Some(4110))
        );
        let listed = cast
            .controller()
            .call("agent.listKeys", json!({ "agentId": invited["agentId"] }))
            .await;
        assert_eq!(listed["keys"].as_array().map(Vec::len), Some(1));
    }
}

#[tokio::test]
async fn guessing_tokens_counts_like_guessing_keys() {
    let cast = Cast::gather().await;
    let stranger = cast.server.connect().await;
    for _ in 0..5 {
        let code = call_error(&stranger, "agent.enrol", json!({ "token": "wr_e_0" })).await;
        assert_eq!(code, 4110);
    }
    let end = soon("the end", stranger.ended()).await;
    assert_eq!(
        (end.code, end.reason.as_str()),
        (Some(1008), "too many failed attempts to authenticate")
    );
    let mut codes = Vec::new();
    for _ in 0..6 {
        let error = enrol(&cast.server, "wr_e_0").await.expect_err("it is refused");
        codes.push(error.code());
    }
    assert_eq!(codes.last(), Some(&Some(4080)), "{codes:?}");
    // A right token passes all the same, and so does a right key.
    let invite = json!({ "displayName": "dave", "enrol": true });
    let invited = cast.controller().call("agent.invite", invite).await;
    let enrolled = enrol(&cast.server, text(&invited, "enrolmentToken"))
        .await
        .expect("the token is good");
    Agent::enter(&cast.server, text(&enrolled, "apiKey")).await;
}

#[tokio::test]
async fn a_token_survives_a_restart_and_a_lock_keeps_it_unused() {
    let mut cast = Cast::gather().await;
    let invite = json!({ "displayName": "dave", "enrol": true });
    let invited = cast.controller().call("agent.invite", invite).await;
    let token = text(&invited, "enrolmentToken").to_owned();
    cast.restart().await;
    let operator = cast.server.operator().await;
    operator.call("operator.lock", json!({})).await.expect("locked");
    let refused = enrol(&cast.server, &token).await.expect_err("it is locked");
    assert_eq!(refused.code(), Some(4003));
    operator.call("operator.unlock", json!({})).await.expect("unlocked");
    cast.controller()
        .call("agent.ban", json!({ "agentId": invited["agentId"] }))
        .await;
    let refused = enrol(&cast.server, &token).await.expect_err("it is banned");
    assert_eq!(refused.code(), Some(4004));
    cast.controller()
        .call("agent.unban", json!({ "agentId": invited["agentId"] }))
        .await;
    let enrolled = enrol(&cast.server, &token).await.expect("the token is good");
    Agent::enter(&cast.server, text(&enrolled, "apiKey")).await;
}

#[tokio::test]
async fn a_token_can_be_taken_back() {
    let cast = Cast::gather().await;
    let bob = json!({ "agentId": cast.bob().id(), "keyName": "spare" });
    let made = cast.controller().call("agent.createKey", bob).await;
    assert!(made.get("apiKey").is_none(), "{made}");
    // Its agent sees that there is one, and may take it back too.
    let listed = cast.bob().call("agent.listKeys", json!({})).await;
    assert_eq!(listed["keys"][1]["pending"], true);
    let key = json!({ "keyId": listed["keys"][1]["keyId"] });
    cast.bob().call("agent.revokeKey", key).await;
    let refused = enrol(&cast.server, text(&made, "enrolmentToken"))
        .await
        .expect_err("it is void");
    assert_eq!(refused.code(), Some(4110));
    assert_eq!(
        refused_entry(&cast.server, text(&made, "enrolmentToken")).await,
        Some(4002)
    );
}
