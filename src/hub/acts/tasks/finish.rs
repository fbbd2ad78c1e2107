//! Ending a task: with its result, without one, or because it is not wanted any more.

use super::course::Task;
use crate::domain::{JsonText, MessageId, MessageKind, Refusal, Role, TaskReceipt, TaskStep};
use crate::hub::act::{Act, Cost, Desk, Except, Me};
use crate::hub::acts::RetryKey;
use crate::hub::acts::posting::{Content, Draft, post};
use crate::store::tasks;

/// What a task came to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Finish {
    /// It is done.
    Completed,
    /// It could not be done.
    Failed,
}

/// Ends a task by a message that says what it came to.
#[derive(Clone, Debug)]
pub struct FinishTask {
    /// The task; `None` stands for an id that names none.
    pub task: Option<MessageId>,
    /// The claim.
    pub generation: u64,
    /// How it ends.
    pub finish: Finish,
    /// What the message says.
    pub content: Content,
    /// JSON that goes with it.
    pub data: Option<JsonText>,
    /// Makes asking again safe.
    pub retry: Option<RetryKey>,
}

impl Act for FinishTask {
    type Receipt = TaskReceipt;
    const COST: Cost = Cost::Message;

    fn bytes(&self) -> usize {
        self.content.bytes() + self.data.as_ref().map_or(0, |data| data.as_str().len())
    }

    fn run(&self, desk: &mut Desk<'_>) -> Result<TaskReceipt, Refusal> {
        let me = desk.me()?;
        let agent = me.agent.number;
        if let Some(receipt) = RetryKey::earlier_task(self.retry.as_ref(), desk, &me)? {
            return Ok(receipt);
        }
        let mut task = Task::find_as_member(desk, &me, self.task)?;
        let step = match self.finish {
            Finish::Completed => TaskStep::Complete,
            Finish::Failed => TaskStep::Fail,
        };
        let course = task.course.advance(agent, self.generation, desk.steady_ms, step);
        let course = course.map_err(|problem| task.refusal(desk, problem))?;
        let content = self.content.text(desk.limits.message_length)?;
        let draft = Draft {
            content,
            kind: MessageKind::Result,
            data: self.data.as_ref(),
            reply_to: Some(task.row.message()),
        };
        task.row.result = Some(post(desk, &me, task.room, &draft)?);
        task.move_for(desk, &me, Ok(course), self.retry.as_ref())
    }
}

/// Calls a task off.
#[derive(Clone, Debug)]
pub struct CancelTask {
    /// The task; `None` stands for an id that names none.
    pub task: Option<MessageId>,
    /// Why, for those who look at it.
    pub reason: Option<String>,
    /// Makes asking again safe.
    pub retry: Option<RetryKey>,
}

impl Act for CancelTask {
    type Receipt = TaskReceipt;

    fn bytes(&self) -> usize {
        self.reason.as_ref().map_or(0, String::len)
    }

    fn run(&self, desk: &mut Desk<'_>) -> Result<TaskReceipt, Refusal> {
        let me = desk.me()?;
        let agent = me.agent.number;
        if let Some(receipt) = RetryKey::earlier_task(self.retry.as_ref(), desk, &me)? {
            desk.forgo_note();
            return Ok(receipt);
        }
        let mut task = Task::find(desk, &me, self.task)?;
        if task.row.creator == agent {
            desk.forgo_note();
        }
        let governs = me.agent.role == Role::Controller || task.room.owner == agent;
        if !governs && !task.room.has_member(agent) {
            return Err(Refusal::NotAMember);
        }
        if !governs && task.row.creator != agent {
            return Err(Refusal::Forbidden(
                "only who offered the task, the owner of the room and the controller may cancel it",
            ));
        }
        let course = task.course.take(TaskStep::Cancel);
        if self.reason.is_some() {
            task.row.note.clone_from(&self.reason);
        }
        task.move_for(desk, &me, course, self.retry.as_ref())
    }
}

/// Ends a task by the message `draft` of an agent that was never asked to claim it, because where it speaks there is no
/// claiming: it claims it now, if it may. `None` when the task is not there for it; nothing has changed then.
pub(in crate::hub::acts) fn finish_unclaimed(
    desk: &mut Desk<'_>,
    me: &Me<'_>,
    id: MessageId,
    draft: &Draft<'_>,
) -> Result<Option<MessageId>, Refusal> {
    let Some(mut task) = Task::at(desk, id.row)? else {
        return Ok(None);
    };
    if task.is_for_another(me) {
        return Ok(None);
    }
    let (agent, now_ms) = (me.agent.number, desk.steady_ms);
    let claimed = task.course.claim(agent, now_ms, desk.limits.lease_ms);
    let done = claimed.and_then(|claimed| claimed.advance(agent, claimed.generation, now_ms, TaskStep::Complete));
    let Ok(course) = done else { return Ok(None) };
    let result = post(desk, me, task.room, draft)?;
    task.row.result = Some(result);
    task.row.note = None;
    task.move_to(desk, course, Desk::members(task.room), Except::Session(me.session))?;
    Ok(Some(result))
}

/// Takes the words of a task away with those of the message that opened it. What nobody can read nobody can do, so it is
/// called off too.
pub(in crate::hub::acts) fn redact_task(desk: &mut Desk<'_>, me: &Me<'_>, id: MessageId) -> Result<(), Refusal> {
    tasks::redact(desk.connection, id.row)?;
    let Some(mut task) = Task::at(desk, id.row)? else {
        // A message of the same type that opened none.
        return Ok(());
    };
    match task.course.take(TaskStep::Cancel) {
        Ok(course) => task.move_to(desk, course, Desk::members(task.room), Except::Session(me.session)),
        Err(_) => Ok(()),
    }
}
