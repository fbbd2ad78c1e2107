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

    /// Some of what is to be written down.
    fn take_changed(&self) -> Vec<(Share, Spans)> {
        let mut state = self.lock();
        let agents: Vec<AgentNumber> = state.live.keys().copied().collect();
        for agent in agents {
            state.collect(agent);
        }
        let mut taken = Vec::new();
        while taken.len() < BATCH
            && let Some(place) = state.changed.pop_first()
        {
            taken.extend(state.known.get(&place).cloned().map(|spans| (place, spans)));
        }
        taken
    }

    /// What could not be written down is tried again.
    fn give_back(&self, places: impl Iterator<Item = Share>) {
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
    /// Writes down what was delivered, a little at a time, until `stop`, and then what is left.
    pub async fn keep_deliveries(self, stop: CancellationToken) {
        loop {
            tokio::select! {
                () = tokio::time::sleep(PAUSE) => {}
                () = stop.cancelled() => break,
            }
            if self.write_deliveries().await == Err(Refusal::Stopping) {
                return;
            }
        }
        while let Ok(count) = self.write_deliveries().await {
            if count < BATCH {
                return;
            }
        }
    }

    async fn write_deliveries(&self) -> Result<usize, Refusal> {
        let delivered: Arc<[_]> = self.inner.deliveries.take_changed().into();
        if delivered.is_empty() {
            return Ok(0);
        }
        let act = RecordDelivered {
            delivered: Arc::clone(&delivered),
        };
        let outcome = self.perform(Caller::Server, act).await;
        if outcome.is_err() {
            let places = delivered.iter().map(|(place, _)| *place);
            self.inner.deliveries.give_back(places);
        }
        outcome.map(|()| delivered.len())
    }
}
