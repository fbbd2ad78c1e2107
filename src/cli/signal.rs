//! `signal`: a signaling server in this process, and nothing else.

use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use serde_json::json;

use super::announce::Started;
use super::context::Context;
use super::exit::{CommandResult, Exit};
use super::output::{self, Output};
use super::{foreground, runtime};
use crate::config::Config;
use crate::runtime::lifecycle::Lifecycle;
use crate::runtime::telemetry::{self, Sink};
use crate::server::signaling::SignalingServer;

/// The port of link-agent's signaling servers. The hub's own may be taken by a hub on the same machine.
const PORT: u16 = 8765;

/// Time that clients have to read the end, and that tasks have after they were cut off.
const CUT_OFF: Duration = Duration::from_secs(3);

/// Let agents find each other for direct links, without a hub: takes clients at `/`, `/ROOM`, `/signal/` and `/signal/ROOM`
/// until it is stopped by a signal. Keeps nothing on the disk
#[derive(Debug, Args)]
#[command(
    after_help = "The port is 8765 unless `--port` names another. The sections `signaling`, `limits`, `http`, `tls` \
                        and `log` of the configuration hold, if there is one. `/health` and `/metrics` are pages for the \
                        operator."
)]
pub(super) struct Signal {}

pub(super) fn run(context: &Context, output: Output) -> CommandResult {
    let config = Config {
        port: context.flags.port.unwrap_or(PORT),
        ..context.load()?.config
    };
    let log = telemetry::init(&foreground::log_options(&config.log), Sink::Stderr).context("cannot set up the log")?;
    let runtime = runtime::multi_threaded()?;
    let result = runtime.block_on(serve(context, &config, output));
    runtime.shutdown_background();
    drop(log);
    result
}

async fn serve(context: &Context, config: &Config, output: Output) -> CommandResult {
    let lifecycle = Lifecycle::new();
    lifecycle.listen_for_signals().context("cannot listen for signals")?;
    let server = SignalingServer::start(config, context.data_dir.path(), &lifecycle).await?;
    let started = Started::here(server.scheme, &server.addresses, |address| {
        config.tailscale.owns(address)
    });
    if let Err(error) = announce(&started, output) {
        // Whoever read the lines has closed them, which is no reason not to serve.
        tracing::warn!(reason = %error, "the start could not be told");
    }
    if let Err(stuck) = lifecycle.wait(CUT_OFF, CUT_OFF).await {
        tracing::error!(%stuck, "the signaling server ends without some of its tasks");
    }
    Ok(if lifecycle.exit_is_failure() {
        Exit::Failed
    } else {
        Exit::Done
    })
}

/// Tells that clients can come.
fn announce(started: &Started, output: Output) -> std::io::Result<()> {
    for warning in &started.warnings {
        output::warning(warning);
    }
    for address in &started.addresses {
        output.line(format_args!("wardroom {} listening on {address}", started.version))?;
    }
    output.line("Two agents meet: give both of them this address for signaling, and the name of one room")?;
    output.line("Stop: Ctrl-C, or SIGTERM to this process")?;
    output.object(&json!({
        "status": "ok",
        "version": started.version,
        "pid": started.pid,
        "addresses": started.addresses,
        "warnings": started.warnings,
    }))
}
