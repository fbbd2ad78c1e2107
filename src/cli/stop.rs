//! `stop`: ends the running server in an orderly way.

use serde_json::json;

use super::context::Context;
use super::exit::{CommandResult, Exit};
use super::output::Output;
use super::{running, runtime};

pub(super) fn run(context: &Context, output: Output) -> CommandResult {
    let status = runtime::block_on(running::stop(context, false))?;
    output.line("stopped")?;
    output.object(&json!({"status": "ok", "pid": status["pid"]}))?;
    Ok(Exit::Done)
}
