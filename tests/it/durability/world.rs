//! A server with agents in a room, killed and restarted at will, and everything that it should have kept.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Value, json};
use wardroom::client::{ClientError, Methods};

use super::ledger::{Ledger, Stream, check_times};
use super::registers::Registers;
use crate::support::fault::Faults;
use crate::support::{Agent, TestServer, soon};

/// Those who talk. `dave` comes and goes in a room of its own.
pub(super) const NAMES: [&str; 4] = ["alice", "bob", "carol", "dave"];

/// "Nothing was saved."
pub(super) const UNAVAILABLE: i64 = 4090;

/// What the server made of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Acknowledged,
    Refused,
    /// The connection ended first.
    Unanswered,
}

/// See the module.
pub(super) struct World {
    pub faults: Faults,
    pub server: TestServer,
    pub ledger: Arc<Ledger>,
    pub registers: Arc<Registers>,
    /// The room in which all are.
    pub room: String,
    /// The room in which `dave` comes and goes.
    pub side: String,
    keys: HashMap<String, String>,
    connections: Arc<AtomicU64>,
}

impl World {
    /// A server that keeps everything and slows down nobody.
    pub(super) async fn new() -> Self {
        Self::with(json!({})).await
    }

    /// The same with further settings.
    pub(super) async fn with(settings: Value) -> Self {
        let faults = Faults::new();
        let mut config = json!({
            "maxRooms": 1_000_000,
            "lobby": { "historyLimit": 0 },
            "limits": { "messagesPerSecond": 0, "bytesPerSecond": 0, "loopMessages": 0, "sessionsPerAgent": 100, "roomsPerAgent": 0 },
        });
        for (name, value) in settings.as_object().expect("an object") {
            config[name] = value.clone();
        }
        let server = faults.server(TestServer::builder().config(config)).start();
        let controller = server.controller().await;
        let mut keys = HashMap::from([("controller".to_owned(), server.controller_key().to_owned())]);
        let room = controller.create_room("work", "public").await;
        let side = controller.create_room("side", "public").await;
        for name in NAMES {
            let key = controller.invite(name).await;
            let agent = Agent::enter(&server, &key).await;
            agent.call("room.join", json!({ "roomId": room })).await;
            keys.insert(name.to_owned(), key);
        }
        let mut world = Self {
            faults,
            server,
            ledger: Arc::default(),
            registers: Arc::default(),
            room,
            side,
            keys,
            connections: Arc::default(),
        };
        // A server that has seen nobody yet: nothing of the sessions above is still to be stored.
        world.stop();
        world.server.restart();
        world
    }

    /// The key of an agent.
    pub(super) fn key(&self, name: &str) -> &str {
        &self.keys[name]
    }

    /// A new session of an agent.
    pub(super) async fn enter(&self, name: &str) -> Speaker {
        self.try_enter(name).await.expect("the key is good")
    }

    /// The same, with a server that may be gone.
    pub(super) async fn try_enter(&self, name: &str) -> Result<Speaker, ClientError> {
        let agent = Agent::try_enter(&self.server, json!({ "apiKey": self.key(name) })).await?;
        Ok(Speaker {
            agent,
            ledger: Arc::clone(&self.ledger),
            connection: self.connections.fetch_add(1, Ordering::Relaxed),
            said: AtomicU64::new(0),
        })
    }

    /// Asks the server to stop and waits for it.
    pub(super) fn stop(&mut self) {
        self.server.signal("TERM");
        assert!(self.server.wait().success());
    }

    /// Whether the server says that its storage takes changes.
    pub(super) async fn is_writable(&self) -> bool {
        let operator = self.server.operator().await;
        let status = soon("a status", operator.call("operator.status", json!({}))).await;
        status.expect("a status")["writable"].as_bool().expect("a bool")
    }

    /// Kills the server and starts it again.
    pub(super) fn kill_and_restart(&mut self) {
        self.server.kill();
        self.faults.clear();
        self.server.restart();
    }

    /// Compares everything that the server has with everything that it should have.
    pub(super) async fn check(&self) {
        let controller = Agent::enter(&self.server, self.key("controller")).await;
        let lobby = controller.lobby().to_owned();
        self.ledger
            .check_room(&self.room, &read_all(&controller, &self.room).await);
        for name in NAMES {
            let agent = Agent::enter(&self.server, self.key(name)).await;
            let history = read_all(&agent, &lobby).await;
            check_times(&history);
            self.ledger.check_direct(agent.id(), &history);
        }
        self.check_registers(&controller).await;
    }

