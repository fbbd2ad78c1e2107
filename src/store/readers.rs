//! The pool of connections that read, off the async threads.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use r2d2_sqlite::SqliteConnectionManager;
use rusqlite::{Connection, OpenFlags};
use tokio::sync::Semaphore;

use super::error::StoreError;
use super::open::STATEMENT_CACHE;

/// How long a read waits for a connection. The semaphore hands out as many turns as there are connections, so only a
/// connection that must be reopened makes anybody wait at all.
const CHECKOUT_TIMEOUT: Duration = Duration::from_secs(5);

/// Connections that read. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Readers {
    pool: r2d2::Pool<SqliteConnectionManager>,
    /// As many turns as connections: a read that waits is a future, not a blocked thread.
    turns: Arc<Semaphore>,
    path: Arc<PathBuf>,
}

impl Readers {
    pub(super) fn open(path: &Path, count: u32) -> Result<Self, StoreError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let manager = SqliteConnectionManager::file(path).with_flags(flags).with_init(|connection| {
            connection.busy_timeout(Duration::from_secs(5))?;
            connection.set_prepared_statement_cache_capacity(STATEMENT_CACHE);
            connection.execute_batch(
                "PRAGMA query_only = ON; PRAGMA cell_size_check = ON; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -2000;",
            )
        });
        let pool = r2d2::Pool::builder()
            .max_size(count)
            // Connections stay open for good: reopening one needs file descriptors at a time when there may be none.
            .max_lifetime(None)
            .idle_timeout(None)
            .test_on_check_out(false)
            .connection_timeout(CHECKOUT_TIMEOUT)
            .build(manager)
            .map_err(|_| StoreError::Busy)?;
        Ok(Self {
            pool,
            turns: Arc::new(Semaphore::new(count as usize)),
            path: Arc::new(path.to_owned()),
        })
    }

    /// The database file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Runs `read` on a connection of the pool, on a thread that may block.
    pub async fn read<T, F>(&self, read: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Connection) -> Result<T, StoreError> + Send + 'static,
    {
        let turn = Arc::clone(&self.turns)
            .acquire_owned()
            .await
            .map_err(|_| StoreError::Busy)?;
        let pool = self.pool.clone();
        let work = move || {
            let _turn = turn;
            let mut connection = pool.get().map_err(|_| StoreError::Busy)?;
            read(&mut connection)
        };
        match tokio::task::spawn_blocking(work).await {
            Ok(result) => result,
            Err(failure) => Err(StoreError::Failed(format!("a read did not finish: {failure}"))),
        }
    }
}
