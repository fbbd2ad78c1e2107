//! A server in this process.

use std::fs;
use std::io;
use std::time::Duration;

use anyhow::Context as _;

use super::announce::Started;
use super::context::{Context, DataDir};
use super::exit::{CommandResult, Exit, Failure};
use super::pid_file::PidFile;
use super::{clients, running, runtime, start_flags};
use crate::config::tailscale::Tailscale;
use crate::config::{Config, Log, LogFormat};
use crate::runtime::lifecycle::Lifecycle;
use crate::runtime::telemetry::{self, LineFormat, LogOptions, Sink};
use crate::server::Server;

/// Time beyond the clients' own (`shutdown.drainMs`) to commit what is under way and to end the tasks.
const SETTLE: Duration = Duration::from_secs(5);

/// Time to end the tasks that were cut off.
const CUT_OFF: Duration = Duration::from_secs(3);

/// Serves with the log on the standard error output until a stop is asked for.
pub(super) fn run(
    context: &Context,
    config: Config,
    announce: impl FnOnce(&Started) -> io::Result<()>,
) -> CommandResult {
    run_with_log(context, config, Sink::Stderr, announce)
}

/// Serves until a stop is asked for; `announce` is called when clients can connect.
pub(super) fn run_with_log(
    context: &Context,
    config: Config,
    sink: Sink,
    announce: impl FnOnce(&Started) -> io::Result<()>,
) -> CommandResult {
    let log = telemetry::init(&log_options(&config.log), sink).context("cannot set up the log")?;
    let runtime = runtime::multi_threaded()?;
    let result = runtime.block_on(serve(context, config, announce));
    if let Err(failure) = &result {
        tracing::error!(reason = failure.message(), "the server did not start");
    }
    if log.lost_lines() > 0 {
        tracing::warn!(
            lost = log.lost_lines(),
            "lines of this log were dropped: the disk or terminal did not keep up"
        );
    }
    // What is still running has been named in the log; waiting for it again would be waiting for ever.
    runtime.shutdown_background();
    drop(log);
    result
}

async fn serve(context: &Context, config: Config, announce: impl FnOnce(&Started) -> io::Result<()>) -> CommandResult {
    let lifecycle = Lifecycle::new();
    lifecycle.listen_for_signals().context("cannot listen for signals")?;
    let drain = Duration::from_millis(config.shutdown.drain_ms);
    let tailscale = config.tailscale.clone();
    let mut mark = None;
    let server = Server::start(config, context.data_dir.path(), &lifecycle, || {
        mark = mark_start(&context.data_dir);
    })
    .await
    .map_err(|error| running::not_started(context, error))?;
    let ready = ready(context, &server, announce, &tailscale);
    drop(mark);
    if ready.is_err() {
        lifecycle.stop();
    }
    if let Err(stuck) = lifecycle.wait(drain + SETTLE, CUT_OFF).await {
        tracing::error!(%stuck, "the server ends without some of its tasks");
    }
    // Before the server lets go of the lock: nobody who finds the directory free finds traces of a server in it.
    let ready = ready.map(drop);
    remove_socket(&context.data_dir);
    if !server.finish(SETTLE).await {
        tracing::warn!("the database was not folded in time; the next start does it");
    }
    ready?;
    Ok(if lifecycle.exit_is_failure() {
        Exit::Failed
    } else {
        Exit::Done
    })
}

/// Shows that the server is starting, for as long as that takes.
fn mark_start(data_dir: &DataDir) -> Option<PidFile> {
    PidFile::starting(data_dir.pid())
        .inspect_err(|failure| {
            tracing::warn!(
                reason = failure.message(),
                "nobody can tell that the server is starting"
            );
        })
        .ok()
}

/// A socket that stays behind harms nobody, but whoever looks should not wonder.
fn remove_socket(data_dir: &DataDir) {
    if let Err(error) = fs::remove_file(data_dir.socket())
        && error.kind() != io::ErrorKind::NotFound
    {
        tracing::warn!(reason = %error, "the control socket was not removed");
    }
}

/// Leaves the traces of a running server in the data directory and tells that it is there.
fn ready(
    context: &Context,
    server: &Server,
    announce: impl FnOnce(&Started) -> io::Result<()>,
    tailscale: &Tailscale,
) -> Result<PidFile, Failure> {
    let pid_file = PidFile::write(context.data_dir.pid())?;
    start_flags::save(context)?;
    if let Err(error) = clients::install(&context.data_dir.clients()) {
        // Agents that are connected do not need the copies.
        tracing::warn!(reason = %error, "the client libraries were not refreshed");
    }
    let started = Started::here(server.scheme(), server.addresses(), |address| tailscale.owns(address));
    announce(&started).context("cannot tell that the server has started")?;
    Ok(pid_file)
}

/// How a server of this process logs.
pub(super) fn log_options(log: &Log) -> LogOptions {
    LogOptions {
        level: log.level.clone(),
        format: match log.format {
            LogFormat::Text => LineFormat::Text,
            LogFormat::Json => LineFormat::Json,
        },
        max_bytes: log.max_bytes,
        max_files: log.max_files,
    }
}
