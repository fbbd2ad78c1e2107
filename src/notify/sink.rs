//! Where events go: each way has a task and a bounded queue of its own, so that a slow one delays no other.

use std::io::{self, Write as _};
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::sync::mpsc::{self, error::TrySendError};
use tokio::time::Instant;

use super::command::Processes;
use super::event::{Event, Payload};
use super::file::Files;
use super::webhook::Webhook;
use super::{Adapter, NotifyProblem, template};
use crate::runtime::lifecycle::Lifecycle;

/// Events that may wait. More are dropped, and the log says so.
const QUEUE: usize = 256;

/// How long what waits may take to be told when everything ends.
const FAREWELL: Duration = Duration::from_secs(2);

/// Something that tells. A failure is logged by it.
pub(super) trait Teller: Send + Sync + 'static {
    /// Tells of an event that happened at `at_ms`.
    fn tell<'a>(&'a self, at_ms: i64, event: &'a Event) -> BoxFuture<'a, ()>;
}

/// The near end of a queue.
pub(super) struct Sink {
    name: &'static str,
    queue: mpsc::Sender<(i64, Arc<Event>)>,
}

impl Sink {
    /// Starts the task of a teller.
    pub(super) fn start(name: &'static str, teller: impl Teller, lifecycle: &Lifecycle) -> Self {
        let (queue, mut events) = mpsc::channel::<(i64, Arc<Event>)>(QUEUE);
        let (soft_stop, hard_stop) = (lifecycle.soft_stop(), lifecycle.hard_stop());
        lifecycle.spawn(name, async move {
            let work = async {
                loop {
                    let next = tokio::select! {
                        biased;
                        next = events.recv() => next,
                        () = soft_stop.cancelled() => None,
                    };
                    let Some((at_ms, event)) = next else { break };
                    teller.tell(at_ms, &event).await;
                }
            };
            // Counts from the stop, in which the last events are told.
            let deadline = async {
                soft_stop.cancelled().await;
                tokio::time::sleep_until(Instant::now() + FAREWELL).await;
            };
            tokio::select! {
                () = work => {}
                () = deadline => {}
                () = hard_stop.cancelled() => {}
            }
        });
        Self { name, queue }
    }

    /// Starts the task of an adapter.
    pub(super) fn of_adapter(
        adapter: Adapter,
        processes: &Processes,
        lifecycle: &Lifecycle,
    ) -> Result<Self, NotifyProblem> {
        Ok(match adapter {
            Adapter::Webhook(options) => Self::start("webhook", Webhook::new(options)?, lifecycle),
            Adapter::File { dir } => Self::start("event files", Files::new(dir)?, lifecycle),
            Adapter::Stdout => Self::start("event lines", Lines, lifecycle),
            Adapter::Shell { command } => {
                let command = template::rewrite(&command)?;
                let processes = processes.clone();
                Self::start("event commands", Shell { command, processes }, lifecycle)
            }
        })
    }

    /// Queues an event, or drops it when too many wait.
    pub(super) fn push(&self, at_ms: i64, event: &Arc<Event>) {
        if let Err(TrySendError::Full(_)) = self.queue.try_send((at_ms, Arc::clone(event))) {
            tracing::warn!(
                sink = self.name,
                event = event.name(),
                "an event was not told: too many wait"
            );
        }
    }
}

/// A command for each event, one after the other.
struct Shell {
    command: String,
    processes: Processes,
}

impl Teller for Shell {
    fn tell<'a>(&'a self, at_ms: i64, event: &'a Event) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            let values = event.payload(at_ms).values();
            self.processes.run(&self.command, &values).await;
        })
    }
}

/// A line of JSON for each event on the standard output.
struct Lines;

impl Teller for Lines {
    fn tell<'a>(&'a self, at_ms: i64, event: &'a Event) -> BoxFuture<'a, ()> {
        let line = line(&event.payload(at_ms));
        Box::pin(async move {
            let written = tokio::task::spawn_blocking(move || {
                let mut output = io::stdout().lock();
                output.write_all(line.as_bytes()).and_then(|()| output.flush())
            });
            // Whoever has closed it does not want to know.
            let _ = written.await;
        })
    }
}

/// An event as a line of JSON.
pub(super) fn line(payload: &Payload) -> String {
    // Texts, numbers and what was read as JSON can always be written.
    serde_json::to_string(payload).unwrap_or_default() + "\n"
}
