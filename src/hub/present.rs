//! Who is there, as newcomers are told.

use std::collections::{BTreeMap, HashMap};

use bytes::{Bytes, BytesMut};

use crate::domain::AgentNumber;

/// Bytes after which another part is begun.
const PART_BYTES: usize = 16 * 1024;

/// The agents that are there, each with the event that told of its coming.
///
/// Each event is encoded once, for everybody, and they are joined in parts that all newcomers share: when thousands come, a
/// piece or a copy for each of the others would be most of what a crowd costs. Who comes or goes changes one part.
#[derive(Default)]
pub(super) struct Present {
    parts: BTreeMap<u64, Part>,
    places: HashMap<AgentNumber, u64>,
    /// Counts parts.
    count: u64,
}

/// Some of the agents that are there.
#[derive(Default)]
struct Part {
    arrivals: Vec<(AgentNumber, Bytes)>,
    joined: Bytes,
}

impl Part {
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
    /// An agent came.
    pub(super) fn add(&mut self, agent: AgentNumber, arrival: Bytes) {
        self.remove(agent);
        let place = match self.parts.last_key_value() {
            Some((place, part)) if part.joined.len() < PART_BYTES => *place,
            _ => {
                self.count += 1;
                self.count
            }
        };
        let part = self.parts.entry(place).or_default();
        part.arrivals.push((agent, arrival));
        part.joined = part.join(None);
        self.places.insert(agent, place);
    }

    /// An agent went: how its coming was told.
    pub(super) fn remove(&mut self, agent: AgentNumber) -> Option<Bytes> {
        let place = self.places.remove(&agent)?;
        let part = self.parts.get_mut(&place)?;
        let index = part.arrivals.iter().position(|(other, _)| *other == agent)?;
        let (_, arrival) = part.arrivals.remove(index);
        part.joined = part.join(None);
        if part.arrivals.is_empty() {
            self.parts.remove(&place);
        }
        Some(arrival)
    }

    /// What `newcomer` is told of all others.
    pub(super) fn greeting(&self, newcomer: AgentNumber) -> impl Iterator<Item = Bytes> {
        let own = self.places.get(&newcomer).copied();
        let pieces = self.parts.iter().map(move |(place, part)| match own {
            Some(own) if own == *place => part.join(Some(newcomer)),
            _ => part.joined.clone(),
        });
        pieces.filter(|piece| !piece.is_empty())
    }

    /// How many others there are for `newcomer`.
    pub(super) fn others(&self, newcomer: AgentNumber) -> u64 {
        (self.places.len() - usize::from(self.places.contains_key(&newcomer))) as u64
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_newcomer_is_told_of_everybody_else_once(steps in prop::collection::vec((0_i64..40, any::<bool>()), 0..300), newcomer in 0_i64..40) {
            let (mut present, mut expected) = (Present::default(), BTreeMap::new());
            for (agent, comes) in steps {
                if comes {
                    // Long enough for several parts.
                    let arrival = vec![u8::try_from(agent).expect("small"); 2000];
                    present.add(AgentNumber(agent), arrival.clone().into());
                    expected.insert(agent, arrival);
                } else {
                    present.remove(AgentNumber(agent));
                    expected.remove(&agent);
                }
            }
            expected.remove(&newcomer);
            let told: Vec<u8> = present.greeting(AgentNumber(newcomer)).flatten().collect();
            let mut told: Vec<&[u8]> = told.chunks(2000).collect();
            told.sort_unstable();
            prop_assert_eq!(told, expected.values().map(Vec::as_slice).collect::<Vec<_>>());
            prop_assert_eq!(present.others(AgentNumber(newcomer)), expected.len() as u64);
        }
    }
}
