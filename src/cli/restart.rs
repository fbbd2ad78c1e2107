//! `restart`: ends the running server, in whatever way it was started, and starts one in the background with the same
//! flags. Without a running server it starts one.

use anyhow::Context as _;

use super::context::Context;
use super::exit::{CommandResult, Exit, Failure};
use super::output::Output;
use super::running::Presence;
use super::{background, preflight, running, runtime, serve, start_flags};
use crate::client::Methods;

pub(super) fn run(context: &Context, output: Output) -> CommandResult {
    serve::private_files();
    let context = &Context::new(start_flags::load(context)?.complete(&context.flags))?;
    // What cannot work must not cost the server that runs.
    let loaded = context.load()?;
    preflight::data_directory(&loaded.config, &context.data_dir)?;
    runtime::block_on(async {
        match running::find(&context.data_dir).await? {
            Presence::Absent => preflight::network(&loaded.config, &context.data_dir, &[]),
            Presence::Present(connection) => {
                let status = connection
                    .operator_status()
                    .await
                    .context("the running server gave no status")?;
                drop(connection);
                preflight::network(&loaded.config, &context.data_dir, &preflight::listening(&status))?;
                running::stop(context, true).await.map(drop)
            }
            // Not with the code of a start that goes on: it is another start than the one that was asked for.
            Presence::Starting(pid) => Err(Failure::new(Exit::Failed, running::starting(context, pid).message())),
            Presence::Silent => Err(running::silent(context)),
        }
    })?;
    let key = serve::set_up(context, &loaded, output)?;
    let started = background::start(context).and_then(|started| {
        started.print(context, output, key.as_deref())?;
        Ok(Exit::Done)
    });
    started.map_err(|failure| serve::keep_key(failure, key))
}
