//! The `tailscale` section, and how the address to bind is found among the machine's interfaces.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::check::Checks;

/// Serving on a Tailscale network only.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct Tailscale {
    /// Bind to the address of the Tailscale interface and to nothing else; `host` is then not used. Without such an
    /// interface the server does not start. Default `false`.
    pub enabled: bool,

    /// Name of the interface. Empty: detected (Linux, macOS). Default `""`.
    pub interface_name: String,
}

impl Tailscale {
    /// The address to bind, found among the interfaces that this machine has now.
    ///
    /// # Errors
    ///
    /// [`TailscaleError`] when the interfaces cannot be listed or none of them fits.
    pub fn bind_address(&self) -> Result<IpAddr, TailscaleError> {
        find_address(&present()?, &self.interface_name, Platform::current())
    }

    /// Whether `address` belongs to the Tailscale interface that this machine has now, so that what is sent to it is
    /// encrypted on its way. An address from Tailscale's ranges alone says nothing: providers give them to customers too.
    #[must_use]
    pub fn owns(&self, address: IpAddr) -> bool {
        present().is_ok_and(|interfaces| {
            let mut own = candidates(&interfaces, &self.interface_name, Platform::current());
            own.any(|own| own == address)
        })
    }

    /// Checks that the interface's name can be one.
    pub(super) fn validate(&self, checks: &mut Checks) {
        let is_sound = |letter: char| !letter.is_whitespace() && !letter.is_control() && letter != '/';
        if !self.interface_name.chars().all(is_sound) {
            checks.report(
                &["tailscale.interfaceName"],
                "must be the name of a network interface, such as `tailscale0`, or empty",
            );
        }
    }
}

/// One address of one network interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interface {
    /// Name of the interface, such as `tailscale0` or `utun4`.
    pub name: String,
    /// One of its addresses; an interface with several appears several times.
    pub address: IpAddr,
}

/// The operating system, as far as it decides how the interface is detected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Platform {
    /// The interface is called `tailscale` and a number.
    Linux,
    /// The interface is one of several called `utun` and a number.
    Macos,
    /// The interface's name is unknown and must be configured.
    Other,
}

impl Platform {
    /// The one this program was built for.
    #[must_use]
    pub fn current() -> Self {
        if cfg!(target_os = "linux") {
            Self::Linux
        } else if cfg!(target_os = "macos") {
            Self::Macos
        } else {
            Self::Other
        }
    }
}

/// Why there is no Tailscale address to bind.
#[derive(Debug, thiserror::Error)]
pub enum TailscaleError {
    /// The operating system did not list the interfaces.
    #[error("the network interfaces cannot be listed: {0}")]
    Interfaces(std::io::Error),
    /// The configured interface is missing or has no address yet.
    #[error(
        "`tailscale.interfaceName` names `{name}`, and no such interface has an address; those that have one: {present}"
    )]
    Missing {
        /// The configured name.
        name: String,
        /// The names of the interfaces that are there.
        present: String,
    },
    /// No interface looks like Tailscale's.
    #[error(
        "`tailscale.enabled` is true, and no Tailscale interface has an address; is Tailscale up? \
         Interfaces with an address: {present}; `tailscale.interfaceName` can name one"
    )]
    NotDetected {
        /// The names of the interfaces that are there.
        present: String,
    },
}

/// Finds the address to bind among `interfaces`.
///
/// With a `configured` name only that interface counts; without one it is detected by the rules of `platform`. An IPv4
/// address wins over an IPv6 one, an address from Tailscale's ranges over any other; link-local ones never count.
///
/// # Errors
///
/// [`TailscaleError::Missing`] for a configured name, [`TailscaleError::NotDetected`] without one.
pub fn find_address(interfaces: &[Interface], configured: &str, platform: Platform) -> Result<IpAddr, TailscaleError> {
    candidates(interfaces, configured, platform)
        .filter(|address| !is_link_local(*address))
        .max_by_key(|address| (is_tailscale(*address), address.is_ipv4(), std::cmp::Reverse(*address)))
        .ok_or_else(|| {
            let mut names: Vec<&str> = interfaces.iter().map(|interface| interface.name.as_str()).collect();
            names.sort_unstable();
            names.dedup();
            let present = if names.is_empty() {
                "none".to_owned()
            } else {
                format!("`{}`", names.join("`, `"))
            };
            if configured.is_empty() {
                TailscaleError::NotDetected { present }
            } else {
                TailscaleError::Missing {
                    name: configured.escape_debug().to_string(),
                    present,
                }
            }
        })
}

/// The interfaces that this machine has now.
fn present() -> Result<Vec<Interface>, TailscaleError> {
    let interfaces = if_addrs::get_if_addrs().map_err(TailscaleError::Interfaces)?;
    let named = interfaces.into_iter().map(|interface| Interface {
        address: interface.ip(),
        name: interface.name,
    });
    Ok(named.collect())
}

/// The addresses of what counts as the Tailscale interface.
fn candidates<'a>(
    interfaces: &'a [Interface],
    configured: &'a str,
    platform: Platform,
) -> impl Iterator<Item = IpAddr> + 'a {
    let tunnels = interfaces.iter().filter(move |interface| {
        if !configured.is_empty() {
            return interface.name == configured;
        }
        match platform {
            Platform::Linux => interface.name.starts_with("tailscale"),
            // Other tunnels are called `utun` too; only the address tells Tailscale's.
            Platform::Macos => interface.name.starts_with("utun") && is_tailscale(interface.address),
            Platform::Other => false,
        }
    });
    tunnels.map(|interface| interface.address)
}

