//! How fast an agent may speak.

use std::num::NonZeroU32;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use crate::domain::{AgentNumber, Refusal};

/// Limits the messages of each agent, over all its sessions. Holds one entry for each agent that ever spoke.
pub(super) struct Pace {
    limiter: Option<DefaultKeyedRateLimiter<AgentNumber>>,
    clock: DefaultClock,
}

impl Pace {
    /// `per_second` messages, `burst` at once after a pause; no limit when `per_second` is 0.
    pub(super) fn new(per_second: u32, burst: u32) -> Self {
        let limiter = NonZeroU32::new(per_second).map(|rate| {
            let burst = NonZeroU32::new(burst).unwrap_or(rate);
            RateLimiter::keyed(Quota::per_second(rate).allow_burst(burst))
        });
        Self {
            limiter,
            clock: DefaultClock::default(),
        }
    }

    /// Counts one message of `agent`, or says when the next one is possible.
    pub(super) fn check(&self, agent: AgentNumber) -> Result<(), Refusal> {
        let Some(limiter) = &self.limiter else { return Ok(()) };
        limiter.check_key(&agent).map_err(|not_until| {
            let wait = not_until.wait_time_from(self.clock.now());
            let retry_after_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX).saturating_add(1);
            Refusal::Limited {
                what: "messages",
                retry_after_ms,
            }
        })
    }
}
