//! `docs`, for developers: the documents that are written from the code.

use std::fs;
use std::path::Path;

use anyhow::Context as _;
use clap::Subcommand;

use super::exit::{CommandResult, Exit, Failure};
use super::output::Output;
use crate::{config, protocol};

/// Write or check the generated documents of the working tree
#[derive(Debug, Subcommand)]
pub(super) enum Docs {
    /// Write them
    Write,
    /// Fail when they are not what the code says
    Check,
}

/// Each document's path in the working tree and its content.
fn documents() -> [(&'static str, String); 3] {
    [
        ("docs/protocol.md", protocol::docs::markdown()),
        ("docs/config.md", config::docs::markdown()),
        ("config/wardroom.json", config::docs::annotated_file()),
    ]
}

pub(super) fn run(what: &Docs, output: Output) -> CommandResult {
    if !Path::new("Cargo.toml").is_file() {
        return Err(Failure::new(
            Exit::Usage,
            "`docs` works in the root of wardroom's source tree",
        ));
    }
    match what {
        Docs::Write => write(output),
        Docs::Check => check(output),
    }
}

fn write(output: Output) -> CommandResult {
    for (path, content) in documents() {
        if let Some(directory) = Path::new(path).parent() {
            fs::create_dir_all(directory).with_context(|| format!("cannot make `{}`", directory.display()))?;
        }
        fs::write(path, content).with_context(|| format!("cannot write `{path}`"))?;
        output.line(format_args!("wrote {path}"))?;
    }
    Ok(Exit::Done)
}

fn check(output: Output) -> CommandResult {
    let mut drifted = Vec::new();
    for (path, content) in documents() {
        match first_difference(&fs::read_to_string(path).unwrap_or_default(), &content) {
            None => output.line(format_args!("{path} is what the code says"))?,
            Some(line) => drifted.push(format!("`{path}` differs from line {line} on")),
        }
    }
    if drifted.is_empty() {
        return Ok(Exit::Done);
    }
    Err(Failure::new(
        Exit::Failed,
        format!("{}; run `wardroom docs write`", drifted.join(", ")),
    ))
}

/// The first line, counted from 1, in which two texts differ.
fn first_difference(found: &str, expected: &str) -> Option<usize> {
    if found == expected {
        return None;
    }
    let same = found
        .lines()
        .zip(expected.lines())
        .take_while(|(found, expected)| found == expected)
        .count();
    Some(same + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_difference_is_found() {
        assert_eq!(first_difference("a\nb\n", "a\nb\n"), None);
        assert_eq!(first_difference("a\nb\n", "a\nc\n"), Some(2));
        assert_eq!(first_difference("", "a\n"), Some(1));
        assert_eq!(first_difference("a\n", "a\nb\n"), Some(2));
        assert_eq!(first_difference("a", "a\n"), Some(2));
    }
}
