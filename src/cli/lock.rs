//! `lock`: refuses participants who connect from now on; those inside stay, and the controller is always admitted.

use serde_json::json;

use super::context::Context;
use super::exit::{CommandResult, Exit};
use super::output::Output;
use super::{running, runtime};
use crate::client::Methods;

pub(super) fn run(context: &Context, output: Output) -> CommandResult {
    runtime::block_on(running::with_server(context, async |connection| {
        connection.operator_lock().await
    }))?;
    output.line("locked: participants who connect from now on are refused")?;
    output.object(&json!({"status": "ok", "locked": true}))?;
    Ok(Exit::Done)
}
