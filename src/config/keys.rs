//! The table of all keys, read from the types of the sections.
//!
//! The check of a setting, the names of environment variables, the annotated file and the reference all come from this
//! table, so a field that is added to a section is known everywhere.

use std::sync::LazyLock;

use jsonc_parser::{CollectOptions, ParseOptions, ast, parse_to_ast};
use schemars::generate::SchemaSettings;
use serde_json::Value;

use super::Config;
use super::nearest::distance;

/// The keys of [`Config`], in the order of its fields.
pub(super) static KEYS: LazyLock<Keys> = LazyLock::new(Keys::of_config);

/// All keys and the sections they are in.
#[derive(Debug)]
pub(super) struct Keys {
    /// The keys, in the order of the fields.
    pub(super) keys: Vec<Key>,
    /// The sections, in the order of the fields.
    pub(super) sections: Vec<Section>,
}

/// A key that holds further keys.
#[derive(Debug)]
pub(super) struct Section {
    /// Its name, such as `limits`.
    pub(super) path: String,
    /// What it is about.
    pub(super) description: String,
}

/// A key that holds a value.
#[derive(Debug)]
pub(super) struct Key {
    /// Where it stands, such as `limits.frameBytes`.
    pub(super) path: String,
    /// Meaning, unit, default and what 0 means.
    pub(super) description: String,
    /// The value without any configuration.
    pub(super) default: Value,
    /// What values it takes.
    pub(super) kind: Kind,
}

/// What values a key takes.
#[derive(Debug)]
pub(super) enum Kind {
    Boolean,
    Integer { minimum: u64, maximum: u64 },
    Text,
    OptionalText,
    TextList,
    Choice(Vec<Choice>),
}

/// One of the words a key takes.
#[derive(Debug)]
pub(super) struct Choice {
    pub(super) name: String,
    pub(super) description: String,
}

/// What a path of the configuration leads to.
pub(super) enum Entry<'keys> {
    Section,
    Key(&'keys Key),
    Unknown,
}

impl Keys {
    fn of_config() -> Self {
        let settings = SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
        let schema = settings.into_generator().into_root_schema_for::<Config>().to_value();
        let mut table = Self {
            keys: Vec::new(),
            sections: Vec::new(),
        };
        for path in paths_in_order() {
            let Some(property) = property(&schema, &path) else {
                continue;
            };
            if property.get("properties").is_some() {
                table.sections.push(Section {
                    path,
                    description: description(property),
                });
            } else {
                table.keys.push(Key::new(path, property));
            }
        }
        table
    }

    /// What `path` leads to.
    pub(super) fn find(&self, path: &str) -> Entry<'_> {
        if self.sections.iter().any(|section| section.path == path) {
            return Entry::Section;
        }
        self.keys
            .iter()
            .find(|key| key.path == path)
            .map_or(Entry::Unknown, Entry::Key)
    }

    /// The known path that is nearest to the unknown `path`.
    ///
    /// A key of the same section wins over one with an equally near name elsewhere.
    pub(super) fn nearest(&self, path: &str) -> &str {
        let (section, name) = split(path);
        let sections = self.sections.iter().map(|section| section.path.as_str());
        self.keys
            .iter()
            .map(|key| key.path.as_str())
            .chain(sections)
            .min_by_key(|known| {
                let (known_section, known_name) = split(known);
                2 * distance(name, known_name) + usize::from(section != known_section)
            })
            .unwrap_or_default()
    }
}

impl Key {
    fn new(path: String, schema: &Value) -> Self {
        Self {
            path,
            description: description(schema),
            default: schema.get("default").cloned().unwrap_or_default(),
            kind: Kind::new(schema),
        }
    }

    /// The environment variable that sets this key, such as `WARDROOM_LIMITS__FRAME_BYTES`.
    pub(super) fn variable(&self) -> String {
        let mut name = "WARDROOM_".to_owned();
        for letter in self.path.chars() {
            match letter {
                '.' => name.push_str("__"),
                letter if letter.is_ascii_uppercase() => {
                    name.push('_');
                    name.push(letter);
                }
                letter => name.push(letter.to_ascii_uppercase()),
            }
        }
        name
    }

    /// Whether the key takes `value`.
    ///
    /// # Errors
    ///
    /// What it takes instead, as the rest of a sentence that begins with the key.
    pub(super) fn check(&self, value: &Value) -> Result<(), String> {
        let is_accepted = match &self.kind {
            Kind::Boolean => value.is_boolean(),
            Kind::Integer { minimum, maximum } => value
                .as_u64()
                .is_some_and(|number| (*minimum..=*maximum).contains(&number)),
            Kind::Text => value.is_string(),
            Kind::OptionalText => value.is_string() || value.is_null(),
            Kind::TextList => value
                .as_array()
                .is_some_and(|entries| entries.iter().all(Value::is_string)),
            Kind::Choice(choices) => choices.iter().any(|choice| value == choice.name.as_str()),
        };
        if is_accepted {
            return Ok(());
        }
        Err(format!("must be {}, not {}", self.kind.expected(), shown(value)))
    }
}

impl Kind {
    fn new(schema: &Value) -> Self {
        if let Some(choices) = choices(schema) {
            return Self::Choice(choices);
        }
        match schema.get("type") {
            Some(Value::String(name)) => match name.as_str() {
                "boolean" => Self::Boolean,
                "integer" => Self::Integer {
                    minimum: schema.get("minimum").and_then(Value::as_u64).unwrap_or(0),
                    maximum: schema.get("maximum").and_then(Value::as_u64).unwrap_or_else(|| {
                        match schema.get("format").and_then(Value::as_str) {
                            Some("uint16") => u16::MAX.into(),
                            Some("uint32") => u32::MAX.into(),
                            _ => u64::MAX,
                        }
                    }),
                },
                "array" => Self::TextList,
                _ => Self::Text,
            },
            // The only type with an alternative is an optional text.
            Some(Value::Array(_)) => Self::OptionalText,
            _ => Self::Text,
        }
    }

