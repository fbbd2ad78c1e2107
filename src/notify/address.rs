//! Where requests may lead.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Whether a request may go to an address: any public one, and private ones and this machine if the operator allows it.
/// Link-local, metadata, group and reserved addresses are never used.
pub(super) fn is_allowed(address: IpAddr, allow_private: bool) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address) || allow_private && is_private_v4(address),
        IpAddr::V6(address) => match address.to_ipv4_mapped() {
            Some(mapped) => is_allowed(IpAddr::V4(mapped), allow_private),
            None => is_public_v6(address) || allow_private && is_private_v6(address),
        },
    }
}

fn is_private_v4(address: Ipv4Addr) -> bool {
    let [a, b, ..] = address.octets();
    // The last one is what carriers and tunnels share; a cloud has its metadata in it.
    (address.is_private() || address.is_loopback() || a == 100 && (64..128).contains(&b))
        && address != Ipv4Addr::new(100, 100, 100, 200)
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let is_special = match (a, b, c) {
        (0 | 10 | 127 | 224.., ..) => true,
        (100, 64..128, _) | (169, 254, _) | (172, 16..32, _) | (198, 18 | 19, _) | (192, 168, _) => true,
        (192, 0, 0 | 2) | (192, 88, 99) | (198, 51, 100) | (203, 0, 113) => true,
        // A cloud answers there for its machines.
        (168, 63, 129) => true,
        _ => false,
    };
    !is_special
}

fn is_private_v6(address: Ipv6Addr) -> bool {
    address.is_loopback()
        || (address.segments()[0] & 0xFE00) == 0xFC00
            // A cloud has its metadata there.
            && address != Ipv6Addr::new(0xFD00, 0xEC2, 0, 0, 0, 0, 0, 0x254)
}

/// Whatever is given out to networks, without the parts that stand for addresses of version 4, or for examples.
fn is_public_v6(address: Ipv6Addr) -> bool {
    let [a, b, ..] = address.segments();
    match a {
        0x2001 => b >= 0x0200 && b != 0x0DB8,
        0x2002 | 0x3FFE | 0x3FFF => false,
        _ => (a & 0xE000) == 0x2000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRIVATE: [&str; 10] = [
        "10.0.0.1",
        "127.0.0.1",
        "127.255.255.254",
        "172.16.0.1",
        "172.31.255.255",
        "192.168.1.1",
        "100.64.0.1",
        "::1",
        "fc00::1",
        "fd12:3456::1",
    ];

    const NEVER: [&str; 38] = [
        "0.0.0.0",
        "0.1.2.3",
        "169.254.169.254",
        "169.254.0.1",
        "100.100.100.200",
        "168.63.129.16",
        "192.0.0.1",
        "192.0.0.192",
        "192.0.2.1",
        "192.88.99.1",
        "198.18.0.1",
        "198.19.255.255",
        "198.51.100.1",
        "203.0.113.1",
        "224.0.0.1",
        "239.1.1.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::ffff:0.0.0.0",
        "::ffff:169.254.169.254",
        "::127.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::1",
        "100::1",
        "2001::1",
        "2001:10::1",
        "2001:20::1",
        "2001:db8::1",
        "2002:7f00:1::",
        "2002:a9fe:a9fe::1",
        "3fff::1",
        "fe80::1",
        "fec0::1",
        "ff02::1",
        "fd00:ec2::254",
        "4000::1",
    ];

    fn allowed(text: &str, allow_private: bool) -> bool {
        is_allowed(text.parse().expect("an address"), allow_private)
    }

    #[test]
    fn private_addresses_are_used_only_if_the_operator_allows_it() {
        for text in PRIVATE {
            assert!(!allowed(text, false) && allowed(text, true), "{text}");
            if !text.contains(':') {
                let mapped = format!("::ffff:{text}");
                assert!(!allowed(&mapped, false) && allowed(&mapped, true), "{mapped}");
            }
        }
    }

    #[test]
    fn link_local_metadata_group_and_reserved_addresses_are_never_used() {
        for text in NEVER {
            assert!(!allowed(text, false) && !allowed(text, true), "{text}");
        }
    }

    #[test]
    fn public_addresses_are_used() {
        for text in [
            "1.1.1.1",
            "8.8.8.8",
            "100.63.0.1",
            "172.32.0.1",
            "192.1.0.1",
            "2606:4700::1111",
            "2a00:1450::1",
            "2001:4860::1",
        ] {
            assert!(allowed(text, false), "{text}");
        }
    }
}
