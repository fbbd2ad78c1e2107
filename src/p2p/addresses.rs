//! Which addresses a link uses: those of this machine that it offers, and those of the other side that it tries.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Most addresses of this machine that one connection listens on: each has a socket, and all pairs are tried.
const MOST_OWN: usize = 6;

/// Services that tell whoever can reach them the secrets of a virtual machine, beside those on link-local addresses.
const METADATA_V4: [Ipv4Addr; 2] = [Ipv4Addr::new(100, 100, 100, 200), Ipv4Addr::new(192, 0, 0, 192)];
const METADATA_V6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254);

/// Where to listen: every address that another machine may reach, and loopback when there is none.
///
/// Two agents on one machine reach each other by its other addresses as well.
pub(super) fn own() -> Vec<SocketAddr> {
    // A machine whose interfaces cannot be listed still has loopback.
    let found = if_addrs::get_if_addrs().unwrap_or_default();
    chosen(found.iter().map(if_addrs::Interface::ip))
}

fn chosen(found: impl Iterator<Item = IpAddr>) -> Vec<SocketAddr> {
    let mut usable: Vec<IpAddr> = found.filter(|ip| !ip.is_loopback() && is_allowed(*ip)).collect();
    // IPv4 first: with many addresses it is the one that the other side has too.
    usable.sort();
    usable.dedup();
    usable.truncate(MOST_OWN);
    if usable.is_empty() {
        usable.push(Ipv4Addr::LOCALHOST.into());
    }
    usable.into_iter().map(|ip| SocketAddr::new(ip, 0)).collect()
}

/// Whether a peer may have us send to this address. It may be on this machine or in its network, because that is where two
/// agents often are; it may not be one that only the machine itself is meant to reach, nor many at once.
pub(super) fn is_allowed(ip: IpAddr) -> bool {
    match ip.to_canonical() {
        IpAddr::V4(ip) => is_allowed_v4(ip),
        IpAddr::V6(ip) => {
            let embedded = embedded_v4(ip);
            let is_link_local = ip.segments()[0] & 0xffc0 == 0xfe80;
            !(ip.is_unspecified() || ip.is_multicast() || is_link_local || ip == METADATA_V6)
                && embedded.is_none_or(is_allowed_v4)
        }
    }
}

fn is_allowed_v4(ip: Ipv4Addr) -> bool {
    let is_never = ip.octets()[0] == 0 || ip.is_multicast() || ip.is_broadcast() || ip.is_link_local();
    !is_never && !METADATA_V4.contains(&ip)
}

/// The IPv4 address that translators make of this one: NAT64 and 6to4.
fn embedded_v4(ip: Ipv6Addr) -> Option<Ipv4Addr> {
    let [first, second, third, .., last_but_one, last] = ip.segments();
    let of = |high: u16, low: u16| Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low));
    match (first, second) {
        (0x64, 0xff9b) => Some(of(last_but_one, last)),
        (0x2002, _) => Some(of(second, third)),
        _ => None,
    }
}

/// Lets candidates of the other side through: a bounded number, UDP, literal addresses, and none that is not allowed.
#[derive(Debug)]
pub(super) struct Gate {
    left: usize,
}

impl Gate {
    pub(super) fn new(most: usize) -> Self {
        Self { left: most }
    }

    /// The candidate as WebRTC has it, without `a=`, if it may be tried. Those that may not count as well.
    ///
    /// Names that end in `.local`, which browsers give instead of addresses, are not looked up: agents do not have them, and
    /// a look-up tells the whole network.
    pub(super) fn pass(&mut self, candidate: &str) -> Option<String> {
        let candidate = candidate.trim();
        let candidate = candidate.strip_prefix("a=").unwrap_or(candidate);
        let line = candidate.strip_prefix("candidate:").unwrap_or(candidate);
        if line.is_empty() {
            return None;
        }
        self.left = self.left.checked_sub(1)?;
        let parts: Vec<&str> = line.split_ascii_whitespace().collect();
        let [_, component, transport, priority, address, port, "typ", kind, ..] = parts[..] else {
            return None;
        };
        let ip: IpAddr = address.parse().ok()?;
        let is_sound = component.parse::<u16>().is_ok()
            && transport.eq_ignore_ascii_case("udp")
            && priority.parse::<u32>().is_ok()
            && port.parse::<u16>().is_ok_and(|port| port != 0)
            && matches!(kind, "host" | "srflx" | "prflx" | "relay")
            && is_allowed(ip);
        // Nothing behind the type is needed to reach an address, so nothing else is let through.
        is_sound.then(|| format!("candidate:{} typ {kind}", parts[..6].join(" ")))
    }

