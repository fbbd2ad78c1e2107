//! What can go wrong with a call, and how a connection ended.

use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

/// The error object of a JSON-RPC answer.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, thiserror::Error)]
#[error("the server answered with error {code}: {message}")]
pub struct RpcError {
    /// A code of the protocol's error table.
    pub code: i64,
    /// A sentence for people.
    pub message: String,
    /// Further members: `retryable` always, and what the code's row in the table names.
    #[serde(default)]
    pub data: Option<Value>,
}

impl RpcError {
    /// Whether the same call may succeed later without being changed.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        self.data
            .as_ref()
            .and_then(|data| data.get("retryable"))
            .and_then(Value::as_bool)
            .unwrap_or(false)
    }

    /// How long the server asks to wait before another try, if it says so.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        let milliseconds = self.data.as_ref()?.get("retryAfterMs")?.as_u64()?;
        Some(Duration::from_millis(milliseconds))
    }
}

/// How a connection ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct End {
    /// The close code that the server sent; none if the connection broke without a closing handshake.
    pub code: Option<u16>,
    /// The reason that the server sent with its code, or what was noticed here.
    pub reason: String,
}

impl std::fmt::Display for End {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.code {
            Some(code) if self.reason.is_empty() => write!(formatter, "close code {code}"),
            Some(code) => write!(formatter, "close code {code}: {}", self.reason),
            None => formatter.write_str(&self.reason),
        }
    }
}

/// Why a connection could not be made, or a call has no result.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ClientError {
    /// The address is not one this client can connect to.
    #[error("cannot connect to `{address}`: {problem}")]
    Address {
        /// The address as it was given, without what may be secret in it.
        address: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// No connection came about; nothing was sent.
    #[error("cannot connect to `{address}`: {problem}")]
    Connect {
        /// The address as it was given, without what may be secret in it.
        address: String,
        /// What the operating system or the peer answered.
        problem: String,
    },
    /// The connection ended before the answer came: whether the call had an effect is not known.
    #[error("the connection ended ({0})")]
    Closed(End),
    /// No answer within the time allowed: whether the call had an effect is not known.
    #[error("no answer within {0:?}")]
    Timeout(Duration),
    /// The server refused the call.
    #[error(transparent)]
    Rpc(#[from] RpcError),
    /// The answer is not what the protocol says.
    #[error("the answer to `{method}` is not understood: {problem}")]
    Answer {
        /// The method called.
        method: String,
        /// What does not fit.
        problem: String,
    },
    /// The authorities that a server's certificate is to be held to are not to be had.
    #[error("no certificate authorities to trust: {problem}")]
    Trust {
        /// What is wrong with them.
        problem: String,
    },
    /// A necessary setting is missing.
    #[error("`{0}` is not set")]
    Missing(&'static str),
}

impl ClientError {
    /// The JSON-RPC error code, if the server answered with one.
    #[must_use]
    pub fn code(&self) -> Option<i64> {
        match self {
            Self::Rpc(error) => Some(error.code),
            _ => None,
        }
    }
}
