//! How the process ends: every task is known by name, told to stop, and waited for with a deadline.
//!
//! Stopping has two phases. The soft stop asks: accept nothing new, tell the clients, finish what was begun. The hard
//! stop insists: drop everything and end. A task that still does not end is named, and the process exits without it.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// The tasks of the process and the two signals to end them. Cheap to clone; all clones are the same.
#[derive(Clone, Debug)]
pub struct Lifecycle {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    /// A child of `hard`: a hard stop is a soft stop too.
    soft: CancellationToken,
    hard: CancellationToken,
    /// Ends what serves the lifecycle itself and is not waited for.
    finished: CancellationToken,
    tasks: TaskTracker,
    running: Mutex<BTreeMap<u64, Cow<'static, str>>>,
    next_number: AtomicU64,
    failed: AtomicBool,
}

impl Default for Lifecycle {
    fn default() -> Self {
        Self::new()
    }
}

impl Lifecycle {
    /// A lifecycle without tasks, in which no stop was asked for.
    #[must_use]
    pub fn new() -> Self {
        let hard = CancellationToken::new();
        Self {
            shared: Arc::new(Shared {
                soft: hard.child_token(),
                hard,
                finished: CancellationToken::new(),
                tasks: TaskTracker::new(),
                running: Mutex::default(),
                next_number: AtomicU64::new(0),
                failed: AtomicBool::new(false),
            }),
        }
    }

    /// Cancelled when tasks should accept nothing new and finish. Cancelling it is the same as [`Self::stop`].
    #[must_use]
    pub fn soft_stop(&self) -> CancellationToken {
        self.shared.soft.clone()
    }

    /// Cancelled when tasks should end at once. Cancelling it is the same as [`Self::abort`].
    #[must_use]
    pub fn hard_stop(&self) -> CancellationToken {
        self.shared.hard.clone()
    }

    /// Asks for the soft stop.
    pub fn stop(&self) {
        self.shared.soft.cancel();
    }

    /// Asks for the hard stop, which includes the soft one.
    pub fn abort(&self) {
        self.shared.hard.cancel();
    }

    /// Asks for the hard stop because the service cannot go on: [`Self::exit_is_failure`] is true from then on.
    pub fn fail(&self) {
        self.shared.failed.store(true, Ordering::Release);
        self.abort();
    }

    /// Runs a task that may end whenever its work is done, such as one connection.
    ///
    /// A panic in it is logged and ends nothing else. Must be called inside a Tokio runtime, and panics elsewhere.
    pub fn spawn<F>(&self, name: impl Into<Cow<'static, str>>, future: F) -> JoinHandle<()>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let entry = Entry::new(&self.shared, name.into());
        // Not an async block: that would keep room for the future twice, before and while it is awaited.
        let ends = AssertUnwindSafe(future).catch_unwind().map(move |ended| {
            if ended.is_err() {
                tracing::error!(task = %entry.name, "a task panicked; the others go on");
            }
        });
        self.shared.tasks.spawn(ends)
    }

    /// Runs a task without which the service is none, such as a listener.
    ///
    /// When it ends before a stop was asked for, or panics, it takes the service with it: the soft stop begins and
    /// [`Self::exit_is_failure`] is true from then on. Must be called inside a Tokio runtime, and panics elsewhere.
    pub fn spawn_core<F>(&self, name: impl Into<Cow<'static, str>>, future: F) -> JoinHandle<()>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        // Aborting the task or dropping it with its runtime skips the end of the block, but not a drop.
        let core = Core {
            entry: Entry::new(&self.shared, name.into()),
        };
        self.shared.tasks.spawn(async move {
            let core = core;
            if AssertUnwindSafe(future).catch_unwind().await.is_err() {
                tracing::error!(task = %core.entry.name, "a core task panicked; the service stops");
                core.fail();
            }
        })
    }

    /// Turns signals into stops, from now to the end of the process.
    ///
    /// The first SIGINT or SIGTERM asks for the soft stop, the second for the hard one. SIGHUP is ignored, so that the
    /// server outlives its terminal. Must be called inside a Tokio runtime, and panics elsewhere.
    ///
    /// # Errors
    ///
    /// What the operating system said when a handler could not be installed.
    pub fn listen_for_signals(&self) -> io::Result<()> {
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        // A handler that does nothing is what keeps SIGHUP from ending the process; it stays when the stream is gone.
        let _ = signal(SignalKind::hangup())?;
        let lifecycle = self.clone();
        // Not one of the tasks that are waited for: it listens for the second signal while they end.
        TaskTracker::new().spawn(async move {
            let mut signals = 0_u32;
            loop {
                let name = tokio::select! {
                    Some(()) = interrupt.recv() => "SIGINT",
                    Some(()) = terminate.recv() => "SIGTERM",
                    () = lifecycle.shared.finished.cancelled() => break,
                };
                signals = signals.saturating_add(1);
                lifecycle.on_signal(name, signals);
            }
        });
        Ok(())
    }