    /// The description without its candidates, and those of them that may be tried.
    pub(super) fn part(&mut self, description: &str) -> (String, Vec<String>) {
        let mut kept = String::with_capacity(description.len());
        let mut passed = Vec::new();
        for line in description.split_inclusive('\n') {
            let plain = line.trim_end();
            if plain.starts_with("a=candidate:") {
                passed.extend(self.pass(plain));
            } else if plain != "a=end-of-candidates" {
                kept.push_str(line);
            }
        }
        (kept, passed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn addresses_of_networks_and_loopback_are_allowed() {
        for text in [
            "192.168.1.2",
            "10.0.0.1",
            "127.0.0.1",
            "8.8.8.8",
            "::1",
            "fd00::2",
            "2001:db8::1",
            "64:ff9b::808:808",
        ] {
            assert!(is_allowed(ip(text)), "{text}");
        }
    }

    #[test]
    fn link_local_metadata_and_many_at_once_are_not_in_whatever_form() {
        for text in [
            "169.254.169.254",
            "169.254.0.1",
            "0.0.0.0",
            "0.1.2.3",
            "224.0.0.251",
            "255.255.255.255",
            "100.100.100.200",
            "192.0.0.192",
            "::",
            "fe80::1",
            "febf::1",
            "ff02::fb",
            "fd00:ec2::254",
            "::ffff:169.254.169.254",
            "64:ff9b::a9fe:a9fe",
            "2002:a9fe:a9fe::1",
        ] {
            assert!(!is_allowed(ip(text)), "{text}");
        }
    }

    #[test]
    fn loopback_is_for_machines_without_anything_else() {
        let of = |texts: &[&str]| -> Vec<String> {
            let chosen = chosen(texts.iter().map(|text| ip(text)));
            chosen.iter().map(|address| address.ip().to_string()).collect()
        };
        assert_eq!(of(&["127.0.0.1", "::1", "fe80::1"]), ["127.0.0.1"]);
        assert_eq!(
            of(&["127.0.0.1", "fd00::2", "10.0.0.1", "10.0.0.1"]),
            ["10.0.0.1", "fd00::2"]
        );
    }

    #[test]
    fn candidates_pass_with_and_without_their_prefix() {
        let mut gate = Gate::new(9);
        let expected = "candidate:1 1 UDP 2122317823 192.0.2.2 43417 typ host";
        for prefix in ["", "a=", "a=candidate:", "candidate:"] {
            let line = expected.strip_prefix("candidate:").expect("a prefix");
            let line = if prefix.ends_with("candidate:") {
                format!("{prefix}{line} generation 0")
            } else {
                format!("{prefix}candidate:{line}")
            };
            assert_eq!(gate.pass(&line).as_deref(), Some(expected), "{line}");
        }
    }

    #[test]
    fn other_candidates_do_not_pass() {
        let mut gate = Gate::new(100);
        for line in [
            "",
            "candidate:",
            "candidate:1 1 UDP 1 192.0.2.2",
            "candidate:1 1 TCP 1 192.0.2.2 9 typ host tcptype passive",
            "candidate:1 1 UDP 1 169.254.169.254 80 typ host",
            "candidate:1 1 UDP 1 abc.local 80 typ host",
            "candidate:1 1 UDP 1 example.org 80 typ host",
            "candidate:1 1 UDP 1 192.0.2.2 0 typ host",
            "candidate:1 1 UDP 1 192.0.2.2 70000 typ host",
            "candidate:1 1 UDP x 192.0.2.2 1 typ host",
            "candidate:1 1 UDP 1 192.0.2.2 1 typ odd",
        ] {
            assert_eq!(gate.pass(line), None, "{line}");
        }
    }

    #[test]
    fn the_number_of_candidates_is_bounded_also_within_a_description() {
        let mut gate = Gate::new(3);
        let line = "a=candidate:1 1 UDP 1 192.0.2.2 1 typ host\r\n";
        let (kept, passed) = gate.part(&format!("v=0\r\n{line}{line}a=mid:0\r\na=end-of-candidates\r\n"));
        assert_eq!((kept.as_str(), passed.len()), ("v=0\r\na=mid:0\r\n", 2));
        assert!(gate.pass(line).is_some());
        assert_eq!(gate.pass(line), None);
    }
}
