//! A peer beyond the server, at the other end of a link over WebRTC.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::mpsc;
use wardroom::client::Backoff;
use wardroom::domain::Permission;
use wardroom::p2p::{Author, Envelope, Link, LinkEvent, LinkOptions, SendError};
use wardroom::runtime::clock::{SystemClock, SystemEntropy};
use wardroom::runtime::lifecycle::Lifecycle;

use super::soon;

/// A peer that acknowledges what it gets, as the bridges of link-agent and wardroom do.
pub struct Peer {
    /// The link.
    pub link: Link,
    events: mpsc::Receiver<LinkEvent>,
    /// Messages that came while something else was waited for.
    passed: Vec<Value>,
    /// The ids that were acknowledged.
    acknowledged: Vec<String>,
    /// Whether it acknowledges what it gets.
    pub acknowledges: bool,
    // Its tasks end with it.
    lifecycle: Lifecycle,
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.lifecycle.abort();
    }
}

impl Peer {
    /// Enters the P2P room of an opening, of which `opening` is one place with its `signalUrl`, and waits until it is linked.
    pub async fn enter(signal_url: &str, p2p_room: &str, name: &str, permission: Permission) -> Self {
        let mut peer = Self::call(signal_url, p2p_room, name, permission);
        peer.connected().await;
        peer
    }

    /// Enters a P2P room without waiting.
    pub fn call(signal_url: &str, p2p_room: &str, name: &str, permission: Permission) -> Self {
        let mut options = LinkOptions::new(signal_url, name);
        options.room = Some(p2p_room.to_owned());
        options.permission = permission;
        options.intervals.reconnect = Backoff {
            first: Duration::from_millis(100),
            most: Duration::from_secs(1),
        };
        let lifecycle = Lifecycle::new();
        let (clock, entropy) = (Arc::new(SystemClock::default()), Arc::new(SystemEntropy));
        let (link, events) = Link::start(options, &lifecycle, clock, entropy);
        Self {
            link,
            events,
            passed: Vec::new(),
            acknowledged: Vec::new(),
            acknowledges: true,
            lifecycle,
        }
    }

    /// Who writes in its name.
    pub fn author(&self) -> &Author {
        self.link.author()
    }

    async fn event(&mut self, what: &str) -> LinkEvent {
        let event = soon(what, self.events.recv()).await;
        let event = event.unwrap_or_else(|| panic!("the link ended: {what}"));
        if let LinkEvent::Received { value, refused, .. } = &event {
            if value["type"] == "ack" {
                self.acknowledged
                    .push(value["replyTo"].as_str().expect("an id").to_owned());
            } else if refused.is_none() {
                self.passed.push(value.clone());
                if self.acknowledges {
                    let ack = Envelope::ack(self.author(), &value["id"]).expect("an envelope");
                    // If the link is gone, the message comes again.
                    drop(self.link.send(&ack).await);
                }
            }
        }
        event
    }

    /// Waits until it is linked: what the other end calls itself, and the level.
    pub async fn connected(&mut self) -> (String, Permission) {
        loop {
            if let LinkEvent::Connected { peer, permission } = self.event("a link").await {
                return (peer, permission);
            }
        }
    }

    /// Waits until the link is lost.
    pub async fn disconnected(&mut self) {
        loop {
            if let LinkEvent::Disconnected { .. } | LinkEvent::Closed = self.event("the end of the link").await {
                return;
            }
        }
    }

    /// Waits until another level holds.
    pub async fn permission_changed(&mut self) -> Permission {
        loop {
            if let LinkEvent::PermissionChanged { permission } = self.event("another level").await {
                return permission;
            }
        }
    }

    /// The next message that is not an acknowledgement.
    pub async fn next(&mut self) -> Value {
        while self.passed.is_empty() {
            self.event("a message").await;
        }
        self.passed.remove(0)
    }

    /// Sends a message and waits until it is acknowledged: its id.
    pub async fn send(&mut self, envelope: &Envelope) -> String {
        self.try_send(envelope).await.expect("it is sent");
        let id = envelope.id().expect("an id").to_owned();
        self.acknowledgement(&id).await;
        id
    }

    /// Sends a message, if the link takes it.
    pub async fn try_send(&self, envelope: &Envelope) -> Result<(), SendError> {
        soon("sending", self.link.send(envelope)).await
    }

    /// Waits until a message is acknowledged.
    pub async fn acknowledgement(&mut self, id: &str) {
        while !self.acknowledged.iter().any(|known| known == id) {
            self.event("an acknowledgement").await;
        }
        self.acknowledged.retain(|known| known != id);
    }

    /// Says something and waits until it is acknowledged: its id.
    pub async fn say(&mut self, text: &str) -> String {
        let envelope = Envelope::chat(self.author(), text, None).expect("an envelope");
        self.send(&envelope).await
    }

    /// Leaves. What it did not read is lost to it.
    pub async fn leave(self) {
        let link = self.link.clone();
        drop(self);
        soon("the end of the link", link.close()).await;
    }
}
