//! What was delivered to whom, over all sessions of an agent.
//!
//! Delivered means that the socket of a session took the event. It is kept in memory, and written down now and then: after
//! a crash less may be known than is true, never more.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::acts::RecordDelivered;
use super::feed::{Feed, Source};
use super::{Caller, Hub};
use crate::domain::{AgentNumber, Refusal, SessionId, Spans};
use crate::store::receipts::{Share, Track};

/// How long what was delivered waits to be written down.
const PAUSE: Duration = Duration::from_secs(5);

/// Agents of rooms of which is written down at once.
const BATCH: usize = 256;

/// What was delivered.
#[derive(Default)]
pub(super) struct Deliveries {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The live sessions of each agent.
    live: HashMap<AgentNumber, Vec<(SessionId, Arc<Feed>)>>,
    /// At most one entry for each member of each room.
    known: BTreeMap<Share, Spans>,
    /// What is not written down yet.
    changed: BTreeSet<Share>,
}

impl Deliveries {
    pub(super) fn load(known: Vec<(Share, Spans)>) -> Self {
        let state = State {
            known: known.into_iter().collect(),
            ..State::default()
        };
        Self {
            state: Mutex::new(state),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing under this lock can panic half way through a change.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A session is live.
    pub(super) fn open(&self, session: SessionId, agent: AgentNumber, feed: &Arc<Feed>) {
        let mut state = self.lock();
        state.live.entry(agent).or_default().push((session, Arc::clone(feed)));
    }

    /// A session is gone.
    pub(super) fn close(&self, session: SessionId, agent: AgentNumber) {
        let mut state = self.lock();
        state.collect(agent);
        if let Some(sessions) = state.live.get_mut(&agent) {
            sessions.retain(|(open, _)| *open != session);
            if sessions.is_empty() {
                state.live.remove(&agent);
            }
        }
    }

    /// Whether a position was delivered to each of these agents.
    pub(super) fn reached(&self, places: &[(Share, u64)]) -> Vec<bool> {
        let mut state = self.lock();
        let mut reached = Vec::with_capacity(places.len());
        for (place, seq) in places {
            state.collect(place.1);
            reached.push(state.known.get(place).is_some_and(|spans| spans.contains(*seq)));
        }
        reached
    }

    /// Where something is to be written down by now.
    fn take_changed(&self) -> Vec<Share> {
        let mut state = self.lock();
        let agents: Vec<AgentNumber> = state.live.keys().copied().collect();
        for agent in agents {
            state.collect(agent);
        }
        std::mem::take(&mut state.changed).into_iter().collect()
    }

    /// What was delivered at these places.
    fn known(&self, places: &[Share]) -> Vec<(Share, Spans)> {
        let state = self.lock();
        let known = |place: &Share| Some((*place, state.known.get(place)?.clone()));
        places.iter().filter_map(known).collect()
    }

    /// What could not be written down is tried again.
    fn give_back(&self, places: &[Share]) {
        self.lock().changed.extend(places);
    }
}

impl State {
    /// Takes over what the sessions of an agent know.
    fn collect(&mut self, agent: AgentNumber) {
        for (_, feed) in self.live.get(&agent).into_iter().flatten() {
            for (source, spans) in feed.delivered() {
                let place = (track(source), agent);
                if self.known.entry(place).or_default().join(&spans) {
                    self.changed.insert(place);
                }
            }
        }
    }
}

fn track(source: Source) -> Track {
    match source {
        Source::Room(stream) => Track::Room(stream),
        Source::Mailbox => Track::Mailbox,
    }
}

impl Hub {
    /// Writes down what was delivered, now and then until `stop`, and then once more.
    pub async fn keep_deliveries(self, stop: CancellationToken) {
        loop {
            let stopping = tokio::select! {
                () = tokio::time::sleep(PAUSE) => false,
                () = stop.cancelled() => true,
            };
            let outcome = self.write_deliveries().await;
            if stopping || outcome == Err(Refusal::Stopping) {
                return;
            }
        }
    }

    /// Writes down all that has changed by now, a little at a time, so that others get their turn. What changes meanwhile
    /// is left for the next time: busy rooms must not keep the others waiting.
    async fn write_deliveries(&self) -> Result<(), Refusal> {
        let deliveries = &self.inner.deliveries;
        let changed = deliveries.take_changed();
        for (place, batch) in changed.chunks(BATCH).enumerate() {
            let act = RecordDelivered {
                delivered: deliveries.known(batch).into(),
            };
            if let Err(refusal) = self.perform(Caller::Server, act).await {
                deliveries.give_back(&changed[place * BATCH..]);
                return Err(refusal);
            }
        }
        Ok(())
    }
}
