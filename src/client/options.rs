//! What a client needs to know before it connects.

use std::fmt;
use std::path::Path;
use std::time::Duration;

use super::{Backoff, ClientError, ConnectOptions, Endpoint, Positions, Trust};

/// Where a server listens unless it was told otherwise.
const DEFAULT_URL: &str = "ws://127.0.0.1:18800/";

/// The environment's prefixes, the first that is set wins.
const PREFIXES: [&str; 2] = ["WARDROOM_", "BROODLINK_"];

/// An agent's key. Its `Debug` form never shows it.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKey(String);

impl ApiKey {
    /// Wraps a key as it was handed out; it is neither trimmed nor checked.
    #[must_use]
    pub fn new(key: impl Into<String>) -> Self {
        Self(key.into())
    }

    /// The key itself, for the one place that sends it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("ApiKey(redacted)")
    }
}

/// Settings of a [`super::Client`].
#[derive(Debug, Clone)]
pub struct ClientOptions {
    /// Where the server is.
    pub endpoint: Endpoint,
    /// Who connects.
    pub api_key: ApiKey,
    /// The name for this session; none: the registered one.
    pub display_name: Option<String>,
    /// Limits of each connection. With an `event_capacity` of 0 the client tells no events, as suits a program that only
    /// iterates ([`super::Client::room`]).
    pub connect: ConnectOptions,
    /// Up to where an earlier client of this agent had everything. Whatever is followed without naming a position begins
    /// there.
    pub positions: Positions,
    /// Messages that may wait for each iteration. What comes beyond is fetched again when they were read.
    pub iteration_capacity: usize,
    /// How long sending a message and changing a task are tried by themselves, under one idempotency key, after a lost
    /// connection, a time-out and the errors 4080, 4090, 4092 and -32603; zero: one try. Only with servers that know such
    /// keys.
    pub retry_for: Duration,
    /// Waits between attempts to reconnect.
    pub backoff: Backoff,
    /// How long a connection must have lasted for the waits to begin anew, so that a server which accepts and drops at
    /// once is not hammered.
    pub settled_after: Duration,
}

impl ClientOptions {
    /// Settings with every default.
    #[must_use]
    pub fn new(endpoint: Endpoint, api_key: ApiKey) -> Self {
        Self {
            endpoint,
            api_key,
            display_name: None,
            connect: ConnectOptions::default(),
            positions: Positions::default(),
            iteration_capacity: 1024,
            retry_for: Duration::from_secs(60),
            backoff: Backoff::default(),
            settled_after: Duration::from_secs(10),
        }
    }

    /// Settings from `WARDROOM_URL`, `WARDROOM_API_KEY` and `WARDROOM_DISPLAY_NAME`, each falling back to the same name
    /// with `BROODLINK_`. The address defaults to `ws://127.0.0.1:18800/`. A server at a `wss://` address is held to the
    /// authorities in the file that `SSL_CERT_FILE` names, else to the system's.
    ///
    /// # Errors
    ///
    /// [`ClientError::Missing`] without a key, [`ClientError::Address`] for a bad address, [`ClientError::Trust`] without
    /// authorities for a `wss://` one.
    #[expect(
        clippy::disallowed_methods,
        reason = "a program that is an agent has no other configuration"
    )]
    pub fn from_environment() -> Result<Self, ClientError> {
        Self::from_lookup(|name| std::env::var(name).ok())
    }

    /// The same from any source of variables; an empty value counts as not set.
    ///
    /// # Errors
    ///
    /// As [`ClientOptions::from_environment`].
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, ClientError> {
        let find = |name: &str| {
            PREFIXES
                .iter()
                .find_map(|prefix| lookup(&format!("{prefix}{name}")).filter(|value| !value.is_empty()))
        };
        let url = find("URL").unwrap_or_else(|| DEFAULT_URL.to_owned());
        let endpoint = if url.starts_with("wss:") {
            let file = lookup("SSL_CERT_FILE").filter(|file| !file.is_empty());
            Endpoint::parse_trusting(&url, &Trust::in_system(file.as_deref().map(Path::new))?)?
        } else {
            Endpoint::parse(&url)?
        };
        let api_key = ApiKey::new(find("API_KEY").ok_or(ClientError::Missing("WARDROOM_API_KEY"))?);
        Ok(Self {
            display_name: find("DISPLAY_NAME"),
            ..Self::new(endpoint, api_key)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lookup<'a>(variables: &'a [(&'a str, &'a str)]) -> impl Fn(&str) -> Option<String> + 'a {
        |name| {
            variables
                .iter()
                .find(|(key, _)| *key == name)
                .map(|(_, value)| (*value).to_owned())
        }
    }

    #[test]
    fn wardroom_variables_come_before_broodlink_ones() {
        let options = ClientOptions::from_lookup(lookup(&[
            ("BROODLINK_URL", "ws://old:1"),
            ("BROODLINK_API_KEY", "old"),
            ("WARDROOM_API_KEY", "new"),
            ("WARDROOM_DISPLAY_NAME", ""),
            ("BROODLINK_DISPLAY_NAME", "Scout"),
        ]))
        .expect("the settings are complete");
        assert_eq!(options.endpoint, Endpoint::parse("ws://old:1").expect("a good address"));
        assert_eq!(options.api_key.reveal(), "new");
        assert_eq!(options.display_name.as_deref(), Some("Scout"));
    }

    #[test]
    fn the_address_has_a_default_and_the_key_has_none() {
        let options = ClientOptions::from_lookup(lookup(&[("WARDROOM_API_KEY", "k")])).expect("complete");
        assert_eq!(options.endpoint, Endpoint::parse(DEFAULT_URL).expect("a good address"));
        assert!(matches!(
            ClientOptions::from_lookup(lookup(&[])),
            Err(ClientError::Missing("WARDROOM_API_KEY"))
        ));
    }

    #[test]
    fn an_encrypted_address_is_held_to_the_authorities_that_are_named() {
        let variables = [
            ("WARDROOM_API_KEY", "k"),
            ("WARDROOM_URL", "wss://example.org/"),
            ("SSL_CERT_FILE", "/nowhere/authorities.pem"),
        ];
        let refused = ClientOptions::from_lookup(lookup(&variables)).expect_err("there is no such file");
        assert!(refused.to_string().contains("/nowhere/authorities.pem"), "{refused}");
    }

    #[test]
    fn the_key_is_not_in_the_debug_form() {
        let options = ClientOptions::from_lookup(lookup(&[("WARDROOM_API_KEY", "bl_k_secret")])).expect("complete");
        let shown = format!("{options:?}");
        assert!(shown.contains("redacted") && !shown.contains("bl_k_secret"), "{shown}");
    }
}
