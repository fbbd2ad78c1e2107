//! The frame of every abuse: others talk meanwhile, and afterwards the server is as it was.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::task::JoinSet;

use super::process::{MIB, descriptors, forget_peak, peak, resident};
use crate::support::{Agent, TestServer, at_most, slowest, soon};

/// How long 99 of 100 messages of bystanders may take.
const MOST: Duration = Duration::from_millis(250);

/// How long any of them may take.
const LONGEST: Duration = Duration::from_secs(2);

/// A server under abuse, and two agents in a room who do not notice.
pub struct Abuse {
    /// The server.
    pub server: TestServer,
    /// The controller, who may do anything.
    pub controller: Agent,
    bystanders: Bystanders,
    before: (u64, usize),
}

impl Abuse {
    /// Starts a server and the conversation.
    pub async fn begin() -> Self {
        Self::begin_with(TestServer::start()).await
    }

    /// Starts the conversation.
    pub async fn begin_with(server: TestServer) -> Self {
        let controller = server.controller().await;
        let bystanders = Bystanders::begin(&server, &controller).await;
        forget_peak(&server);
        let before = (resident(&server), descriptors(&server));
        Self {
            server,
            controller,
            bystanders,
            before,
        }
    }

    /// Checks that the server has survived, that the conversation has lost nothing, and what it all cost.
    pub async fn end(self) -> TestServer {
        let (memory, files) = self.before;
        let peak = peak(&self.server).saturating_sub(memory);
        assert!(peak <= 192 * MIB, "{} MiB more at the peak", peak / MIB);
        self.bystanders.end().await;
        let server = self.server;
        soon("connections to be closed", async {
            while descriptors(&server) > files + 10 {
                // Whatever the server has to do with an ended connection comes before this answer or soon after it.
                assert_eq!(server.get("/health").await.0, 200);
            }
        })
        .await;
        let kept = resident(&server).saturating_sub(memory);
        assert!(kept <= 48 * MIB, "{} MiB more afterwards", kept / MIB);
        assert_eq!(server.get("/ready").await.0, 200);
        let log = server.output();
        assert!(!log.contains("panicked"), "{log}");
        assert!(!log.contains("ERROR"), "{log}");
        server
    }
}

/// Two agents: one counts aloud, the other listens.
pub struct Bystanders {
    tasks: JoinSet<Vec<Duration>>,
    enough: Arc<AtomicBool>,
}

impl Bystanders {
    /// Begins their conversation.
    pub async fn begin(server: &TestServer, controller: &Agent) -> Self {
        let speaker = server.participant(controller, "speaker").await;
        let listener = server.participant(controller, "listener").await;
        let room = speaker.create_room("Bystanders", "private").await;
        speaker
            .call("room.invite", json!({ "roomId": room, "agentId": listener.id() }))
            .await;
        listener.call("room.join", json!({ "roomId": room })).await;
        let enough = Arc::new(AtomicBool::new(false));
        let mut tasks = JoinSet::new();
        tasks.spawn(converse(speaker, listener, room, Arc::clone(&enough)));
        Self { tasks, enough }
    }

    /// Ends it: nothing was lost, and nothing took long.
    pub async fn end(mut self) {
        self.enough.store(true, Ordering::Relaxed);
        let outcome = soon("the end of the conversation", self.tasks.join_next()).await;
        let took = outcome.expect("a task").expect("the conversation went on");
        let (most, longest) = slowest(took);
        assert!(
            most <= at_most(MOST),
            "one message in a hundred took {most:?} or longer"
        );
        assert!(longest <= at_most(LONGEST), "a message took {longest:?}");
    }
}

/// How long each message took from being sent to having been acknowledged and heard.
async fn converse(speaker: Agent, listener: Agent, room: String, enough: Arc<AtomicBool>) -> Vec<Duration> {
    let mut took = Vec::new();
    while !enough.load(Ordering::Relaxed) || took.len() < 20 {
        let began = Instant::now();
        let content = took.len().to_string();
        let receipt = speaker.say(&room, &content).await;
        let heard = listener.expect("message").await;
        assert_eq!(heard["message"]["content"], content.as_str());
        assert_eq!(receipt["seq"], took.len() + 1);
        took.push(began.elapsed());
    }
    took
}
