//! The asynchronous runtimes of the commands.

use std::future::Future;

use anyhow::Context as _;
use tokio::runtime::{Builder, Runtime};

use super::exit::Failure;
use crate::runtime::turn;

/// Runs a short exchange with a server in this thread.
pub(super) fn block_on<T>(future: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start the program's runtime")?;
    runtime.block_on(future)
}

/// The runtime of a server.
pub(super) fn multi_threaded() -> Result<Runtime, Failure> {
    Ok(Builder::new_multi_thread()
        .enable_all()
        .on_thread_park(turn::end)
        .on_thread_stop(turn::end)
        .build()
        .context("cannot start the server's runtime")?)
}
