//! `restart`: ends the running server, in whatever way it was started, and starts one in the background with the same
//! flags. Without a running server it starts one.

use super::context::Context;
use super::exit::{CommandResult, Exit};
use super::output::Output;
use super::running::Presence;
use super::{background, running, runtime, serve, start_flags};

pub(super) fn run(context: &Context, output: Output) -> CommandResult {
    serve::private_files();
    let context = &Context::new(start_flags::load(context)?.complete(&context.flags))?;
    // A configuration that does not hold must not cost the server that runs.
    let loaded = context.load()?;
    runtime::block_on(async {
        match running::find(&context.data_dir).await? {
            Presence::Absent => Ok(()),
            Presence::Present(connection) => {
                drop(connection);
                running::stop(context, true).await.map(drop)
            }
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
