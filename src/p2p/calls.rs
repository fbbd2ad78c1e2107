//! The connection that a link has at the moment, and the offer that may replace it.

use std::sync::Arc;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::domain::Permission;

use super::conversation::Conversation;
use super::engine::Engine;
use super::shared::Signs;
use super::transport::{Happenings, Transport};
use super::wire::{Report, Wire};

/// Changes of level on their way to the connection.
const LEVELS: usize = 4;

/// A connection with its task.
pub(super) struct Call {
    /// Tells its reports from those of the connections before it.
    pub(super) number: u64,
    pub(super) transport: Transport,
    pub(super) signs: Arc<Signs>,
    pub(super) levels: mpsc::Sender<Permission>,
    cancel: CancellationToken,
    task: JoinHandle<()>,
}

impl Call {
    /// Ends the task, then the connection. The task tells nothing any more when this returns.
    pub(super) async fn end(self) {
        self.cancel.cancel();
        drop(self.task.await);
        self.transport.close().await;
    }
}

/// An offer, and the candidates that came after it.
pub(super) struct Held {
    pub(super) offer: String,
    pub(super) candidates: Vec<String>,
    most: usize,
}

impl Held {
    pub(super) fn new(offer: String, most: usize) -> Self {
        Self {
            offer,
            candidates: Vec::new(),
            most,
        }
    }

    /// Keeps a candidate, unless there are as many as a connection may have.
    pub(super) fn add(&mut self, candidate: String) {
        if self.candidates.len() < self.most {
            self.candidates.push(candidate);
        }
    }
}

impl Engine {
    /// Starts the task of a new connection.
    pub(super) fn begin(
        &mut self,
        transport: Transport,
        happenings: Happenings,
        reports: &mpsc::Sender<(u64, Report)>,
    ) {
        self.calls += 1;
        let (levels, changed) = mpsc::channel(LEVELS);
        let cancel = CancellationToken::new();
        let signs = Arc::new(Signs::default());
        let author = self.shared.author.clone();
        let wire = Wire {
            number: self.calls,
            shared: Arc::clone(&self.shared),
            signs: Arc::clone(&signs),
            limits: self.options.limits,
            secret: self.options.secret.clone(),
            has_refused: false,
            connection: transport.connection(),
            happenings,
            conversation: Conversation::new(author, self.options.permission, &self.options.limits),
            events: self.events.clone(),
            reports: reports.clone(),
            levels: changed,
            cancel: cancel.clone(),
        };
        let task = self.lifecycle.spawn("link connection", wire.run());
        self.call = Some(Call {
            number: self.calls,
            transport,
            signs,
            levels,
            cancel,
            task,
        });
    }
}
