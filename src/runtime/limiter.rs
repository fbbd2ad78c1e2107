//! How often somebody may do something.

use std::hash::Hash;
use std::num::NonZeroU32;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

/// Keys that are remembered; beyond that those that have been quiet are forgotten.
const KEYS: usize = 10_000;

/// Least time between two rounds of forgetting: each goes through all keys.
const SWEEP_PAUSE: Duration = Duration::from_secs(1);

/// Limits how often each key comes by. Time that passes gives back what was used; the clock of the machine may step.
#[derive(Debug)]
pub struct Limiter<K: Hash + Eq + Clone> {
    used: Option<DefaultKeyedRateLimiter<K>>,
    burst: u32,
    clock: DefaultClock,
    sweep: Sweep,
}

/// When keys were last forgotten.
#[derive(Debug, Default)]
struct Sweep(Mutex<Option<Instant>>);

impl Sweep {
    /// Whether it is time for another round, which then counts as done.
    fn is_due(&self, now: Instant) -> bool {
        // Whoever holds it is about to begin the round.
        let Ok(mut last) = self.0.try_lock() else { return false };
        let due = last.is_none_or(|last| now.saturating_duration_since(last) >= SWEEP_PAUSE);
        if due {
            *last = Some(now);
        }
        due
    }
}

impl<K: Hash + Eq + Clone> Limiter<K> {
    /// `per_second` times, and `burst` times at once after a pause; no limit when `per_second` is 0.
    pub fn new(per_second: u32, burst: u32) -> Self {
        let used = NonZeroU32::new(per_second).map(|rate| {
            let burst = NonZeroU32::new(burst).unwrap_or(rate);
            RateLimiter::keyed(Quota::per_second(rate).allow_burst(burst))
        });
        Self {
            used,
            burst: if burst == 0 { per_second } else { burst },
            clock: DefaultClock::default(),
            sweep: Sweep::default(),
        }
    }

    /// Counts `key` once, or says in how many milliseconds it may come again.
    pub fn check(&self, key: &K) -> Result<(), u64> {
        self.check_many(key, 1)
    }

    /// Counts `key` `times` at once, or says in how many milliseconds it may come again. What is more than a burst counts
    /// as one, so that it passes at all.
    pub fn check_many(&self, key: &K, times: usize) -> Result<(), u64> {
        let Some(used) = &self.used else { return Ok(()) };
        let times = u32::try_from(times).unwrap_or(u32::MAX).min(self.burst);
        let Some(times) = NonZeroU32::new(times) else {
            return Ok(());
        };
        if used.len() > KEYS && self.sweep.is_due(Instant::now()) {
            used.retain_recent();
        }
        let Ok(checked) = used.check_key_n(key, times) else {
            // More than a burst, which was made impossible above.
            return Ok(());
        };
        checked.map_err(|not_until| {
            let wait = not_until.wait_time_from(self.clock.now());
            u64::try_from(wait.as_millis()).unwrap_or(u64::MAX).saturating_add(1)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_key_is_limited_on_its_own() {
        let limiter = Limiter::new(1, 10);
        let allowed = (0..100).filter(|_| limiter.check(&"one").is_ok()).count();
        assert!((10..=12).contains(&allowed), "{allowed}");
        assert!(
            limiter
                .check(&"one")
                .is_err_and(|wait_ms| (1..=1001).contains(&wait_ms))
        );
        assert_eq!(limiter.check(&"other"), Ok(()));
    }

    #[test]
    fn many_at_once_are_counted_each_and_more_than_a_burst_as_one_burst() {
        let limiter = Limiter::new(10, 100);
        assert_eq!(limiter.check_many(&"one", 0), Ok(()));
        assert_eq!(limiter.check_many(&"one", 60), Ok(()));
        let wait_ms = limiter.check_many(&"one", 60).expect_err("only 40 are left");
        assert!((1000..=2001).contains(&wait_ms), "{wait_ms}");
        assert_eq!(limiter.check_many(&"one", 39), Ok(()));
        assert_eq!(limiter.check_many(&"other", 1_000_000), Ok(()));
        assert!(limiter.check_many(&"other", 50).is_err());
    }

    #[test]
    fn quiet_keys_are_forgotten_at_most_once_a_second() {
        let sweep = Sweep::default();
        let began = Instant::now();
        assert!(sweep.is_due(began));
        assert!(!sweep.is_due(began));
        assert!(!sweep.is_due(began + Duration::from_millis(999)));
        assert!(sweep.is_due(began + Duration::from_secs(1)));
        assert!(!sweep.is_due(began + Duration::from_millis(1999)));
    }

    #[test]
    fn zero_is_no_limit() {
        let limiter = Limiter::new(0, 1);
        assert!((0..1000).all(|_| limiter.check(&1).is_ok()));
    }
}
