//! The handle of a link.

use std::fmt;
use std::sync::Arc;

use serde_json::Value;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::client::Endpoint;
use crate::domain::Permission;
use crate::runtime::clock::{Clock, Entropy};
use crate::runtime::lifecycle::Lifecycle;
use crate::signaling::RoomName;

use super::conversation::content_is_private;
use super::engine::Engine;
use super::machine::Machine;
use super::pieces;
use super::privacy::private_part;
use super::runtime::Tracked;
use super::shared::{Live, Shared};
use super::transport::{Setup, details};
use super::{Author, Envelope, IceDetails, LinkEvent, LinkOptions, LinkStatus, SendError};

/// Changes of level on their way to the task of the link; whoever changes it waits when the queue is full.
const LEVELS: usize = 4;

/// Types that belong to the link itself. As messages of a user they would be taken for the link's own words.
const RESERVED: [&str; 5] = ["handshake", "handshake-ack", "_ping", "_pong", pieces::PIECE];

/// A link to whoever else is in a room, kept up until it is closed. Cheap to clone.
///
/// It closes when it is told to, when all clones are dropped, when the events are no longer received, and with the
/// lifecycle.
#[derive(Clone)]
pub struct Link {
    shared: Arc<Shared>,
    levels: mpsc::Sender<Permission>,
    closing: CancellationToken,
    closed: watch::Receiver<bool>,
}

