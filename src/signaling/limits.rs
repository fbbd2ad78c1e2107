//! How much one address and one client may ask of the signaling server.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

use tokio::time::Instant;

use super::Refusal;
use crate::config::Signaling;
use crate::runtime::limiter::Limiter;
use crate::runtime::network::network_of;

/// Addresses that are remembered; beyond it those of which nothing needs to be known are forgotten.
const REMEMBERED: usize = 10_000;

/// Bounds of the signaling server.
#[derive(Clone, Copy, Debug)]
pub struct SignalingLimits {
    /// Rooms at one time.
    pub rooms: usize,
    /// Connections of one address at one time; 0 is no limit.
    pub connections_per_address: u32,
    /// Frames per second of one client, and how many it may send at once; 0 is no limit.
    pub frames_per_second: u32,
    /// See [`SignalingLimits::frames_per_second`].
    pub frame_burst: u32,
    /// Failed entries per second of one address, and how many may fail at once; 0 is no limit.
    pub failed_entries_per_second: u32,
    /// See [`SignalingLimits::failed_entries_per_second`].
    pub failed_entry_burst: u32,
    /// How long an address whose client left within this time of entering has to wait; zero is no limit.
    pub cooldown: Duration,
    /// Whether limits per address hold for this machine too.
    pub limit_loopback: bool,
    /// How long a client may wait alone.
    pub wait: Duration,
    /// How long two clients may stay without sending each other anything.
    pub idle: Duration,
    /// How long a client whose room is gone may stay.
    pub stranded: Duration,
}

impl From<&Signaling> for SignalingLimits {
    fn from(config: &Signaling) -> Self {
        Self {
            rooms: config.rooms as usize,
            connections_per_address: config.connections_per_address,
            frames_per_second: config.frames_per_second,
            frame_burst: config.frame_burst,
            failed_entries_per_second: config.failed_entries_per_second,
            failed_entry_burst: config.failed_entry_burst,
            cooldown: Duration::from_millis(config.cooldown_ms),
            limit_loopback: config.limit_loopback,
            wait: Duration::from_millis(config.wait_timeout_ms),
            idle: Duration::from_millis(config.idle_timeout_ms),
            stranded: Duration::from_millis(config.stranded_timeout_ms),
        }
    }
}

/// What is known of each address.
#[derive(Debug)]
pub(super) struct Addresses {
    known: HashMap<IpAddr, Known>,
    failures: Limiter<IpAddr>,
    per_address: u32,
    cooldown: Duration,
    limit_loopback: bool,
}

#[derive(Debug, Default)]
struct Known {
    connections: u32,
    /// It has to wait until then.
    held_until: Option<Instant>,
}

impl Addresses {
    pub(super) fn new(limits: &SignalingLimits) -> Self {
        Self {
            known: HashMap::new(),
            failures: Limiter::new(limits.failed_entries_per_second, limits.failed_entry_burst),
            per_address: limits.connections_per_address,
            cooldown: limits.cooldown,
            limit_loopback: limits.limit_loopback,
        }
    }

    /// What limits count an address by; `None` for one that they do not hold for. Several agents of one machine come from
    /// one address and come back within seconds, and whoever is on the machine could do worse than keep others waiting.
    pub(super) fn counted(&self, address: Option<IpAddr>) -> Option<IpAddr> {
        address
            .filter(|address| self.limit_loopback || !address.to_canonical().is_loopback())
            .map(network_of)
    }

    /// Lets a client of an address in, or says why not.
    pub(super) fn admit(&mut self, address: Option<IpAddr>, now: Instant) -> Result<(), Refusal> {
        let Some(address) = address else { return Ok(()) };
        if self.known.len() >= REMEMBERED {
            self.known
                .retain(|_, known| known.connections > 0 || known.held_until.is_some_and(|until| until > now));
        }
        let known = self.known.entry(address).or_default();
        if known.held_until.is_some_and(|until| until > now) {
            return Err(Refusal::SlowDown);
        }
        known.held_until = None;
        if self.per_address > 0 && known.connections >= self.per_address {
            return Err(Refusal::TooManyConnections);
        }
        known.connections += 1;
        Ok(())
    }

