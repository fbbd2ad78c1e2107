//! The leases that run, by task and by when they end.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::{AgentNumber, Lease, RowId, StreamNumber};

/// Every lease that has not been taken back. Bounded by the limit on open tasks of each room.
#[derive(Clone, Debug, Default)]
pub(super) struct Leases {
    /// With the generation of the claim.
    by_task: BTreeMap<RowId, (Lease, u64)>,
    by_end: BTreeSet<(u64, RowId)>,
}

/// A task that is held, and by which claim.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Claim {
    pub(super) task: RowId,
    pub(super) generation: u64,
}

impl Leases {
    /// The lease of a task.
    pub(super) fn get(&self, task: RowId) -> Option<Lease> {
        self.by_task.get(&task).map(|(lease, _)| *lease)
    }

    /// Begins or changes the lease of a task.
    pub(super) fn set(&mut self, task: RowId, lease: Lease, generation: u64) {
        self.end(task);
        self.by_task.insert(task, (lease, generation));
        self.by_end.insert((lease.ends_ms, task));
    }

    /// Ends the lease of a task, if it has one.
    pub(super) fn end(&mut self, task: RowId) {
        if let Some((lease, _)) = self.by_task.remove(&task) {
            self.by_end.remove(&(lease.ends_ms, task));
        }
    }

    /// Ends every lease in a room.
    pub(super) fn end_room(&mut self, room: StreamNumber) {
        for task in self.in_room(room).map(|(task, _)| *task).collect::<Vec<_>>() {
            self.end(task);
        }
    }

    /// When the first lease ends, by the steady clock.
    pub(super) fn first_end(&self) -> Option<u64> {
        self.by_end.first().map(|(ends_ms, _)| *ends_ms)
    }

    /// The tasks whose lease is over, the longest over first.
    pub(super) fn over(&self, now_ms: u64) -> impl Iterator<Item = RowId> {
        self.by_end
            .iter()
            .take_while(move |(ends_ms, _)| *ends_ms <= now_ms)
            .map(|(_, task)| *task)
    }

    /// The tasks that an agent holds, in one room or in all of them, and by which claim.
    pub(super) fn held_by(&self, agent: AgentNumber, room: Option<StreamNumber>) -> Vec<Claim> {
        let held = |(task, (lease, generation)): (&RowId, &(Lease, u64))| {
            (lease.holder == agent).then_some(Claim {
                task: *task,
                generation: *generation,
            })
        };
        match room {
            Some(room) => self.in_room(room).filter_map(held).collect(),
            None => self.by_task.iter().filter_map(held).collect(),
        }
    }

    /// Whether the task is still held by that claim.
    pub(super) fn has(&self, claim: Claim) -> bool {
        self.by_task
            .get(&claim.task)
            .is_some_and(|(_, generation)| *generation == claim.generation)
    }

    fn in_room(&self, room: StreamNumber) -> impl Iterator<Item = (&RowId, &(Lease, u64))> {
        self.by_task.range(RowId::new(room, 0)..=RowId::last_of(room))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_that_was_claimed_anew_is_not_held_by_the_former_claim() {
        let room = StreamNumber::from_bits(1).expect("a number");
        let (task, holder) = (RowId::new(room, 1), AgentNumber(7));
        let until = |ends_ms| Lease {
            holder,
            term_ms: 10,
            ends_ms,
        };
        let mut leases = Leases::default();
        leases.set(task, until(10), 1);
        let [former] = leases.held_by(holder, None)[..] else {
            panic!("one claim")
        };
        assert!(leases.has(former));
        // Renewed, it is the same claim.
        leases.set(task, until(20), 1);
        assert!(leases.has(former));
        leases.end(task);
        assert!(!leases.has(former));
        leases.set(task, until(30), 2);
        assert!(!leases.has(former));
    }
}
