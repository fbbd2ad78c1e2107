//! Reads settings from environment variables.

use std::ffi::OsString;

use serde_json::Value;

use super::error::{Origin, Problem};
use super::keys::{KEYS, Key, Kind};
use super::nearest::nearest;
use super::settings::{Setting, Settings};

/// What all our variables begin with.
const PREFIX: &str = "WARDROOM_";

/// Variables that are ours without being settings: where the data is, and what clients use.
const RESERVED: [&str; 6] = [
    "WARDROOM_DATA_DIR",
    "WARDROOM_CONFIG",
    "WARDROOM_URL",
    "WARDROOM_API_KEY",
    "WARDROOM_DISPLAY_NAME",
    "WARDROOM_BIN",
];

/// Picks from the process's variables those that configuration is concerned with.
///
/// A name or value that is not UTF-8 is taken with replacement characters; [`Config::load`](super::Config::load)
/// refuses such a value.
pub fn relevant(variables: impl IntoIterator<Item = (OsString, OsString)>) -> Vec<(String, String)> {
    let text = |text: OsString| text.to_string_lossy().into_owned();
    variables
        .into_iter()
        .map(|(name, value)| (text(name), text(value)))
        .filter(|(name, _)| name.starts_with(PREFIX) || name.starts_with("BROODLINK_") || name == "HOME")
        .collect()
}

/// Adds what the `variables` set to `settings`; names that are not ours are passed over.
pub(super) fn parse(variables: &[(String, String)], settings: &mut Settings) {
    for (name, text) in variables {
        if !name.starts_with(PREFIX) || RESERVED.contains(&name.as_str()) {
            continue;
        }
        let origin = Origin::Environment(name.clone());
        let Some(key) = KEYS.keys.iter().find(|key| key.variable() == *name) else {
            settings.refuse(Problem {
                origin,
                key: String::new(),
                message: unknown(name),
            });
            continue;
        };
        match value(key, text) {
            Ok(value) => settings.add(Setting {
                key: key.path.clone(),
                value,
                origin,
            }),
            Err(message) => settings.refuse(Problem {
                origin,
                key: key.path.clone(),
                message,
            }),
        }
    }
}

fn unknown(name: &str) -> String {
    let variables: Vec<String> = KEYS.keys.iter().map(Key::variable).collect();
    let known = variables.iter().map(String::as_str).chain(RESERVED);
    format!(
        "is not a known setting; the nearest is `{}`",
        nearest(name, known).unwrap_or_default()
    )
}

/// The value that `text` stands for, of the type that `key` takes.
fn value(key: &Key, text: &str) -> Result<Value, String> {
    if text.contains(char::REPLACEMENT_CHARACTER) {
        return Err("is not UTF-8".to_owned());
    }
    Ok(match &key.kind {
        // A variable cannot be null; the empty one says the same.
        Kind::OptionalText if text.is_empty() => Value::Null,
        Kind::Text | Kind::OptionalText | Kind::Choice(_) => Value::String(text.to_owned()),
        Kind::Boolean | Kind::Integer { .. } => {
            serde_json::from_str(text.trim()).unwrap_or_else(|_| Value::String(text.to_owned()))
        }
        Kind::TextList => serde_json::from_str(text)
            .map_err(|_| "must be a list of texts written as JSON, such as `[\"one\",\"two\"]`".to_owned())?,
    })
}
