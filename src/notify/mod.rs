//! Telling the operator what happens to links: commands, files, web addresses, the standard output, Telegram.
//!
//! Whatever is told comes from a peer that nobody vouches for. So no value ever becomes a part of a command, addresses that
//! are told are checked where they lead, files get names of our own, and whoever is slow or gone costs a bounded queue and
//! never the link.

mod address;
mod command;
mod event;
mod file;
mod hooks;
mod http;
mod options;
mod sink;
mod telegram;
mod telegram_text;
mod template;
mod webhook;

use std::sync::Arc;

use tokio::sync::mpsc;

pub use event::{Event, Message};
pub use options::{Adapter, Hooks, NotifyOptions, NotifyProblem, TelegramOptions, WebhookOptions};
pub use telegram::Command;

use crate::runtime::clock::Clock;
use crate::runtime::lifecycle::Lifecycle;
use sink::Sink;

/// Commands that may wait to be obeyed. More are answered only when there is room.
const COMMANDS: usize = 16;

/// Tells whoever wants to know. Cheap to clone; all clones are the same.
#[derive(Clone)]
pub struct Notifier {
    sinks: Arc<[Sink]>,
    hooks: Option<Arc<hooks::Runner>>,
    clock: Arc<dyn Clock>,
}

impl Notifier {
    /// Starts what `options` ask for; with none of them it does nothing. The receiver gives what the operator asks for over
    /// Telegram, and ends at once without it. Everything ends with `lifecycle`: what waits to be told then has two seconds.
    ///
    /// # Errors
    ///
    /// [`NotifyProblem`] for options that cannot work, so that the operator learns it at the start.
    pub fn start(
        options: NotifyOptions,
        lifecycle: &Lifecycle,
        clock: Arc<dyn Clock>,
    ) -> Result<(Self, mpsc::Receiver<Command>), NotifyProblem> {
        // A full one makes the reader of Telegram wait, which asks again then.
        let (commands, receiver) = mpsc::channel(COMMANDS);
        let processes = command::Processes::new(lifecycle.clone());
        let hooks = hooks::Runner::new(&options.hooks, &processes)?;
        let mut sinks = Vec::new();
        if let Some(adapter) = options.adapter {
            sinks.push(Sink::of_adapter(adapter, &processes, lifecycle)?);
        }
        if let Some(telegram) = options.telegram {
            sinks.push(telegram::start(&telegram, lifecycle, commands)?);
        }
        let notifier = Self {
            sinks: sinks.into(),
            hooks: hooks.map(Arc::new),
            clock,
        };
        Ok((notifier, receiver))
    }

    /// Tells of an event. Never waits: when too much waits to be told already, this is dropped, and the log says so.
    pub fn notify(&self, event: Event) {
        if let Some(hooks) = &self.hooks {
            hooks.run(&event);
        }
        let at_ms = self.clock.now_ms();
        let event = Arc::new(event);
        for sink in self.sinks.iter() {
            sink.push(at_ms, &event);
        }
    }
}
