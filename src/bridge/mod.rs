//! The local bridge: a daemon that keeps links to peers and rooms of hubs for agents that can only run one command, or make
//! one HTTP request, at a time.
//!
//! It speaks the HTTP API of link-agent's bridge, field for field, on the loopback address. What it received and nobody took
//! yet, what it sent and nobody acknowledged, which rooms it is in: everything is in a database of its own (`store`), so
//! that it goes on where it was, however it ended.
//!
//! `rooms` has the rooms and what goes through them, `api` the HTTP; `mailboxes` knows who waits for messages.

mod api;
mod mailboxes;
mod notices;
mod options;
mod rooms;
mod store;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;

use tokio::net::TcpListener;

use self::mailboxes::Mailboxes;
use self::notices::Notices;
pub use self::options::BridgeOptions;
use self::rooms::{Beside, Rooms};
use self::store::Store;
use self::store::files::{Files, make_directory};
pub use self::store::{OpenError, Unavailable};
use crate::notify::{Notifier, NotifyProblem};
use crate::runtime::clock::{Clock, Entropy};
use crate::runtime::lifecycle::Lifecycle;
use crate::store::DirectoryLock;

/// Why a bridge did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The data root or the database in it cannot be used.
    #[error(transparent)]
    Store(#[from] OpenError),
    /// The database failed.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    /// What is to be told to whom cannot work.
    #[error(transparent)]
    Notify(#[from] NotifyProblem),
}

/// A bridge that is running. It stops with its lifecycle.
pub struct Bridge {
    thread: JoinHandle<()>,
    address: SocketAddr,
    _lock: DirectoryLock,
}

impl Bridge {
    /// Opens the data root, resumes the rooms that were open, and serves the HTTP API on `listener`.
    ///
    /// Must be called inside a Tokio runtime, and panics elsewhere.
    ///
    /// # Errors
    ///
    /// [`StartError`] when the data root cannot be used, another bridge uses it, or the database fails.
    pub async fn start(
        options: BridgeOptions,
        listener: TcpListener,
        lifecycle: &Lifecycle,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Self, StartError> {
        let root = options.root.clone();
        let lock = lock(&root)?;
        let file = |source| OpenError::File {
            path: root.clone(),
            source,
        };
        let address = listener.local_addr().map_err(file)?;
        let mailboxes = Mailboxes::default();
        let notices = Notices::new(&root, &options.public_notices);
        let files = Files::new(&root, mailboxes.clone(), notices);
        let (store, thread) = Store::open(&root, files, lifecycle)?;
        let (notifier, orders) = Notifier::start(options.notify.clone(), lifecycle, Arc::clone(&clock))?;
        let options = Arc::new(options);
        let beside = Beside {
            store,
            mailboxes,
            notifier,
            lifecycle: lifecycle.clone(),
            clock,
            entropy,
        };
        let rooms = Rooms::new(Arc::clone(&options), beside);
        rooms.resume().await?;
        rooms.obey(orders);
        api::serve(rooms, &options, listener, address, lifecycle);
        Ok(Self {
            thread,
            address,
            _lock: lock,
        })
    }

    /// Where the HTTP API is.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Waits until the database is folded and closed. To be called when the lifecycle's tasks have ended, and from a thread
    /// that may wait.
    pub fn finish(self) {
        if self.thread.join().is_err() {
            tracing::error!("the thread of the bridge's database panicked");
        }
    }
}

/// Makes the data root for its owner only, and takes it for this process.
fn lock(root: &Path) -> Result<DirectoryLock, OpenError> {
    let file = |source| OpenError::File {
        path: root.to_owned(),
        source,
    };
    make_directory(root).map_err(file)?;
    crate::store::lock(root, &root.join("bridge.db")).map_err(|error| match error {
        crate::store::OpenError::InUse(path) => OpenError::InUse(path),
        other => file(std::io::Error::other(other.to_string())),
    })
}
