//! What can be wrong with a configuration, said so that it can be put right.

use std::fmt;
use std::path::PathBuf;

/// Why there is no configuration to start with.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file named by `--config` is not there.
    #[error("the configuration file `{}` does not exist", .0.display())]
    Missing(PathBuf),
    /// A configuration file is there but cannot be read.
    #[error("the configuration file `{}` cannot be read: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// Everything that is wrong with what was read, in the order of file, environment, flags, whole.
    #[error("{}", listing(.0))]
    Problems(Vec<Problem>),
    /// No data directory is named and there is no home directory to put it in.
    #[error("there is no home directory; name a data directory with `--data-dir` or `WARDROOM_DATA_DIR`")]
    NoHome,
    /// The name of the data directory cannot be made absolute.
    #[error("the data directory `{}` cannot be used: {source}", path.display())]
    DataDirectory {
        /// The directory as it was named.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
}

impl ConfigError {
    /// The single problems, for a report by a program; empty when nothing could be read at all.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        match self {
            Self::Problems(problems) => problems,
            _ => &[],
        }
    }
}

/// One thing that is wrong with one setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where the setting was made.
    pub origin: Origin,
    /// The path of the key, such as `limits.frameBytes`; empty when the whole file is meant.
    pub key: String,
    /// What is wrong, as the rest of a sentence that begins with the key.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.origin {
            Origin::File { path, line } => {
                write!(formatter, "{}:{line}: ", path.display())?;
                if self.key.is_empty() {
                    formatter.write_str(&self.message)
                } else {
                    write!(formatter, "`{}` {}", self.key.escape_debug(), self.message)
                }
            }
            Origin::Environment(name) => {
                write!(formatter, "`{}` {}", name.escape_debug(), self.message)
            }
            Origin::Flag(name) => write!(formatter, "`{name}` {}", self.message),
            Origin::Default => write!(formatter, "`{}` {}", self.key, self.message),
        }
    }
}

/// Where a setting was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Nowhere: the built-in value.
    Default,
    /// In the configuration file.
    File {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
    },
    /// By the environment variable of this name.
    Environment(String),
    /// By this flag of the command line.
    Flag(&'static str),
}

fn listing(problems: &[Problem]) -> String {
    let mut text = match problems {
        [_] => "the configuration has a problem".to_owned(),
        _ => format!("the configuration has {} problems", problems.len()),
    };
    for problem in problems {
        text.push_str("\n  ");
        text.push_str(&problem.to_string());
    }
    text
}
