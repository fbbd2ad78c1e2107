//! `restore`: puts a backup in the place of the database.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;
use serde_json::json;

use super::context::Context;
use super::exit::{CommandResult, Exit};
use super::output::Output;
use super::{running, runtime, serve};
use crate::server::upkeep;

/// Put a backup in the place of the database, which is kept; only while no server is running
#[derive(Debug, Args)]
pub(super) struct Restore {
    /// The backup
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

pub(super) fn run(arguments: &Restore, context: &Context, output: Output) -> CommandResult {
    serve::private_files();
    let loaded = context.load()?;
    runtime::block_on(running::require_absent(context))?;
    let file = std::path::absolute(&arguments.file).context("cannot use the name of the backup")?;
    let restored = upkeep::restore(context.data_dir.path(), &loaded.config, &file)
        .map_err(|error| running::not_started(context, error))?;
    output.line(format_args!(
        "restored: {} ({} messages), epoch {}",
        file.display(),
        restored.messages,
        restored.epoch
    ))?;
    if let Some(former) = &restored.former {
        output.line(format_args!("The former database: {}", former.display()))?;
    }
    output.line("Keys are those of the time of the backup: revoke anew what was revoked since")?;
    output.object(&json!({
        "status": "ok",
        "file": file.to_string_lossy(),
        "epoch": restored.epoch.to_string(),
        "messages": restored.messages,
        "formerDatabase": restored.former.map(|former| former.to_string_lossy().into_owned()),
    }))?;
    Ok(Exit::Done)
}
