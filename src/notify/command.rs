//! Commands of the operator's, run by the shell with what they are told in their environment.

use std::io;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command as Process, Stdio};
use std::sync::Arc;
use std::time::Duration;

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use tokio::sync::Semaphore;

use super::template;
use crate::runtime::lifecycle::Lifecycle;

/// How long a command may take.
const LONGEST: Duration = Duration::from_secs(10);

/// Commands that run at once; the next ones wait for their turn.
const AT_ONCE: usize = 4;

/// Commands that may wait or run. More are dropped: whoever floods a link does not get as many processes.
const MOST: usize = 256;

/// Most bytes of one value: the system refuses a command whose environment is too large.
const VALUE_BYTES: usize = 32 * 1024;

/// The parts of the names under which a command finds what it is told.
const PREFIXES: [&str; 2] = ["WARDROOM_", "AGENTLINK_"];

/// Variables that are none of a command's business.
const SECRETS: [&str; 5] = [
    "WARDROOM_API_KEY",
    "WARDROOM_BRIDGE_TG_TOKEN",
    "AGENTLINK_TG_TOKEN",
    "AGENTLINK_TG_CHAT",
    // Relays have passwords in it.
    "AGENTLINK_ICE_SERVERS",
];

/// Runs commands, a few at a time. Cheap to clone; all clones share the bounds.
#[derive(Clone)]
pub(super) struct Processes {
    lifecycle: Lifecycle,
    turns: Arc<Semaphore>,
    places: Arc<Semaphore>,
}

impl Processes {
    pub(super) fn new(lifecycle: Lifecycle) -> Self {
        Self {
            lifecycle,
            turns: Arc::new(Semaphore::new(AT_ONCE)),
            places: Arc::new(Semaphore::new(MOST)),
        }
    }

    /// Runs a command in a task of its own. What it writes is dropped; how it ends matters to nobody.
    pub(super) fn spawn(&self, command: Arc<str>, values: Vec<(&'static str, String)>) {
        let Ok(place) = Arc::clone(&self.places).try_acquire_owned() else {
            tracing::warn!("a hook was not run: too many wait already");
            return;
        };
        let processes = self.clone();
        self.lifecycle.spawn("hook", async move {
            let hard_stop = processes.lifecycle.hard_stop();
            tokio::select! {
                () = processes.run(&command, &values) => {}
                () = hard_stop.cancelled() => {}
            }
            drop(place);
        });
    }

    /// Runs a command to its end, or to the end of its time.
    pub(super) async fn run(&self, command: &str, values: &[(&'static str, String)]) {
        // It is never closed.
        let Ok(_turn) = self.turns.acquire().await else { return };
        let child = match start(command, values) {
            Ok(child) => Group(child),
            Err(error) => {
                tracing::warn!(%error, "a hook could not be run");
                return;
            }
        };
        let pid = child.pid();
        // Waits without taking note of the end: until then nobody else can have this process id.
        let ended = tokio::task::spawn_blocking(move || {
            waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT)
        });
        if tokio::time::timeout(LONGEST, ended).await.is_err() {
            tracing::warn!("a hook took too long and was ended");
        }
        // It is about to be over, and that is waited for elsewhere.
        let _ = tokio::task::spawn_blocking(move || drop(child)).await;
    }
}

fn start(command: &str, values: &[(&'static str, String)]) -> io::Result<Child> {
    let mut process = Process::new("/bin/sh");
    process
        .args(["-c", command])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0);
    for name in SECRETS {
        process.env_remove(name);
    }
    for prefix in PREFIXES {
        // Of what is not told now nothing must be left from our own environment.
        for name in template::NAMES {
            process.env_remove(format!("{prefix}{}", template::variable(name)));
        }
        for (name, value) in values {
            process.env(format!("{prefix}{}", template::variable(name)), clean(value));
        }
    }
    process.spawn()
}

/// A value as an environment can hold it.
fn clean(value: &str) -> String {
    let mut end = value.len().min(VALUE_BYTES);
    while !value.is_char_boundary(end) {
        end -= 1;
    }
    value[..end].replace('\0', "\u{fffd}")
}

/// A process and everything that it has started. Ended at the latest when this is dropped.
struct Group(Child);

impl Group {
    fn pid(&self) -> Pid {
        Pid::from_child(&self.0)
    }
}

impl Drop for Group {
    /// Ends all of them: a command that is over leaves nothing behind that would go on for ever.
    fn drop(&mut self) {
        // Its process id is its own until its end is noted below.
        let _ = kill_process_group(self.pid(), Signal::KILL);
        let _ = self.0.wait();
    }
}
