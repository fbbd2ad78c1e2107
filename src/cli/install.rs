//! `install`: complete first-run setup without a start, or the client libraries alone.

use anyhow::Context as _;
use clap::Subcommand;
use serde_json::json;

use super::context::Context;
use super::exit::{CommandResult, Exit};
use super::output::Output;
use super::{clients, files, running, runtime, serve};

/// Set up a data directory, or copy the client libraries into it
#[derive(Debug, Subcommand)]
pub(super) enum Install {
    /// Complete the first-run setup without starting anything, so that the configuration can be edited first
    Server,
    /// Write the Python and TypeScript client libraries into the data directory
    Clients,
}

pub(super) fn run(what: &Install, context: &Context, output: Output) -> CommandResult {
    serve::private_files();
    match what {
        Install::Server => server(context, output),
        Install::Clients => clients(context, output),
    }
}

fn server(context: &Context, output: Output) -> CommandResult {
    let loaded = context.load()?;
    runtime::block_on(running::require_absent(context))?;
    let key = serve::set_up(context, &loaded, output)?;
    let installed = install_clients(context);
    installed.map_err(|failure| serve::keep_key(failure, key.clone()))?;
    let directory = context.data_dir.path();
    if key.is_some() {
        output.line(format_args!("Set up in {}", directory.display()))?;
    } else {
        output.line(format_args!(
            "{} is set up already, nothing was changed",
            directory.display()
        ))?;
    }
    output.line(format_args!("Start: {}", context.hint("serve")))?;
    let mut report = json!({"status": "ok", "dataDir": directory.to_string_lossy(), "created": key.is_some()});
    if let Some(key) = key {
        report["controllerKey"] = json!(key);
    }
    output.object(&report)?;
    Ok(Exit::Done)
}

fn clients(context: &Context, output: Output) -> CommandResult {
    let count = install_clients(context)?;
    let directory = context.data_dir.clients();
    output.line(format_args!("Wrote {count} files to {}", directory.display()))?;
    output.object(&json!({"status": "ok", "directory": directory.to_string_lossy(), "files": count}))?;
    Ok(Exit::Done)
}

fn install_clients(context: &Context) -> Result<usize, super::exit::Failure> {
    let directory = context.data_dir.clients();
    files::create_private_directory(context.data_dir.path())
        .and_then(|()| clients::install(&directory))
        .with_context(|| format!("cannot write the client libraries to `{}`", directory.display()))
        .map_err(Into::into)
}
