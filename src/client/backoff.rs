//! How long to wait before the next attempt to connect.

use std::time::Duration;

/// The longest wait that a server can ask for. One that asks for more is out of its mind, and its clients would stay away
/// for as long.
const LONGEST_ASKED: Duration = Duration::from_secs(300);

/// Exponential back-off with full jitter: the wait before attempt n is drawn evenly from zero to `first * 2^n`, at most
/// `most`. Full jitter spreads the clients of a restarted server over the whole span.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// Upper end of the first wait.
    pub first: Duration,
    /// Upper end of every wait.
    pub most: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self {
            first: Duration::from_millis(250),
            most: Duration::from_secs(30),
        }
    }
}

impl Backoff {
    /// The longest wait before attempt `attempt`, counted from 0.
    #[must_use]
    pub fn ceiling(&self, attempt: u32) -> Duration {
        let factor = 2_u32.saturating_pow(attempt.min(31));
        self.first.saturating_mul(factor).min(self.most)
    }

    /// The wait before attempt `attempt` for a number drawn evenly from `0.0..1.0`.
    #[must_use]
    pub fn delay(&self, attempt: u32, chance: f64) -> Duration {
        self.ceiling(attempt).mul_f64(chance.clamp(0.0, 1.0))
    }

    /// The same when the server asked to be left alone for `asked`, of which five minutes are granted at the most.
    #[must_use]
    pub fn delay_at_least(&self, asked: Duration, attempt: u32, chance: f64) -> Duration {
        self.delay(attempt, chance).max(asked.min(LONGEST_ASKED))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ceiling_doubles_up_to_the_most() {
        let backoff = Backoff {
            first: Duration::from_millis(100),
            most: Duration::from_secs(1),
        };
        let ceilings: Vec<u128> = (0..6).map(|attempt| backoff.ceiling(attempt).as_millis()).collect();
        assert_eq!(ceilings, [100, 200, 400, 800, 1000, 1000]);
        assert_eq!(backoff.ceiling(u32::MAX), backoff.most);
    }

    #[test]
    fn chance_covers_the_whole_span() {
        let backoff = Backoff::default();
        assert_eq!(backoff.delay(3, 0.0), Duration::ZERO);
        assert_eq!(backoff.delay(3, 0.5), Duration::from_secs(1));
        assert_eq!(backoff.delay(3, 1.0), backoff.ceiling(3));
    }
    #[test]
    fn regression_a_server_cannot_ask_for_ever() {
        let backoff = Backoff::default();
        let asked = |seconds| backoff.delay_at_least(Duration::from_secs(seconds), 0, 1.0);
        assert_eq!(asked(0), backoff.first);
        assert_eq!(asked(299), Duration::from_secs(299));
        assert_eq!(asked(301), LONGEST_ASKED);
        assert_eq!(asked(u64::MAX), LONGEST_ASKED);
    }
}
