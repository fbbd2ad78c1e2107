//! Who counts as one on the network.

use std::net::{IpAddr, Ipv6Addr};

/// What limits per address count by: an IPv4 address, or the /64 of an IPv6 address, all of which one subscriber has.
pub fn network_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        IpAddr::V4(address) => IpAddr::V4(address),
    }
}
