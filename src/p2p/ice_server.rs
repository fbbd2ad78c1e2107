//! Servers that help two agents behind address translation to find a path.

use std::fmt;
use std::str::FromStr;

/// A STUN or TURN server. Neither its `Debug` form nor an error shows the password.
#[derive(Clone, PartialEq, Eq)]
pub struct IceServer {
    /// The address as WebRTC has it, such as `stun:host:3478` or `turn:host:3478?transport=udp`.
    pub url: String,
    /// The user of a relay; empty for STUN.
    pub username: String,
    /// The password of a relay; empty for STUN.
    pub password: String,
}

/// What is wrong with the address of a STUN or TURN server. It does not repeat the address, which may hold a password.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum IceServerProblem {
    /// Another scheme, or none.
    #[error("an ICE server begins with `stun:`, `turn:` or `turns:`")]
    Scheme,
    /// No host, or one with characters that no host has.
    #[error("an ICE server needs a host, as in `stun:host:3478`")]
    Host,
    /// The port is no number from 1 to 65535.
    #[error("the port of an ICE server is a number from 1 to 65535")]
    Port,
    /// A relay without credentials.
    #[error("a relay needs credentials: `turn:host:port:user:password` or `turn:host:port?username=U&credential=P`")]
    Credentials,
}

impl IceServer {
    /// The servers in a list with commas, as they stand in `AGENTLINK_ICE_SERVERS` and on the command line. Blanks around
    /// an address and empty places are ignored.
    pub fn parse_list(list: &str) -> Result<Vec<Self>, IceServerProblem> {
        list.split(',')
            .map(str::trim)
            .filter(|entry| !entry.is_empty())
            .map(str::parse)
            .collect()
    }

    /// Whether it is a relay.
    #[must_use]
    pub fn is_relay(&self) -> bool {
        self.url.starts_with("turn")
    }

    /// Host and port without credentials, for messages to people.
    #[must_use]
    pub fn describe(&self) -> &str {
        &self.url
    }
}

impl FromStr for IceServer {
    type Err = IceServerProblem;

    /// Reads `stun:host[:port]`, `turn:host:port:user:password` and `turn:host[:port]?username=U&credential=P` (or
    /// `password=P`, and `transport=udp` or `tcp` beside it); `turns:` likewise. An IPv6 host stands in brackets.
    fn from_str(text: &str) -> Result<Self, IceServerProblem> {
        let (scheme, rest) = text.split_once(':').ok_or(IceServerProblem::Scheme)?;
        let scheme = scheme.to_ascii_lowercase();
        let standard_port: u16 = match scheme.as_str() {
            "stun" | "turn" => 3478,
            "stuns" | "turns" => 5349,
            _ => return Err(IceServerProblem::Scheme),
        };
        let (place, query) = rest.split_once('?').map_or((rest, ""), |(place, query)| (place, query));
        let (host, after) = split_host(place)?;
        let mut parts = after.splitn(3, ':');
        let port = match parts.next().filter(|port| !port.is_empty()) {
            None => standard_port,
            Some(port) => port
                .parse()
                .ok()
                .filter(|port| *port != 0)
                .ok_or(IceServerProblem::Port)?,
        };
        let mut username = parts.next().unwrap_or_default().to_owned();
        let mut password = parts.next().unwrap_or_default().to_owned();
        let mut transport = None;
        for (name, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
            match name {
                "username" => username = decoded(value),
                "credential" | "password" => password = decoded(value),
                "transport" if matches!(value, "udp" | "tcp") => transport = Some(value),
                _ => {}
            }
        }
        let is_relay = scheme.starts_with("turn");
        if is_relay && (username.is_empty() || password.is_empty()) {
            return Err(IceServerProblem::Credentials);
        }
        let transport = transport.filter(|_| is_relay);
        let query = transport.map(|kind| format!("?transport={kind}")).unwrap_or_default();
        Ok(Self {
            url: format!("{scheme}:{host}:{port}{query}"),
            username: if is_relay { username } else { String::new() },
            password: if is_relay { password } else { String::new() },
        })
    }
}

