//! Who is there, as newcomers are told.

use std::collections::BTreeMap;

use bytes::{Bytes, BytesMut};

use crate::domain::AgentNumber;

/// The agents that are there, each with the event that told of its coming: encoded once for everybody, then and later.
#[derive(Default)]
pub(super) struct Present {
    arrivals: BTreeMap<AgentNumber, Bytes>,
}

impl Present {
    /// An agent came.
    pub(super) fn add(&mut self, agent: AgentNumber, arrival: Bytes) {
        self.arrivals.insert(agent, arrival);
    }

    /// An agent went.
    pub(super) fn remove(&mut self, agent: AgentNumber) {
        self.arrivals.remove(&agent);
    }

    /// What `newcomer` is told of all others, in one piece, and how many they are. Thousands of newcomers are told of thousands:
    /// a piece for each would be most of what a crowd costs.
    pub(super) fn greeting(&self, newcomer: AgentNumber) -> (Bytes, u64) {
        let others = || self.arrivals.iter().filter(|(agent, _)| **agent != newcomer);
        let mut joined = BytesMut::with_capacity(others().map(|(_, arrival)| arrival.len()).sum());
        let mut count = 0;
        for (_, arrival) in others() {
            joined.extend_from_slice(arrival);
            count += 1;
        }
        (joined.freeze(), count)
    }
}
