//! What all acts on a task have in common: finding it, moving it along its course, telling the room.

use std::sync::Arc;

use crate::domain::{AgentId, Event, MessageId, Refusal, RowId, TaskCourse, TaskProblem, TaskReceipt, TaskState};
use crate::hub::act::{Audience, Desk, Except, Me};
use crate::hub::acts::RetryKey;
use crate::hub::change::Change;
use crate::hub::directory::Room;
use crate::store::tasks::{self, LeaseRow, TaskRow};

/// A task that is about to move.
pub(super) struct Task<'a> {
    pub room: &'a Room,
    pub row: TaskRow,
    pub course: TaskCourse,
}

impl<'a> Task<'a> {
    /// The task, for a caller that may know of its room.
    pub(super) fn find(desk: &Desk<'a>, me: &Me<'_>, id: Option<MessageId>) -> Result<Self, Refusal> {
        let (room, id) = desk.state.room_of_task(me.agent, me.scope, id)?;
        let row = tasks::get(desk.connection, id.row)?.filter(|row| row.created_at_ms == id.at_ms);
        let row = row.ok_or(Refusal::TaskNotFound)?;
        Ok(Self::of(desk, room, row))
    }

    /// The task, for a caller that must be in its room.
    pub(super) fn find_as_member(desk: &Desk<'a>, me: &Me<'_>, id: Option<MessageId>) -> Result<Self, Refusal> {
        let (room, _) = desk.state.room_of_task(me.agent, me.scope, id)?;
        if !room.has_member(me.agent.number) {
            return Err(Refusal::NotAMember);
        }
        Self::find(desk, me, id)
    }

    /// The task that lies at a place, as far as it is still there.
    pub(super) fn at(desk: &Desk<'a>, id: RowId) -> Result<Option<Self>, Refusal> {
        let room = desk.state.rooms.get(&id.stream());
        let row = tasks::get(desk.connection, id)?;
        Ok(room.zip(row).map(|(room, row)| Self::of(desk, room, row)))
    }

    fn of(desk: &Desk<'a>, room: &'a Room, row: TaskRow) -> Self {
        let course = TaskCourse {
            state: row.state,
            generation: row.generation,
            lease: desk.state.leases.get(row.id),
        };
        Self { room, row, course }
    }

    /// Why it does not move, as a caller is told.
    pub(super) fn refusal(&self, desk: &Desk<'_>, problem: TaskProblem) -> Refusal {
        match problem {
            TaskProblem::Held(holder) => Refusal::TaskHeld {
                holder: desk.state.agent(holder).map_or(NOBODY, |agent| agent.id),
                lease_expires_at_ms: self.row.lease.map_or(desk.now_ms, |lease| lease.expires_at_ms),
                generation: self.course.generation,
            },
            TaskProblem::Stale => {
                let seen = self.course.settled(desk.steady_ms);
                Refusal::StaleGeneration {
                    generation: seen.generation,
                    state: seen.state,
                }
            }
            TaskProblem::NotTheHolder => Refusal::Forbidden("only the agent that holds the task may do this"),
            TaskProblem::State(state) => Refusal::TaskState(state),
        }
    }

    /// Stores that it has come to `course`, and tells `audience`.
    pub(super) fn move_to(
        &mut self,
        desk: &mut Desk<'_>,
        course: TaskCourse,
        audience: Audience,
        except: Except,
    ) -> Result<(), Refusal> {
        let (before, row) = (self.course, &mut self.row);
        (row.state, row.generation, row.updated_at_ms) = (course.state, course.generation, desk.now_ms);
        row.revision += 1;
        if course.lease != before.lease {
            row.lease = course.lease.map(|lease| LeaseRow {
                holder: lease.holder,
                term_ms: lease.term_ms,
                expires_at_ms: desk.now_ms.saturating_add_unsigned(lease.term_ms),
            });
            desk.change(match course.lease {
                Some(lease) => Change::LeaseSet(row.id, lease, row.generation),
                None => Change::LeaseEnded(row.id),
            });
        }
        if course.state.is_final() {
            desk.change(Change::TaskClosed(self.room.number));
        }
        tasks::update(desk.connection, row)?;
        self.course = course;
        let task = Arc::new(desk.state.view_task(self.room.id, row));
        desk.tell(audience, except, Event::TaskUpdated { task });
        Ok(())
    }

    /// The same for an act of `me`, which is told by its receipt; that is remembered under `retry`.
    pub(super) fn move_for(
        &mut self,
        desk: &mut Desk<'_>,
        me: &Me<'_>,
        course: Result<TaskCourse, TaskProblem>,
        retry: Option<&RetryKey>,
    ) -> Result<TaskReceipt, Refusal> {
        let course = course.map_err(|problem| self.refusal(desk, problem))?;
        self.move_to(desk, course, Desk::members(self.room), Except::Session(me.session))?;
        self.receipt(desk, me, retry)
    }

    /// What `me` is told of the task as it is now.
    pub(super) fn receipt(
        &self,
        desk: &Desk<'_>,
        me: &Me<'_>,
        retry: Option<&RetryKey>,
    ) -> Result<TaskReceipt, Refusal> {
        let row = &self.row;
        let receipt = TaskReceipt {
            task: row.message(),
            state: row.state,
            generation: row.generation,
            revision: row.revision,
            lease_expires_at_ms: row.lease.map(|lease| lease.expires_at_ms),
            result: row.result,
            at_ms: row.updated_at_ms,
        };
        if let Some(retry) = retry {
            retry.remember_task(desk, me.agent.number, receipt)?;
        }
        Ok(receipt)
    }

    /// Whether it is still meant for somebody else than `me`.
    pub(super) fn is_for_another(&self, me: &Me<'_>) -> bool {
        self.course.state == TaskState::Submitted && self.row.assignee.is_some_and(|agent| agent != me.agent.number)
    }
}

const NOBODY: AgentId = AgentId(uuid::Uuid::nil());