impl fmt::Debug for IceServer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("IceServer").field(&self.url).finish()
    }
}

/// The host, with its brackets if it has any, and what stands behind it and a colon.
fn split_host(place: &str) -> Result<(&str, &str), IceServerProblem> {
    let (host, rest) = if place.starts_with('[') {
        let end = place.find(']').ok_or(IceServerProblem::Host)? + 1;
        place.split_at(end)
    } else {
        place.split_at(place.find(':').unwrap_or(place.len()))
    };
    let plain = host.trim_start_matches('[').trim_end_matches(']');
    let is_sound = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':');
    if plain.is_empty() || !plain.chars().all(is_sound) {
        return Err(IceServerProblem::Host);
    }
    match rest.strip_prefix(':') {
        Some(rest) => Ok((host, rest)),
        None if rest.is_empty() => Ok((host, rest)),
        None => Err(IceServerProblem::Port),
    }
}

/// A value of a query without its percent signs; what is no escape stays as it is.
fn decoded(value: &str) -> String {
    let bytes = value.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let escaped = (byte == b'%')
            .then(|| bytes.get(at + 1..at + 3))
            .flatten()
            .and_then(|digits| hex::decode(digits).ok());
        if let Some(decoded) = escaped {
            out.extend(decoded);
            at += 3;
        } else {
            out.push(byte);
            at += 1;
        }
    }
    String::from_utf8(out).unwrap_or_else(|_| value.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_the_fact_sheet_is_read() {
        let check = |text: &str, url: &str, username: &str, password: &str| {
            let server: IceServer = text.parse().unwrap_or_else(|problem| panic!("{text}: {problem}"));
            let read = (server.url.as_str(), server.username.as_str(), server.password.as_str());
            assert_eq!(read, (url, username, password), "{text}");
        };
        check("stun:host:3478", "stun:host:3478", "", "");
        check("stun:host", "stun:host:3478", "", "");
        check("stun:[::1]:1", "stun:[::1]:1", "", "");
        check("turn:host:1:me:p:w", "turn:host:1", "me", "p:w");
        check("turn:host:1?username=me&credential=p%3Aw", "turn:host:1", "me", "p:w");
        check("turn:host:1?username=me&password=pw", "turn:host:1", "me", "pw");
        check(
            "turns:host?transport=tcp&username=me&credential=pw",
            "turns:host:5349?transport=tcp",
            "me",
            "pw",
        );
    }

    #[test]
    fn what_cannot_be_used_is_refused_without_being_repeated() {
        use IceServerProblem::{Credentials, Host, Port, Scheme};
        for (text, problem) in [
            ("", Scheme),
            ("host", Scheme),
            ("http://host", Scheme),
            ("stun:", Host),
            ("stun:ho st", Host),
            ("stun:[::1", Host),
            ("stun:[::1]3", Port),
            ("stun:host:0", Port),
            ("stun:host:65536", Port),
            ("turn:host:1", Credentials),
            ("turn:host:1:s3cret", Credentials),
        ] {
            let refused = text.parse::<IceServer>().expect_err(text);
            assert_eq!(refused, problem, "{text}");
            assert!(!refused.to_string().contains("s3cret"));
        }
        let server: IceServer = "turn:host:1:me:s3cret".parse().expect("sound");
        assert!(!format!("{server:?} {}", server.describe()).contains("s3cret"));
    }

    #[test]
    fn lists_have_commas() {
        let list = IceServer::parse_list(" stun:a , ,turn:b:1:u:p").expect("sound");
        let urls: Vec<&str> = list.iter().map(|server| server.url.as_str()).collect();
        assert_eq!(urls, ["stun:a:3478", "turn:b:1"]);
    }
}
