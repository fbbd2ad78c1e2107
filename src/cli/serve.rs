//! `serve`: first-run setup, then a server in the background or, with `--foreground`, in this process.

use clap::Args;

use super::announce::key_line;
use super::context::Context;
use super::exit::{CommandResult, Failure};
use super::output::Output;
use super::{background, foreground, preflight, running, runtime};
use crate::config::Loaded;
use crate::server::setup;

/// Start a server; the first start prints the controller key
#[derive(Debug, Args)]
pub(super) struct Serve {
    /// Stay attached to the terminal and log to it
    #[arg(short, long)]
    foreground: bool,
    /// Report to the process that started this one, and leave its session
    #[arg(long, hide = true, requires = "foreground")]
    detached_child: bool,
}

pub(super) fn run(arguments: &Serve, context: &Context, output: Output) -> CommandResult {
    private_files();
    if arguments.detached_child {
        return background::child(context);
    }
    let loaded = context.load()?;
    runtime::block_on(running::require_absent(context))?;
    // Before a first run makes a key: a start that cannot work leaves nothing behind.
    preflight::network(&loaded.config, &context.data_dir, &[])?;
    let key = set_up(context, &loaded, output)?;
    let started = if arguments.foreground {
        foreground::run(context, loaded.config, |started| {
            match started.print(context, output, key.as_deref()) {
                // Whoever read the lines has closed them, which is no reason not to serve; a key that nobody saw is one.
                Err(error) if !(output.json && key.is_some()) => {
                    tracing::warn!(reason = %error, "the start could not be told");
                    Ok(())
                }
                printed => printed,
            }
        })
    } else {
        background::start(context).and_then(|started| {
            started.print(context, output, key.as_deref())?;
            Ok(super::exit::Exit::Done)
        })
    };
    started.map_err(|failure| keep_key(failure, key))
}

/// Makes what a first run needs and shows the controller key if it was made. With `--json` the caller's object shows it.
///
/// This happens in the process at the terminal, so that the key goes nowhere else: not to a child, not into a log.
pub(super) fn set_up(context: &Context, loaded: &Loaded, output: Output) -> Result<Option<String>, Failure> {
    let first_run = setup::prepare(context.data_dir.path(), &loaded.config)
        .map_err(|error| running::not_started(context, error))?;
    let Some(key) = first_run.controller_key.map(|key| key.to_string()) else {
        return Ok(None);
    };
    output.line(key_line(&key)).map_err(|error| {
        let message = format!(
            "the controller key could not be shown ({error}); make another with `{}`",
            context.hint("key rotate --controller")
        );
        Failure::new(super::exit::Exit::Failed, message)
    })?;
    Ok(Some(key))
}

/// Puts a key that was made before a start failed into the report: it will not be shown again.
pub(super) fn keep_key(failure: Failure, key: Option<String>) -> Failure {
    match key {
        Some(key) => failure.with("controllerKey", key),
        None => failure,
    }
}

/// Keeps everything that this process creates from now on to its owner.
pub(super) fn private_files() {
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
}