    async fn check_registers(&self, controller: &Agent) {
        let motd = controller.call("lobby.getMotd", json!({})).await["motd"].clone();
        let rooms = controller.call("room.list", json!({})).await["rooms"].clone();
        let agents = controller.call("agent.list", json!({})).await["agents"].clone();
        let side = controller.call("room.info", json!({ "roomId": self.side })).await;
        let named = |list: &Value, field: &str, name: &str| {
            let list = list.as_array().expect("a list");
            let found = list.iter().filter(|entry| entry[field] == name).count();
            ["absent", "present"]
                .get(found)
                .copied()
                .unwrap_or("repeated")
                .to_owned()
        };
        self.registers.check(|name| match name.split_once(' ') {
            Some(("room", room)) => named(&rooms, "name", room),
            Some(("agent", agent)) => named(&agents, "displayName", agent),
            _ if name == "motd" => motd.as_str().unwrap_or("absent").to_owned(),
            _ if name == "description" => side["room"]["description"].as_str().unwrap_or("absent").to_owned(),
            _ => named(&side["members"], "displayName", "dave"),
        });
    }
}

/// An agent whose messages go into the ledger.
pub(super) struct Speaker {
    pub agent: Agent,
    pub ledger: Arc<Ledger>,
    pub connection: u64,
    said: AtomicU64,
}

impl Speaker {
    /// Notes a message that is about to be sent: the method and the params that send it, and its content, which no other
    /// message has.
    pub(super) fn compose(&self, stream: Stream, filler: usize) -> (&'static str, Value, String) {
        let number = self.said.fetch_add(1, Ordering::Relaxed) + 1;
        let padding = "päd ☂ ".repeat(filler / 6);
        let content = format!("{} {number} {padding}", self.connection);
        let (method, params) = request(&content, &stream);
        self.ledger
            .sent(&content, self.agent.id(), self.connection, number, stream);
        (method, params, content)
    }

    /// Sends everything again that this agent was never told the fate of.
    pub(super) async fn retry(&self) {
        for (content, stream) in self.ledger.unanswered(self.agent.id()) {
            let number = self.said.fetch_add(1, Ordering::Relaxed) + 1;
            self.ledger.again(&content, self.connection, number);
            let (method, params) = request(&content, &stream);
            let receipt = self.agent.call(method, params).await;
            self.ledger.acknowledged(&content, &receipt);
        }
    }

    /// Sends a message and waits for what becomes of it.
    pub(super) async fn say(&self, stream: Stream, filler: usize) -> Outcome {
        let (method, params, content) = self.compose(stream, filler);
        match soon(method, self.agent.connection.call(method, params)).await {
            Ok(receipt) => {
                self.ledger.acknowledged(&content, &receipt);
                Outcome::Acknowledged
            }
            Err(ClientError::Rpc(error)) => {
                assert_eq!(error.code, UNAVAILABLE, "{error}");
                assert!(error.is_retryable(), "{error}");
                self.ledger.refused(&content);
                Outcome::Refused
            }
            Err(ClientError::Closed(_)) => Outcome::Unanswered,
            Err(error) => panic!("`{method}` was not answered: {error}"),
        }
    }

    /// Notes every message that was shown to this agent so far.
    pub(super) async fn note_events(&self) {
        for (method, params) in self.agent.told().await {
            if method == "message" || method == "dm" {
                self.ledger.shown(&params);
            }
        }
    }
}

/// The call that sends a message: the same call, with the same key, each time that it is sent.
fn request(content: &str, stream: &Stream) -> (&'static str, Value) {
    let key: String = content.split(' ').take(2).collect::<Vec<_>>().join("-");
    match stream {
        Stream::Room(room) => (
            "message.send",
            json!({ "roomId": room, "content": content, "idempotencyKey": key }),
        ),
        Stream::Direct(to) => (
            "message.dm",
            json!({ "toAgentId": to, "content": content, "idempotencyKey": key }),
        ),
    }
}

/// All of a room's history, the oldest message first.
pub(super) async fn read_all(agent: &Agent, room: &str) -> Vec<Value> {
    let mut history: Vec<Value> = Vec::new();
    loop {
        let before = history
            .first()
            .map(|message| message["timestamp"].as_i64().expect("a time"));
        let mut page = agent.history(room, 997, before).await;
        if page.is_empty() {
            return history;
        }
        page.append(&mut history);
        history = page;
    }
}