    /// Notes that a client is gone that had come at `since`.
    ///
    /// Only whoever leaves as soon as it has come has to wait: that is how rooms are tried out, while an agent that ends
    /// its link or loses it must be able to come back at once.
    pub(super) fn leave(&mut self, address: Option<IpAddr>, since: Instant, now: Instant) {
        let Some(known) = address.and_then(|address| self.known.get_mut(&address)) else {
            return;
        };
        known.connections = known.connections.saturating_sub(1);
        if !self.cooldown.is_zero() && now.saturating_duration_since(since) < self.cooldown {
            known.held_until = Some(now + self.cooldown);
        } else if known.connections == 0 && known.held_until.is_none_or(|until| until <= now) {
            self.known.retain(|key, _| Some(*key) != address);
        }
    }

    /// Counts an entry that failed. Beyond the limit the answer does not tell why, so that nothing is learned by trying;
    /// an entry that does not fail is never refused for this.
    pub(super) fn fail(&self, address: Option<IpAddr>, why: Refusal) -> Refusal {
        match address {
            Some(address) if self.failures.check(&address).is_err() => Refusal::SlowDown,
            _ => why,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits() -> SignalingLimits {
        SignalingLimits {
            connections_per_address: 2,
            cooldown: Duration::from_secs(3),
            failed_entry_burst: 2,
            ..SignalingLimits::from(&Signaling::default())
        }
    }

    fn address(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn each_address_has_so_many_connections() {
        let mut addresses = Addresses::new(&limits());
        let (now, one, other) = (Instant::now(), Some(address("192.0.2.1")), Some(address("192.0.2.2")));
        assert_eq!(addresses.admit(one, now), Ok(()));
        assert_eq!(addresses.admit(one, now), Ok(()));
        assert_eq!(addresses.admit(one, now), Err(Refusal::TooManyConnections));
        assert_eq!(addresses.admit(other, now), Ok(()));
        addresses.leave(one, now, now + Duration::from_secs(60));
        assert_eq!(addresses.admit(one, now), Ok(()));
    }

    #[test]
    fn whoever_leaves_as_soon_as_it_came_has_to_wait() {
        let mut addresses = Addresses::new(&limits());
        let (began, one) = (Instant::now(), Some(address("192.0.2.1")));
        let after = |seconds| began + Duration::from_secs(seconds);
        assert_eq!(addresses.admit(one, began), Ok(()));
        addresses.leave(one, began, after(1));
        assert_eq!(addresses.admit(one, after(3)), Err(Refusal::SlowDown));
        assert_eq!(addresses.admit(one, after(4)), Ok(()));
        // A link that lasted is no trial.
        addresses.leave(one, after(4), after(60));
        assert_eq!(addresses.admit(one, after(60)), Ok(()));
        addresses.leave(one, after(60), after(120));
        assert!(addresses.known.is_empty());
    }

    #[test]
    fn failures_beyond_the_limit_tell_nothing() {
        let addresses = Addresses::new(&limits());
        let (one, other) = (Some(address("192.0.2.1")), Some(address("192.0.2.2")));
        let told: Vec<_> = (0..3).map(|_| addresses.fail(one, Refusal::RoomFull)).collect();
        assert_eq!(told, [Refusal::RoomFull, Refusal::RoomFull, Refusal::SlowDown]);
        assert_eq!(addresses.fail(other, Refusal::RoomFull), Refusal::RoomFull);
        assert_eq!(addresses.fail(None, Refusal::RoomFull), Refusal::RoomFull);
    }

    #[test]
    fn this_machine_is_not_counted_unless_it_is_asked_for() {
        let mut addresses = Addresses::new(&limits());
        for here in ["127.0.0.1", "::1", "::ffff:127.0.0.2"] {
            assert_eq!(addresses.counted(Some(address(here))), None, "{here}");
        }
        for (text, expected) in [("192.0.2.1", "192.0.2.1"), ("2001:db8::1", "2001:db8::")] {
            assert_eq!(addresses.counted(Some(address(text))), Some(address(expected)));
        }
        addresses.limit_loopback = true;
        let here = Some(address("127.0.0.1"));
        assert_eq!(addresses.counted(here), here);
        assert!(addresses.counted(Some(address("::1"))).is_some());
    }
}
