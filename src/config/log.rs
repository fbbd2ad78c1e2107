//! The `log` section: what is logged, in which form, and how much is kept.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::check::Checks;
use super::nearest::nearest;

/// The words that say how much is logged, from nothing to everything.
const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];

/// What is logged, in which form, and how much is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct Log {
    /// What is logged: `off`, `error`, `warn`, `info`, `debug` or `trace`, and after a comma exceptions for parts of the
    /// program, as in `info,wardroom::store=debug`. Default `"info"`.
    pub level: String,

    /// Form of a line. Default `"text"`.
    pub format: LogFormat,

    /// Size in bytes past which the log file is put aside and a new one begun. Default `10485760`.
    #[schemars(range(min = 4096, max = 1_099_511_627_776_u64))]
    pub max_bytes: u64,

    /// Log files kept beside the current one; the oldest goes. Default `5`.
    #[schemars(range(min = 1, max = 1000))]
    pub max_files: u32,
}

impl Default for Log {
    fn default() -> Self {
        Self {
            level: "info".to_owned(),
            format: LogFormat::Text,
            max_bytes: 10_485_760,
            max_files: 5,
        }
    }
}

/// Form of a line in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum LogFormat {
    /// For people: time, level, place, message, fields.
    Text,
    /// For programs: one JSON object in each line.
    Json,
}

impl Log {
    /// Checks that `level` says what its author meant.
    ///
    /// The filter's own parser takes a misspelt level for the name of a module and then logs nothing at all.
    pub(super) fn validate(&self, checks: &mut Checks) {
        for directive in self.level.split(',').map(str::trim) {
            let level = directive.rsplit_once('=').map_or(directive, |(_, level)| level.trim());
            if !LEVELS.contains(&level.to_ascii_lowercase().as_str()) {
                checks.report(
                    &["log.level"],
                    match nearest(level, LEVELS) {
                        Some(known) if !level.is_empty() => format!(
                            "has the unknown level `{}`; the nearest is `{known}`",
                            level.escape_debug()
                        ),
                        _ => format!("needs a level, one of `{}`", LEVELS.join("`, `")),
                    },
                );
            } else if let Err(error) = tracing_subscriber::EnvFilter::try_new(directive) {
                checks.report(&["log.level"], format!("is not understood: {error}"));
            }
        }
    }
}
