//! The form of a fixture file.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde::Deserialize;
use serde_json::{Value, json};

/// A file: the cases of one method.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Fixture {
    method: String,
    pub(super) cases: Vec<Case>,
}

/// One call, what comes before it and what comes of it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Case {
    pub(super) name: String,
    /// Calls that make the situation; all succeed.
    #[serde(default)]
    pub(super) given: Vec<Step>,
    /// Who calls.
    #[serde(rename = "as")]
    pub(super) caller: String,
    pub(super) params: Value,
    pub(super) result: Option<Value>,
    pub(super) error: Option<Value>,
    /// Everything that anybody is told because of the call.
    #[serde(default)]
    pub(super) events: Vec<ExpectedEvent>,
}

/// A call before the one that matters.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Step {
    #[serde(rename = "as")]
    pub(super) caller: String,
    pub(super) method: String,
    pub(super) params: Value,
    /// Name of a variable, and where in the result its value is.
    #[serde(default)]
    pub(super) save: BTreeMap<String, String>,
}

/// An event that must arrive.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ExpectedEvent {
    pub(super) to: String,
    pub(super) method: String,
    pub(super) params: Value,
}

fn directory() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/wire")
}

/// The methods that there are files for.
pub(super) fn files() -> BTreeSet<String> {
    let entries = std::fs::read_dir(directory()).expect("the fixtures are there");
    let names = entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("a name"));
    names
        .map(|name| name.strip_suffix(".json").expect("only fixtures").to_owned())
        .collect()
}

impl Fixture {
    pub(super) fn load(method: &str) -> Self {
        let path = directory().join(format!("{method}.json"));
        let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let fixture: Self = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert_eq!(fixture.method, method);
        for case in &fixture.cases {
            assert!(
                case.result.is_some() != case.error.is_some(),
                "`{}` must expect either a result or an error",
                case.name
            );
        }
        fixture
    }
}

/// The variables of a case: `$name` stands for a value found before.
#[derive(Default)]
pub(super) struct Variables(BTreeMap<String, Value>);

impl Variables {
    pub(super) fn set(&mut self, name: &str, value: Value) {
        self.0.insert(name.to_owned(), value);
    }

    /// Remembers what a step saves of its result.
    pub(super) fn save(&mut self, step: &Step, result: &Value) {
        for (name, path) in &step.save {
            let pointer = format!("/{}", path.replace('.', "/"));
            let value = result
                .pointer(&pointer)
                .unwrap_or_else(|| panic!("`{path}` is not in {result}"));
            self.set(name, value.clone());
        }
    }

    /// `template` with every variable in it replaced by its value.
    pub(super) fn fill(&self, template: &Value) -> Value {
        match template {
            Value::String(text) => match text.strip_prefix('$') {
                Some(name) => self
                    .0
                    .get(name)
                    .unwrap_or_else(|| panic!("`${name}` is not known"))
                    .clone(),
                None => json!(text),
            },
            Value::Array(items) => items.iter().map(|item| self.fill(item)).collect(),
            Value::Object(members) => members
                .iter()
                .map(|(name, value)| (name.clone(), self.fill(value)))
                .collect(),
            other => other.clone(),
        }
    }
}
