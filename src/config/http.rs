//! The `http` section: who may reach the server from a browser.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::check::Checks;

/// Which web pages and host names are accepted; programs that send no `Origin` are not concerned.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct Http {
    /// Origins of web pages that may connect, each written as browsers send it: scheme, host and any unusual port, in
    /// lower case, as in `https://console.example`. None are needed for programs. Default `[]`.
    pub allowed_origins: Vec<String>,

    /// Host names under which clients may address the server besides loopback names and its own addresses, each in lower
    /// case without a port, as in `agents.example`. Needed behind a proxy that keeps the `Host` header. Default `[]`.
    pub allowed_hosts: Vec<String>,
}

impl Http {
    /// Checks that every entry can match what a browser sends.
    pub(super) fn validate(&self, checks: &mut Checks) {
        for origin in &self.allowed_origins {
            if !is_origin(origin) {
                checks.report(
                    &["http.allowedOrigins"],
                    format!(
                        "holds `{}`, which is no origin such as `https://console.example`",
                        origin.escape_debug()
                    ),
                );
            }
        }
        for host in &self.allowed_hosts {
            if !is_host(host) {
                checks.report(
                    &["http.allowedHosts"],
                    format!(
                        "holds `{}`, which is no host name without a port such as `agents.example`",
                        host.escape_debug()
                    ),
                );
            }
        }
    }
}

/// Whether `text` is `scheme://host` or `scheme://host:port`, in lower case and with nothing behind.
fn is_origin(text: &str) -> bool {
    let Some((scheme, authority)) = text.split_once("://") else {
        return false;
    };
    let scheme_is_sound = scheme.starts_with(|first: char| first.is_ascii_lowercase())
        && scheme
            .chars()
            .all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || "+-.".contains(letter));
    // The colons inside of a bracketed IPv6 address do not separate a port.
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (authority, None),
    };
    scheme_is_sound && is_host(host) && port.is_none_or(|port| port.parse::<u16>().is_ok())
}

/// Whether `text` is a host name or address as a `Host` header holds it, in lower case and without a port.
fn is_host(text: &str) -> bool {
    if let Some(inner) = text.strip_prefix('[') {
        return inner
            .strip_suffix(']')
            .is_some_and(|address| address.parse::<std::net::Ipv6Addr>().is_ok());
    }
    !text.is_empty()
        && text
            .chars()
            .all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || "-._".contains(letter))
}
