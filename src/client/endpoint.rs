//! Where a server is reached.

use std::path::PathBuf;

use tokio_tungstenite::tungstenite::http::Uri;

use super::ClientError;

/// An address of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Endpoint {
    /// A WebSocket over TCP.
    Tcp {
        /// The whole address, as it goes into the opening handshake.
        url: String,
        /// Host and port to connect to; an IPv6 address stands in brackets.
        authority: String,
    },
    /// A WebSocket over a Unix socket: the operator's door in the data directory.
    Unix(PathBuf),
}

impl Endpoint {
    /// Reads an address of the form `ws://host[:port][/path]`; the port is 80 when left out, as the WebSocket standard says.
    ///
    /// # Errors
    ///
    /// [`ClientError::Address`] for anything else. `wss://` is refused too: open the TLS stream and hand it to
    /// [`super::Connection::over`].
    pub fn parse(url: &str) -> Result<Self, ClientError> {
        let refuse = |problem| ClientError::Address {
            address: url.to_owned(),
            problem,
        };
        let uri: Uri = url.parse().map_err(|_| refuse("not an address"))?;
        match uri.scheme_str() {
            Some("ws") => {}
            Some("wss") => return Err(refuse("`wss://` needs a TLS stream opened by the caller")),
            _ => return Err(refuse("the address must begin with `ws://`")),
        }
        let host = uri
            .host()
            .filter(|host| !host.is_empty())
            .ok_or_else(|| refuse("the address names no host"))?;
        let authority = format!("{host}:{}", uri.port_u16().unwrap_or(80));
        Ok(Self::Tcp {
            url: url.to_owned(),
            authority,
        })
    }

    /// The address for messages to people.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::Tcp { url, .. } => url.clone(),
            Self::Unix(path) => path.display().to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn other_addresses_are_refused() {
        for url in [
            "",
            "127.0.0.1:18800",
            "http://127.0.0.1",
            "wss://127.0.0.1",
            "ws://",
            "not an address",
        ] {
            assert!(
                matches!(Endpoint::parse(url), Err(ClientError::Address { .. })),
                "`{url}` was accepted"
            );
        }
    }
}