    fn on_signal(&self, name: &str, number: u32) {
        if number == 1 {
            tracing::info!(signal = name, "stopping; a second signal ends at once");
            self.stop();
        } else {
            tracing::warn!(signal = name, "ending at once");
            self.abort();
        }
    }

    /// Waits for a stop to be asked for, then for the tasks to end.
    ///
    /// They have `soft_deadline` from the soft stop on, or until the hard stop is asked for; then the hard stop begins
    /// and they have `hard_deadline` more. Returns as soon as all have ended.
    ///
    /// # Errors
    ///
    /// [`StuckTasks`] when some had not ended by then; the caller should exit without them, and
    /// [`Self::exit_is_failure`] is true.
    pub async fn wait(&self, soft_deadline: Duration, hard_deadline: Duration) -> Result<(), StuckTasks> {
        let shared = &self.shared;
        shared.soft.cancelled().await;
        shared.tasks.close();
        let all_ended = tokio::select! {
            biased;
            () = shared.tasks.wait() => true,
            () = shared.hard.cancelled() => false,
            () = tokio::time::sleep(soft_deadline) => false,
        };
        let result = if all_ended {
            Ok(())
        } else {
            tracing::warn!(tasks = %self.unfinished(), "tasks are cut off");
            shared.hard.cancel();
            tokio::time::timeout(hard_deadline, shared.tasks.wait())
                .await
                .map_err(|_| {
                    shared.failed.store(true, Ordering::Release);
                    self.unfinished()
                })
        };
        shared.finished.cancel();
        result
    }

    /// Whether the process should exit with a failure: a core task ended by itself, tasks were stuck, or
    /// [`Self::fail`] was called.
    #[must_use]
    pub fn exit_is_failure(&self) -> bool {
        self.shared.failed.load(Ordering::Acquire)
    }

    fn unfinished(&self) -> StuckTasks {
        let running = self.shared.running.lock().unwrap_or_else(PoisonError::into_inner);
        let mut tasks = BTreeMap::new();
        for name in running.values() {
            *tasks.entry(name.to_string()).or_insert(0) += 1;
        }
        StuckTasks { tasks }
    }
}

/// The tasks that did not end in time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct StuckTasks {
    /// How many of each name.
    pub tasks: BTreeMap<String, usize>,
}

impl fmt::Display for StuckTasks {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("still running:")?;
        for (index, (name, count)) in self.tasks.iter().enumerate() {
            let separator = if index == 0 { "" } else { "," };
            write!(formatter, "{separator} `{name}`")?;
            if *count > 1 {
                write!(formatter, " ({count} times)")?;
            }
        }
        Ok(())
    }
}

/// The place of one task in the register; leaving it is dropping this, however the task ends.
struct Entry {
    shared: Arc<Shared>,
    number: u64,
    name: Cow<'static, str>,
}

impl Entry {
    fn new(shared: &Arc<Shared>, name: Cow<'static, str>) -> Self {
        let number = shared.next_number.fetch_add(1, Ordering::Relaxed);
        let mut running = shared.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.insert(number, name.clone());
        Self {
            shared: Arc::clone(shared),
            number,
            name,
        }
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        let mut running = self.shared.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.remove(&self.number);
    }
}

/// Watches over a core task.
struct Core {
    entry: Entry,
}

impl Core {
    fn fail(&self) {
        self.entry.shared.failed.store(true, Ordering::Release);
        self.entry.shared.soft.cancel();
    }
}

