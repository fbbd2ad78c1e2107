//! What only the operator does, on the command line.

use crate::domain::{EndReason, Event, Refusal, Role};
use crate::hub::act::{Act, Audience, Desk, Except};
use crate::hub::acts::sessions::end_all;
use crate::hub::change::Change;
use crate::hub::directory::Agent;
use crate::store::settings;

/// Refuses or admits participants that come in from now on. Those inside stay; the controller always gets in.
#[derive(Clone, Copy, Debug)]
pub struct SetLock {
    /// Whether to refuse them.
    pub locked: bool,
}

impl Act for SetLock {
    type Receipt = ();

    fn run(&self, desk: &mut Desk<'_>) -> Result<(), Refusal> {
        desk.operator()?;
        settings::set(desk.connection, settings::LOCKED, self.locked.then_some("1"))?;
        desk.change(Change::LockSet(self.locked));
        Ok(())
    }
}

/// Ends every session, of all agents or of all but the controller. They may come back.
#[derive(Clone, Debug)]
pub struct KickEveryone {
    /// Why.
    pub reason: EndReason,
    /// Whether the controller stays.
    pub spare_controller: bool,
}

impl Act for KickEveryone {
    /// How many agents were online.
    type Receipt = usize;
    const STORES: bool = false;

    fn run(&self, desk: &mut Desk<'_>) -> Result<usize, Refusal> {
        desk.operator()?;
        let state = desk.state;
        let spared = |agent: &Agent| self.spare_controller && agent.role == Role::Controller;
        let agents: Vec<&Agent> = state.online_agents().filter(|agent| !spared(agent)).collect();
        for agent in &agents {
            let name = end_all(desk, agent, &self.reason);
            let event = Event::Presence {
                agent: agent.id,
                name,
                online: false,
            };
            desk.tell(Audience::Everyone, Except::Nobody, event);
        }
        Ok(agents.len())
    }
}

/// Writes something that does not matter, to find out whether the disk takes changes again.
#[derive(Clone, Copy, Debug)]
pub struct ProbeStorage;

impl Act for ProbeStorage {
    type Receipt = ();

    fn run(&self, desk: &mut Desk<'_>) -> Result<(), Refusal> {
        desk.operator()?;
        settings::set(desk.connection, settings::PROBE, Some(&desk.now_ms.to_string()))?;
        Ok(())
    }
}
