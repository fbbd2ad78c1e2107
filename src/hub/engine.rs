//! Decides acts on the writer thread and hands what was committed on, in order.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::Limits;
use super::change::Change;
use super::directory::Directory;
use super::fanout::Settled;
use super::job::Job;
use super::teller::Teller;
use crate::domain::Refusal;
use crate::runtime::clock::{Clock, Entropy};
use crate::runtime::metrics::Metrics;
use crate::store::{Connection, Engine, Keep, StoreError};

/// Decides acts one after the other.
pub(super) struct Decider {
    /// The state after every act so far, committed or not.
    pub pending: Directory,
    /// The state after every committed act: what readers see.
    pub committed: Arc<RwLock<Directory>>,
    pub limits: Arc<Limits>,
    pub clock: Arc<dyn Clock>,
    pub entropy: Arc<dyn Entropy>,
    pub metrics: Metrics,
    pub teller: Teller,
    /// Woken when a lease of a task begins, changes or ends.
    pub leases_changed: Arc<Notify>,
    /// Woken when a message is stored.
    pub said: Arc<Notify>,
    /// Woken when places for peers come, go or change.
    pub openings_changed: Arc<Notify>,
    /// An empty database in memory, for acts that store nothing.
    pub nothing: Connection,
    /// Cancelled when the server can no longer be trusted to answer.
    pub fatal: CancellationToken,
}

impl Decider {
    fn decide(&mut self, job: &mut Job, connection: &Connection) -> Keep {
        let keep = job.run(&self.pending, connection, &self.limits, &*self.clock, &*self.entropy);
        for change in &job.changes {
            self.pending.apply(change.clone());
        }
        keep
    }

    /// Makes committed changes visible to readers, before anybody is answered.
    fn publish(&self, jobs: &mut [Job]) {
        let changes: Vec<Change> = jobs.iter_mut().flat_map(|job| job.changes.drain(..)).collect();
        if changes.is_empty() {
            return;
        }
        let sessions_changed = changes.iter().any(|change| {
            matches!(
                change,
                Change::SessionOpened { .. } | Change::GuestSessionOpened { .. } | Change::SessionClosed(_)
            )
        });
        let leases_changed = changes.iter().any(Change::concerns_leases);
        let places_changed = changes.iter().any(Change::concerns_places);
        let is_said = changes.iter().any(Change::concerns_index);
        let mut directory = self.committed.write().unwrap_or_else(PoisonError::into_inner);
        for change in changes {
            directory.apply(change);
        }
        if leases_changed {
            self.leases_changed.notify_one();
        }
        if is_said {
            self.said.notify_one();
        }
        if places_changed {
            self.openings_changed.notify_one();
        }
        if sessions_changed {
            self.metrics.sessions.set(directory.sessions.len().cast_signed() as i64);
            self.metrics
                .agents_online
                .set(directory.online_agents().count().cast_signed() as i64);
        }
    }

    fn settle(&self, jobs: Vec<Settled>, is_idle: bool) {
        if self.teller.tell(jobs, is_idle).is_err() {
            tracing::error!("events can no longer be delivered; the server stops");
            self.fatal.cancel();
        }
    }
}

impl Engine for Decider {
    type Job = Job;

    fn is_last(job: &Job) -> bool {
        job.is_last
    }

    fn needs_savepoint(job: &Job) -> bool {
        job.needs_savepoint()
    }

    fn run(&mut self, job: &mut Job, connection: &Connection) -> Keep {
        self.decide(job, connection)
    }

    fn undone(&mut self) {
        self.pending = self.committed.read().unwrap_or_else(PoisonError::into_inner).clone();
    }

    fn committed(&mut self, mut jobs: Vec<Job>, took: Duration, is_idle: bool) {
        // What the server does for itself in between is nobody's change.
        if jobs.iter().any(|job| !job.is_last) {
            self.metrics.commits.inc();
            self.metrics.commit_seconds.observe(took.as_secs_f64());
        }
        let saved = jobs.iter().filter(|job| job.wrote).count();
        let changes = jobs.iter().filter(|job| job.wrote && !job.is_last).count();
        self.metrics.changes.inc_by(changes as u64);
        if saved > 0 && self.metrics.writable.get() == 0 {
            self.metrics.writable.set(1);
            tracing::info!("the storage takes changes again");
        }
        self.publish(&mut jobs);
        let settled = jobs.into_iter().map(|job| Settled { job, refusal: None }).collect();
        self.settle(settled, is_idle);
    }

    fn failed(&mut self, jobs: Vec<Job>, error: &StoreError) {
        self.metrics.commit_failures.inc();
        if self.metrics.writable.set(0) == 1 {
            tracing::error!(%error, "the storage refuses changes; senders are told, reading goes on");
        }
        self.undone();
        let refusal = refusal_of(error);
        let mut settled = Vec::with_capacity(jobs.len());
        let mut undone = false;
        for mut job in jobs {
            if job.stores() {
                if undone {
                    // Even a refusal is no longer true: what it was decided on never happened.
                    job.forget_outcome();
                }
                undone |= job.wrote;
                job.changes.clear();
                job.effects.clear();
                settled.push(Settled {
                    job,
                    refusal: Some(refusal.clone()),
                });
            } else {
                // Needs no disk, so the failure of its neighbours is not its own. Decided anew, because they are undone.
                self.rerun(&mut job);
                settled.push(Settled { job, refusal: None });
            }
        }
        self.settle(settled, false);
    }

    fn in_doubt(&mut self, jobs: Vec<Job>, error: &StoreError) {
        tracing::error!(
            %error,
            waiting = jobs.len(),
            "the disk cannot say whether changes were saved; the server stops without answering them"
        );
        self.metrics.commit_failures.inc();
        self.metrics.writable.set(0);
        self.fatal.cancel();
    }
}

impl Decider {
    fn rerun(&mut self, job: &mut Job) {
        // Acts that store nothing do not touch the connection they are given.
        let keep = job.run(&self.pending, &self.nothing, &self.limits, &*self.clock, &*self.entropy);
        if keep == Keep::Yes {
            for change in &job.changes {
                self.pending.apply(change.clone());
            }
            self.publish(std::slice::from_mut(job));
        }
    }
}

impl Drop for Decider {
    /// Whatever ends the writer before its time, nobody is left waiting for answers that cannot come.
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.fatal.cancel();
        }
    }
}

/// What senders are told when a group was not saved. A damaged page found while writing is told as that.
fn refusal_of(error: &StoreError) -> Refusal {
    match error {
        StoreError::Full => Refusal::StorageUnavailable("the disk is full"),
        StoreError::ReadOnly => Refusal::StorageUnavailable("the database is read-only"),
        StoreError::Damaged(_) => Refusal::StorageDamaged,
        StoreError::Io(_) | StoreError::InDoubt(_) => Refusal::StorageUnavailable("the disk failed"),
        StoreError::Busy | StoreError::Failed(_) | StoreError::Other(_) => {
            Refusal::StorageUnavailable("the database refused the change")
        }
    }
}
