//! Writes the reference and the annotated file from the doc comments of the sections.

use std::fmt::Write as _;

use serde_json::Value;

use super::keys::{KEYS, Key, Kind};

/// What stands above the tables of the reference.
const PREFACE: &str = "\
# Configuration

<!-- Written by `cargo run --release -- docs write` from the doc comments in `src/config`; edit those. -->

Every key is optional. What is given in several places is taken from the first of

1. the flags `--host` and `--port`,
2. environment variables: `WARDROOM_` and the key in capitals, words joined by `_` and sections by `__`, as in
   `WARDROOM_LIMITS__MESSAGES_PER_SECOND=50`; lists are written as JSON, as in
   `WARDROOM_HTTP__ALLOWED_HOSTS='[\"agents.example\"]'`; an empty variable means null for a key that may be null,
3. the file: the one named by `--config` or `WARDROOM_CONFIG`, else `wardroom.json` in the data directory, else
   `broodlink.json` there; never one in the working directory,
4. the defaults.

The file is JSON; `//` and `/* */` comments and trailing commas are allowed. An unknown key or variable, a wrong type, a
value out of range, a key given twice and malformed JSON are refused at start with the place and, for names, the nearest
known one; `wardroom check-config` reports the same without starting. The first run writes `wardroom.json` with all
defaults, and nothing ever overwrites it.

The data directory is named by `--data-dir`, else `WARDROOM_DATA_DIR`, else `BROODLINK_DATA_DIR`, else it is `~/.wardroom`.
`WARDROOM_URL`, `WARDROOM_API_KEY` and `WARDROOM_DISPLAY_NAME` belong to the clients and are no settings.
";

/// The reference of all keys, the content of `docs/config.md`.
#[must_use]
pub fn markdown() -> String {
    let mut text = PREFACE.to_owned();
    text.push_str("\n## Top level\n\n");
    table(&mut text, "");
    for section in &KEYS.sections {
        let _ = write!(text, "\n## `{}`\n\n{}\n\n", section.path, section.description);
        table(&mut text, &section.path);
    }
    text
}

/// The file with all defaults and what they mean, the content of `config/wardroom.json`.
#[must_use]
pub fn annotated_file() -> String {
    let mut text = String::from(
        "// The configuration of wardroom. Every key is optional; these are the defaults.\n\
         // Comments and trailing commas are allowed. Check changes with `wardroom check-config`.\n{\n",
    );
    let mut blocks: Vec<String> = members("").map(|key| member(key, 2)).collect();
    for section in &KEYS.sections {
        let inner: Vec<String> = members(&section.path).map(|key| member(key, 4)).collect();
        let mut block = comment(&section.description, 2);
        let _ = write!(block, "  \"{}\": {{\n{}\n  }}", section.path, inner.join(",\n\n"));
        blocks.push(block);
    }
    text.push_str(&blocks.join(",\n\n"));
    text.push_str("\n}\n");
    text
}

fn table(text: &mut String, section: &str) {
    text.push_str("| key | default | values | meaning |\n| --- | --- | --- | --- |\n");
    for key in members(section) {
        let _ = writeln!(
            text,
            "| `{}` | `{}` | {} | {} |",
            key.path,
            key.default,
            key.kind.expected(),
            meaning(key).replace('|', "\\|")
        );
    }
}

/// The keys of a section, those at the top for the empty name.
fn members(section: &str) -> impl Iterator<Item = &'static Key> {
    KEYS.keys.iter().filter(move |key| match key.path.split_once('.') {
        Some((name, _)) => name == section,
        None => section.is_empty(),
    })
}

fn member(key: &Key, indent: usize) -> String {
    let name = key.path.rsplit('.').next().unwrap_or_default();
    let value = match &key.default {
        Value::Array(entries) if entries.is_empty() => "[]".to_owned(),
        value => value.to_string(),
    };
    format!("{}{:indent$}\"{name}\": {value}", comment(&meaning(key), indent), "")
}

/// The description without the default, which is shown beside it, and with the words the key takes.
fn meaning(key: &Key) -> String {
    let default = format!(" Default `{}`.", key.default);
    let mut text = key
        .description
        .strip_suffix(&default)
        .unwrap_or(&key.description)
        .to_owned();
    if let Kind::Choice(choices) = &key.kind {
        for choice in choices {
            let _ = write!(text, " `{}`: {}", choice.name, choice.description);
        }
    }
    text
}

/// The text as comment lines of at most 100 columns.
fn comment(text: &str, indent: usize) -> String {
    let mut lines = String::new();
    let mut line = format!("{:indent$}//", "");
    for word in text.split_whitespace() {
        if line.len() + 1 + word.len() > 100 {
            lines.push_str(&line);
            lines.push('\n');
            line = format!("{:indent$}//", "");
        }
        line.push(' ');
        line.push_str(word);
    }
    lines.push_str(&line);
    lines.push('\n');
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMMAND: &str = "run `cargo run --release -- docs write` and commit the result";

    #[test]
    fn the_reference_is_up_to_date() {
        let committed = include_str!("../../docs/config.md");
        assert!(
            committed == markdown(),
            "`docs/config.md` differs from the doc comments: {COMMAND}"
        );
    }

    #[test]
    fn the_annotated_file_is_up_to_date() {
        assert!(
            crate::config::DEFAULT_FILE == annotated_file(),
            "`config/wardroom.json` differs from the defaults and doc comments: {COMMAND}"
        );
    }
}
