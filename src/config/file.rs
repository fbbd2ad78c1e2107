//! Reads the configuration file: JSON that may hold comments and trailing commas, and nothing else beyond JSON.

use std::collections::HashSet;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use jsonc_parser::ast;
use jsonc_parser::common::Ranged as _;
use jsonc_parser::{CollectOptions, ParseOptions, parse_to_ast};
use serde_json::Value;

use super::error::{ConfigError, Origin, Problem};
use super::keys::{Entry, KEYS};
use super::settings::{Setting, Settings};

/// The file's name in the data directory.
pub(super) const NAME: &str = "wardroom.json";

/// The name it has for users of `broodlink`.
pub(super) const ALIAS: &str = "broodlink.json";

/// Largest file that is read, so that a wrong name does not fill the memory.
const LARGEST_BYTES: u64 = 1_048_576;

/// Comments and trailing commas, but none of the other liberties that would hide a mistake.
const SYNTAX: ParseOptions = ParseOptions {
    allow_comments: true,
    allow_trailing_commas: true,
    allow_loose_object_property_names: false,
    allow_missing_commas: false,
    allow_single_quoted_strings: false,
    allow_hexadecimal_numbers: false,
    allow_unary_plus_numbers: false,
    allow_bare_decimal_point_numbers: false,
    allow_non_finite_numbers: false,
    allow_extended_string_escapes: false,
};

/// The file to read: the one that was `named`, else the one in the data directory, if any.
///
/// # Errors
///
/// [`ConfigError::Missing`] when the named one is not there, [`ConfigError::Unreadable`] when that cannot be told.
pub(super) fn locate(named: Option<&Path>, data_dir: &Path) -> Result<Option<PathBuf>, ConfigError> {
    let exists = |path: &Path| {
        path.try_exists().map_err(|source| ConfigError::Unreadable {
            path: path.to_owned(),
            source,
        })
    };
    if let Some(path) = named {
        return if exists(path)? {
            Ok(Some(path.to_owned()))
        } else {
            Err(ConfigError::Missing(path.to_owned()))
        };
    }
    for name in [NAME, ALIAS] {
        let path = data_dir.join(name);
        if exists(&path)? {
            return Ok(Some(path));
        }
    }
    Ok(None)
}

/// The text of the file at `path`.
///
/// # Errors
///
/// [`ConfigError::Unreadable`] when it cannot be read, is not UTF-8 or is larger than 1 MiB.
pub(super) fn read(path: &Path) -> Result<String, ConfigError> {
    let read = || {
        let mut text = String::new();
        std::fs::File::open(path)?
            .take(LARGEST_BYTES + 1)
            .read_to_string(&mut text)?;
        if text.len() as u64 > LARGEST_BYTES {
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, "it is larger than 1 MiB"));
        }
        Ok(text)
    };
    read().map_err(|source| ConfigError::Unreadable {
        path: path.to_owned(),
        source,
    })
}

/// Adds what `text`, the content of the file at `path`, sets to `settings`.
pub(super) fn parse(path: &Path, text: &str, settings: &mut Settings) {
    // Some editors begin a file with a byte order mark.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader = Reader { path, text, settings };
    match parse_to_ast(text, &CollectOptions::default(), &SYNTAX) {
        Ok(parsed) => match parsed.value {
            Some(ast::Value::Object(object)) => reader.object("", &object),
            Some(other) => reader.refuse("", other.range().start, "must be an object, written in `{` and `}`"),
            None => reader.refuse("", 0, "is empty; the smallest configuration is `{}`"),
        },
        Err(error) => {
            let message = format!("is not JSON with comments: {}", error.kind());
            reader.refuse("", error.range().start, message);
        }
    }
}

struct Reader<'a> {
    path: &'a Path,
    text: &'a str,
    settings: &'a mut Settings,
}

impl Reader<'_> {
    fn object(&mut self, prefix: &str, object: &ast::Object<'_>) {
        let mut seen = HashSet::new();
        for property in &object.properties {
            let name = property.name.as_str();
            let position = property.range.start;
            let path = if prefix.is_empty() {
                name.to_owned()
            } else {
                format!("{prefix}.{name}")
            };
            if !seen.insert(name) {
                self.refuse(&path, position, "is given twice");
                continue;
            }
            // A dot in a name must not pass for a way into a section.
            let entry = if name.contains('.') {
                Entry::Unknown
            } else {
                KEYS.find(&path)
            };
            match (entry, &property.value) {
                (Entry::Section, ast::Value::Object(section)) => self.object(&path, section),
                (Entry::Section, _) => {
                    self.refuse(&path, position, "is a section and must be an object");
                }
                (Entry::Key(_), value) => match to_json(value) {
                    Some(value) => {
                        let origin = self.origin(position);
                        self.settings.add(Setting {
                            key: path,
                            value,
                            origin,
                        });
                    }
                    None => self.refuse(&path, position, "holds a number that is not JSON"),
                },
                (Entry::Unknown, _) => {
                    let message = format!("is not a known key; the nearest is `{}`", KEYS.nearest(&path));
                    self.refuse(&path, position, message);
                }
            }
        }
    }

    fn refuse(&mut self, key: &str, position: usize, message: impl Into<String>) {
        let problem = Problem {
            origin: self.origin(position),
            key: key.to_owned(),
            message: message.into(),
        };
        self.settings.refuse(problem);
    }

    fn origin(&self, position: usize) -> Origin {
        let before = self.text.get(..position).unwrap_or_default();
        let line = 1 + before.matches('\n').count();
        Origin::File {
            path: self.path.to_owned(),
            line,
        }
    }
}

/// The plain value; `None` for a number that JSON does not have.
fn to_json(value: &ast::Value<'_>) -> Option<Value> {
    Some(match value {
        ast::Value::NullKeyword(_) => Value::Null,
        ast::Value::BooleanLit(literal) => Value::Bool(literal.value),
        ast::Value::StringLit(literal) => Value::String(literal.value.clone().into_owned()),
        ast::Value::NumberLit(literal) => serde_json::from_str(literal.value).ok()?,
        ast::Value::Array(array) => Value::Array(array.elements.iter().map(to_json).collect::<Option<_>>()?),
        // No key takes an object; its content does not matter to the message.
        ast::Value::Object(_) => Value::Object(serde_json::Map::new()),
    })
}
