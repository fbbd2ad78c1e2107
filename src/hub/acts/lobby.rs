//! The message of the day.

use std::sync::Arc;

use crate::domain::{Event, Refusal};
use crate::hub::act::{Act, Audience, Desk, Except};
use crate::hub::change::Change;
use crate::store::settings;

/// Sets the message of the day, or clears it.
#[derive(Clone, Debug)]
pub struct SetMotd {
    /// The text; `None` clears it.
    pub content: Option<Arc<str>>,
}

impl Act for SetMotd {
    type Receipt = ();

    fn run(&self, desk: &mut Desk<'_>) -> Result<(), Refusal> {
        let me = desk.controller()?;
        settings::set(desk.connection, settings::MOTD, self.content.as_deref())?;
        desk.change(Change::MotdSet(self.content.clone()));
        let content = self.content.as_deref().map(str::to_owned);
        let event = Event::LobbyMotd {
            content,
            set_by: me.agent.id,
            set_by_name: me.name.clone(),
        };
        desk.tell(Audience::Everyone, Except::Session(me.session), event);
        Ok(())
    }
}
