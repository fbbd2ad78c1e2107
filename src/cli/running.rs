//! Whether a server runs on a data directory.
//!
//! The control socket and the lock decide, never the pid file: a process id may be stale, belong to somebody else by now,
//! or be junk, and no signal is ever sent to it. Only what a server that holds the lock and does not answer is doing is
//! told by that file.

use std::fs::{File, TryLockError};
use std::io::ErrorKind;
use std::time::Duration;

use anyhow::Context as _;
use serde_json::Value;
use tokio::time::{Instant, sleep, timeout_at};

use super::context::{Context, DataDir};
use super::exit::{Exit, Failure};
use super::{pid_file, start_flags};
use crate::client::{ClientError, ConnectOptions, Connection, Endpoint, Methods};
use crate::runtime::control_socket::SocketPath;
use crate::server::{StartError, StartErrorKind};

/// How long a server that holds the lock may take to answer on its socket: it may be starting.
const ANSWER_LIMIT: Duration = Duration::from_secs(10);

/// How long a start may take before it is told from one that is about to be over.
const STARTING_LIMIT: Duration = Duration::from_secs(2);

/// How long a server may take to answer a request on its socket.
const REQUEST_LIMIT: Duration = Duration::from_secs(20);

/// How long a server may take to end beyond the time that its clients have (`shutdown.drainMs`): it settles what is under
/// way, cuts off what is left, and folds the database.
const STOP_MARGIN: Duration = Duration::from_secs(20);

/// How often the lock is looked at while waiting for it.
const LOOK_INTERVAL: Duration = Duration::from_millis(20);

/// What was found on a data directory.
#[derive(Debug)]
pub(super) enum Presence {
    /// No server.
    Absent,
    /// A server, reached over its control socket.
    Present(Connection),
    /// A server that holds the lock and is still starting, and its process.
    Starting(u32),
    /// A server holds the lock and does not answer.
    Silent,
}

/// Looks for a server; waits a moment for one that is about to start or to end.
pub(super) async fn find(data_dir: &DataDir) -> Result<Presence, Failure> {
    find_for(data_dir, REQUEST_LIMIT).await
}

/// Looks for a server that may take until `request_limit` to answer what it is asked for then.
pub(super) async fn find_for(data_dir: &DataDir, request_limit: Duration) -> Result<Presence, Failure> {
    let options = ConnectOptions {
        connect_timeout: ANSWER_LIMIT,
        request_timeout: request_limit,
        event_capacity: 0,
        headers: Vec::new(),
    };
    let socket = match SocketPath::of(data_dir.path()) {
        Ok(socket) => socket,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Presence::Absent),
        Err(error) => return Err(Failure::from_error(Exit::DataDirectory, error.into())),
    };
    let endpoint = Endpoint::Unix(socket.path().to_owned());
    let began = Instant::now();
    let deadline = began + ANSWER_LIMIT;
    loop {
        match timeout_at(deadline, Connection::open_with(&endpoint, &options)).await {
            Ok(Ok(connection)) => return Ok(Presence::Present(connection)),
            Ok(Err(_)) if !is_locked(data_dir)? => return Ok(Presence::Absent),
            Ok(Err(_)) if Instant::now() < deadline => {
                if began.elapsed() >= STARTING_LIMIT
                    && let Some(pid) = pid_file::starting_process(&data_dir.pid())
                {
                    return Ok(Presence::Starting(pid));
                }
                sleep(LOOK_INTERVAL).await;
            }
            // A socket that takes the connection and says nothing belongs to nobody if the lock is free.
            Ok(Err(_)) | Err(_) => {
                return Ok(if is_locked(data_dir)? {
                    Presence::Silent
                } else {
                    Presence::Absent
                });
            }
        }
    }
}

/// Calls `action` with a connection to the running server.
pub(super) async fn with_server<T, F, R>(context: &Context, action: F) -> Result<T, Failure>
where
    F: FnOnce(Connection) -> R,
    R: Future<Output = Result<T, ClientError>>,
{
    match find(&context.data_dir).await? {
        Presence::Present(connection) => action(connection)
            .await
            .context("the running server did not do it")
            .map_err(Failure::from),
        Presence::Absent => Err(not_running(context)),
        Presence::Starting(pid) => Err(starting(context, pid)),
        Presence::Silent => Err(silent(context)),
    }
}

