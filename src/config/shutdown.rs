//! The `shutdown` section: how long an orderly stop may take.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How long an orderly stop may take.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct Shutdown {
    /// Milliseconds that clients have at a stop, after they were told, to read what waits for them; then their
    /// connections are cut. `0` cuts them at once. What was acknowledged is kept in any case, and changes under way have
    /// some seconds more to be committed. Default `5000`.
    #[schemars(range(max = 86_400_000))]
    pub drain_ms: u64,
}

impl Default for Shutdown {
    fn default() -> Self {
        Self { drain_ms: 5000 }
    }
}
