//! The one thread that writes: groups what waits into one transaction, a savepoint for each.

use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::doubt;
use super::error::StoreError;
use super::queue::{Receiver, Sender, queue};
use rusqlite::Connection;

/// Whether the writes of a job stay in the transaction.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Keep {
    /// They are committed with the group.
    Yes,
    /// They are rolled back, if there are any; the rest of the group is not touched by that.
    No,
    /// The same, and there may be some that the database does not count: the job failed on the way.
    Failed,
}

/// What the writer thread works for. All methods run on that thread, one at a time, so whoever implements it needs no
/// lock for what it keeps.
pub trait Engine: Send + 'static {
    /// One unit of work. It answers for itself: whoever waits for it hears through the job.
    type Job: Send + 'static;

    /// Whether `job` comes last in its group, whatever was handed over when.
    fn is_last(job: &Self::Job) -> bool {
        let _ = job;
        false
    }

    /// Whether `job` may be refused after it has written something, so that it has to be taken back alone. A savepoint costs
    /// as much as a message does. If one that needs none fails on the way nevertheless, its group is run once more, with a
    /// savepoint for each.
    fn needs_savepoint(job: &Self::Job) -> bool {
        let _ = job;
        true
    }

    /// Runs `job`, inside its own savepoint if it needs one.
    fn run(&mut self, job: &mut Self::Job, connection: &Connection) -> Keep;

    /// The jobs that were run since the last commit are undone, and will be run once more.
    fn undone(&mut self);

    /// The group is durable. Called in commit order; `is_idle` when no other job waits.
    fn committed(&mut self, jobs: Vec<Self::Job>, took: Duration, is_idle: bool);

    /// Nothing of the group was saved.
    fn failed(&mut self, jobs: Vec<Self::Job>, error: &StoreError);

    /// The disk cannot even say whether the group was saved. The jobs must not be answered, and nothing more will be
    /// written: the server has to stop.
    fn in_doubt(&mut self, jobs: Vec<Self::Job>, error: &StoreError);
}

/// Bounds of the writer.
#[derive(Clone, Copy, Debug)]
pub struct WriterOptions {
    /// Jobs that may wait; whoever submits one more waits for a place.
    pub queue: usize,
    /// Most jobs in one transaction.
    pub group: usize,
}

/// The handle of the writer thread. Cheap to clone; the thread ends when the last handle is gone and the queue is empty.
pub struct Writer<J> {
    queue: Sender<J>,
}

impl<J> Clone for Writer<J> {
    fn clone(&self) -> Self {
        Self {
            queue: self.queue.clone(),
        }
    }
}

impl<J: Send + 'static> Writer<J> {
    /// Starts the thread.
    pub fn spawn<E: Engine<Job = J>>(
        connection: Connection,
        engine: E,
        options: WriterOptions,
    ) -> std::io::Result<(Self, JoinHandle<()>)> {
        let (queue, jobs) = queue(options.queue);
        let thread = std::thread::Builder::new().name("writer".into()).spawn(move || {
            Work {
                connection,
                engine,
                stopped: false,
            }
            .run(&jobs, options.group);
        })?;
        Ok((Self { queue }, thread))
    }

    /// Hands over a job, waiting for a place in the queue. Gives it back when the writer has ended.
    pub async fn submit(&self, job: J) -> Result<(), J> {
        self.queue.send(job).await
    }
}

struct Work<E> {
    connection: Connection,
    engine: E,
    /// Set when a commit stayed in doubt: from then on jobs are dropped unanswered.
    stopped: bool,
}

impl<E: Engine> Work<E> {
    fn run(mut self, jobs: &Receiver<E::Job>, group: usize) {
        while let Some(mut batch) = jobs.take(group) {
            if batch.iter().any(E::is_last) {
                batch.sort_by_key(E::is_last);
            }
            if !self.stopped {
                self.group(batch, || jobs.is_empty());
            }
        }
        if let Err(error) = self
            .connection
            .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
        {
            tracing::warn!(%error, "the write-ahead log could not be folded into the database; the next start does it");
        }
    }

    fn group(&mut self, mut jobs: Vec<E::Job>, is_idle: impl FnOnce() -> bool) {
        let began = Instant::now();
        match self.transactions(&mut jobs) {
            Ok(()) => self.engine.committed(jobs, began.elapsed(), is_idle()),
            Err(error) => {
                if !self.connection.is_autocommit() {
                    // A failed rollback leaves nothing to be done here; the next BEGIN would say so.
                    let _ = self.connection.execute_batch("ROLLBACK");
                }
                if matches!(error, StoreError::InDoubt(_)) && !doubt::overwrite(&self.connection) {
                    self.stopped = true;
                    return self.engine.in_doubt(jobs, &error);
                }
                self.engine.failed(jobs, &error);
            }
        }
    }

    /// Commits the group at the first try, or at the second one, in which each job can be taken back alone.
    fn transactions(&mut self, jobs: &mut [E::Job]) -> Result<(), StoreError> {
        if !self.transaction(jobs, E::needs_savepoint)? {
            self.statement("ROLLBACK")?;
            self.engine.undone();
            self.transaction(jobs, |_| true)?;
        }
        Ok(())
    }

