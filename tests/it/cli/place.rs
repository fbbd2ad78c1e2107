//! A data directory of its own for each test, and the program run on it.

use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead, BufReader, Lines};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, ChildStdout, Command, ExitStatus, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// What a run of the program left.
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

    /// The one object on the standard output.
    #[track_caller]
    pub(super) fn json(&self) -> Value {
        assert_eq!(self.stdout.lines().count(), 1, "one object in one line: {self:#?}");
        serde_json::from_str(&self.stdout).expect("JSON")
    }

    /// The controller key in the first line, which has its fixed form.
    #[track_caller]
    pub(super) fn key(&self) -> String {
        key_of(self.stdout.lines().next().unwrap_or_default())
    }
}

/// The key in the line that shows it.
#[track_caller]
pub(super) fn key_of(line: &str) -> String {
    let key = line
        .strip_prefix("Controller key: ")
        .and_then(|rest| rest.strip_suffix("  (shown once, keep it)"))
        .unwrap_or_else(|| panic!("no key in `{line}`"));
    let hex = key.strip_prefix("bl_k_ctrl_").expect("the prefix of a controller key");
    assert!(
        hex.len() == 48 && hex.chars().all(|digit| matches!(digit, '0'..='9' | 'a'..='f')),
        "{key}"
    );
    key.to_owned()
}

/// A data directory that does not exist yet, in a directory that is removed in the end. A server that runs on it when the
/// test ends is stopped.
pub(super) struct Place {
    root: TempDir,
    program: PathBuf,
}

impl Place {
    pub(super) fn new() -> Self {
        Self {
            root: tempfile::tempdir().expect("a directory"),
            program: env!("CARGO_BIN_EXE_wardroom").into(),
        }
    }

    /// The same with a copy of the program, which a test may replace.
    pub(super) fn with_own_program() -> Self {
        let mut place = Self::new();
        let bin = place.path("cargo/bin");
        fs::create_dir_all(&bin).expect("made");
        let copy = bin.join("wardroom");
        // A process of its own copies: a file that is open for writing cannot be run, and processes that other tests start
        // at this moment would hold ours open.
        run(Command::new("cp").arg(&place.program).arg(&copy)).expect(0);
        place.program = copy;
        place
    }

    pub(super) fn program(&self) -> &Path {
        &self.program
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    pub(super) fn data_dir(&self) -> PathBuf {
        self.path("data")
    }

    /// A file in the data directory.
    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.data_dir().join(name)
    }

    /// Writes a file into the data directory before the program has seen it.
    pub(super) fn write(&self, name: &str, text: &str) {
        use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(self.data_dir())
            .expect("made");
        let mut options = fs::OpenOptions::new();
        let file = options
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(self.file(name));
        std::io::Write::write_all(&mut file.expect("opened"), text.as_bytes()).expect("written");
    }

    /// The program on this data directory, in an environment without settings.
    pub(super) fn command<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Command {
        let mut command = self.bare_command();
        command.args(arguments).arg("--data-dir").arg(self.data_dir());
        command
    }

    /// The program in an environment without settings, on its default data directory below this place.
    pub(super) fn bare_command(&self) -> Command {
        let mut command = Command::new(&self.program);
        for (name, _) in std::env::vars_os() {
            let text = name.to_string_lossy();
            if text.starts_with("WARDROOM_") || text.starts_with("BROODLINK_") {
                command.env_remove(&name);
            }
        }
        command
            .env("HOME", self.root.path())
            .current_dir(self.root.path())
            .stdin(Stdio::null());
        command
    }

    /// Runs a command, given as words, to its end.
    pub(super) fn run(&self, line: &str) -> Ran {
        run(&mut self.command(line.split_whitespace()))
    }

    /// Starts a server in the background on a free port and gives what was printed.
    #[track_caller]
    pub(super) fn serve(&self) -> Ran {
        self.run("serve --port 0").expect(0)
    }

    /// The running server's status.
    #[track_caller]
    pub(super) fn status(&self) -> Value {
        self.run("status --json").expect(0).json()
    }

    /// Starts a server in the foreground and waits until it listens.
    #[track_caller]
    pub(super) fn foreground(&self, line: &str) -> Foreground {
        let mut child = self
            .command(line.split_whitespace())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let stdout = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        let stderr = BufReader::new(child.stderr.take().expect("a pipe")).lines();
        let mut server = Foreground {
            child,
            printed: Vec::new(),
            stdout,
            stderr,
        };
        while let Some(line) = server.stdout.next() {
            let line = line.expect("UTF-8");
            let is_last = line.starts_with("Stop: ");
            server.printed.push(line);
            if is_last {
                return server;
            }
        }
        let log: Vec<String> = server.stderr.by_ref().map_while(Result::ok).collect();
        panic!("the server did not start: {:#?} {log:#?}", server.printed);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if self.data_dir().is_dir() {
            // Most tests have stopped it themselves.
            drop(self.command(["stop"]).output());
        }
    }
}

pub(super) fn run(command: &mut Command) -> Ran {
    let output = command.output().expect("the program runs");
    Ran {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).expect("UTF-8"),
        stderr: String::from_utf8(output.stderr).expect("UTF-8"),
    }
}

/// A server in the foreground. It is killed when the test fails before it ends.
pub(super) struct Foreground {
    child: Child,
    pub(super) printed: Vec<String>,
    stdout: Lines<BufReader<ChildStdout>>,
    stderr: Lines<BufReader<ChildStderr>>,
}

impl Foreground {
    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits until the log says `text`.
    #[track_caller]
    pub(super) fn wait_for_log(&mut self, text: &str) {
        let said = self
            .stderr
            .by_ref()
            .map_while(Result::ok)
            .any(|line| line.contains(text));
        assert!(said, "the log never said `{text}`");
    }

    pub(super) fn signal(&self, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, signal).expect("our own child");
    }

    /// Waits for its end; its log is read meanwhile, so that it never waits for us.
    pub(super) fn wait(mut self) -> ExitStatus {
        for _line in self.stderr.by_ref().map_while(Result::ok) {}
        self.child.wait().expect("our own child")
    }

    /// Ends it without any chance to tidy up.
    pub(super) fn kill(mut self) {
        self.child.kill().expect("our own child");
        self.child.wait().expect("our own child");
    }
}

impl Drop for Foreground {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Every file below a directory.
pub(super) fn files_below(directory: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory).expect("readable") {
        let path = entry.expect("readable").path();
        if path.is_dir() {
            files.extend(files_below(&path));
        } else if path.is_file() {
            files.push(path);
        }
    }
    files
}
