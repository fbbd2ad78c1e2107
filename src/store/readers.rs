//! The pool of connections that read, off the async threads.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use r2d2_sqlite::SqliteConnectionManager;
use rusqlite::{Connection, ErrorCode, OpenFlags};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::error::StoreError;
use super::open::STATEMENT_CACHE;

/// How long a read waits for a connection. The semaphore hands out as many turns as there are connections, so only a
/// connection that must be reopened makes anybody wait at all.
const CHECKOUT_TIMEOUT: Duration = Duration::from_secs(5);

/// Instructions of the database's machine after which it looks whether a read takes too long: a fraction of a
/// millisecond, unless it has to wait for the disk.
const INSTRUCTIONS: i32 = 1000;

/// Connections that read. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Readers {
    pool: r2d2::Pool<SqliteConnectionManager>,
    /// As many turns as connections: a read that waits is a future, not a blocked thread.
    turns: Arc<Semaphore>,
    /// One fewer, if there are several: see [`Readers::catch_up`].
    requests: Arc<Semaphore>,
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
            requests: Arc::new(Semaphore::new((count as usize - 1).max(1))),
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
        let request = Arc::clone(&self.requests).acquire_owned().await;
        self.run(Some(request.map_err(|_| StoreError::Busy)?), read).await
    }

    /// The same for a read that may take long: `None` when it took `limit` and was broken off.
    pub async fn read_within<T, F>(&self, limit: Duration, read: F) -> Result<Option<T>, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Connection) -> Result<T, StoreError> + Send + 'static,
    {
        self.read(move |connection| {
            let began = Instant::now();
            connection.progress_handler(INSTRUCTIONS, Some(move || began.elapsed() >= limit))?;
            let outcome = read(connection);
            connection.progress_handler(0, None::<fn() -> bool>)?;
            match outcome {
                Err(StoreError::Other(error)) if error.sqlite_error_code() == Some(ErrorCode::OperationInterrupted) => {
                    Ok(None)
                }
                outcome => outcome.map(Some),
            }
        })
        .await
    }

    /// The same as [`Readers::read`], for sessions that are shown what they missed. However many requests there are, one
    /// connection is left for these.
    pub async fn catch_up<T, F>(&self, read: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Connection) -> Result<T, StoreError> + Send + 'static,
    {
        self.run(None, read).await
    }

    async fn run<T, F>(&self, request: Option<OwnedSemaphorePermit>, read: F) -> Result<T, StoreError>
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
            // Kept until the connection is free again, also when nobody waits for the answer any more.
            let _turn = (turn, request);
            let mut connection = pool.get().map_err(|_| StoreError::Busy)?;
            read(&mut connection)
        };
        match tokio::task::spawn_blocking(work).await {
            Ok(result) => result,
            Err(failure) => Err(StoreError::Failed(format!("a read did not finish: {failure}"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::sync_channel;

    use super::*;

    fn readers() -> (tempfile::TempDir, Readers) {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let path = directory.path().join("test.db");
        drop(Connection::open(&path).expect("a database"));
        let readers = Readers::open(&path, 3).expect("readers");
        (directory, readers)
    }

    fn one(connection: &mut Connection) -> Result<i64, StoreError> {
        Ok(connection.query_row("SELECT 1", [], |row| row.get(0))?)
    }

    #[tokio::test]
    async fn a_read_that_takes_too_long_is_broken_off_and_harms_no_later_one() {
        let (_directory, readers) = readers();
        let endless = |connection: &mut Connection| -> Result<i64, StoreError> {
            let sql = "WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";
            Ok(connection.query_row(sql, [], |row| row.get(0))?)
        };
        let limit = Duration::from_millis(1);
        for _ in 0..6 {
            assert!(matches!(readers.read_within(limit, endless).await, Ok(None)));
        }
        for _ in 0..6 {
            assert!(matches!(readers.read(one).await, Ok(1)));
            let limit = Duration::from_secs(3600);
            assert!(matches!(readers.read_within(limit, one).await, Ok(Some(1))));
        }
    }

    #[tokio::test]
    async fn whoever_catches_up_needs_not_wait_for_requests() {
        let (_directory, readers) = readers();
        let mut held = Vec::new();
        let mut requests = tokio::task::JoinSet::new();
        for _ in 0..5 {
            let (release, released) = sync_channel::<()>(1);
            held.push(release);
            let readers = readers.clone();
            requests.spawn(async move { readers.read(move |_| Ok(released.recv().is_ok())).await });
        }
        assert!(matches!(readers.catch_up(one).await, Ok(1)));
        for release in held {
            release.send(()).expect("it waits");
        }
        while let Some(request) = requests.join_next().await {
            assert!(matches!(request, Ok(Ok(true))));
        }
    }
}
