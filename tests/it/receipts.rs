//! What became of messages, over real sockets: stored, delivered, read, and no more said than is true.

mod delivered;
mod read;
mod rights;

use serde_json::{Value, json};

use crate::support::Agent;

/// How far a message got, by the name of each agent.
async fn status(agent: &Agent, message: &Value) -> Vec<(String, String)> {
    let result = agent.call("message.status", json!({ "messageId": message })).await;
    let members = result["members"].as_array().expect("a list");
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let mut states: Vec<_> = members
        .iter()
        .map(|member| {
            assert_eq!(member["state"] == "read", member["readAt"].is_i64(), "{member}");
            (text(&member["displayName"]), text(&member["state"]))
        })
        .collect();
    states.sort();
    states
}

fn states(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    let owned = |(name, state): &(&str, &str)| ((*name).to_owned(), (*state).to_owned());
    expected.iter().map(owned).collect()
}
