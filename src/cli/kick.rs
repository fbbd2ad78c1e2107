//! `kick`: disconnects every agent but the controller; they may come back.

use serde_json::json;

use super::context::Context;
use super::exit::{CommandResult, Exit};
use super::output::Output;
use super::{running, runtime};
use crate::client::Methods;

pub(super) fn run(context: &Context, output: Output) -> CommandResult {
    let disconnected = runtime::block_on(running::with_server(context, async |connection| {
        connection.operator_kick().await
    }))?;
    output.line(format_args!("disconnected: {disconnected}"))?;
    output.object(&json!({"status": "ok", "disconnected": disconnected}))?;
    Ok(Exit::Done)
}
