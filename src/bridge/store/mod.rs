//! What the bridge keeps, in an SQLite database of its own.
//!
//! One thread owns the connection and groups what waits into one transaction. The database is written with
//! `synchronous = NORMAL`: what was committed survives the end of the process, however it ends; a power cut or a crash of
//! the machine may cost the last moments. Whoever must not lose those uses a hub, which waits for the disk.

pub(super) mod agents;
mod engine;
pub(super) mod events;
pub(super) mod files;
pub(super) mod inbox;
mod open;
pub(super) mod outbox;
pub(super) mod queues;
pub(super) mod rooms;
pub(super) mod takeover;
pub(super) mod tasks;

use std::path::Path;
use std::thread::JoinHandle;

use rusqlite::Connection;
use sha2::{Digest as _, Sha256};
use tokio::sync::oneshot;

use self::engine::{Call, Grouping, Job};
use self::files::Files;
pub use self::open::OpenError;
use crate::runtime::lifecycle::Lifecycle;
use crate::store::{StoreError, Writer, WriterOptions};

/// Jobs that may wait for the writer; whoever comes then waits for a place.
const QUEUE: usize = 4096;

/// Most jobs in one transaction.
const GROUP: usize = 256;

/// The store did not do what it was asked for; nothing of it was saved.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the bridge's database failed: {0}")]
pub struct Unavailable(String);

/// The handle of the bridge's database. Cheap to clone; the thread ends with the last one.
#[derive(Clone)]
pub(super) struct Store {
    writer: Writer<Job>,
}

impl Store {
    /// Opens the database in `root`, making it if there is none. The thread is to be joined when the store is gone.
    pub(super) fn open(root: &Path, files: Files, lifecycle: &Lifecycle) -> Result<(Self, JoinHandle<()>), OpenError> {
        let connection = open::open(root)?;
        let options = WriterOptions {
            queue: QUEUE,
            group: GROUP,
        };
        let engine = Grouping::new(files, lifecycle.clone());
        let (writer, thread) = Writer::spawn(connection, engine, options).map_err(OpenError::Thread)?;
        Ok((Self { writer }, thread))
    }

    /// Has the writer's thread do something, and waits until it is committed.
    pub(super) async fn call<T: Send + 'static>(
        &self,
        act: impl FnMut(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, Unavailable> {
        self.call_then(act, |done, _| done).await
    }

    /// The same, with something that the writer's thread does right after the commit, before anything else happens. `act`
    /// runs anew when the group is undone.
    pub(super) async fn call_then<T: Send + 'static, U: Send + 'static>(
        &self,
        act: impl FnMut(&Connection) -> Result<T, StoreError> + Send + 'static,
        then: impl FnOnce(T, &mut Files) -> U + Send + 'static,
    ) -> Result<U, Unavailable> {
        let (answer, answered) = oneshot::channel();
        let job: Job = Box::new(Call::new(act, then, answer));
        let stopped = || Unavailable("it has stopped".to_owned());
        self.writer.submit(job).await.map_err(|_| stopped())?;
        answered.await.unwrap_or_else(|_| Err(stopped()))
    }
}

/// Stands for a text wherever it has to be found again.
pub(super) fn digest(text: &str) -> [u8; 16] {
    let whole = Sha256::digest(text.as_bytes());
    let mut half = [0; 16];
    half.copy_from_slice(&whole[..16]);
    half
}
