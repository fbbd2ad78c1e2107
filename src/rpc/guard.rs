//! Slows down those who guess keys.
//!
//! Only failures are counted, and a right key is never held against its address: behind a proxy all agents share one.

use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

/// Addresses that are remembered; beyond that those that have been quiet are forgotten.
const ADDRESSES: usize = 10_000;

pub(super) struct FailureGuard {
    limiter: Option<DefaultKeyedRateLimiter<IpAddr>>,
    clock: DefaultClock,
}

impl FailureGuard {
    /// `per_second` failures of an address are judged, `burst` at once after a pause; all when `per_second` is 0.
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

    /// Counts a failure of `address`, or says in how many milliseconds the next one is judged.
    pub(super) fn count(&self, address: IpAddr) -> Result<(), u64> {
        let Some(limiter) = &self.limiter else { return Ok(()) };
        if limiter.len() > ADDRESSES {
            limiter.retain_recent();
        }
        limiter.check_key(&network_of(address)).map_err(|not_until| {
            let wait = not_until.wait_time_from(self.clock.now());
            u64::try_from(wait.as_millis()).unwrap_or(u64::MAX).saturating_add(1)
        })
    }
}

/// A subscriber of IPv6 has a whole /64 to guess from.
fn network_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        IpAddr::V4(address) => IpAddr::V4(address),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_of_one_address_are_limited_and_others_are_not() {
        let guard = FailureGuard::new(1, 10);
        let (one, other) = (
            "192.0.2.1".parse().expect("an address"),
            "192.0.2.2".parse().expect("an address"),
        );
        let judged = (0..100).filter(|_| guard.count(one).is_ok()).count();
        assert!((10..=12).contains(&judged), "{judged}");
        assert!(guard.count(one).is_err_and(|wait| (1..=1001).contains(&wait)));
        assert_eq!(guard.count(other), Ok(()));
    }

    #[test]
    fn one_ipv6_network_counts_as_one() {
        let guard = FailureGuard::new(1, 1);
        assert_eq!(guard.count("2001:db8::1".parse().expect("an address")), Ok(()));
        assert!(guard.count("2001:db8::2".parse().expect("an address")).is_err());
        assert_eq!(guard.count("2001:db8:0:1::1".parse().expect("an address")), Ok(()));
    }
}
