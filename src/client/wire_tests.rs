//! The wire fixtures, replayed from a scripted server: each typed function sends exactly the call of a case, gives its
//! result or its error, and hands on its events.

mod keys;
mod peers;
mod signatures;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use futures_util::{SinkExt, StreamExt};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, accept_async};

use signatures::signature;

use super::{
    ClientError, Connection, Endpoint, Methods, Position, ReceiptMethods, SearchFilter, SendOptions, TaskFilter,
    TaskMethods, TaskOptions, TaskOutcome, TaskProgress,
};
use keys::{KEY_METHODS, key_call};
use peers::peer_call;

/// What the cases of one method came to.
#[derive(Debug, Default)]
struct Tally {
    results: usize,
    errors: usize,
}

#[tokio::test]
async fn every_typed_function_speaks_as_the_fixtures_do() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    let endpoint = Endpoint::parse(&format!("ws://{address}/")).expect("a good address");
    let (connection, socket) = tokio::join!(Connection::open(&endpoint), async {
        let (stream, _) = listener.accept().await.expect("a connection");
        accept_async(stream).await.expect("a handshake")
    });
    let (connection, mut socket) = (connection.expect("connected"), socket);

    let mut tallies: BTreeMap<String, Tally> = BTreeMap::new();
    for fixture in fixtures() {
        let method = fixture["method"].as_str().expect("a name");
        let tally = tallies.entry(method.to_owned()).or_default();
        for case in fixture["cases"].as_array().expect("cases") {
            replay(&connection, &mut socket, method, case, tally).await;
        }
    }
    for (method, tally) in &tallies {
        assert!(
            tally.results > 0 && tally.errors > 0,
            "`{method}` was not replayed: {tally:?}"
        );
    }
    assert_eq!(tallies.len(), 57, "a fixture for every method");
}

fn fixtures() -> Vec<Value> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/wire");
    fs::read_dir(directory)
        .expect("the fixtures")
        .map(|entry| {
            serde_json::from_slice(&fs::read(entry.expect("readable").path()).expect("readable")).expect("JSON")
        })
        .collect()
}

async fn replay(
    connection: &Connection,
    socket: &mut WebSocketStream<TcpStream>,
    method: &str,
    case: &Value,
    tally: &mut Tally,
) {
    let name = &case["name"];
    let params = sample(case.get("params").unwrap_or(&json!({})));
    let Some(members) = params.as_object() else { return };
    if !is_typed(method, members) && key_call(connection, method, members).is_none() {
        return;
    }
    let arguments = Params(members);
    let mut called = std::pin::pin!(async {
        match key_call(connection, method, members) {
            Some(call) => Some(call.await),
            None => typed_call(connection, method, &arguments).await,
        }
    });
    let request = tokio::select! {
        outcome = &mut called => panic!("{method}, {name}: no request, but {outcome:?}"),
        request = read(socket) => request,
    };
    assert_eq!(request["method"], method, "{name}");
    assert_eq!(request["params"], params, "{method}, {name}");
    let mut answer = json!({"jsonrpc": "2.0", "id": request["id"]});
    if let Some(error) = case.get("error") {
        let data = error.get("data").map(sample);
        answer["error"] = json!({"code": error["code"], "message": "refused", "data": data});
    } else {
        answer["result"] = sample(&case["result"]);
    }
    send(socket, &answer).await;
    let outcome = called.await.expect("expressible");
    match (case.get("error"), outcome) {
        (Some(error), Err(ClientError::Rpc(refusal))) => {
            assert_eq!(
                refusal.code,
                error["code"].as_i64().expect("a code"),
                "{method}, {name}"
            );
            tally.errors += 1;
        }
        (None, Ok(())) => tally.results += 1,
        (_, outcome) => panic!("{method}, {name}: {outcome:?}"),
    }
    for event in case["events"].as_array().into_iter().flatten() {
        let params = sample(&event["params"]);
        send(
            socket,
            &json!({"jsonrpc": "2.0", "method": event["method"], "params": params}),
        )
        .await;
        let received = connection.next_event().await.expect("an event");
        assert_eq!(
            (json!(received.method), received.params),
            (event["method"].clone(), params),
            "{method}, {name}"
        );
    }
}

