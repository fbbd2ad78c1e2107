//! Looking for messages over real sockets: what is found, by whom, and that nothing said is forgotten by the index.

mod crash;
mod pages;
mod retention;
mod rights;
mod words;

use serde_json::{Value, json};

use crate::support::Agent;

/// Searches with everything that was said in the index: the contents, the newest first.
async fn search(agent: &Agent, params: Value) -> Vec<String> {
    let result = agent.call("message.search", params).await;
    assert_eq!(result.get("incomplete"), None, "{result}");
    assert_eq!(result.get("nextCursor"), None, "{result}");
    contents(&result)
}

/// Searches for words wherever the agent may read.
async fn find(agent: &Agent, query: &str) -> Vec<String> {
    search(agent, json!({ "query": query })).await
}

fn contents(result: &Value) -> Vec<String> {
    let found = result["found"].as_array().expect("a list");
    let content = |found: &Value| found["message"]["content"].as_str().expect("text").to_owned();
    found.iter().map(content).collect()
}
