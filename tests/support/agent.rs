//! An agent on a live session.

use std::collections::VecDeque;
use std::sync::Mutex;

use serde_json::{Value, json};
use wardroom::client::{ClientError, Connection, Event, Methods};

use super::cast::arrived;
use super::{TestServer, soon};

/// An agent that has authenticated. Events that a test does not ask for are kept until it does.
pub struct Agent {
    /// Its connection.
    pub connection: Connection,
    /// The answer to `auth`.
    pub welcome: Value,
    /// Its key.
    pub key: String,
    passed: Mutex<VecDeque<Event>>,
}

impl Agent {
    /// Opens a connection and authenticates.
    pub async fn enter(server: &TestServer, key: &str) -> Self {
        Self::try_enter(server, json!({ "apiKey": key }))
            .await
            .expect("the key is good")
    }

    /// Opens a connection and calls `auth` with `params`.
    pub async fn try_enter(server: &TestServer, params: Value) -> Result<Self, ClientError> {
        Self::over(server.try_connect().await?, params).await
    }

    /// Calls `auth` with `params` on a connection that has not authenticated.
    pub async fn over(connection: Connection, params: Value) -> Result<Self, ClientError> {
        let key = params["apiKey"].as_str().unwrap_or_default().to_owned();
        let welcome = soon("an answer to auth", connection.call("auth", params)).await?;
        Ok(Self {
            connection,
            welcome,
            key,
            passed: Mutex::default(),
        })
    }

    /// Its id.
    pub fn id(&self) -> &str {
        self.welcome["agentId"].as_str().expect("an id")
    }

    /// The room id of the lobby.
    pub fn lobby(&self) -> &str {
        self.welcome["lobby"]["roomId"].as_str().expect("an id")
    }

    /// Calls a method that is expected to succeed.
    pub async fn call(&self, method: &str, params: Value) -> Value {
        match soon(method, self.connection.call(method, params)).await {
            Ok(result) => result,
            Err(error) => panic!("`{method}` failed: {error}"),
        }
    }

    /// Calls a method that is expected to be refused: the code of the error.
    pub async fn refused(&self, method: &str, params: Value) -> i64 {
        call_error(&self.connection, method, params).await
    }

    /// Invites a participant: its key. For the controller.
    pub async fn invite(&self, name: &str) -> String {
        self.call("agent.invite", json!({ "displayName": name })).await["apiKey"]
            .as_str()
            .expect("a key")
            .to_owned()
    }

    /// Makes a room: its id.
    pub async fn create_room(&self, name: &str, visibility: &str) -> String {
        let room = self
            .call("room.create", json!({ "name": name, "visibility": visibility }))
            .await;
        room["room"]["roomId"].as_str().expect("an id").to_owned()
    }

    /// Says something: the receipt.
    pub async fn say(&self, room: &str, content: &str) -> Value {
        self.call("message.send", json!({ "roomId": room, "content": content }))
            .await
    }

    /// A page of history.
    pub async fn history(&self, room: &str, limit: u64, before: Option<i64>) -> Vec<Value> {
        let params = json!({ "roomId": room, "limit": limit, "before": before });
        self.call("room.history", params).await["messages"]
            .as_array()
            .expect("messages")
            .clone()
    }

    /// The params of the next event `method`, whatever else comes before it; that is kept.
    pub async fn expect(&self, method: &str) -> Value {
        let kept = {
            let mut passed = self.passed.lock().expect("not poisoned");
            let place = passed.iter().position(|event| event.method == method);
            place.and_then(|place| passed.remove(place))
        };
        if let Some(event) = kept {
            return event.params;
        }
        loop {
            let event = soon(method, self.connection.next_event()).await;
            let event = event.unwrap_or_else(|| panic!("the connection ended before `{method}` came"));
            if event.method == method {
                return event.params;
            }
            self.passed.lock().expect("not poisoned").push_back(event);
        }
    }

    /// Everything that this agent has been told because of acts before now and that was not asked for; also when its
    /// connection has ended meanwhile.
    pub async fn told(&self) -> Vec<(String, Value)> {
        arrived(&self.connection).await;
        let mut events: Vec<Event> = self.passed.lock().expect("not poisoned").drain(..).collect();
        while let Some(event) = self.connection.poll_event() {
            events.push(event);
        }
        events.into_iter().map(|event| (event.method, event.params)).collect()
    }
}

/// Calls a method that is expected to be refused: the code of the error.
pub async fn call_error(connection: &Connection, method: &str, params: Value) -> i64 {
    match soon(method, connection.call(method, params)).await {
        Ok(result) => panic!("`{method}` succeeded: {result}"),
        Err(error) => error
            .code()
            .unwrap_or_else(|| panic!("`{method}` failed otherwise: {error}")),
    }
}