async fn read(socket: &mut WebSocketStream<TcpStream>) -> Value {
    let text = socket
        .next()
        .await
        .expect("a frame")
        .expect("no failure")
        .into_text()
        .expect("text");
    serde_json::from_str(&text).expect("JSON")
}

async fn send(socket: &mut WebSocketStream<TcpStream>, value: &Value) {
    socket
        .send(Message::text(value.to_string()))
        .await
        .expect("the client reads");
}

/// The value with every matcher and every name replaced by something that fits.
fn sample(value: &Value) -> Value {
    match value {
        Value::String(text) => match text.as_str() {
            "<time>" => json!(1_700_000_000_000_i64),
            "<int>" => json!(7),
            "<key>" => json!(format!("bl_k_{}", "0f".repeat(24))),
            "<uuid>" => json!("0190a5b0-0000-7000-8000-000000000001"),
            name if name.starts_with('$') => json!("0190a5b0-0000-7000-8000-000000000002"),
            _ => value.clone(),
        },
        Value::Array(items) => items.iter().map(sample).collect(),
        Value::Object(members) => {
            let named = |name: &str, value: &Value| match value.as_str() {
                // What a case has saved from a time or a position is a number.
                Some(text)
                    if text.starts_with('$') && matches!(name, "timestamp" | "before" | "seq" | "leaseExpiresAt") =>
                {
                    sample(&json!("<time>"))
                }
                _ => sample(value),
            };
            members
                .iter()
                .map(|(name, value)| (name.clone(), named(name, value)))
                .collect()
        }
        _ => value.clone(),
    }
}

/// The parameters of a case, as arguments of typed functions.
struct Params<'a>(&'a Map<String, Value>);

impl<'a> Params<'a> {
    fn text(&self, name: &str) -> &'a str {
        self.0[name].as_str().expect("text")
    }

    fn text_or_none(&self, name: &str) -> Option<&'a str> {
        self.0.get(name).and_then(Value::as_str)
    }

    fn position(&self, name: &str) -> Option<Position> {
        self.0.get(name).and_then(|value| Position::deserialize(value).ok())
    }

    fn number<T: TryFrom<i64>>(&self, name: &str) -> Option<T> {
        self.0
            .get(name)
            .and_then(Value::as_i64)
            .and_then(|number| T::try_from(number).ok())
    }
}

impl<'a> Params<'a> {
    /// Whether a message carries more than text.
    fn carries_more(&self) -> bool {
        ["type", "data", "replyTo", "wantRead"]
            .iter()
            .any(|name| self.0.contains_key(*name))
    }

    fn send_options(&self) -> SendOptions<'a> {
        SendOptions {
            kind: self.text_or_none("type"),
            data: self.0.get("data").cloned(),
            reply_to: self.text_or_none("replyTo"),
            idempotency_key: self.text_or_none("idempotencyKey"),
            want_read: self.0.get("wantRead") == Some(&Value::Bool(true)),
        }
    }
}

/// Whether the typed function of `method` can send these parameters at all: types that a case gets wrong on purpose do
/// not exist in Rust.
fn is_typed(method: &str, params: &Map<String, Value>) -> bool {
    if KEY_METHODS.contains(&method) {
        return false;
    }
    let (required, optional) = signature(method);
    let is_optional = |name: &str, value: &Value| match (method, name) {
        ("room.history" | "task.list" | "message.search", "limit") => {
            value.as_u64().is_some_and(|limit| u32::try_from(limit).is_ok())
        }
        ("room.history", "before") | ("message.search", "from" | "to") => value.is_i64(),
        ("room.markRead" | "message.markReadDirect", "seq") => value.is_u64(),
        (_, "wantRead") => value == &Value::Bool(true),
        (_, "generation" | "leaseMs") => value.is_u64(),
        (_, "data") | ("docs.update", "version") => true,
        ("room.follow" | "message.followDirect", "since") => Position::deserialize(value).is_ok(),
        ("lobby.setMotd", "content") => value.is_string() || value.is_null(),
        _ => value.is_string(),
    };
    required
        .iter()
        .all(|name| params.get(*name).is_some_and(Value::is_string))
        && params.iter().all(|(name, value)| {
            required.contains(&name.as_str()) || optional.contains(&name.as_str()) && is_optional(name, value)
        })
        && (method != "lobby.setMotd" || params.contains_key("content"))
}

