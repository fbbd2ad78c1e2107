//! The audit log: what is remembered of those who govern and of those who tried, and that nobody changes it unnoticed.

mod chain;
mod kept;
mod record;
mod refusals;

use serde_json::{Value, json};

use crate::support::Agent;

/// Entries of the audit log, the oldest first. The chain must be whole.
async fn entries(controller: &Agent, filter: Value) -> Vec<Value> {
    let mut params = filter;
    params["limit"] = json!(1000);
    let listed = controller.call("audit.list", params).await;
    assert_eq!((&listed["intact"], &listed["brokenAt"]), (&json!(true), &json!(null)));
    let mut entries = listed["entries"].as_array().expect("entries").clone();
    entries.reverse();
    entries
}
