//! What most of these tests begin with.

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::support::{Agent, TestBridge, TestServer, soon};

/// A hub with its controller, a bridge, and a file with the key of an agent of it.
pub(super) struct HubStage {
    pub(super) server: TestServer,
    pub(super) controller: Agent,
    pub(super) bridge: TestBridge,
    pub(super) key_file: PathBuf,
    pub(super) key: String,
    pub(super) room: String,
}

impl HubStage {
    /// With the bridge's agent in the lobby.
    pub(super) async fn new() -> Self {
        let server = TestServer::start();
        let controller = server.controller().await;
        let key = controller.invite("Scout").await;
        let bridge = TestBridge::start("ws://127.0.0.1:9/", "Scout");
        let key_file = bridge.home().join("key");
        std::fs::write(&key_file, format!("{key}\n")).expect("written");
        let room = controller.lobby().to_owned();
        Self {
            server,
            controller,
            bridge,
            key_file,
            key,
            room,
        }
    }

    /// The body that opens the lobby for an agent.
    pub(super) fn connect_body(&self, agent: &str) -> Value {
        json!({"hub": self.server.url(), "keyFile": self.key_file, "agentId": agent})
    }

    /// Opens the lobby for an agent.
    pub(super) async fn connect(&self, agent: &str) -> Value {
        self.bridge.post("/connect", self.connect_body(agent)).await
    }

    /// What the bridge says in the lobby, as the controller sees it.
    pub(super) async fn heard(&self) -> Value {
        self.controller.expect("message").await["message"].clone()
    }
}

/// A hub for signaling, and two bridges that have met in a room.
pub(super) struct Pair {
    pub(super) server: TestServer,
    pub(super) one: TestBridge,
    pub(super) other: TestBridge,
}

impl Pair {
    pub(super) fn new() -> Self {
        Self::with_arguments(&[])
    }

    /// Both with these flags.
    pub(super) fn with_arguments(arguments: &[&str]) -> Self {
        let server = TestServer::start();
        let signal = format!("{}/signal/", server.url());
        let one = TestBridge::with_arguments(&signal, "PeerA", arguments);
        let other = TestBridge::with_arguments(&signal, "PeerB", arguments);
        Self { server, one, other }
    }

    /// Has both enter a room, and waits until they are linked.
    pub(super) async fn meet(&self, room: &str) {
        for bridge in [&self.one, &self.other] {
            bridge.post("/connect", json!({"roomId": room})).await;
        }
        soon("a link", async {
            self.one.connected(room).await;
            self.other.connected(room).await;
        })
        .await;
    }
}

/// The contents of chats.
pub(super) fn contents(messages: &[Value]) -> Vec<String> {
    let content = |message: &Value| message["payload"]["content"].as_str().unwrap_or_default().to_owned();
    messages.iter().map(content).collect()
}