    /// False when a job without a savepoint failed on the way. Nothing is committed then.
    fn transaction(
        &mut self,
        jobs: &mut [E::Job],
        needs_savepoint: impl Fn(&E::Job) -> bool,
    ) -> Result<bool, StoreError> {
        self.statement("BEGIN IMMEDIATE")?;
        for job in jobs {
            let has_savepoint = needs_savepoint(job);
            if has_savepoint {
                self.statement("SAVEPOINT job")?;
            }
            let written = self.connection.total_changes();
            let keep = self.engine.run(job, &self.connection);
            // A full or failing disk makes SQLite give up the whole transaction, not only the statement.
            if self.connection.is_autocommit() {
                return Err(self.why_rolled_back());
            }
            if has_savepoint {
                if keep != Keep::Yes {
                    self.statement("ROLLBACK TO job")?;
                }
                self.statement("RELEASE job")?;
            } else if keep == Keep::Failed || keep == Keep::No && self.connection.total_changes() != written {
                return Ok(false);
            }
        }
        let committed = self
            .connection
            .prepare_cached("COMMIT")
            .and_then(|mut commit| commit.execute([]));
        committed.map(|_| true).map_err(StoreError::of_commit)
    }

    fn statement(&self, sql: &str) -> Result<(), StoreError> {
        self.connection.prepare_cached(sql)?.execute([])?;
        Ok(())
    }

    /// Asks the disk for the reason, which the job that met it has kept to itself.
    fn why_rolled_back(&self) -> StoreError {
        match self.connection.execute_batch(doubt::PROBE) {
            Err(error) => error.into(),
            // Whatever it was, it is over: the disk has just taken a change.
            Ok(()) => StoreError::Failed("the database gave up a transaction and takes the next one".into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

    use super::*;

    /// Begins a job that says that it writes nothing before it is sure.
    const CHECKS_FIRST: &str = "/* checks first */";

    /// Runs each job as a statement and says what became of the group.
    struct Statements {
        outcomes: SyncSender<Result<usize, String>>,
        /// How many were kept of the group.
        kept: usize,
    }

    impl Statements {
        fn new(outcomes: SyncSender<Result<usize, String>>) -> Self {
            Self { outcomes, kept: 0 }
        }

        fn tell(&mut self, outcome: Result<usize, String>) {
            self.kept = 0;
            let _ = self.outcomes.send(outcome);
        }
    }

    impl Engine for Statements {
        type Job = &'static str;

        fn needs_savepoint(job: &&'static str) -> bool {
            !job.starts_with(CHECKS_FIRST)
        }

        fn run(&mut self, job: &mut &'static str, connection: &Connection) -> Keep {
            match connection.execute_batch(job) {
                Ok(()) => {
                    self.kept += 1;
                    Keep::Yes
                }
                Err(_) => Keep::No,
            }
        }

        fn undone(&mut self) {
            self.kept = 0;
        }

        fn committed(&mut self, _jobs: Vec<&'static str>, _took: Duration, _is_idle: bool) {
            self.tell(Ok(self.kept));
        }

        fn failed(&mut self, _jobs: Vec<&'static str>, error: &StoreError) {
            self.tell(Err(error.to_string()));
        }

        fn in_doubt(&mut self, _jobs: Vec<&'static str>, error: &StoreError) {
            self.tell(Err(error.to_string()));
        }
    }

    /// A writer on a database in memory that takes one job at a time, and what becomes of them.
    fn start() -> (Writer<&'static str>, Receiver<Result<usize, String>>, JoinHandle<()>) {
        let connection = Connection::open_in_memory().expect("a database");
        connection
            .execute_batch(
                "CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT); CREATE TABLE filler (bytes BLOB);",
            )
            .expect("tables");
        let (sender, outcomes) = sync_channel(8);
        let options = WriterOptions { queue: 8, group: 1 };
        let (writer, thread) = Writer::spawn(connection, Statements::new(sender), options).expect("a thread");
        (writer, outcomes, thread)
    }

    #[tokio::test]
    async fn a_transaction_that_was_given_up_is_not_called_a_full_disk() {
        let (writer, outcomes, thread) = start();
        let outcome = async |job| {
            assert_eq!(writer.submit(job).await, Ok(()));
            outcomes.recv().expect("an outcome")
        };
        // Only the transaction is gone: the disk is fine.
        let given_up = outcome("ROLLBACK").await.expect_err("nothing was saved");
        assert!(given_up.contains("gave up"), "{given_up}");
        assert_eq!(outcome("INSERT INTO filler VALUES (x'00')").await, Ok(1));
        drop(writer);
        thread.join().expect("an end");
    }

    #[tokio::test]
    async fn a_job_without_a_savepoint_that_fails_half_way_is_taken_back_alone() {
        let (writer, outcomes, thread) = start();
        let outcome = async |job| {
            assert_eq!(writer.submit(job).await, Ok(()));
            outcomes.recv().expect("an outcome")
        };
        let half_way = "/* checks first */ INSERT INTO filler VALUES (x'00'); INSERT INTO nowhere VALUES (1)";
        assert_eq!(outcome(half_way).await, Ok(0));
        // Fails if there is a row.
        let is_empty = "/* checks first */ INSERT INTO filler SELECT abs(-9223372036854775808) FROM filler";
        assert_eq!(outcome(is_empty).await, Ok(1));
        assert_eq!(outcome("INSERT INTO filler VALUES (x'00')").await, Ok(1));
        drop(writer);
        thread.join().expect("an end");
    }
}
