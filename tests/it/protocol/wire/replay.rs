//! Replaying one case.

use std::sync::LazyLock;

use jsonschema::Validator;
use serde_json::{Value, json};
use wardroom::client::{ClientError, Connection, Methods};
use wardroom::protocol::{methods, notifications};

use super::fixture::{Case, Variables};
use super::matching::{difference, difference_of_named, differences_of_sets};
use crate::support::cast::{NAMES, arrived};
use crate::support::{Cast, soon};

/// Whoever has not authenticated before the call under test.
const STRANGER: &str = "stranger";

/// The published schema of every result and of every event's params.
static SCHEMAS: LazyLock<Vec<(&str, Validator)>> = LazyLock::new(|| {
    let results = methods::all().into_iter().map(|method| (method.name, method.result));
    let events = notifications::all().into_iter().map(|event| (event.name, event.params));
    let compile = |(name, schema)| (name, jsonschema::validator_for(&schema).expect("a schema"));
    results.chain(events).map(compile).collect()
});

/// Replays a case in a world of its own: what went otherwise.
pub(super) async fn replay(method: &str, case: &Case) -> Vec<String> {
    let world = Cast::gather().await;
    let stranger = world.server.connect().await;
    let mut variables = Variables::default();
    for (name, agent) in NAMES.iter().zip(world.agents()) {
        variables.set(name, json!(agent.id()));
    }
    variables.set("lobby", json!(world.controller().lobby()));
    for step in &case.given {
        let params = variables.fill(&step.params);
        let result = world.agent(&step.caller).call(&step.method, params).await;
        variables.save(step, &result);
    }
    let connections: Vec<(&str, &Connection)> = NAMES
        .iter()
        .copied()
        .zip(world.agents().iter().map(|agent| &agent.connection))
        .chain([(STRANGER, &stranger)])
        .collect();
    for (name, connection) in &connections {
        told(name, connection).await;
    }

    let caller = connections.iter().find(|(name, _)| *name == case.caller);
    let (_, caller) = caller.unwrap_or_else(|| panic!("`{}` is not in the cast", case.caller));
    let outcome = soon(method, caller.call(method, variables.fill(&case.params))).await;

    let mut problems = judge(method, case, &variables, outcome);
    let mut found = Vec::new();
    for (name, connection) in &connections {
        // What is read from the store comes when it is read.
        let count = case.events.iter().filter(|event| event.to == *name).count();
        for _ in 0..count {
            let event = soon(&format!("{count} events for `{name}`"), connection.next_event()).await;
            let event = event.expect("a connection");
            found.push(((*name).to_owned(), event.method, event.params));
        }
        found.extend(told(name, connection).await);
    }
    let expected: Vec<_> = case
        .events
        .iter()
        .map(|event| (event.to.clone(), event.method.clone(), variables.fill(&event.params)))
        .collect();
    problems.extend(differences_of_sets(&expected, &found));
    problems.extend(found.iter().filter_map(|(_, event, params)| violation(event, params)));
    problems
}

/// Compares the answer with what the case expects.
fn judge(method: &str, case: &Case, variables: &Variables, outcome: Result<Value, ClientError>) -> Vec<String> {
    match (outcome, &case.result, &case.error) {
        (Ok(found), Some(expected), _) => {
            let differing = difference(&variables.fill(expected), &found);
            [
                differing.map(|text| format!("the result: {text}")),
                violation(method, &found),
            ]
            .into_iter()
            .flatten()
            .collect()
        }
        (Err(ClientError::Rpc(error)), _, Some(expected)) => {
            let found = json!({ "code": error.code, "message": error.message, "data": error.data });
            let has_retryable = found["data"]["retryable"].is_boolean();
            let differing = difference_of_named(&variables.fill(expected), &found)
                .map(|text| format!("the error: {text} in {found}"));
            differing
                .into_iter()
                .chain((!has_retryable).then(|| format!("the error does not say whether to retry: {found}")))
                .collect()
        }
        (Ok(found), None, _) => vec![format!("succeeded with {found}")],
        (Err(error), ..) => vec![format!("failed: {error}")],
    }
}

/// Where `value` is not what the published schema of `name` says.
fn violation(name: &str, value: &Value) -> Option<String> {
    let (_, schema) = SCHEMAS.iter().find(|(known, _)| *known == name)?;
    let error = schema.validate(value).err()?;
    Some(format!("`{name}` does not fit its schema: {error} in {value}"))
}

/// Everything that was told to `connection` because of acts before now.
async fn told(name: &str, connection: &Connection) -> Vec<(String, String, Value)> {
    // Before it has authenticated it is told nothing, and after that it is as everybody else.
    arrived(connection).await;
    let mut events = Vec::new();
    while let Some(event) = connection.poll_event() {
        events.push((name.to_owned(), event.method, event.params));
    }
    events
}
