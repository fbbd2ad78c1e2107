//! A new server with four agents on it: what most tests of the protocol begin with.

use serde_json::{Value, json};
use wardroom::client::{Connection, Methods};

use super::server::TestServerBuilder;
use super::{Agent, TestServer, soon};

/// The names of [`Cast::agents`], in their order.
pub const NAMES: [&str; 4] = ["controller", "alice", "bob", "carol"];

/// A new server, its controller and three participants, each with one session that has heard of all others.
pub struct Cast {
    /// The server.
    pub server: TestServer,
    agents: Vec<Agent>,
}

impl Cast {
    /// A server with its defaults, except that nobody is slowed down.
    pub async fn gather() -> Self {
        Self::gather_on(TestServer::builder()).await
    }

    /// A server as the test wants it. It starts on a thread of its own, so that several can start at once.
    pub async fn gather_on(builder: TestServerBuilder) -> Self {
        let server = tokio::task::spawn_blocking(move || builder.start())
            .await
            .expect("the server starts");
        let controller = server.controller().await;
        let mut agents = vec![controller];
        for name in &NAMES[1..] {
            let agent = server.participant(&agents[0], name).await;
            agents.push(agent);
        }
        for agent in &agents {
            agent.told().await;
        }
        Self { server, agents }
    }

    /// One of the four.
    pub fn agent(&self, name: &str) -> &Agent {
        let place = NAMES.iter().position(|known| *known == name);
        &self.agents[place.unwrap_or_else(|| panic!("`{name}` is not in the cast"))]
    }

    /// The agent that governs.
    pub fn controller(&self) -> &Agent {
        &self.agents[0]
    }

    /// A participant.
    pub fn alice(&self) -> &Agent {
        &self.agents[1]
    }

    /// A participant.
    pub fn bob(&self) -> &Agent {
        &self.agents[2]
    }

    /// A participant.
    pub fn carol(&self) -> &Agent {
        &self.agents[3]
    }

    /// All four, in the order of [`NAMES`].
    pub fn agents(&self) -> &[Agent] {
        &self.agents
    }

    /// The controller, on a further session.
    pub async fn controller_again(&self) -> Agent {
        Agent::enter(&self.server, &self.agents[0].key).await
    }

    /// Stops the server in order and starts it again on the same data. Everybody comes back whose key is still good.
    pub async fn restart(&mut self) {
        self.server.signal("TERM");
        self.server.wait();
        self.restart_killed().await;
    }

    /// Starts a server that was killed again on the same data, as [`Cast::restart`].
    pub async fn restart_killed(&mut self) {
        let former = std::mem::take(&mut self.agents);
        self.server.restart();
        for agent in former {
            let again = Agent::try_enter(&self.server, json!({ "apiKey": agent.key })).await;
            // Whoever was shut out stays in the cast, on a connection that has ended.
            self.agents.push(again.unwrap_or(agent));
        }
        self.settle().await;
    }

    /// Forgets what everybody has been told so far.
    pub async fn settle(&self) {
        for agent in &self.agents {
            agent.told().await;
        }
    }
}

/// Waits until everything that was told to `connection` because of acts before now has arrived; also when the connection
/// ended meanwhile. For a connection that is authenticated.
///
/// It asks for a change, because changes are answered and told in one order; that this one is refused does not matter.
pub async fn arrived(connection: &Connection) {
    let nowhere: Value = json!({ "roomId": "00000000-0000-4000-8000-000000000000" });
    let answer = soon("an answer", connection.call("room.leave", nowhere)).await;
    assert!(answer.is_err(), "there is no such room: {answer:?}");
}