/// Whether the address is in `100.64.0.0/10`, from which Tailscale takes its IPv4 addresses.
fn is_tailscale_v4(address: IpAddr) -> bool {
    matches!(address, IpAddr::V4(address) if (u32::from(address) ^ u32::from(Ipv4Addr::new(100, 64, 0, 0))) >> 22 == 0)
}

/// Whether the address is in one of Tailscale's ranges, `100.64.0.0/10` and `fd7a:115c:a1e0::/48`.
fn is_tailscale(address: IpAddr) -> bool {
    let is_v6 = |address: Ipv6Addr| address.segments().starts_with(&[0xfd7a, 0x115c, 0xa1e0]);
    is_tailscale_v4(address) || matches!(address, IpAddr::V6(address) if is_v6(address))
}

/// Whether the address is valid on its own link only, so that nobody could be told to use it.
fn is_link_local(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.is_link_local(),
        IpAddr::V6(address) => address.is_unicast_link_local(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads `name address, name address`.
    fn interfaces(listing: &str) -> Vec<Interface> {
        let read = |entry: &str| {
            let (name, address) = entry.trim().split_once(' ').expect("name and address");
            Interface {
                name: name.to_owned(),
                address: address.parse().expect("an address"),
            }
        };
        listing.split(',').filter(|entry| !entry.is_empty()).map(read).collect()
    }

    fn check(listing: &str, configured: &str, platform: Platform, expected: &str) {
        let found = find_address(&interfaces(listing), configured, platform);
        let found = found.map(|address| address.to_string()).unwrap_or_default();
        assert_eq!(found, expected, "{listing} {configured} {platform:?}");
    }

    #[test]
    fn on_linux_the_name_tells_the_interface() {
        for (listing, expected) in [
            ("lo 127.0.0.1, tailscale0 100.101.102.103", "100.101.102.103"),
            ("tailscale0 fd7a:115c:a1e0::1, tailscale0 100.64.0.9", "100.64.0.9"),
            ("tailscale0 10.0.0.1, tailscale0 100.64.0.9", "100.64.0.9"),
            ("tailscale0 fe80::1, tailscale0 fd7a:115c:a1e0::1", "fd7a:115c:a1e0::1"),
            ("tailscale0 fe80::1, tailscale1 169.254.1.1", ""),
            ("utun3 100.64.0.9", ""),
            ("eth0 100.64.0.9", ""),
            ("", ""),
        ] {
            check(listing, "", Platform::Linux, expected);
        }
    }

    #[test]
    fn on_macos_the_address_tells_the_tunnel() {
        for (listing, expected) in [
            ("utun0 10.8.0.2, utun4 100.127.255.255", "100.127.255.255"),
            ("utun4 fd7a:115c:a1e0::1, utun4 100.64.0.0", "100.64.0.0"),
            ("utun0 10.8.0.2, utun1 100.128.0.1, utun2 100.63.255.255", ""),
            ("en0 100.64.0.9", ""),
        ] {
            check(listing, "", Platform::Macos, expected);
        }
    }

    #[test]
    fn elsewhere_nothing_is_detected() {
        check("tailscale0 100.64.0.9", "", Platform::Other, "");
    }

    #[test]
    fn a_configured_name_decides_alone() {
        let listing = "tailscale0 100.64.0.9, tailscale1 100.64.0.10, vpn 10.0.0.7";
        check(listing, "tailscale1", Platform::Linux, "100.64.0.10");
        check(listing, "vpn", Platform::Linux, "10.0.0.7");
        check(listing, "vpn", Platform::Other, "10.0.0.7");
        check(listing, "tailscale7", Platform::Linux, "");
        check(listing, "tailscale", Platform::Linux, "");
    }

    #[test]
    fn a_missing_interface_is_named_with_those_that_are_there() {
        let present = interfaces("lo 127.0.0.1, eth0 192.0.2.1, eth0 fe80::1");
        let configured = find_address(&present, "tailscale7", Platform::Linux).expect_err("missing");
        assert_eq!(
            configured.to_string(),
            "`tailscale.interfaceName` names `tailscale7`, and no such interface has an address; \
             those that have one: `eth0`, `lo`"
        );
        let detected = find_address(&present, "", Platform::Linux).expect_err("missing");
        assert!(detected.to_string().contains("no Tailscale interface"), "{detected}");
        assert!(detected.to_string().contains("`eth0`, `lo`"), "{detected}");
    }

    #[test]
    fn every_address_of_the_interface_counts_and_none_of_another() {
        let all = |listing: &str, configured: &str, platform: Platform| {
            let interfaces = interfaces(listing);
            let own: Vec<String> = candidates(&interfaces, configured, platform)
                .map(|address| address.to_string())
                .collect();
            own.join(" ")
        };
        let listing = "eth0 100.64.0.7, tailscale0 100.64.0.9, tailscale0 fd7a:115c:a1e0::1, eth0 fd7a:115c:a1e0::7";
        assert_eq!(all(listing, "", Platform::Linux), "100.64.0.9 fd7a:115c:a1e0::1");
        assert_eq!(all(listing, "eth0", Platform::Linux), "100.64.0.7 fd7a:115c:a1e0::7");
        let listing = "en0 100.64.0.7, utun0 10.8.0.2, utun4 100.64.0.9, utun4 fd7a:115c:a1e0::1";
        assert_eq!(all(listing, "", Platform::Macos), "100.64.0.9 fd7a:115c:a1e0::1");
        assert_eq!(all(listing, "", Platform::Other), "");
    }

    #[test]
    fn this_machine_is_asked() {
        let section = Tailscale {
            enabled: true,
            interface_name: "no-such-name".to_owned(),
        };
        let error = section.bind_address().expect_err("no interface is called so");
        assert!(matches!(error, TailscaleError::Missing { .. }), "{error}");
    }
}
