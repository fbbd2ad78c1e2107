//! Who may use the API.
//!
//! Any page in a browser can send requests to this port, and a page whose host name was pointed at this machine can read the
//! answers too. A browser says that it is one: by `Origin`, or by `Sec-Fetch-Site` where it sends no origin; and a name that
//! was pointed here stands in `Host`. Programs of this machine say none of it.

use std::net::IpAddr;

use hyper::StatusCode;
use hyper::header::{AUTHORIZATION, HOST, HeaderMap, ORIGIN};
use sha2::{Digest as _, Sha256};

/// Judges requests by their headers.
pub(super) struct Guard {
    /// Of the token, so that comparing takes no longer the more of it is right.
    token: [u8; 32],
    require_token: bool,
}

/// Why a request is refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Refusal {
    /// It comes from a page in a browser.
    Page,
    /// It is addressed to a name that is not this machine's own.
    Host,
    /// Its token is wrong, or it has none where one is needed.
    Token,
}

impl Refusal {
    pub(super) fn status(self) -> StatusCode {
        match self {
            Self::Page | Self::Host => StatusCode::FORBIDDEN,
            Self::Token => StatusCode::UNAUTHORIZED,
        }
    }

    pub(super) fn message(self) -> &'static str {
        match self {
            Self::Page => "Web pages may not use the bridge",
            Self::Host => "The bridge is addressed as 127.0.0.1 or localhost",
            Self::Token => "The token of the bridge is missing or wrong",
        }
    }
}

impl Guard {
    pub(super) fn new(token: &str, require_token: bool) -> Self {
        Self {
            token: Sha256::digest(token).into(),
            require_token,
        }
    }

    pub(super) fn check(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        // "none" is what a browser says when its user typed the address.
        let is_elsewhere = |site: &hyper::header::HeaderValue| site.as_bytes() != b"none";
        if headers.contains_key(ORIGIN) || headers.get_all("sec-fetch-site").iter().any(is_elsewhere) {
            return Err(Refusal::Page);
        }
        let mut hosts = headers.get_all(HOST).iter();
        let host = hosts.next().and_then(|host| host.to_str().ok());
        if hosts.next().is_some() || !host.is_some_and(is_here) {
            return Err(Refusal::Host);
        }
        match headers.get(AUTHORIZATION) {
            Some(given) => {
                let given = given.as_bytes();
                let is_bearer = given
                    .get(..7)
                    .is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"bearer "));
                let token: [u8; 32] = Sha256::digest(given.get(7..).unwrap_or_default()).into();
                if is_bearer && token == self.token {
                    Ok(())
                } else {
                    Err(Refusal::Token)
                }
            }
            None if self.require_token => Err(Refusal::Token),
            None => Ok(()),
        }
    }
}

/// Whether a host, with or without a port, is this machine by an address or by the name that cannot be pointed elsewhere.
fn is_here(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    let address = name
        .strip_prefix('[')
        .and_then(|name| name.strip_suffix(']'))
        .unwrap_or(name);
    match address.parse::<IpAddr>() {
        Ok(address) => address.to_canonical().is_loopback(),
        Err(_) => name.eq_ignore_ascii_case("localhost"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(guard: &Guard, pairs: &[(&str, &str)]) -> Result<(), Refusal> {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            let name: hyper::header::HeaderName = name.parse().expect("a name");
            headers.append(name, value.parse().expect("a value"));
        }
        guard.check(&headers)
    }

    #[test]
    fn programs_of_this_machine_need_no_token_unless_it_is_asked_for() {
        let open = Guard::new("t0ken", false);
        for host in ["127.0.0.1:7654", "localhost", "LOCALHOST:1", "[::1]:7654", "127.9.9.9"] {
            assert_eq!(check(&open, &[("host", host)]), Ok(()), "{host}");
        }
        let host = ("host", "127.0.0.1");
        let closed = Guard::new("t0ken", true);
        assert_eq!(check(&closed, &[host]), Err(Refusal::Token));
        for guard in [&open, &closed] {
            assert_eq!(check(guard, &[host, ("authorization", "Bearer t0ken")]), Ok(()));
            for wrong in ["Bearer t0ke", "Bearer ", "bearer", "Basic t0ken", "t0ken", "é"] {
                let value = hyper::header::HeaderValue::from_bytes(wrong.as_bytes()).expect("a value");
                let mut headers = HeaderMap::new();
                headers.insert(HOST, "127.0.0.1".parse().expect("a value"));
                headers.insert(AUTHORIZATION, value);
                assert_eq!(guard.check(&headers), Err(Refusal::Token), "{wrong}");
            }
        }
    }

    #[test]
    fn pages_and_names_that_were_pointed_here_are_refused_even_with_the_token() {
        let guard = Guard::new("t0ken", false);
        let (host, token) = (("host", "127.0.0.1:7654"), ("authorization", "Bearer t0ken"));
        for origin in ["null", "http://localhost:7654", "https://evil.example", "file://"] {
            assert_eq!(check(&guard, &[host, token, ("origin", origin)]), Err(Refusal::Page));
        }
        for site in ["cross-site", "same-site", "same-origin"] {
            assert_eq!(check(&guard, &[host, ("sec-fetch-site", site)]), Err(Refusal::Page));
        }
        assert_eq!(check(&guard, &[host, ("sec-fetch-site", "none")]), Ok(()));
        for name in [
            "evil.example:7654",
            "localhost.evil.example",
            "10.0.0.1",
            "",
            "127.0.0.1.evil.example",
        ] {
            assert_eq!(check(&guard, &[("host", name)]), Err(Refusal::Host), "{name}");
        }
        assert_eq!(check(&guard, &[]), Err(Refusal::Host));
        assert_eq!(check(&guard, &[host, host]), Err(Refusal::Host));
    }
}
