//! `key`: another controller key when the first is lost or has become known.

use clap::{Args, Subcommand};
use serde_json::json;

use super::announce::key_line;
use super::context::Context;
use super::exit::{CommandResult, Exit, Failure};
use super::output::Output;
use super::{running, runtime, serve};
use crate::server::setup;

/// Replace a key
#[derive(Debug, Subcommand)]
pub(super) enum Key {
    /// Make a new key and void the old one; only while no server is running
    Rotate(Rotate),
}

/// Which key.
#[derive(Debug, Args)]
pub(super) struct Rotate {
    /// The controller's key (participants get theirs from the controller)
    #[arg(long, required = true)]
    controller: bool,
}

pub(super) fn run(what: &Key, context: &Context, output: Output) -> CommandResult {
    match what {
        Key::Rotate(Rotate { controller: _ }) => rotate(context, output),
    }
}

fn rotate(context: &Context, output: Output) -> CommandResult {
    serve::private_files();
    let loaded = context.load()?;
    runtime::block_on(running::require_absent(context))?;
    let database = loaded.config.database_path(context.data_dir.path());
    if !database.exists() {
        let message = format!(
            "there is no database `{}`; the first `{}` makes it and a key",
            database.display(),
            context.hint("serve")
        );
        return Err(Failure::new(Exit::DataDirectory, message));
    }
    let key = setup::rotate_controller_key(context.data_dir.path(), &loaded.config)
        .map_err(|error| running::not_started(context, error))?
        .to_string();
    output.line(key_line(&key))?;
    output.object(&json!({"status": "ok", "controllerKey": key}))?;
    Ok(Exit::Done)
}