impl Drop for Core {
    fn drop(&mut self) {
        if !self.entry.shared.soft.is_cancelled() {
            tracing::error!(task = %self.entry.name, "a core task ended by itself; the service stops");
            self.fail();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use rustix::process::{Signal, getpid, kill_process};

    use super::*;

    /// Longer than any test takes.
    const NEVER: Duration = Duration::from_secs(600);
    /// For the deadlines that a test lets pass.
    const SHORT: Duration = Duration::from_millis(10);

    #[tokio::test]
    async fn tasks_that_listen_to_the_soft_stop_end_in_it() {
        let lifecycle = Lifecycle::new();
        let soft = lifecycle.soft_stop();
        lifecycle.spawn_core("listener", async move { soft.cancelled().await });
        lifecycle.spawn("connection", async {});
        lifecycle.stop();
        lifecycle.wait(NEVER, NEVER).await.expect("all end");
        assert!(!lifecycle.hard_stop().is_cancelled());
        assert!(!lifecycle.exit_is_failure());
    }

    #[tokio::test]
    async fn tasks_that_only_listen_to_the_hard_stop_end_after_the_soft_deadline() {
        let lifecycle = Lifecycle::new();
        let hard = lifecycle.hard_stop();
        lifecycle.spawn("slow", async move { hard.cancelled().await });
        lifecycle.stop();
        lifecycle.wait(SHORT, NEVER).await.expect("all end");
        assert!(!lifecycle.exit_is_failure());
    }

    #[tokio::test]
    async fn a_hard_stop_cuts_the_soft_phase_short() {
        let lifecycle = Lifecycle::new();
        let hard = lifecycle.hard_stop();
        lifecycle.spawn("slow", async move { hard.cancelled().await });
        lifecycle.abort();
        assert!(lifecycle.soft_stop().is_cancelled());
        lifecycle.wait(NEVER, NEVER).await.expect("all end");
    }

    #[tokio::test]
    async fn stuck_tasks_are_named_and_left() {
        let lifecycle = Lifecycle::new();
        lifecycle.spawn("writer", pending());
        lifecycle.spawn("connection", pending());
        lifecycle.spawn("connection", pending());
        lifecycle.spawn("done", async {}).await.expect("joined");
        lifecycle.stop();
        let stuck = lifecycle.wait(SHORT, SHORT).await.expect_err("two names are stuck");
        assert_eq!(stuck.to_string(), "still running: `connection` (2 times), `writer`");
        assert!(lifecycle.exit_is_failure());
    }

    #[tokio::test]
    async fn waiting_begins_with_a_stop() {
        let lifecycle = Lifecycle::new();
        let mut wait = std::pin::pin!(lifecycle.wait(NEVER, NEVER));
        assert!((&mut wait).now_or_never().is_none());
        lifecycle.stop();
        wait.await.expect("no tasks");
    }

    #[tokio::test]
    async fn a_core_task_that_ends_stops_the_service_with_a_failure() {
        let lifecycle = Lifecycle::new();
        lifecycle.spawn_core("listener", async {});
        lifecycle.wait(NEVER, NEVER).await.expect("all end");
        assert!(lifecycle.exit_is_failure());
    }

    #[tokio::test]
    async fn a_core_task_that_panics_stops_the_service_with_a_failure() {
        for asked_before in [false, true] {
            let lifecycle = Lifecycle::new();
            if asked_before {
                lifecycle.stop();
            }
            lifecycle.spawn_core("listener", async { panic!("on purpose") });
            lifecycle.wait(NEVER, NEVER).await.expect("all end");
            assert!(lifecycle.exit_is_failure(), "{asked_before}");
        }
    }

    #[tokio::test]
    async fn a_core_task_that_is_aborted_stops_the_service_with_a_failure() {
        let lifecycle = Lifecycle::new();
        lifecycle.spawn_core("listener", pending()).abort();
        lifecycle.wait(NEVER, NEVER).await.expect("all end");
        assert!(lifecycle.exit_is_failure());
    }

    #[tokio::test]
    async fn an_ordinary_task_that_panics_ends_alone() {
        let lifecycle = Lifecycle::new();
        lifecycle
            .spawn("connection", async { panic!("on purpose") })
            .await
            .expect("caught");
        assert!(!lifecycle.soft_stop().is_cancelled());
        lifecycle.stop();
        lifecycle.wait(NEVER, NEVER).await.expect("all end");
        assert!(!lifecycle.exit_is_failure());
    }

    /// The only test that raises signals: they reach the whole process.
    #[tokio::test]
    async fn signals_stop_first_softly_then_hard_and_hangup_is_ignored() {
        let lifecycle = Lifecycle::new();
        lifecycle.listen_for_signals().expect("installed");
        kill_process(getpid(), Signal::HUP).expect("raised");
        kill_process(getpid(), Signal::TERM).expect("raised");
        lifecycle.soft_stop().cancelled().await;
        assert!(!lifecycle.hard_stop().is_cancelled());
        kill_process(getpid(), Signal::INT).expect("raised");
        lifecycle.hard_stop().cancelled().await;
        lifecycle.wait(NEVER, NEVER).await.expect("no tasks");
        assert!(!lifecycle.exit_is_failure());
    }
}