impl Link {
    /// Starts a link. What happens on it comes through the receiver, which ends after [`LinkEvent::Closed`]. A link that
    /// cannot work at all, because of its address or its room, tells so and is closed.
    ///
    /// Must be called inside a Tokio runtime, and panics elsewhere.
    #[must_use]
    pub fn start(
        mut options: LinkOptions,
        lifecycle: &Lifecycle,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> (Self, mpsc::Receiver<LinkEvent>) {
        let (events, received) = mpsc::channel(options.limits.events.max(2));
        let (levels, changed) = mpsc::channel(LEVELS);
        let (done, closed) = watch::channel(false);
        let closing = lifecycle.soft_stop().child_token();
        let author = Author::new(&options.name, Arc::clone(&clock), Arc::clone(&entropy));
        if let Some(secret) = &options.secret {
            options.room = Some(secret.room());
        }
        let room = options.room.clone();
        let shared = Arc::new(Shared::new(author, clock, room, options.permission));
        let link = Self {
            shared: Arc::clone(&shared),
            levels,
            closing: closing.clone(),
            closed,
        };
        let problem = problem_of(&options);
        let setup = Setup {
            runtime: Tracked::new(lifecycle.clone()),
            ice_servers: options.ice_servers.clone(),
            limits: options.limits,
        };
        let engine = Engine {
            machine: Machine::new(options.intervals),
            setup,
            shared,
            lifecycle: lifecycle.clone(),
            entropy,
            events,
            levels: changed,
            closing,
            socket: None,
            dialing: None,
            call: None,
            held: None,
            calls: 0,
            room_told: false,
            options,
        };
        lifecycle.spawn("link", async move {
            if let Some(message) = problem {
                // There is room for two.
                drop(engine.events.try_send(LinkEvent::Error { message }));
                engine.closing.cancel();
            }
            engine.run().await;
            done.send_replace(true);
        });
        (link, received)
    }

    /// Who writes on this link: makes envelopes in its name.
    #[must_use]
    pub fn author(&self) -> &Author {
        &self.shared.author
    }

    /// Sends one message. It is on its way when this returns, no more: only an acknowledgement of the peer says that it
    /// arrived. Waits while [`super::LinkLimits::unsent_bytes`] are on their way already.
    ///
    /// Messages of one caller keep their order. What is larger than one message of the channel goes in pieces to a peer
    /// that joins them, and is refused towards others.
    ///
    /// # Errors
    ///
    /// [`SendError`]; with [`SendError::is_final`] another try on a link like this one will fail as well.
    pub async fn send(&self, envelope: &Envelope) -> Result<(), SendError> {
        self.send_over(envelope, self.shared.live()).await
    }

    /// The same, on the connection with this number ([`LinkStatus::connections`]) and no later one: for whoever sends again
    /// at the beginning of each connection what was not acknowledged on the one before, and keeps the order.
    ///
    /// # Errors
    ///
    /// As [`Link::send`]; [`SendError::NotConnected`] when that connection is gone.
    pub async fn send_on(&self, connection: u64, envelope: &Envelope) -> Result<(), SendError> {
        self.send_over(envelope, self.shared.live_at(connection)).await
    }

    async fn send_over(&self, envelope: &Envelope, live: Option<Live>) -> Result<(), SendError> {
        let Some(live) = live else {
            return Err(if self.shared.is_closed() {
                SendError::Closed
            } else {
                SendError::NotConnected
            });
        };
        check(envelope, &live)?;
        let bytes = envelope.text().len();
        if bytes <= live.largest {
            return put(&live, envelope.text()).await;
        }
        let limit = live.joins_bytes.unwrap_or(0).max(live.largest);
        if bytes > limit {
            return Err(SendError::TooLarge { bytes, limit });
        }
        // Without random bytes nothing can be sent safely: two messages could be taken for one.
        let of = self.shared.author.new_id().map_err(|_| SendError::NotConnected)?;
        for piece in pieces::cut(envelope.text(), &of, live.largest) {
            put(&live, &piece).await?;
        }
        Ok(())
    }

    /// Changes what this side allows, now and on every later connection; the other side is told.
    pub async fn set_permission(&self, permission: Permission) {
        // A link that is closed has no level any more.
        let _ = self.levels.send(permission).await;
    }

    /// What the link is doing.
    #[must_use]
    pub fn status(&self) -> LinkStatus {
        self.shared.status()
    }

    /// The state of the WebRTC connection that messages are sent on; none when there is none.
    pub async fn ice_details(&self) -> Option<IceDetails> {
        let live = self.shared.live()?;
        Some(details(&*live.connection).await)
    }

    /// Closes the link and waits until everything is shut. What was sent before has two seconds to arrive. The last event
    /// is [`LinkEvent::Closed`], if there is room for it.
    pub async fn close(&self) {
        self.closing.cancel();
        let mut closed = self.closed.clone();
        // An error says that the task is gone, which is as closed as can be.
        drop(closed.wait_for(|closed| *closed).await);
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Link").finish_non_exhaustive()
    }
}

/// Why the link cannot work, whatever the other side does.
fn problem_of(options: &LinkOptions) -> Option<String> {
    let address = match &options.trust {
        Some(trust) => Endpoint::parse_trusting(&options.signal_url, trust),
        None => Endpoint::parse(&options.signal_url),
    };
    if let Err(error) = address {
        return Some(error.to_string());
    }
    let room = options.room.as_deref().map(RoomName::parse).transpose();
    room.err().map(|problem| problem.to_string())
}

/// Whether the message may be sent on this connection.
fn check(envelope: &Envelope, live: &Live) -> Result<(), SendError> {
    let kind = envelope.kind();
    if RESERVED.contains(&kind) {
        return Err(SendError::Reserved { kind: kind.to_owned() });
    }
    if !live.permission.allows(kind) {
        return Err(SendError::NotAllowed {
            kind: kind.to_owned(),
            permission: live.permission,
        });
    }
    // The whole text is searched first, because that is cheap and mostly finds nothing.
    if live.permission.is_filtered() && kind == "chat" && private_part(envelope.text()).is_some() {
        let value: Option<Value> = serde_json::from_str(envelope.text()).ok();
        if let Some(pattern) = value.as_ref().and_then(content_is_private) {
            return Err(SendError::Private {
                pattern: pattern.to_owned(),
            });
        }
    }
    Ok(())
}

async fn put(live: &Live, text: &str) -> Result<(), SendError> {
    live.channel.send_text(text).await.map_err(|_| SendError::NotConnected)
}
