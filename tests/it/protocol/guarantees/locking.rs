//! The operator's `lock`, `unlock` and `kick`, and what of it outlives a restart.

use serde_json::{Value, json};
use wardroom::client::Methods;

use crate::support::{Agent, Cast, Raw, soon};

async fn operate(cast: &Cast, method: &str) -> Value {
    let operator = cast.server.operator().await;
    soon(method, operator.call(method, json!({})))
        .await
        .expect("the operator may")
}

async fn entry(cast: &Cast, agent: &Agent) -> Option<i64> {
    let attempt = Agent::try_enter(&cast.server, json!({ "apiKey": agent.key })).await;
    attempt.err().and_then(|error| error.code())
}

#[tokio::test]
async fn a_locked_server_admits_the_controller_alone_and_leaves_those_inside_alone() {
    let mut cast = Cast::gather().await;
    let early = cast.server.connect().await;
    assert_eq!(operate(&cast, "operator.lock").await, json!({ "status": "ok" }));
    assert_eq!(operate(&cast, "operator.status").await["locked"], true);

    cast.alice().say(cast.alice().lobby(), "still here").await;
    assert_eq!(cast.bob().expect("message").await["message"]["content"], "still here");
    assert_eq!(entry(&cast, cast.bob()).await, Some(4003));
    assert_eq!(entry(&cast, cast.controller()).await, None);
    // A connection that was there before the lock is refused and closed just the same.
    let auth = json!({ "jsonrpc": "2.0", "method": "auth", "params": { "apiKey": cast.bob().key }, "id": 1 });
    let answer = Raw(&early).ask(&auth.to_string()).await;
    assert_eq!(answer["error"]["code"], 4003);
    assert_eq!(soon("the end", early.ended()).await.code, Some(1008));

    cast.restart().await;
    assert_eq!(operate(&cast, "operator.status").await["locked"], true);
    assert_eq!(entry(&cast, cast.bob()).await, Some(4003));
    operate(&cast, "operator.unlock").await;
    assert_eq!(entry(&cast, cast.bob()).await, None);
    cast.restart().await;
    assert_eq!(operate(&cast, "operator.status").await["locked"], false);
}

#[tokio::test]
async fn the_operators_kick_spares_the_controller_and_everybody_may_come_back() {
    let cast = Cast::gather().await;
    let kicked = operate(&cast, "operator.kick").await;
    assert_eq!(kicked, json!({ "status": "ok", "disconnected": 3 }));
    for agent in &cast.agents()[1..] {
        assert_eq!(agent.expect("disconnected").await, json!({ "reason": "kicked" }));
        assert_eq!(soon("the end", agent.connection.ended()).await.code, Some(1008));
    }
    let told = cast.controller().told().await;
    let offline = told
        .iter()
        .filter(|(method, params)| method == "presence" && params["online"] == false);
    assert_eq!(offline.count(), 3, "{told:?}");
    assert_eq!(entry(&cast, cast.alice()).await, None);
}

#[tokio::test]
async fn nothing_of_bans_revocations_invitations_and_memberships_is_lost_in_a_restart() {
    let mut cast = Cast::gather().await;
    let (open, closed) = (
        cast.alice().create_room("Open", "public").await,
        cast.alice().create_room("Closed", "private").await,
    );
    cast.alice()
        .call("room.invite", json!({ "roomId": closed, "agentId": cast.bob().id() }))
        .await;
    cast.carol().call("room.join", json!({ "roomId": open })).await;
    let shut_out = cast
        .controller()
        .call("agent.invite", json!({ "displayName": "dave" }))
        .await;
    cast.controller()
        .call("agent.ban", json!({ "agentId": shut_out["agentId"] }))
        .await;
    let before = cast.alice().call("room.info", json!({ "roomId": open })).await;

    cast.restart().await;
    let after = cast.alice().call("room.info", json!({ "roomId": open })).await;
    assert_eq!(after, before);
    let dave = Agent::try_enter(&cast.server, json!({ "apiKey": shut_out["apiKey"] })).await;
    assert_eq!(dave.err().and_then(|error| error.code()), Some(4004));
    assert_eq!(
        cast.carol().refused("room.join", json!({ "roomId": closed })).await,
        4013
    );
    cast.bob().call("room.join", json!({ "roomId": closed })).await;
    assert_eq!(cast.alice().expect("room.joined").await["agentId"], cast.bob().id());
}
