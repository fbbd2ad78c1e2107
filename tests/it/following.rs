//! Going on where one was: everything that was missed, once and in order, or a clear word that something is missing.

mod client;
mod direct;
mod rooms;
mod slow;
mod storm;

use serde_json::{Value, json};

use crate::support::{Agent, TestServer};

/// A position.
pub(crate) fn at(epoch: &Value, seq: u64) -> Value {
    json!({ "epoch": epoch, "seq": seq })
}

/// Enters and resumes: the agent, and what `auth` answered.
pub(crate) async fn resume(server: &TestServer, key: &str, rooms: &Value, direct: Option<&Value>) -> Agent {
    let mut params = json!({ "apiKey": key, "resume": rooms });
    if let Some(direct) = direct {
        params["resumeDirect"] = direct.clone();
    }
    Agent::try_enter(server, params).await.expect("the key is good")
}

/// Expects the messages of a room at these positions, in order and next to each other.
pub(crate) async fn expect_messages(agent: &Agent, positions: std::ops::RangeInclusive<u64>) {
    for seq in positions {
        assert_eq!(agent.expect("message").await["message"]["seq"], seq);
    }
}
