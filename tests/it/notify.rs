//! Telling what happens to links, through real servers and real processes.

mod commands;
mod files;
mod server;
mod telegram;
mod webhooks;

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::mpsc;
use wardroom::notify::{Command, Event, Message, Notifier, NotifyOptions};
use wardroom::runtime::clock::SystemClock;
use wardroom::runtime::lifecycle::Lifecycle;

use crate::support::{PATIENCE, soon};

/// So short that nobody waits for it.
pub const BRIEFLY: Duration = Duration::from_millis(10);

/// A notifier with a life of its own.
pub struct Teller {
    pub notifier: Notifier,
    pub commands: mpsc::Receiver<Command>,
    lifecycle: Lifecycle,
}

impl Teller {
    pub fn start(options: NotifyOptions) -> Self {
        let lifecycle = Lifecycle::new();
        let clock = Arc::new(SystemClock::default());
        let (notifier, commands) = Notifier::start(options, &lifecycle, clock).expect("sound options");
        Self {
            notifier,
            commands,
            lifecycle,
        }
    }

    /// Ends it, when everything that was to be told is told.
    pub async fn finish(self) {
        self.lifecycle.stop();
        let ended = self.lifecycle.wait(PATIENCE, PATIENCE);
        soon("the notifier to end", ended).await.expect("nothing is stuck");
        assert!(!self.lifecycle.hard_stop().is_cancelled());
    }
}

/// A message that came.
pub fn message(from: &str, envelope: Value) -> Event {
    Event::Message(Message {
        room: "r1".to_owned(),
        from: Some(from.to_owned()),
        envelope,
        is_outbound: false,
        agents: Vec::new(),
    })
}

/// A text that came.
pub fn chat(content: &str) -> Event {
    message(
        "Peer",
        json!({ "id": "e05ca21f", "type": "chat", "payload": { "content": content } }),
    )
}
