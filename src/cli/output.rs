//! What the commands print.

use std::fmt::Display;
use std::io::{self, IsTerminal, Write};

use serde_json::Value;

use super::exit::{Exit, Failure};

/// Where and how to print: lines for people, or one JSON object for programs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Output {
    /// Whether `--json` was given.
    pub(super) json: bool,
    colour: bool,
}

/// Colours of short words; what a terminal shows in them is up to its user.
#[derive(Debug, Clone, Copy)]
pub(super) enum Colour {
    Green = 32,
    Yellow = 33,
    Red = 31,
}

impl Output {
    /// Colour is for terminals, and not for people who have set `NO_COLOR` to anything.
    pub(super) fn new(json: bool) -> Self {
        let no_colour = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self {
            json,
            colour: !no_colour && io::stdout().is_terminal(),
        }
    }

    /// Prints a line for people; nothing with `--json`.
    pub(super) fn line(self, text: impl Display) -> io::Result<()> {
        if self.json {
            Ok(())
        } else {
            write_line(io::stdout().lock(), text)
        }
    }

    /// Prints the object for programs; nothing without `--json`.
    pub(super) fn object(self, value: &Value) -> io::Result<()> {
        if self.json {
            write_line(io::stdout().lock(), value)
        } else {
            Ok(())
        }
    }

    /// Prints why a command failed.
    pub(super) fn failure(self, failure: &Failure) {
        let printed = if self.json {
            write_line(io::stdout().lock(), failure.report())
        } else {
            let word = if failure.exit == Exit::Starting {
                "notice"
            } else {
                "error"
            };
            write_line(io::stderr().lock(), format_args!("{word}: {}", failure.message()))
        };
        // Nobody is left to tell when that is closed, and the exit code says it too.
        drop(printed);
    }

    /// A word in colour, if colours are wanted.
    pub(super) fn paint(self, word: &str, colour: Colour) -> String {
        if self.colour {
            format!("\u{1b}[{}m{word}\u{1b}[0m", colour as u8)
        } else {
            word.to_owned()
        }
    }
}

/// Prints a warning to the standard error output, whatever the form of the rest.
pub(super) fn warning(text: impl Display) {
    // Nobody is left to tell when the standard error output is closed.
    drop(write_line(io::stderr().lock(), format_args!("warning: {text}")));
}

fn write_line(mut stream: impl Write, text: impl Display) -> io::Result<()> {
    writeln!(stream, "{text}")?;
    stream.flush()
}
