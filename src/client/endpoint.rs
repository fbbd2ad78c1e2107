//! Where a server is reached.

use std::fmt;
use std::path::PathBuf;

use tokio_rustls::rustls::pki_types::ServerName;
use tokio_tungstenite::tungstenite::http::Uri;

use super::{ClientError, Trust};

/// An address of a server. Neither its `Debug` form nor an error shows what may be secret in it: a password and a query.
#[derive(Clone, PartialEq, Eq)]
pub enum Endpoint {
    /// A WebSocket over TCP.
    Tcp {
        /// The whole address, as it goes into the opening handshake.
        url: String,
        /// Host and port to connect to; an IPv6 address stands in brackets.
        authority: String,
    },
    /// A WebSocket over TLS.
    Tls {
        /// The whole address, as it goes into the opening handshake.
        url: String,
        /// Host and port to connect to; an IPv6 address stands in brackets.
        authority: String,
        /// Whom the server's certificate must name.
        host: ServerName<'static>,
        /// Who must have signed it.
        trust: Trust,
    },
    /// A WebSocket over a Unix socket: the operator's door in the data directory.
    Unix(PathBuf),
}

impl Endpoint {
    /// Reads an address of the form `ws://host[:port][/path]`; the port is 80 when left out, as the WebSocket standard says.
    ///
    /// # Errors
    ///
    /// [`ClientError::Address`] for anything else, `wss://` included, for which [`Endpoint::parse_trusting`] is told whom
    /// to trust.
    pub fn parse(url: &str) -> Result<Self, ClientError> {
        Self::read(url, None)
    }

    /// The same, and `wss://host[:port][/path]` for a server whose certificate an authority in `trust` has signed; the port
    /// is 443 when left out.
    ///
    /// # Errors
    ///
    /// [`ClientError::Address`] for anything else.
    pub fn parse_trusting(url: &str, trust: &Trust) -> Result<Self, ClientError> {
        Self::read(url, Some(trust))
    }

    fn read(url: &str, trust: Option<&Trust>) -> Result<Self, ClientError> {
        let refuse = |problem| ClientError::Address {
            address: without_secrets(url),
            problem,
        };
        let uri: Uri = url.parse().map_err(|_| refuse("not an address"))?;
        let trust = match (uri.scheme_str(), trust) {
            (Some("ws"), _) => None,
            (Some("wss"), Some(trust)) => Some(trust.clone()),
            (Some("wss"), None) => return Err(refuse("`wss://` needs certificate authorities to trust")),
            _ => return Err(refuse("the address must begin with `ws://` or `wss://`")),
        };
        let host = uri
            .host()
            .filter(|host| !host.is_empty())
            .ok_or_else(|| refuse("the address names no host"))?;
        let standard_port = if trust.is_some() { 443 } else { 80 };
        let authority = format!("{host}:{}", uri.port_u16().unwrap_or(standard_port));
        let url = url.to_owned();
        let Some(trust) = trust else {
            return Ok(Self::Tcp { url, authority });
        };
        let name = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        Ok(Self::Tls {
            host: ServerName::try_from(name).map_err(|_| refuse("no certificate can name this host"))?,
            url,
            authority,
            trust,
        })
    }

    /// The address for messages to people: without a password and a query.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::Tcp { url, .. } | Self::Tls { url, .. } => without_secrets(url),
            Self::Unix(path) => path.display().to_string(),
        }
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Endpoint").field(&self.describe()).finish()
    }
}

/// An address with `***` where a user and a password stand, and `...` in the place of a query. Also for what is no address,
/// so that a mistyped one does not give away more.
pub(super) fn without_secrets(url: &str) -> String {
    let (address, query) = match url.split_once('?') {
        Some((address, _)) => (address, "?..."),
        None => (url, ""),
    };
    // Whatever stands before the last `@`, also where a password holds a `/`.
    match (address.rsplit_once('@'), address.split_once("://")) {
        (Some((_, host)), Some((scheme, _))) if !scheme.contains('@') => format!("{scheme}://***@{host}{query}"),
        (Some((_, host)), _) => format!("***@{host}{query}"),
        (None, _) => format!("{address}{query}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOT_EVEN_TLS: [&str; 5] = ["", "127.0.0.1:18800", "http://127.0.0.1", "ws://", "not an address"];

    #[test]
    fn an_address_keeps_its_path_and_names_what_to_connect_to() {
        let check = |url: &str, expected: &str| {
            let Ok(Endpoint::Tcp { url: kept, authority }) = Endpoint::parse(url) else {
                panic!("`{url}` was refused");
            };
            assert_eq!((kept.as_str(), authority.as_str()), (url, expected));
        };
        check("ws://127.0.0.1:18800", "127.0.0.1:18800");
        check("ws://[::1]:18800/ws", "[::1]:18800");
        check("ws://example.org/ws", "example.org:80");
    }

    #[test]
    fn an_encrypted_address_names_the_host_that_the_certificate_is_for() {
        let trust = Trust::nobody();
        let check = |url: &str, expected: (&str, &str)| {
            let Ok(Endpoint::Tls { authority, host, .. }) = Endpoint::parse_trusting(url, &trust) else {
                panic!("`{url}` was refused");
            };
            assert_eq!((authority.as_str(), &*host.to_str()), expected);
        };
        check("wss://example.org/ws", ("example.org:443", "example.org"));
        check("wss://[::1]:18800", ("[::1]:18800", "::1"));
        assert!(matches!(
            Endpoint::parse_trusting("ws://[::1]:18800", &trust),
            Ok(Endpoint::Tcp { .. })
        ));
    }

    #[test]
    fn other_addresses_are_refused() {
        for url in NOT_EVEN_TLS {
            for endpoint in [Endpoint::parse(url), Endpoint::parse_trusting(url, &Trust::nobody())] {
                assert!(
                    matches!(endpoint, Err(ClientError::Address { .. })),
                    "`{url}` was accepted"
                );
            }
        }
        assert!(matches!(
            Endpoint::parse("wss://127.0.0.1"),
            Err(ClientError::Address { .. })
        ));
    }

    #[test]
    fn regression_no_secret_of_an_address_is_shown() {
        let check = |url: &str, expected: &str| assert_eq!(without_secrets(url), expected);
        check("ws://127.0.0.1:18800/ws", "ws://127.0.0.1:18800/ws");
        check("ws://me:s3cret@host/ws?token=s3cret", "ws://***@host/ws?...");
        check("ws://me:s3/cret@host/ws", "ws://***@host/ws");
        check("me:s3cret@host", "***@host");
        check("me:s3cret@ws://host", "***@ws://host");

        let url = "ws://me:s3cret@127.0.0.1:1/?token=s3cret";
        let endpoint = Endpoint::parse(url).expect("a good address");
        let refused = Endpoint::parse(&url.replace("ws:", "http:")).expect_err("not a WebSocket");
        for shown in [
            format!("{endpoint:?}"),
            endpoint.describe(),
            format!("{refused:?} {refused}"),
        ] {
            assert!(shown.contains("127.0.0.1") && !shown.contains("s3cret"), "{shown}");
        }
    }
}
