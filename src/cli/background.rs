//! A server in a process of its own, which outlives the terminal.
//!
//! The child is this program again. It tells by one line on its standard output that it is ready, or why it is not; the
//! parent reads that line from a pipe and says the same to the operator.

use std::fs::OpenOptions;
use std::io::{self, BufRead, BufReader, Write};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

use super::announce::Started;
use super::context::Context;
use super::exit::{CommandResult, Exit, Failure};
use super::foreground;
use crate::runtime::telemetry::Sink;

/// How long a start is waited for. It may take longer, because it may check the whole database.
const START_LIMIT: Duration = Duration::from_secs(120);

/// The descriptors below are the standard input, output and error output.
const FIRST_OTHER_DESCRIPTOR: i32 = 3;

/// The line from the child to its parent.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Report {
    /// Clients can connect.
    Ready(Started),
    /// The start has failed.
    #[serde(rename_all = "camelCase")]
    Failed {
        /// The code that the child ends with.
        exit_code: u8,
        /// Why.
        message: String,
    },
}

/// Starts a server in the background and waits until it is ready. The data directory must be set up.
pub(super) fn start(context: &Context) -> Result<Started, Failure> {
    let executable = std::env::current_exe().context("cannot find the program's own file")?;
    // Whoever started us may have left files, pipes or locks open to us by mistake; a server must not hold them for as long
    // as it runs.
    close_fds::set_fds_cloexec_threadsafe(FIRST_OTHER_DESCRIPTOR, &[]);
    let mut child = Command::new(&executable)
        .args(["serve", "--foreground", "--detached-child"])
        .args(context.arguments())
        .current_dir(context.data_dir.path())
        // A server needs no key of an agent, and its environment can be read for as long as it runs.
        .env_remove("WARDROOM_API_KEY")
        .env_remove("BROODLINK_API_KEY")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .with_context(|| format!("cannot start `{}`", executable.display()))?;
    let stdout = child.stdout.take().context("the server's process has no pipe")?;
    match first_line(stdout) {
        Ok(Some(line)) => match serde_json::from_str(&line) {
            Ok(Report::Ready(started)) => Ok(started),
            Ok(Report::Failed { exit_code, message }) => {
                child.wait().context("cannot wait for the server's process")?;
                Err(Failure::new(Exit::from_code(i32::from(exit_code)), message))
            }
            Err(_) => Err(give_up(
                &mut child,
                "the server's process told something that is not understood",
            )),
        },
        Ok(None) => Err(died(context, &mut child)),
        Err(mpsc::RecvTimeoutError::Timeout) => Err(still_starting(context, child.id())),
        Err(mpsc::RecvTimeoutError::Disconnected) => Err(give_up(&mut child, "the server's process cannot be read")),
    }
}

/// Serves in this process, which `start` has made.
pub(super) fn child(context: &Context) -> CommandResult {
    // Refused to the leader of a process group, which has a session of its own or was started by hand.
    let _already_leader = rustix::process::setsid();
    let served = context.load().and_then(|loaded| {
        foreground::run_with_log(context, loaded.config, Sink::File(context.data_dir.log()), |started| {
            tell(&Report::Ready(started.clone()));
            leave_pipe()
        })
    });
    if let Err(failure) = &served {
        tell(&Report::Failed {
            exit_code: failure.exit.code(),
            message: failure.message(),
        });
    }
    served
}

/// Writes the line for the parent. A parent that has gone misses it, which is no reason not to serve.
fn tell(report: &Report) {
    let Ok(mut line) = serde_json::to_vec(report) else {
        return;
    };
    line.push(b'\n');
    let mut stdout = io::stdout().lock();
    drop(stdout.write_all(&line).and_then(|()| stdout.flush()));
}

/// Lets go of the pipe to the parent.
fn leave_pipe() -> io::Result<()> {
    let nowhere = OpenOptions::new().write(true).open("/dev/null")?;
    Ok(rustix::stdio::dup2_stdout(nowhere)?)
}

/// The first line that arrives in time; none when the other end was closed without one.
fn first_line(stdout: ChildStdout) -> Result<Option<String>, mpsc::RecvTimeoutError> {
    let (sender, receiver) = mpsc::sync_channel(1);
    // A read of a pipe has no time limit, so it waits in a thread; the thread ends with this process at the latest.
    thread::spawn(move || {
        let mut line = String::new();
        let read = BufReader::new(stdout).read_line(&mut line);
        // Nobody listens after the limit.
        drop(sender.send(read.is_ok_and(|length| length > 0).then_some(line)));
    });
    receiver.recv_timeout(START_LIMIT)
}

/// A start that takes long goes on: to end it would only make the next one begin again.
fn still_starting(context: &Context, pid: u32) -> Failure {
    let log = context.data_dir.log();
    let message = format!(
        "the server (process {pid}) is still starting after {} seconds and goes on; `{}` tells when it is ready, and `{}` \
         what it does",
        START_LIMIT.as_secs(),
        context.hint("status"),
        log.display()
    );
    Failure::new(Exit::Starting, message)
        .with("pid", pid)
        .with("log", log.to_string_lossy())
}

fn died(context: &Context, child: &mut Child) -> Failure {
    let log = context.data_dir.log();
    match child.wait() {
        Ok(status) => {
            let exit = status.code().map_or(Exit::Failed, Exit::from_code);
            // A start that ends well without a report has not started anything.
            let exit = if exit == Exit::Done { Exit::Failed } else { exit };
            Failure::new(
                exit,
                format!("the server ended while it started ({status}); see `{}`", log.display()),
            )
        }
        Err(error) => anyhow::Error::new(error)
            .context("cannot wait for the server's process")
            .into(),
    }
}

fn give_up(child: &mut Child, message: &str) -> Failure {
    // It is our own child and not yet waited for, so the id is its own. It may have ended meanwhile.
    drop(child.kill());
    drop(child.wait());
    Failure::new(Exit::Failed, message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::context::Flags;

    #[test]
    fn a_start_that_takes_long_is_told_with_a_code_of_its_own() {
        let flags = Flags {
            data_dir: Some("/srv/w".into()),
            ..Flags::default()
        };
        let context = Context::new(flags).expect("usable");
        let report = still_starting(&context, 7).report();
        assert_eq!(
            (&report["status"], &report["exitCode"], &report["pid"], &report["log"]),
            (&"starting".into(), &7.into(), &7.into(), &"/srv/w/wardroom.log".into())
        );
        let message = report["message"].as_str().expect("a text");
        assert!(message.contains("wardroom status --data-dir /srv/w"), "{message}");
    }
}
