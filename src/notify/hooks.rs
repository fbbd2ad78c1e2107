//! Commands that are run when something happens.

use std::sync::Arc;

use super::command::Processes;
use super::event::Event;
use super::{Hooks, NotifyProblem, template};

/// The hooks that there are, ready to be run.
pub(super) struct Runner {
    on_connect: Option<Arc<str>>,
    on_message: Option<Arc<str>>,
    on_disconnect: Option<Arc<str>>,
    processes: Processes,
}

impl Runner {
    /// `None` when there are no hooks.
    pub(super) fn new(hooks: &Hooks, processes: &Processes) -> Result<Option<Self>, NotifyProblem> {
        let read = |command: &Option<String>| {
            let command = command.as_deref().filter(|command| !command.trim().is_empty());
            command
                .map(|command| template::rewrite(command).map(Arc::from))
                .transpose()
        };
        let runner = Self {
            on_connect: read(&hooks.on_connect)?,
            on_message: read(&hooks.on_message)?,
            on_disconnect: read(&hooks.on_disconnect)?,
            processes: processes.clone(),
        };
        let is_any = runner.on_connect.is_some() || runner.on_message.is_some() || runner.on_disconnect.is_some();
        Ok(is_any.then_some(runner))
    }

    /// Runs the hook for an event, if there is one. Does not wait for it.
    pub(super) fn run(&self, event: &Event) {
        let (command, agents) = match event {
            Event::Connected { .. } => (&self.on_connect, &[][..]),
            Event::Message(message) => (&self.on_message, &message.agents[..]),
            Event::Disconnected { .. } => (&self.on_disconnect, &[][..]),
            _ => return,
        };
        let Some(command) = command else { return };
        let each = agents.iter().map(|agent| Some(agent.as_str()));
        // Without an agent it runs once all the same.
        let once = agents.is_empty().then_some(None);
        for agent in each.chain(once) {
            if let Some(values) = event.hook_values(agent) {
                self.processes.spawn(Arc::clone(command), values);
            }
        }
    }
}
