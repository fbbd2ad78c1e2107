//! Slows down those who guess keys.
//!
//! Only failures are counted, and a right key is never held against its address: behind a proxy all agents share one.

use std::net::IpAddr;

use crate::runtime::limiter::Limiter;
use crate::runtime::network::network_of;

/// Counts failures to authenticate by address.
pub(super) struct FailureGuard {
    limiter: Limiter<IpAddr>,
}

impl FailureGuard {
    /// `per_second` failures of an address are judged, `burst` at once after a pause; all when `per_second` is 0.
    pub(super) fn new(per_second: u32, burst: u32) -> Self {
        Self {
            limiter: Limiter::new(per_second, burst),
        }
    }

    /// Counts a failure of `address`, or says in how many milliseconds the next one is judged.
    pub(super) fn count(&self, address: IpAddr) -> Result<(), u64> {
        self.limiter.check(&network_of(address))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_ipv6_network_counts_as_one() {
        let guard = FailureGuard::new(1, 1);
        assert_eq!(guard.count("2001:db8::1".parse().expect("an address")), Ok(()));
        assert!(guard.count("2001:db8::2".parse().expect("an address")).is_err());
        assert_eq!(guard.count("2001:db8:0:1::1".parse().expect("an address")), Ok(()));
    }
}
