//! What changes in the state when an agent is another one than before, or none any more.

use std::sync::Arc;

use super::directory::Directory;
use super::keyring::KeyChange;
use crate::domain::{AgentNumber, Name};

impl Directory {
    /// An agent is revoked: its keys, memberships and invitations go.
    pub(super) fn revoke(&mut self, agent: AgentNumber) {
        self.keys.apply(KeyChange::AllRemoved(agent));
        self.with_agent(agent, |agent| agent.revoked = true);
        for room in self.rooms.values_mut() {
            if room.has_member(agent) {
                Arc::make_mut(&mut room.members).remove(&agent);
            }
            room.invited.remove(&agent);
        }
    }

    /// An agent has another registered name. Sessions that went by the former one go by it too.
    pub(super) fn rename(&mut self, agent: AgentNumber, name: &Name) {
        let Some(agent) = self.agents.get_mut(&agent) else {
            return;
        };
        for session in &agent.sessions {
            if let Some(session) = self
                .sessions
                .get_mut(session)
                .filter(|session| session.name == agent.name)
            {
                session.name = name.clone();
            }
        }
        agent.name = name.clone();
    }
}
