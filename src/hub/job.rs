//! One act on its way through the writer: decided, committed, answered.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::Limits;
use super::act::{Act, Caller, Desk, Done, Effect};
use super::audit::AuditNote;
use super::change::Change;
use super::directory::Directory;
use super::link::Flushes;
use crate::domain::{Refusal, SessionId};
use crate::runtime::clock::{Clock, Entropy};
use crate::store::{Connection, Keep, audit};

/// An act on its way: decided, committed, answered.
pub(super) struct Job {
    caller: Caller,
    work: Box<dyn Work>,
    /// Set when the audit log remembers it.
    note: Option<AuditNote>,
    pub changes: Vec<Change>,
    pub effects: Vec<Effect>,
    /// Whether it was accepted and wrote to the database.
    pub wrote: bool,
    /// Whether it comes last in its group.
    pub is_last: bool,
}

impl Job {
    pub(super) fn new<A: Act>(caller: Caller, act: A, note: Option<AuditNote>, done: Done<A::Receipt>) -> Self {
        let work = Box::new(Pending {
            act,
            outcome: None,
            done,
        });
        Self {
            caller,
            work,
            note,
            changes: Vec::new(),
            effects: Vec::new(),
            wrote: false,
            is_last: A::LAST,
        }
    }

    /// Takes back what was decided, because it was decided on a state that is undone.
    pub(super) fn forget_outcome(&mut self) {
        self.work.forget_outcome();
    }

    /// The session that is answered.
    pub(super) fn session(&self) -> Option<SessionId> {
        match self.caller {
            Caller::Session { session, .. } => Some(session),
            Caller::Stranger | Caller::Operator | Caller::Server => None,
        }
    }

    /// Whether it needs the disk.
    pub(super) fn stores(&self) -> bool {
        self.work.stores()
    }

    /// Whether it has to be taken back alone when it is refused.
    pub(super) fn needs_savepoint(&self) -> bool {
        // The entry of the audit log is written last, and may fail.
        self.note.is_some() || !self.work.checks_first()
    }

    /// Decides, against `state`.
    pub(super) fn run(
        &mut self,
        state: &Directory,
        connection: &Connection,
        limits: &Limits,
        clock: &dyn Clock,
        entropy: &dyn Entropy,
    ) -> Keep {
        (self.changes, self.effects, self.wrote) = (Vec::new(), Vec::new(), false);
        let mut desk = Desk::new(self.caller, state, connection, limits, clock, entropy);
        let written = connection.total_changes();
        let mut keep = self.work.run(&mut desk);
        let now_ms = desk.now_ms;
        let decision = desk.decision();
        let is_noted = keep == Keep::Yes && decision.is_noted && self.work.stores();
        if let Some(note) = self.note.as_ref().filter(|_| is_noted) {
            let entry = note.entry(state, self.caller, &decision.concerned, now_ms);
            if let Err(error) = audit::append(connection, &entry, limits.audit_rows) {
                // What cannot be remembered is not done.
                self.work.refuse(error.into());
                keep = Keep::Failed;
            }
        }
        if keep == Keep::Yes {
            (self.changes, self.effects) = (decision.changes, decision.effects);
            self.wrote = connection.total_changes() > written;
        }
        keep
    }

    /// Answers: with `refusal`, or with what was decided.
    pub(super) fn finish(self, refusal: Option<Refusal>, flushes: &mut Flushes) {
        self.work.finish(refusal, flushes);
    }
}

trait Work: Send {
    fn stores(&self) -> bool;
    fn checks_first(&self) -> bool;
    fn forget_outcome(&mut self);
    fn refuse(&mut self, refusal: Refusal);
    fn run(&mut self, desk: &mut Desk<'_>) -> Keep;
    fn finish(self: Box<Self>, refusal: Option<Refusal>, flushes: &mut Flushes);
}

struct Pending<A: Act> {
    act: A,
    outcome: Option<Result<A::Receipt, Refusal>>,
    done: Done<A::Receipt>,
}

impl<A: Act> Work for Pending<A> {
    fn stores(&self) -> bool {
        A::STORES
    }

    fn checks_first(&self) -> bool {
        A::CHECKS_FIRST || !A::STORES
    }

    fn forget_outcome(&mut self) {
        self.outcome = None;
    }

    fn refuse(&mut self, refusal: Refusal) {
        self.outcome = Some(Err(refusal));
    }

    fn run(&mut self, desk: &mut Desk<'_>) -> Keep {
        // One act that panics must not take the writer, and with it everybody, down. Nothing of it is kept.
        let outcome = catch_unwind(AssertUnwindSafe(|| self.act.run(desk)))
            .unwrap_or_else(|_| Err(Refusal::Internal("an act panicked".into())));
        let keep = match &outcome {
            Ok(_) => Keep::Yes,
            Err(Refusal::Internal(_) | Refusal::StorageUnavailable(_) | Refusal::StorageDamaged) => Keep::Failed,
            Err(_) => Keep::No,
        };
        self.outcome = Some(outcome);
        keep
    }

    fn finish(self: Box<Self>, refusal: Option<Refusal>, flushes: &mut Flushes) {
        let outcome = match (self.outcome, refusal) {
            (Some(Ok(_)) | None, Some(refusal)) => Err(refusal),
            // A refusal that was decided stands, whatever became of the group: it changed nothing to begin with.
            (Some(decided), _) => decided,
            (None, None) => Err(Refusal::Stopping),
        };
        (self.done)(outcome, flushes);
    }
}
