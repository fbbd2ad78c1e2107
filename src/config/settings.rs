//! The settings of all sources on their way to one configuration.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::error::{Origin, Problem};
use super::keys::{Entry, KEYS};

/// A value for one key, and where it was given.
#[derive(Debug)]
pub(super) struct Setting {
    /// A known path, such as `limits.frameBytes`.
    pub(super) key: String,
    /// The value, not yet checked.
    pub(super) value: Value,
    /// Where it was given.
    pub(super) origin: Origin,
}

/// The settings that hold so far, and what was wrong with others.
///
/// Sources are added from the weakest to the strongest.
#[derive(Debug, Default)]
pub(super) struct Settings {
    values: BTreeMap<String, (Value, Origin)>,
    problems: Vec<Problem>,
}

impl Settings {
    /// Takes a setting in place of a weaker one, or remembers why it cannot be taken.
    pub(super) fn add(&mut self, setting: Setting) {
        let Setting { key, value, origin } = setting;
        let Entry::Key(known) = KEYS.find(&key) else {
            let message = "is not a known key".to_owned();
            return self.refuse(Problem { origin, key, message });
        };
        match known.check(&value) {
            Ok(()) => {
                self.values.insert(key, (value, origin));
            }
            Err(message) => self.refuse(Problem { origin, key, message }),
        }
    }

    /// Remembers a problem.
    pub(super) fn refuse(&mut self, problem: Problem) {
        self.problems.push(problem);
    }

    /// The settings as one nested value, where each came from, and the problems.
    pub(super) fn finish(self) -> (Value, BTreeMap<String, Origin>, Vec<Problem>) {
        let mut whole = Map::new();
        let mut origins = BTreeMap::new();
        for (path, (value, origin)) in self.values {
            match path.split_once('.') {
                Some((section, name)) => {
                    let inner = whole.entry(section).or_insert_with(|| Value::Object(Map::new()));
                    if let Value::Object(inner) = inner {
                        inner.insert(name.to_owned(), value);
                    }
                }
                None => {
                    whole.insert(path.clone(), value);
                }
            }
            origins.insert(path, origin);
        }
        (Value::Object(whole), origins, self.problems)
    }
}
