//! Whose turn it is to read.

use tokio::sync::{Semaphore, SemaphorePermit};

use crate::hub::Caller;

/// Reads of one agent that are carried out at one time, over all its connections. Fewer than there are connections to the
/// database by default, so that no agent keeps them all from others.
const AT_ONCE: usize = 2;

/// Agents that have turns of their own; one whose number is this much higher shares them. So what is kept neither grows nor
/// has to be cleared.
const PLACES: i64 = 1024;

/// The turns of all agents.
pub(super) struct ReadTurns(Vec<Semaphore>);

impl Default for ReadTurns {
    fn default() -> Self {
        Self((0..PLACES).map(|_| Semaphore::new(AT_ONCE)).collect())
    }
}

impl ReadTurns {
    /// Waits for a turn, which ends with what is returned. The operator and the server itself need none.
    pub(super) async fn wait(&self, caller: Caller) -> Option<SemaphorePermit<'_>> {
        let Caller::Session { agent, .. } = caller else {
            return None;
        };
        let place = agent.0.rem_euclid(PLACES);
        let turns = usize::try_from(place).ok().and_then(|place| self.0.get(place))?;
        turns.acquire().await.ok()
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;
    use crate::domain::{AgentNumber, SessionId};

    #[test]
    fn an_agent_waits_for_its_own_reads_and_for_nobody_else_s() {
        let turns = ReadTurns::default();
        let caller = |session: u64, agent: i64| Caller::Session {
            session: SessionId(session),
            agent: AgentNumber(agent),
        };
        let first = turns.wait(caller(1, 7)).now_or_never().expect("at once");
        let _second = turns.wait(caller(2, 7)).now_or_never().expect("at once");
        assert!(turns.wait(caller(3, 7)).now_or_never().is_none());
        assert!(turns.wait(caller(4, 8)).now_or_never().is_some());
        assert!(turns.wait(Caller::Operator).now_or_never().is_some());
        drop(first);
        assert!(turns.wait(caller(3, 7)).now_or_never().is_some());
    }
}
