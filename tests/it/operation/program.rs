//! The program, run on the data directory of a test's server.

use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

/// What a run left.
#[derive(Debug)]
pub(super) struct Ran {
    pub(super) code: Option<i32>,
    pub(super) stdout: String,
    pub(super) stderr: String,
}

impl Ran {
    /// Fails the test with everything that was printed unless the exit code is `code`.
    #[track_caller]
    pub(super) fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self:#?}");
        self
    }

    /// The lines of the standard output, each of them JSON.
    #[track_caller]
    pub(super) fn lines(&self) -> Vec<Value> {
        lines(&self.stdout)
    }
}

/// Lines, each of them JSON.
#[track_caller]
pub(super) fn lines(text: &str) -> Vec<Value> {
    let read = |line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    text.lines().map(read).collect()
}

/// Runs a command to its end, off the async threads.
pub(super) async fn run(data_dir: &Path, words: &[&str]) -> Ran {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wardroom"));
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("WARDROOM_") || text.starts_with("BROODLINK_") {
            command.env_remove(&name);
        }
    }
    command.args(words).arg("--data-dir").arg(data_dir).stdin(Stdio::null());
    let output = tokio::task::spawn_blocking(move || command.output().expect("the program runs")).await;
    let output = output.expect("the program ran");
    Ran {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).expect("UTF-8"),
        stderr: String::from_utf8(output.stderr).expect("UTF-8"),
    }
}