/// Stops the running server and waits until its lock is free; gives its last status. With `restart`, agents are told to
/// come back at once.
pub(super) async fn stop(context: &Context, restart: bool) -> Result<Value, Failure> {
    let last = with_server(context, async |connection| {
        let status = connection.operator_status().await?;
        match connection.operator_stop(restart).await {
            // A server may be quicker to end than to answer; the lock tells whether it did.
            Ok(()) | Err(ClientError::Closed(_)) => Ok(status),
            Err(error) => Err(error),
        }
    })
    .await?;
    let limit = stop_limit(context);
    let deadline = Instant::now() + limit;
    while is_locked(&context.data_dir)? {
        if Instant::now() >= deadline {
            let message = format!(
                "the server was told to stop and still runs after {} seconds; see `{}`",
                limit.as_secs(),
                context.data_dir.log().display()
            );
            return Err(Failure::new(Exit::Failed, message));
        }
        sleep(LOOK_INTERVAL).await;
    }
    Ok(last)
}

/// How long the running server may take to end.
fn stop_limit(context: &Context) -> Duration {
    let started_with = start_flags::load(context).unwrap_or_default();
    let loaded = Context::new(started_with.complete(&context.flags)).and_then(|context| context.load());
    // What was configured at its start may not hold any more; then a server with the defaults is waited for.
    let shutdown = loaded.map(|loaded| loaded.config.shutdown).unwrap_or_default();
    Duration::from_millis(shutdown.drain_ms) + STOP_MARGIN
}

/// Refuses to go on while a server runs.
pub(super) async fn require_absent(context: &Context) -> Result<(), Failure> {
    match find(&context.data_dir).await? {
        Presence::Absent => Ok(()),
        Presence::Present(_) | Presence::Starting(_) | Presence::Silent => Err(already_running(context)),
    }
}

/// Whether some process holds the lock. Nothing is created.
pub(super) fn is_locked(data_dir: &DataDir) -> Result<bool, Failure> {
    let path = data_dir.lock();
    let file = match File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
        Err(error) => {
            let error = anyhow::Error::new(error).context(format!("cannot open `{}`", path.display()));
            return Err(Failure::from_error(Exit::DataDirectory, error));
        }
    };
    match file.try_lock_shared() {
        // Closing the file gives the shared lock back.
        Ok(()) => Ok(false),
        Err(TryLockError::WouldBlock) => Ok(true),
        Err(TryLockError::Error(error)) => {
            let error = anyhow::Error::new(error).context(format!("cannot look at the lock `{}`", path.display()));
            Err(Failure::from_error(Exit::DataDirectory, error))
        }
    }
}

/// No server is running.
pub(super) fn not_running(context: &Context) -> Failure {
    let message = format!("no server is running on `{}`", context.data_dir.path().display());
    Failure::new(Exit::NotRunning, message)
}

/// A server is still starting: it checks its database, or brings it to a new schema.
pub(super) fn starting(context: &Context, pid: u32) -> Failure {
    let message = format!(
        "the server (process {pid}) is still starting and answers when it is ready; `{}` tells when, and `{}` what it \
         does",
        context.hint("status"),
        context.data_dir.log().display()
    );
    Failure::new(Exit::Starting, message).with("pid", pid)
}

/// A server holds the data directory and does not answer.
pub(super) fn silent(context: &Context) -> Failure {
    let message = format!(
        "a process holds `{}` and does not answer on `{}`; see `{}`",
        context.data_dir.lock().display(),
        context.data_dir.socket().display(),
        context.data_dir.log().display()
    );
    Failure::new(Exit::Failed, message)
}

/// A failed start in the words of the command line, which knows how the data directory was named.
pub(super) fn not_started(context: &Context, error: StartError) -> Failure {
    match error.kind() {
        StartErrorKind::AlreadyRunning => already_running(context),
        _ => error.into(),
    }
}

fn already_running(context: &Context) -> Failure {
    let directory = context.data_dir.path().display();
    let message = format!(
        "a server is running on `{directory}` already; stop it with `{}`",
        context.hint("stop")
    );
    Failure::new(Exit::AlreadyRunning, message)
}
