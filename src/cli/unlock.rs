//! `unlock`: admits participants again.

use serde_json::json;

use super::context::Context;
use super::exit::{CommandResult, Exit};
use super::output::Output;
use super::{running, runtime};
use crate::client::Methods;

pub(super) fn run(context: &Context, output: Output) -> CommandResult {
    runtime::block_on(running::with_server(context, async |connection| {
        connection.operator_unlock().await
    }))?;
    output.line("unlocked: participants are admitted")?;
    output.object(&json!({"status": "ok", "locked": false}))?;
    Ok(Exit::Done)
}
