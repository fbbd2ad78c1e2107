//! `check-config`: everything that is wrong with the configuration and the certificate it names, or what holds.

use serde_json::json;

use super::context::Context;
use super::exit::{CommandResult, Exit};
use super::output::Output;
use super::preflight;

pub(super) fn run(context: &Context, output: Output) -> CommandResult {
    let loaded = context.load()?;
    preflight::certificate(&loaded.config, &context.data_dir)?;
    match &loaded.source {
        Some(source) => output.line(format_args!("the configuration in {} is valid", source.display()))?,
        None => output.line("the configuration is valid: no file, flags and environment over the defaults")?,
    }
    output.object(&json!({
        "status": "ok",
        "source": loaded.source.as_ref().map(|source| source.to_string_lossy()),
        "config": loaded.config,
    }))?;
    Ok(Exit::Done)
}
