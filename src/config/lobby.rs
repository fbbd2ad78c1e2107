//! The `lobby` section: the room that every agent is in.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::check::Checks;
use crate::text::is_deceptive;

/// The room that every agent is in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct Lobby {
    /// Name of the lobby, as clients show it. At most `limits.nameLength` code points. Default `"Lobby"`.
    pub name: String,

    /// Messages kept in the lobby; the newest stay. Applies to the open messages and, separately, to the direct messages
    /// of each pair of agents. `0` keeps all. Default `500`.
    #[schemars(range(max = 9_007_199_254_740_991_u64))]
    pub history_limit: u64,
}

impl Default for Lobby {
    fn default() -> Self {
        Self {
            name: "Lobby".to_owned(),
            history_limit: 500,
        }
    }
}

impl Lobby {
    /// Checks the name against the rules for every room's name.
    pub(super) fn validate(&self, name_length: u32, checks: &mut Checks) {
        let length = self.name.chars().count();
        let involved = ["lobby.name", "limits.nameLength"];
        if self.name.trim().is_empty() {
            checks.report(&involved, "must not be empty");
        } else if self.name.chars().any(is_deceptive) {
            checks.report(&involved, "must not contain control characters");
        } else if u32::try_from(length).map_or(true, |length| length > name_length) {
            checks.report(
                &involved,
                format!("must have at most {name_length} characters, not {length}"),
            );
        }
    }
}
