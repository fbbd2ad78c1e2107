//! The handle of a link.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{mpsc, watch};

use crate::domain::Permission;
use crate::runtime::clock::{Clock, Entropy};
use crate::runtime::lifecycle::Lifecycle;

use super::{Author, Envelope, LinkEvent, LinkOptions, LinkStatus, SendError};

/// Commands on their way to the task of the link; whoever commands waits when the queue is full.
const COMMAND_QUEUE: usize = 8;

/// A link to whoever else is in a room, kept up until it is closed. Cheap to clone; the link closes when it is told to, when
/// all clones are dropped, when the events are no longer received, and with the lifecycle.
#[derive(Clone)]
pub struct Link {
    shared: Arc<Shared>,
    commands: mpsc::Sender<Command>,
    closed: watch::Receiver<bool>,
}

/// What the task of the link is asked for.
pub(super) enum Command {
    SetPermission(Permission),
    Close,
}

/// What the task of the link and its handles share.
pub(super) struct Shared {
    author: Author,
    status: Mutex<LinkStatus>,
}

impl Shared {
    fn status(&self) -> MutexGuard<'_, LinkStatus> {
        self.status.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Link {
    /// Starts a link. What happens on it comes through the receiver, which ends after [`LinkEvent::Closed`]. A link that
    /// cannot work at all, because the address is none, tells so and is closed.
    ///
    /// Must be called inside a Tokio runtime, and panics elsewhere.
    #[must_use]
    pub fn start(
        options: LinkOptions,
        lifecycle: &Lifecycle,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> (Self, mpsc::Receiver<LinkEvent>) {
        let (events, received) = mpsc::channel(options.limits.events.max(1));
        let (commands, mut commanded) = mpsc::channel(COMMAND_QUEUE);
        let (closing, closed) = watch::channel(false);
        let shared = Arc::new(Shared {
            author: Author::new(&options.name, clock, entropy),
            status: Mutex::new(LinkStatus {
                connected: false,
                reconnecting: false,
                room_id: options.room.clone(),
                role: None,
                peer: None,
                permission: options.permission,
                peer_joins_pieces: false,
                attempt: 0,
                last_activity_ms: None,
            }),
        });
        let link = Self {
            shared: Arc::clone(&shared),
            commands,
            closed,
        };
        lifecycle.spawn("link", async move {
            while let Some(Command::SetPermission(permission)) = commanded.recv().await {
                shared.status().permission = permission;
            }
            drop(events.send(LinkEvent::Closed).await);
            closing.send_replace(true);
        });
        (link, received)
    }

    /// Who writes on this link: makes envelopes in its name.
    #[must_use]
    pub fn author(&self) -> &Author {
        &self.shared.author
    }

    /// Sends one message. It is on its way when this returns, no more: only an acknowledgement says that it arrived.
    /// Waits while too much is on its way already.
    pub async fn send(&self, envelope: &Envelope) -> Result<(), SendError> {
        let _ = envelope;
        Err(SendError::NotConnected)
    }

    /// Changes what this side allows, now and on every later connection; the other side is told.
    pub async fn set_permission(&self, permission: Permission) {
        drop(self.commands.send(Command::SetPermission(permission)).await);
    }

    /// What the link is doing.
    #[must_use]
    pub fn status(&self) -> LinkStatus {
        self.shared.status().clone()
    }

    /// Closes the link and waits until everything is shut. Its last event is [`LinkEvent::Closed`], unless nobody reads them.
    pub async fn close(&self) {
        drop(self.commands.send(Command::Close).await);
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