    /// What the key takes, as it follows "must be".
    pub(super) fn expected(&self) -> String {
        match self {
            Self::Boolean => "true or false".to_owned(),
            Self::Integer { minimum, maximum } => {
                format!("a whole number from {minimum} to {maximum}")
            }
            Self::Text => "a text".to_owned(),
            Self::OptionalText => "a text or null".to_owned(),
            Self::TextList => "a list of texts".to_owned(),
            Self::Choice(choices) => {
                let names: Vec<_> = choices.iter().map(|choice| format!("\"{}\"", choice.name)).collect();
                names.join(" or ")
            }
        }
    }
}

/// The paths of all sections and keys in the order of the fields, which a schema does not keep.
fn paths_in_order() -> Vec<String> {
    let defaults = serde_json::to_string(&Config::default()).unwrap_or_default();
    let parsed = parse_to_ast(&defaults, &CollectOptions::default(), &ParseOptions::default());
    let mut paths = Vec::new();
    if let Ok(Some(ast::Value::Object(whole))) = parsed.map(|parsed| parsed.value) {
        for property in whole.properties {
            let name = property.name.as_str();
            paths.push(name.to_owned());
            if let ast::Value::Object(section) = &property.value {
                let inner = section.properties.iter();
                paths.extend(inner.map(|inner| format!("{name}.{}", inner.name.as_str())));
            }
        }
    }
    paths
}

/// The schema of a section or key.
fn property<'schema>(schema: &'schema Value, path: &str) -> Option<&'schema Value> {
    path.split('.')
        .try_fold(schema, |schema, name| schema.get("properties")?.get(name))
}

/// The words of an enumeration; `None` when the schema describes something else.
fn choices(schema: &Value) -> Option<Vec<Choice>> {
    let variants = schema.get("oneOf")?.as_array()?;
    let choice = |variant: &Value| {
        let name = variant.get("const")?.as_str()?.to_owned();
        Some(Choice {
            name,
            description: description(variant),
        })
    };
    variants.iter().map(choice).collect()
}

/// The doc comment of a field or variant, in one line.
fn description(schema: &Value) -> String {
    let text = schema.get("description").and_then(Value::as_str).unwrap_or_default();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The section and the last name of a path.
fn split(path: &str) -> (&str, &str) {
    path.rsplit_once('.').unwrap_or(("", path))
}

/// A value as it is quoted in a message: short, and without control characters.
fn shown(value: &Value) -> String {
    match value {
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "an object".to_owned(),
        Value::String(text) if text.chars().count() > 40 => "a longer text".to_owned(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_the_configuration() {
        let defaults = serde_json::to_value(Config::default()).expect("serialised");
        let mut paths = Vec::new();
        for (name, value) in defaults.as_object().expect("an object") {
            match value.as_object() {
                Some(section) => {
                    paths.extend(section.keys().map(|inner| format!("{name}.{inner}")));
                }
                None => paths.push(name.clone()),
            }
        }
        paths.sort();
        let mut known: Vec<_> = KEYS.keys.iter().map(|key| key.path.clone()).collect();
        known.sort();
        assert_eq!(known, paths);
        for key in &KEYS.keys {
            let pointer = format!("/{}", key.path.replace('.', "/"));
            assert_eq!(Some(&key.default), defaults.pointer(&pointer), "{}", key.path);
            assert_eq!(key.check(&key.default), Ok(()), "{}", key.path);
        }
    }

    #[test]
    fn every_key_is_described_with_its_default() {
        for key in &KEYS.keys {
            let ending = format!("Default `{}`.", key.default);
            assert!(key.description.ends_with(&ending), "{}: {}", key.path, key.description);
            assert!(key.description.len() > ending.len() + 10, "{}", key.path);
            if let Kind::Integer { minimum: 0, .. } = key.kind {
                assert!(key.description.contains("`0`"), "{} must say what 0 means", key.path);
            }
            if let Kind::Choice(choices) = &key.kind {
                assert!(
                    choices.iter().all(|choice| !choice.description.is_empty()),
                    "{}",
                    key.path
                );
            }
        }
        for section in &KEYS.sections {
            assert!(!section.description.is_empty(), "{}", section.path);
        }
    }

    #[test]
    fn variables_are_named_after_their_keys() {
        let variables: Vec<_> = KEYS.keys.iter().map(Key::variable).collect();
        for expected in [
            "WARDROOM_PORT",
            "WARDROOM_MAX_HISTORY_PER_ROOM",
            "WARDROOM_LIMITS__MESSAGES_PER_SECOND",
            "WARDROOM_TAILSCALE__INTERFACE_NAME",
        ] {
            assert!(variables.iter().any(|variable| variable == expected), "{expected}");
        }
    }

    #[test]
    fn the_nearest_key_is_found_across_spellings_and_sections() {
        for (unknown, known) in [
            ("max_rooms", "maxRooms"),
            ("Port", "port"),
            ("hots", "host"),
            ("limit", "limits"),
            ("historyLimit", "lobby.historyLimit"),
            ("interfaceName", "tailscale.interfaceName"),
            ("limits.framebyte", "limits.frameBytes"),
            ("limits.maxRooms", "maxRooms"),
            ("lobby.nmae", "lobby.name"),
        ] {
            assert_eq!(KEYS.nearest(unknown), known, "{unknown}");
        }
    }
}
