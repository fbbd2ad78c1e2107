//! How the program ends: the exit codes that scripts may rely on, and failures that carry one.

use std::process::ExitCode;

use serde_json::{Map, Value, json};

use crate::config::ConfigError;
use crate::server::{StartError, StartErrorKind};

/// The part of `--help` that lists the codes.
pub(super) const HELP: &str = "\
Exit codes:
  0  done
  1  failed
  2  wrong usage
  3  no server is running
  4  a server is running already
  5  the configuration is not valid
  6  the data directory is damaged or cannot be used
  7  the server is still starting, and goes on";

/// The exit codes. They never change their meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Exit {
    /// Done; for `status`: a server is running.
    Done = 0,
    /// Failed in a way that has no code of its own.
    Failed = 1,
    /// The command line is not understood.
    Usage = 2,
    /// The command needs a running server and there is none.
    NotRunning = 3,
    /// The command needs that no server is running and there is one.
    AlreadyRunning = 4,
    /// The configuration is not valid.
    Configuration = 5,
    /// The data directory or the database in it is damaged or cannot be used.
    DataDirectory = 6,
    /// The server is not ready within the time that is waited for it; it goes on.
    Starting = 7,
}

impl Exit {
    /// The code as a number.
    pub(super) fn code(self) -> u8 {
        self as u8
    }

    /// The exit that a code of this program stands for; any other code is a failure.
    pub(super) fn from_code(code: i32) -> Self {
        [
            Self::Done,
            Self::Usage,
            Self::NotRunning,
            Self::AlreadyRunning,
            Self::Configuration,
            Self::DataDirectory,
            Self::Starting,
        ]
        .into_iter()
        .find(|exit| i32::from(exit.code()) == code)
        .unwrap_or(Self::Failed)
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// What a command ends with.
pub(super) type CommandResult = Result<Exit, Failure>;

/// Why a command failed, and what that means to a script.
#[derive(Debug)]
pub(super) struct Failure {
    /// The exit code.
    pub(super) exit: Exit,
    /// What went wrong, with its causes.
    pub(super) error: anyhow::Error,
    /// Further members of the report that `--json` prints.
    pub(super) details: Map<String, Value>,
}

impl Failure {
    /// A failure that is told by one sentence.
    pub(super) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self::from_error(exit, anyhow::Error::msg(message.into()))
    }

    /// A failure with an error behind it.
    pub(super) fn from_error(exit: Exit, error: anyhow::Error) -> Self {
        Self {
            exit,
            error,
            details: Map::new(),
        }
    }

    /// The same failure with one more member in its report.
    pub(super) fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.details.insert(name.to_owned(), value.into());
        self
    }

    /// The whole chain in one line; a cause that the error above it has told already is not told again.
    pub(super) fn message(&self) -> String {
        let mut message = String::new();
        for cause in self.error.chain().map(ToString::to_string) {
            if message.is_empty() {
                message = cause;
            } else if !message.ends_with(&cause) {
                message = format!("{message}: {cause}");
            }
        }
        message
    }

    /// The report that `--json` prints.
    pub(super) fn report(&self) -> Value {
        let status = if self.exit == Exit::Starting {
            "starting"
        } else {
            "error"
        };
        let mut report = json!({"status": status, "exitCode": self.exit.code(), "message": self.message()});
        if let Some(members) = report.as_object_mut() {
            members.extend(self.details.clone());
        }
        report
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::from_error(Exit::Failed, error)
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::from_error(Exit::Failed, error.into())
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        let exit = match &error {
            ConfigError::NoHome | ConfigError::DataDirectory { .. } => Exit::DataDirectory,
            ConfigError::Missing(_) | ConfigError::Unreadable { .. } | ConfigError::Problems(_) => Exit::Configuration,
        };
        let problems: Vec<Value> = error
            .problems()
            .iter()
            .map(|problem| json!({"key": problem.key, "message": problem.message, "text": problem.to_string()}))
            .collect();
        Self::from_error(exit, error.into()).with("problems", problems)
    }
}

impl From<StartError> for Failure {
    fn from(error: StartError) -> Self {
        let exit = match error.kind() {
            StartErrorKind::AlreadyRunning => Exit::AlreadyRunning,
            StartErrorKind::Damaged | StartErrorKind::DataDirectory => Exit::DataDirectory,
            StartErrorKind::Configuration => Exit::Configuration,
            StartErrorKind::PortTaken | StartErrorKind::Other => Exit::Failed,
        };
        Self::from_error(exit, error.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_stands_in_the_help_and_comes_back_from_its_number() {
        for code in 0..=7_u8 {
            assert!(HELP.contains(&format!("\n  {code}  ")), "{code}");
            assert_eq!(Exit::from_code(i32::from(code)).code(), code);
        }
        assert_eq!(Exit::from_code(101), Exit::Failed);
    }

    #[test]
    fn a_cause_is_told_once() {
        let cause = anyhow::anyhow!("no space");
        let told = cause
            .context("the file cannot be written: no space")
            .context("no start");
        let failure = Failure::from(told);
        assert_eq!(failure.message(), "no start: the file cannot be written: no space");
    }

    #[test]
    fn a_report_holds_the_code_the_causes_and_the_details() {
        let error = anyhow::anyhow!("no space").context("cannot write `wardroom.pid`");
        let report = Failure::from_error(Exit::Failed, error)
            .with("controllerKey", "k")
            .report();
        assert_eq!(
            report,
            json!({"status": "error", "exitCode": 1, "message": "cannot write `wardroom.pid`: no space", "controllerKey": "k"})
        );
    }
}
