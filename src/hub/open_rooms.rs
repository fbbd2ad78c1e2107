//! Counts the rooms that exist, so that making one more does not go through all that ever were.

use std::collections::HashMap;

use crate::domain::AgentNumber;

/// How many rooms exist and who owns them. Neither the lobby nor deleted rooms count.
#[derive(Clone, Debug, Default)]
pub(super) struct OpenRooms {
    total: usize,
    /// Those who own none are left out.
    by_owner: HashMap<AgentNumber, usize>,
}

impl OpenRooms {
    pub(super) fn total(&self) -> usize {
        self.total
    }

    pub(super) fn owned_by(&self, agent: AgentNumber) -> usize {
        self.by_owner.get(&agent).copied().unwrap_or(0)
    }

    pub(super) fn add(&mut self, owner: AgentNumber) {
        self.total += 1;
        *self.by_owner.entry(owner).or_insert(0) += 1;
    }

    pub(super) fn remove(&mut self, owner: AgentNumber) {
        self.total = self.total.saturating_sub(1);
        if let Some(count) = self.by_owner.get_mut(&owner) {
            *count -= 1;
            if *count == 0 {
                self.by_owner.remove(&owner);
            }
        }
    }
}
