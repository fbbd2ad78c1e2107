//! Who may do what: every method of the table, called by every kind of caller, and nothing seen by those it is not for.

mod matrix;
mod scene;

use futures_util::{StreamExt, stream};
use serde_json::{Value, json};
use wardroom::client::{ClientError, Connection, Methods};
use wardroom::protocol::methods::{self, Access};

use crate::support::{Agent, Cast, TestServer, soon};
use matrix::{Kind, Outcome, Row};
use scene::Stage;

/// Methods that are tried at one time, each on a server of its own.
const AT_ONCE: usize = 4;

#[tokio::test]
async fn every_method_treats_every_kind_of_caller_as_the_matrix_says() {
    let rows = matrix::rows();
    let names: Vec<&str> = methods::all().iter().map(|method| method.name).collect();
    let missing: Vec<&&str> = names.iter().filter(|name| !rows.contains_key(**name)).collect();
    assert!(missing.is_empty(), "methods without a row: {missing:?}");
    let unknown: Vec<&&str> = rows.keys().filter(|name| !names.contains(name)).collect();
    assert!(unknown.is_empty(), "rows without a method: {unknown:?}");

    let failures: Vec<String> = stream::iter(&rows)
        .map(|(method, row)| try_method(method, row))
        .buffer_unordered(AT_ONCE)
        .flat_map(stream::iter)
        .collect()
        .await;
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// Calls a method once as every kind of caller: what went otherwise.
async fn try_method(method: &str, row: &Row) -> Vec<String> {
    let mut problems = Vec::new();
    // `operator.stop` ends the server, so the operator comes last.
    let stage = Stage::build().await;
    for kind in Kind::ALL {
        let scene = stage.scene(*kind, &mut problems).await;
        let expected = row.outcome(*kind);
        let outcome = soon(method, scene.caller().call(method, scene.params(method))).await;
        let found = match &outcome {
            Ok(_) => Outcome::Ok,
            Err(ClientError::Rpc(error)) => Outcome::Refused(error.code),
            Err(other) => {
                problems.push(format!("`{method}` by {kind:?}: {other}"));
                continue;
            }
        };
        if found != expected {
            problems.push(format!("`{method}` by {kind:?}: {found:?} instead of {expected:?}"));
        }
        let answer = match outcome {
            Ok(result) => result.to_string(),
            Err(error) => format!("{error} {error:?}"),
        };
        scene.check_answer(&answer, &mut problems);
        if method == "operator.stop" && found == Outcome::Ok {
            break;
        }
        let told = scene.told().await;
        if found != Outcome::Ok && !told.is_empty() {
            problems.push(format!("`{method}` by {kind:?} was refused and still told: {told:?}"));
        }
        scene.check_told(&told, &mut problems);
    }
    problems
}

/// Values of every type, none of which any method wants.
fn odd_params() -> Vec<Value> {
    let odd = [json!(null), json!(true), json!(-1), json!("x"), json!([]), json!({})];
    let names = [
        "roomId",
        "agentId",
        "displayName",
        "name",
        "content",
        "version",
        "restart",
    ];
    let mut all = vec![json!([]), json!("x"), json!({})];
    for value in odd {
        all.push(names.iter().map(|name| ((*name).to_owned(), value.clone())).collect());
    }
    all
}

#[tokio::test]
async fn whoever_may_not_call_a_method_learns_nothing_about_its_params() {
    let cast = Cast::gather().await;
    let stranger = cast.server.connect().await;
    for method in methods::all() {
        for params in odd_params() {
            if method.access != Access::Anyone {
                assert_refused(&stranger, method.name, &params, 4001).await;
            }
            if matches!(method.access, Access::Controller | Access::Operator) {
                assert_refused(&cast.alice().connection, method.name, &params, 4003).await;
            }
            if method.access == Access::Operator {
                assert_refused(&cast.controller().connection, method.name, &params, 4003).await;
            }
        }
    }
}

async fn assert_refused(connection: &Connection, method: &str, params: &Value, code: i64) {
    let answer = soon(method, connection.call(method, params.clone())).await;
    let found = answer.as_ref().err().and_then(ClientError::code);
    assert_eq!(found, Some(code), "`{method}` with {params}: {answer:?}");
}

#[tokio::test]
async fn a_revoked_and_an_unknown_key_are_refused_with_the_same_words() {
    let server = TestServer::start();
    let controller = server.controller().await;
    let alice = server.participant(&controller, "alice").await;
    controller.call("agent.revoke", json!({ "agentId": alice.id() })).await;
    let refusal = async |key: &str| {
        let attempt = Agent::try_enter(&server, json!({ "apiKey": key })).await;
        attempt.err().expect("the key is void").to_string()
    };
    let unknown = format!("bl_k_{}", "0".repeat(48));
    assert_eq!(refusal(&alice.key).await, refusal(&unknown).await);
}
