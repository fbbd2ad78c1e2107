//! The life of keys: enrolment, rotation, expiry, revocation, and what a key may be used for.

mod enrolment;
mod expiry;
mod following;
mod names;
mod rotation;
mod scopes;
mod stage;

use serde_json::{Value, json};
use wardroom::client::{ClientError, Connection, Methods};
use wardroom::runtime::clock::{Clock as _, SystemClock};

use crate::support::{Agent, TestServer, soon};

/// Milliseconds since 1970.
fn now_ms() -> i64 {
    SystemClock::default().now_ms()
}

/// Gets a key for a token, on a connection of its own.
async fn enrol(server: &TestServer, token: &str) -> Result<Value, ClientError> {
    let connection = server.connect().await;
    soon("an answer", connection.call("agent.enrol", json!({ "token": token }))).await
}

/// The code of the refusal of `auth` with this key.
async fn refused_entry(server: &TestServer, key: &str) -> Option<i64> {
    let attempt = Agent::try_enter(server, json!({ "apiKey": key })).await;
    attempt.err().and_then(|error| error.code())
}

/// How the connection ends: close code and reason.
async fn end(connection: &Connection) -> (Option<u16>, String) {
    let end = soon("the end", connection.ended()).await;
    (end.code, end.reason)
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_else(|| panic!("`{name}` in {value}"))
}
