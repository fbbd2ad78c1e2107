//! Links of this process, as users of the library have them.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::mpsc;
use wardroom::client::Backoff;
use wardroom::domain::Permission;
use wardroom::p2p::{Envelope, Intervals, Link, LinkEvent, LinkOptions, SendError};
use wardroom::runtime::clock::{SystemClock, SystemEntropy};
use wardroom::runtime::lifecycle::Lifecycle;

use super::soon;

/// A link and what it tells.
pub struct TestLink {
    pub link: Link,
    pub events: mpsc::Receiver<LinkEvent>,
    lifecycle: Lifecycle,
}

/// Options for a room, with waits as short as a test wants them.
pub fn options(signal: &str, room: &str, name: &str, permission: Permission) -> LinkOptions {
    LinkOptions {
        room: Some(room.to_owned()),
        permission,
        intervals: Intervals {
            probe: Duration::from_millis(1500),
            reconnect: Backoff {
                first: Duration::from_millis(50),
                most: Duration::from_millis(500),
            },
            ..Intervals::default()
        },
        ..LinkOptions::new(signal, name)
    }
}

impl TestLink {
    pub fn start(options: LinkOptions) -> Self {
        let lifecycle = Lifecycle::new();
        let clock = Arc::new(SystemClock::default());
        let (link, events) = Link::start(options, &lifecycle, clock, Arc::new(SystemEntropy));
        Self {
            link,
            events,
            lifecycle,
        }
    }

    /// A link at this level that has entered its room.
    pub async fn enter(signal: &str, room: &str, permission: Permission) -> Self {
        let mut link = Self::start(options(signal, room, "Ward", permission));
        link.wait_for("the role", |event| matches!(event, LinkEvent::Role { .. }))
            .await;
        link
    }

    pub async fn next(&mut self) -> LinkEvent {
        soon("an event of the link", self.events.recv())
            .await
            .expect("the link is running")
    }

    /// Reads on until the event is the one that is awaited.
    pub async fn wait_for(&mut self, what: &str, is_it: impl Fn(&LinkEvent) -> bool) -> LinkEvent {
        let waiting = async {
            let mut seen = Vec::new();
            loop {
                let Some(event) = self.events.recv().await else {
                    panic!("the link ended before {what}; it told {seen:?}");
                };
                if is_it(&event) {
                    return event;
                }
                seen.push(event);
            }
        };
        soon(what, waiting).await
    }

    /// Waits for a connection; the name of the peer and the level that holds.
    pub async fn connected(&mut self) -> (String, Permission) {
        match self
            .wait_for("the connection", |event| matches!(event, LinkEvent::Connected { .. }))
            .await
        {
            LinkEvent::Connected { peer, permission } => (peer, permission),
            other => panic!("{other:?}"),
        }
    }

    /// The next message, and whether it may be delivered.
    pub async fn received(&mut self) -> (Value, bool) {
        match self
            .wait_for("a message", |event| matches!(event, LinkEvent::Received { .. }))
            .await
        {
            LinkEvent::Received { text, value, refused } => {
                assert_eq!(serde_json::from_str::<Value>(&text).expect("JSON"), value);
                (value, refused.is_none())
            }
            other => panic!("{other:?}"),
        }
    }

    /// Reads on until the link says that something is wrong.
    pub async fn error(&mut self) -> String {
        match self
            .wait_for("an error", |event| matches!(event, LinkEvent::Error { .. }))
            .await
        {
            LinkEvent::Error { message } => message,
            other => panic!("{other:?}"),
        }
    }

    pub async fn chat(&self, content: &str) -> Result<(), SendError> {
        let envelope = Envelope::chat(self.link.author(), content, None).expect("an envelope");
        self.link.send(&envelope).await
    }

    /// Closes the link, and checks that nothing of it is left running.
    pub async fn close(self) {
        soon("the end of the link", self.link.close()).await;
        self.lifecycle.stop();
        let ended = self
            .lifecycle
            .wait(Duration::from_secs(20), Duration::from_secs(1))
            .await;
        ended.expect("no task of the link is left");
    }
}