/// Calls the typed function of `method`; none when there is none.
#[expect(
    clippy::too_many_lines,
    reason = "one arm for each method, none of them with a decision in it"
)]
async fn typed_call(connection: &Connection, method: &str, params: &Params<'_>) -> Option<Result<(), ClientError>> {
    let p = params;
    Some(match method {
        "auth" => connection
            .authenticate(p.text("apiKey"), p.text_or_none("displayName"))
            .await
            .map(drop),
        "agent.invite" => connection.invite_agent(p.text("displayName")).await.map(drop),
        "agent.revoke" => connection.revoke_agent(p.text("agentId")).await,
        "agent.list" => connection.list_agents().await.map(drop),
        "agent.kick" => connection.kick_agent(p.text("agentId"), p.text_or_none("reason")).await,
        "agent.ban" => connection.ban_agent(p.text("agentId"), p.text_or_none("reason")).await,
        "agent.unban" => connection.unban_agent(p.text("agentId")).await,
        "room.create" => {
            let (visibility, description) = (p.text_or_none("visibility"), p.text_or_none("description"));
            connection
                .create_room(p.text("name"), visibility, description)
                .await
                .map(drop)
        }
        "rpc.discover" => connection.discover().await.map(drop),
        "room.list" => connection.list_rooms().await.map(drop),
        "room.join" => connection.join_room(p.text("roomId")).await,
        "room.leave" => connection.leave_room(p.text("roomId")).await,
        "room.info" => connection.room_info(p.text("roomId")).await.map(drop),
        "room.history" => {
            let (limit, before) = (p.number("limit"), p.number("before"));
            match p.text_or_none("replyTo") {
                None => connection.room_history(p.text("roomId"), limit, before).await.map(drop),
                Some(message) => connection
                    .replies(p.text("roomId"), message, limit, before)
                    .await
                    .map(drop),
            }
        }
        "room.follow" => connection
            .follow_room(p.text("roomId"), p.position("since").as_ref())
            .await
            .map(drop),
        "message.followDirect" => connection.follow_direct(p.position("since").as_ref()).await.map(drop),
        "room.invite" => connection.invite_to_room(p.text("roomId"), p.text("agentId")).await,
        "room.kick" => {
            connection
                .kick_from_room(p.text("roomId"), p.text("agentId"), p.text_or_none("reason"))
                .await
        }
        "room.visibility" => {
            connection
                .set_room_visibility(p.text("roomId"), p.text("visibility"))
                .await
        }
        "room.update" => {
            let (name, description) = (p.text_or_none("name"), p.text_or_none("description"));
            connection.update_room(p.text("roomId"), name, description).await
        }
        "room.delete" => connection.delete_room(p.text("roomId")).await,
        "room.takeOwnership" => connection.take_ownership(p.text("roomId")).await,
        "room.pause" => connection.pause_room(p.text("roomId"), p.text_or_none("reason")).await,
        "room.resume" => connection.resume_room(p.text("roomId")).await,
        "message.send" if p.carries_more() => connection
            .send(p.text("roomId"), p.text("content"), p.send_options())
            .await
            .map(drop),
        "message.send" => match p.text_or_none("idempotencyKey") {
            Some(key) => connection
                .send_message_once(p.text("roomId"), p.text("content"), key)
                .await
                .map(drop),
            None => connection
                .send_message(p.text("roomId"), p.text("content"))
                .await
                .map(drop),
        },
        "message.dm" if p.carries_more() => connection
            .send_direct(p.text("toAgentId"), p.text("content"), p.send_options())
            .await
            .map(drop),
        "message.dm" => match p.text_or_none("idempotencyKey") {
            Some(key) => connection
                .send_dm_once(p.text("toAgentId"), p.text("content"), key)
                .await
                .map(drop),
            None => connection
                .send_dm(p.text("toAgentId"), p.text("content"))
                .await
                .map(drop),
        },
        "message.remove" => {
            connection
                .remove_message(p.text("messageId"), p.text_or_none("reason"))
                .await
        }
        "lobby.setMotd" => connection.set_motd(p.text_or_none("content")).await,
        "lobby.getMotd" => connection.get_motd().await.map(drop),
        "docs.list" => connection.list_docs().await.map(drop),
        "docs.get" => connection.get_doc(p.text("name")).await.map(drop),
        "docs.update" => {
            connection
                .update_doc(p.text("name"), p.text("content"), p.0.get("version").cloned())
                .await
        }
        "message.search" | "message.status" | "room.markRead" | "message.markReadDirect" => {
            receipt_call(connection, method, params).await?
        }
        method if method.starts_with("task.") => task_call(connection, method, params).await?,
        method if method.starts_with("p2p.") => peer_call(connection, method, params).await?,
        _ => return None,
    })
}

