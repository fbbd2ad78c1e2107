//! Keeps web pages out that the operator did not admit.
//!
//! A browser lets any page connect to a local server and says only which page it is (`Origin`); and a page whose name was
//! pointed at this machine after it was loaded says so only in `Host`. Both are checked on every path.

use std::net::IpAddr;

use axum::http::{HeaderMap, header};

use super::Admission;

/// Why a request is refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Foreign {
    /// From a page that is not admitted.
    Origin,
    /// To a name that is not ours.
    Host,
}

impl Foreign {
    /// What the operator can do about it.
    pub(super) fn advice(self) -> &'static str {
        match self {
            Self::Origin => "this web page may not connect; the operator can add its origin to `http.allowedOrigins`\n",
            Self::Host => "this host name is not served; the operator can add it to `http.allowedHosts`\n",
        }
    }
}

impl Admission {
    /// Judges the headers of a request.
    pub(super) fn check(&self, headers: &HeaderMap) -> Result<(), Foreign> {
        let mut hosts = headers.get_all(header::HOST).iter();
        let host = hosts.next().and_then(|host| host.to_str().ok()).ok_or(Foreign::Host)?;
        if hosts.next().is_some() || !self.serves(host) {
            return Err(Foreign::Host);
        }
        let admitted = |origin: &str| {
            self.origins
                .iter()
                .any(|admitted| admitted.eq_ignore_ascii_case(origin))
        };
        let mut origins = headers.get_all(header::ORIGIN).iter();
        if origins.all(|origin| origin.to_str().is_ok_and(admitted)) {
            Ok(())
        } else {
            Err(Foreign::Origin)
        }
    }

    fn serves(&self, host: &str) -> bool {
        let name = host_name(host).to_ascii_lowercase();
        let name = name.strip_suffix('.').unwrap_or(&name);
        match name.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>() {
            Ok(address) => self.listens_on(address.to_canonical()),
            Err(_) => name == "localhost" || self.hosts.iter().any(|served| served.eq_ignore_ascii_case(name)),
        }
    }

    /// Pages cannot give an address another meaning, so every address at which we can be reached is fine.
    fn listens_on(&self, address: IpAddr) -> bool {
        address.is_loopback()
            || self
                .bound
                .iter()
                .any(|bound| bound.ip().is_unspecified() || bound.ip().to_canonical() == address)
    }
}

/// The host without its port.
fn host_name(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) && !name.is_empty() => {
            if name.contains(':') && !name.starts_with('[') {
                host
            } else {
                name
            }
        }
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(host: &str, origin: Option<&str>) -> Result<(), Foreign> {
        let admission = Admission {
            origins: vec!["https://board.example:8443".into()],
            hosts: vec!["hub.example".into()],
            bound: vec!["127.0.0.1:18800".parse().expect("an address")],
        };
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, host.parse().expect("a header value"));
        if let Some(origin) = origin {
            headers.insert(header::ORIGIN, origin.parse().expect("a header value"));
        }
        admission.check(&headers)
    }

    #[test]
    fn local_names_and_addresses_are_served() {
        for host in [
            "localhost",
            "LOCALHOST:18800",
            "127.0.0.1:18800",
            "127.0.0.2",
            "[::1]:18800",
            "hub.example:1",
            "Hub.Example.",
        ] {
            assert_eq!(check(host, None), Ok(()), "{host}");
        }
    }

    #[test]
    fn foreign_hosts_are_refused() {
        for host in [
            "attacker.example",
            "localhost.attacker.example",
            "127.0.0.1.attacker.example:18800",
            "10.0.0.9",
            "169.254.169.254",
            "",
            "a:b:c",
        ] {
            assert_eq!(check(host, None), Err(Foreign::Host), "{host}");
        }
    }

    #[test]
    fn only_admitted_pages_connect() {
        assert_eq!(check("localhost", Some("https://board.example:8443")), Ok(()));
        for origin in [
            "null",
            "https://board.example",
            "http://board.example:8443",
            "http://localhost:18800",
            "https://board.example:8443.attacker.example",
            "file://",
        ] {
            assert_eq!(check("localhost", Some(origin)), Err(Foreign::Origin), "{origin}");
        }
    }
}
