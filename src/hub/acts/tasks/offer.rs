//! Offering a task.

use std::sync::Arc;

use super::course::Task;
use crate::domain::{AgentId, Event, JsonText, MessageKind, Name, Refusal, RoomId, TaskCourse, TaskReceipt};
use crate::hub::act::{Act, Cost, Desk, Except};
use crate::hub::acts::RetryKey;
use crate::hub::acts::pauses::must_not_be_paused;
use crate::hub::acts::posting::{Content, Draft, last_retired, post};
use crate::hub::change::Change;
use crate::store::tasks::{self, TaskRow};

/// Offers a task in a room, by a message that says what is to be done.
#[derive(Clone, Debug)]
pub struct OfferTask {
    /// The room; `None` stands for an id that names none.
    pub room: Option<RoomId>,
    /// What is to be done, in one line.
    pub title: Name,
    /// What is to be done, at length.
    pub description: Option<String>,
    /// Both of them, as the message says it.
    pub content: Content,
    /// JSON that goes with it.
    pub data: Option<JsonText>,
    /// Who alone may claim it: an id, which may name nobody.
    pub assignee: Option<Assignee>,
    /// Makes asking again safe.
    pub retry: Option<RetryKey>,
}

/// An agent that a task is meant for; `None` stands for an id that names none.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Assignee(pub Option<AgentId>);

impl Act for OfferTask {
    type Receipt = TaskReceipt;
    const COST: Cost = Cost::Message;

    /// Everything twice: the message says it, and so does the task that the members are shown beside it.
    fn bytes(&self) -> usize {
        2 * (self.content.bytes() + self.data.as_ref().map_or(0, |data| data.as_str().len()))
    }

    fn run(&self, desk: &mut Desk<'_>) -> Result<TaskReceipt, Refusal> {
        let me = desk.me()?;
        let agent = me.agent.number;
        if let Some(receipt) = RetryKey::earlier_task(self.retry.as_ref(), desk, &me)? {
            return Ok(receipt);
        }
        let room = desk.room(self.room)?;
        if !room.has_member(agent) {
            return Err(Refusal::NotAMember);
        }
        must_not_be_paused(room)?;
        let assignee = match self.assignee {
            None => None,
            Some(Assignee(id)) => Some(desk.agent(id)?.number),
        };
        if assignee.is_some_and(|assignee| !room.has_member(assignee)) {
            return Err(Refusal::NotAMember);
        }
        let limit = desk.limits.tasks_per_room;
        if limit > 0 && room.open_tasks >= limit {
            return Err(Refusal::TaskLimit(limit));
        }
        let content = self.content.text(desk.limits.message_length)?;
        let draft = Draft {
            content,
            kind: MessageKind::Task,
            data: self.data.as_ref(),
            reply_to: None,
        };
        let id = post(desk, &me, room, &draft)?;
        // What is finished goes with the message that opened it, so tasks are kept as long as what is said.
        if let Some(last) = last_retired(desk, room, id.row.seq()) {
            tasks::forget_finished(desk.connection, room.number, last)?;
        }
        let row = TaskRow {
            id: id.row,
            created_at_ms: id.at_ms,
            creator: agent,
            title: self.title.clone(),
            description: self.description.clone(),
            data: self.data.clone(),
            assignee,
            state: TaskCourse::NEW.state,
            generation: TaskCourse::NEW.generation,
            revision: 1,
            lease: None,
            note: None,
            result: None,
            updated_at_ms: id.at_ms,
        };
        tasks::insert(desk.connection, &row)?;
        desk.change(Change::TaskOpened(room.number));
        let task = Arc::new(desk.state.view_task(room.id, &row));
        desk.tell(
            Desk::members(room),
            Except::Session(me.session),
            Event::TaskCreated { task },
        );
        let course = TaskCourse::NEW;
        Task { room, row, course }.receipt(desk, &me, self.retry.as_ref())
    }
}