/// Calls the typed function of a method that finds messages or tells what became of them; none when there is none.
async fn receipt_call(connection: &Connection, method: &str, p: &Params<'_>) -> Option<Result<(), ClientError>> {
    Some(match method {
        "message.search" => {
            let filter = SearchFilter {
                room_id: p.text_or_none("roomId"),
                sender_id: p.text_or_none("senderId"),
                from: p.number("from"),
                to: p.number("to"),
                limit: p.number("limit"),
                cursor: p.text_or_none("cursor"),
            };
            connection.search_messages(p.text("query"), filter).await.map(drop)
        }
        "message.status" => connection.message_status(p.text("messageId")).await.map(drop),
        "room.markRead" => connection.mark_read(p.text("roomId"), p.number("seq")?).await.map(drop),
        "message.markReadDirect" => connection.mark_read_direct(p.number("seq")?).await.map(drop),
        _ => return None,
    })
}

/// Calls the typed function of a method about tasks; none when there is none.
async fn task_call(connection: &Connection, method: &str, p: &Params<'_>) -> Option<Result<(), ClientError>> {
    let generation = p.0.get("generation").and_then(Value::as_u64);
    let lease_ms = p.0.get("leaseMs").and_then(Value::as_u64);
    let (data, idempotency_key) = (p.0.get("data").cloned(), p.text_or_none("idempotencyKey"));
    let outcome = TaskOutcome {
        content: p.text_or_none("content"),
        data: data.clone(),
        idempotency_key,
    };
    Some(match method {
        "task.create" => {
            let options = TaskOptions {
                description: p.text_or_none("description"),
                data,
                assignee: p.text_or_none("assignee"),
                idempotency_key,
            };
            connection
                .create_task(p.text("roomId"), p.text("title"), options)
                .await
                .map(drop)
        }
        "task.claim" => connection
            .claim_task(p.text("taskId"), lease_ms, idempotency_key)
            .await
            .map(drop),
        "task.renew" => connection
            .renew_task(p.text("taskId"), generation?, lease_ms, idempotency_key)
            .await
            .map(drop),
        "task.update" => {
            let progress = TaskProgress {
                generation,
                state: p.text_or_none("state"),
                note: p.text_or_none("note"),
                idempotency_key,
            };
            connection.update_task(p.text("taskId"), progress).await.map(drop)
        }
        "task.complete" => connection
            .complete_task(p.text("taskId"), generation?, outcome)
            .await
            .map(drop),
        "task.fail" => connection
            .fail_task(p.text("taskId"), generation?, outcome)
            .await
            .map(drop),
        "task.cancel" => connection
            .cancel_task(p.text("taskId"), p.text_or_none("reason"), idempotency_key)
            .await
            .map(drop),
        "task.get" => connection.get_task(p.text("taskId")).await.map(drop),
        "task.list" => {
            let filter = TaskFilter {
                room_id: p.text_or_none("roomId"),
                state: p.text_or_none("state"),
                assignee: p.text_or_none("assignee"),
                limit: p.number("limit"),
                cursor: p.text_or_none("cursor"),
            };
            connection.list_tasks(filter).await.map(drop)
        }
        _ => return None,
    })
}
