//! What the writer's thread runs: closures, grouped into transactions.

use std::time::Duration;

use rusqlite::Connection;
use tokio::sync::oneshot;

use super::Unavailable;
use super::files::Files;
use crate::runtime::lifecycle::Lifecycle;
use crate::store::{Engine, Keep, StoreError};

/// One unit of work.
pub(super) type Job = Box<dyn Work>;

/// Work that answers for itself.
pub(super) trait Work: Send {
    /// Does it, inside the transaction of its group. May be called once more, after the first time was undone.
    fn run(&mut self, connection: &Connection) -> Keep;

    /// It is committed: does what follows.
    fn follow(&mut self, files: &mut Files);

    /// Tells whoever waits, when everything that follows the group is done.
    fn finish(self: Box<Self>);

    /// Nothing of it was saved.
    fn fail(self: Box<Self>, error: &StoreError);
}

/// A closure, what follows its commit, and whoever waits for that.
pub(super) struct Call<A, T, F, U> {
    act: A,
    then: Option<F>,
    result: Option<Result<T, StoreError>>,
    outcome: Option<Result<U, Unavailable>>,
    answer: oneshot::Sender<Result<U, Unavailable>>,
}

impl<A, T, F, U> Call<A, T, F, U> {
    pub(super) fn new(act: A, then: F, answer: oneshot::Sender<Result<U, Unavailable>>) -> Self {
        Self {
            act,
            then: Some(then),
            result: None,
            outcome: None,
            answer,
        }
    }
}

impl<A, T, F, U> Work for Call<A, T, F, U>
where
    A: FnMut(&Connection) -> Result<T, StoreError> + Send,
    F: FnOnce(T, &mut Files) -> U + Send,
    T: Send,
    U: Send,
{
    fn run(&mut self, connection: &Connection) -> Keep {
        // What a former run holds, such as places in a queue, is given back first.
        self.result = None;
        let result = (self.act)(connection);
        let keep = if result.is_ok() { Keep::Yes } else { Keep::Failed };
        self.result = Some(result);
        keep
    }

    fn follow(&mut self, files: &mut Files) {
        let outcome = match (self.result.take(), self.then.take()) {
            (Some(Ok(done)), Some(then)) => Ok(then(done, files)),
            (Some(Err(error)), _) => Err(Unavailable(error.to_string())),
            _ => Err(Unavailable("it was not asked".to_owned())),
        };
        self.outcome = Some(outcome);
    }

    fn finish(self: Box<Self>) {
        if let Some(outcome) = self.outcome {
            // Whoever has gone does not want to know.
            let _ = self.answer.send(outcome);
        }
    }

    fn fail(self: Box<Self>, error: &StoreError) {
        let _ = self.answer.send(Err(Unavailable(error.to_string())));
    }
}

/// Runs the jobs, and keeps the files beside the database.
pub(super) struct Grouping {
    files: Files,
    lifecycle: Lifecycle,
}

impl Grouping {
    pub(super) fn new(files: Files, lifecycle: Lifecycle) -> Self {
        Self { files, lifecycle }
    }
}

impl Engine for Grouping {
    type Job = Job;

    fn needs_savepoint(_job: &Job) -> bool {
        // What fails on the way does so because of the database; then its group is run once more, with savepoints.
        false
    }

    fn run(&mut self, job: &mut Job, connection: &Connection) -> Keep {
        job.run(connection)
    }

    fn undone(&mut self) {}

    fn committed(&mut self, mut jobs: Vec<Job>, _took: Duration, _is_idle: bool) {
        for job in &mut jobs {
            job.follow(&mut self.files);
        }
        // Whoever is answered finds the files as they should be.
        self.files.flush();
        for job in jobs {
            job.finish();
        }
    }

    fn failed(&mut self, jobs: Vec<Job>, error: &StoreError) {
        tracing::error!(%error, "the bridge's database took nothing of a group");
        for job in jobs {
            job.fail(error);
        }
    }

    fn in_doubt(&mut self, jobs: Vec<Job>, error: &StoreError) {
        tracing::error!(%error, "the bridge's database cannot say whether it saved a group; the bridge stops");
        drop(jobs);
        self.lifecycle.fail();
    }
}
