//! Claiming a task, keeping it, and saying how it goes.

use super::Term;
use super::course::Task;
use crate::domain::{MessageId, Refusal, TaskReceipt, TaskState, TaskStep};
use crate::hub::act::{Act, Desk};
use crate::hub::acts::RetryKey;
use crate::hub::acts::pauses::must_not_be_paused;

/// Takes a task that nobody holds.
#[derive(Clone, Debug)]
pub struct ClaimTask {
    /// The task; `None` stands for an id that names none.
    pub task: Option<MessageId>,
    /// How long the claim holds.
    pub term: Term,
    /// Makes asking again safe.
    pub retry: Option<RetryKey>,
}

impl Act for ClaimTask {
    type Receipt = TaskReceipt;

    fn run(&self, desk: &mut Desk<'_>) -> Result<TaskReceipt, Refusal> {
        let me = desk.me()?;
        if let Some(receipt) = RetryKey::earlier_task(self.retry.as_ref(), desk, &me)? {
            return Ok(receipt);
        }
        let mut task = Task::find_as_member(desk, &me, self.task)?;
        let course = task.course.claim(me.agent.number, desk.steady_ms, self.term.0);
        if course.is_ok() && task.is_for_another(&me) {
            return Err(Refusal::Forbidden("this task is meant for another agent"));
        }
        if course.is_ok() {
            // What the last holder said of its work says nothing of this one's.
            task.row.note = None;
        }
        task.move_for(desk, &me, course, self.retry.as_ref())
    }
}

/// Keeps a task for longer.
#[derive(Clone, Debug)]
pub struct RenewTask {
    /// The task; `None` stands for an id that names none.
    pub task: Option<MessageId>,
    /// The claim.
    pub generation: u64,
    /// How long from now on; as at first when `None`.
    pub term: Option<Term>,
    /// Makes asking again safe.
    pub retry: Option<RetryKey>,
}

impl Act for RenewTask {
    type Receipt = TaskReceipt;

    fn run(&self, desk: &mut Desk<'_>) -> Result<TaskReceipt, Refusal> {
        let me = desk.me()?;
        let agent = me.agent.number;
        if let Some(receipt) = RetryKey::earlier_task(self.retry.as_ref(), desk, &me)? {
            return Ok(receipt);
        }
        let mut task = Task::find_as_member(desk, &me, self.task)?;
        let term_ms = self.term.map(|term| term.0);
        let course = task.course.renew(agent, self.generation, desk.steady_ms, term_ms);
        task.move_for(desk, &me, course, self.retry.as_ref())
    }
}

/// Where its holder moves a task.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TaskMove {
    /// The work has begun, or goes on.
    Begin,
    /// It is given back.
    Release,
    /// It is declined for good.
    Reject,
}

/// Says how the work on a task goes.
#[derive(Clone, Debug)]
pub struct UpdateTask {
    /// The task; `None` stands for an id that names none.
    pub task: Option<MessageId>,
    /// The claim; only whoever declines a task that is meant for it needs none.
    pub generation: Option<u64>,
    /// Where to move it; it stays where it is when `None`.
    pub to: Option<TaskMove>,
    /// What to say of the work; what was said before stays when `None`.
    pub note: Option<String>,
    /// Makes asking again safe.
    pub retry: Option<RetryKey>,
}

impl Act for UpdateTask {
    type Receipt = TaskReceipt;

    fn bytes(&self) -> usize {
        self.note.as_ref().map_or(0, String::len)
    }

    fn run(&self, desk: &mut Desk<'_>) -> Result<TaskReceipt, Refusal> {
        let me = desk.me()?;
        let agent = me.agent.number;
        if let Some(receipt) = RetryKey::earlier_task(self.retry.as_ref(), desk, &me)? {
            return Ok(receipt);
        }
        let mut task = Task::find_as_member(desk, &me, self.task)?;
        if self.note.is_some() {
            // The room reads it like a message.
            must_not_be_paused(task.room)?;
        }
        let step = match self.to {
            // Only a note: the task stays where it is.
            None if task.course.state == TaskState::Accepted => None,
            None | Some(TaskMove::Begin) => Some(TaskStep::Begin),
            Some(TaskMove::Release) => Some(TaskStep::Release),
            Some(TaskMove::Reject) => Some(TaskStep::Reject),
        };
        let course = match (self.generation, step) {
            (Some(generation), Some(step)) => task.course.advance(agent, generation, desk.steady_ms, step),
            (Some(generation), None) => {
                let begun = task.course.advance(agent, generation, desk.steady_ms, TaskStep::Begin);
                begun.map(|_| task.course)
            }
            (None, Some(TaskStep::Reject)) => {
                let course = task.course.settled(desk.steady_ms);
                if task.row.assignee != Some(agent) {
                    return Err(Refusal::Forbidden(
                        "only the agent that a task is meant for may decline it",
                    ));
                }
                if course.lease.is_some() {
                    return Err(Refusal::InvalidParams(
                        "`generation` is missing: the task is held".into(),
                    ));
                }
                course.take(TaskStep::Reject)
            }
            (None, _) => {
                return Err(Refusal::InvalidParams(
                    "`generation` must say by which claim the caller holds the task".into(),
                ));
            }
        };
        if self.note.is_some() {
            task.row.note.clone_from(&self.note);
        }
        task.move_for(desk, &me, course, self.retry.as_ref())
    }
}
