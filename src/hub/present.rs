//! Who is there, as newcomers are told.

use std::collections::{BTreeMap, HashMap};

use bytes::{Bytes, BytesMut};

use crate::domain::{AgentNumber, SessionId};

/// Bytes after which another part is begun.
const PART_BYTES: usize = 16 * 1024;

/// The agents that are there, each with the event that tells of the oldest of its sessions.
///
/// Each event is encoded once, for everybody, and they are joined in parts that all newcomers share: when thousands come, a
/// piece or a copy for each of the others would be most of what a crowd costs. Who comes or goes changes one part.
#[derive(Default)]
pub(super) struct Present {
    parts: BTreeMap<u64, Part>,
    agents: HashMap<AgentNumber, Here>,
    /// Counts parts.
    count: u64,
}

/// An agent that is there.
struct Here {
    /// In which part it is told.
    place: u64,
    /// Its sessions, the oldest first, each with the event that tells of it.
    sessions: Vec<(SessionId, Bytes)>,
}

/// Some of the agents that are there.
#[derive(Default)]
struct Part {
    arrivals: Vec<(AgentNumber, Bytes)>,
    joined: Bytes,
}

impl Part {
    /// Sets how an agent is told of.
    fn set(&mut self, agent: AgentNumber, told: Option<Bytes>) {
        let index = self.arrivals.iter().position(|(other, _)| *other == agent);
        match (index, told) {
            (Some(index), Some(told)) if self.arrivals[index].1 == told => return,
            (Some(index), Some(told)) => self.arrivals[index].1 = told,
            (Some(index), None) => {
                self.arrivals.remove(index);
            }
            (None, Some(told)) => self.arrivals.push((agent, told)),
            (None, None) => return,
        }
        self.joined = self.join(None);
    }

    fn join(&self, except: Option<AgentNumber>) -> Bytes {
        let mut joined = BytesMut::with_capacity(self.joined.len());
        for (agent, arrival) in &self.arrivals {
            if Some(*agent) != except {
                joined.extend_from_slice(arrival);
            }
        }
        joined.freeze()
    }
}

impl Present {
    /// A session of an agent came.
    pub(super) fn open(&mut self, agent: AgentNumber, session: SessionId, arrival: Bytes) {
        if let Some(here) = self.agents.get_mut(&agent) {
            return here.sessions.push((session, arrival));
        }
        let place = match self.parts.last_key_value() {
            Some((place, part)) if part.joined.len() < PART_BYTES => *place,
            _ => {
                self.count += 1;
                self.count
            }
        };
        let sessions = vec![(session, arrival.clone())];
        self.agents.insert(agent, Here { place, sessions });
        self.parts.entry(place).or_default().set(agent, Some(arrival));
    }

    /// A session of an agent went. The agent is told of by the next one, if it has one.
    pub(super) fn close(&mut self, agent: AgentNumber, session: SessionId) {
        self.with_sessions(agent, |sessions| sessions.retain(|(open, _)| *open != session));
    }

    /// A session of an agent goes by another name.
    pub(super) fn rename(&mut self, agent: AgentNumber, session: SessionId, renamed: &Bytes) {
        self.with_sessions(agent, |sessions| {
            for (_, arrival) in sessions.iter_mut().filter(|(open, _)| *open == session) {
                arrival.clone_from(renamed);
            }
        });
    }

    fn with_sessions(&mut self, agent: AgentNumber, change: impl FnOnce(&mut Vec<(SessionId, Bytes)>)) {
        let Some(here) = self.agents.get_mut(&agent) else {
            return;
        };
        change(&mut here.sessions);
        let place = here.place;
        let told = here.sessions.first().map(|(_, arrival)| arrival.clone());
        if told.is_none() {
            self.agents.remove(&agent);
        }
        let Some(part) = self.parts.get_mut(&place) else { return };
        part.set(agent, told);
        if part.arrivals.is_empty() {
            self.parts.remove(&place);
        }
    }

    /// What `newcomer` is told of all others.
    pub(super) fn greeting(&self, newcomer: AgentNumber) -> impl Iterator<Item = Bytes> {
        let own = self.agents.get(&newcomer).map(|here| here.place);
        let pieces = self.parts.iter().map(move |(place, part)| match own {
            Some(own) if own == *place => part.join(Some(newcomer)),
            _ => part.joined.clone(),
        });
        pieces.filter(|piece| !piece.is_empty())
    }

    /// How many others there are for `newcomer`.
    pub(super) fn others(&self, newcomer: AgentNumber) -> u64 {
        (self.agents.len() - usize::from(self.agents.contains_key(&newcomer))) as u64
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_newcomer_is_told_of_everybody_else_once(steps in prop::collection::vec((0_u8..40, 0_u8..3, 0_u8..3), 0..300), newcomer in 0_u8..40) {
            let mut present = Present::default();
            // The sessions of each agent, the oldest first, with what tells of it.
            let mut expected: BTreeMap<u8, Vec<(u8, u8)>> = BTreeMap::new();
            for (count, (agent, session, step)) in steps.into_iter().enumerate() {
                let sessions = expected.entry(agent).or_default();
                let (number, id) = (AgentNumber(agent.into()), SessionId(session.into()));
                let mark = u8::try_from(count % 256).expect("small");
                // Long enough for several parts.
                let arrival = Bytes::from(vec![[agent, mark]; 1000].concat());
                let open = sessions.iter().position(|(open, _)| *open == session);
                match (step, open) {
                    (0, None) => {
                        present.open(number, id, arrival);
                        sessions.push((session, mark));
                    }
                    (1, Some(index)) => {
                        present.rename(number, id, &arrival);
                        sessions[index].1 = mark;
                    }
                    _ => {
                        present.close(number, id);
                        sessions.retain(|(open, _)| *open != session);
                    }
                }
            }
            expected.remove(&newcomer);
            let told: Vec<u8> = present.greeting(AgentNumber(newcomer.into())).flatten().collect();
            let mut told: Vec<[u8; 2]> = told.chunks(2000).map(|arrival| [arrival[0], arrival[1]]).collect();
            told.sort_unstable();
            let expected: Vec<[u8; 2]> =
                expected.iter().filter_map(|(agent, sessions)| Some([*agent, sessions.first()?.1])).collect();
            prop_assert_eq!(present.others(AgentNumber(newcomer.into())), expected.len() as u64);
            prop_assert_eq!(told, expected);
        }
    }
}
