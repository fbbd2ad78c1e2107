//! Reading tasks, and taking back leases when their time has come.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::acts::ExpireLeases;
use super::directory::{Agent, Directory, Room};
use super::{Caller, Hub};
use crate::domain::{
    AgentId, AgentNumber, KeyScope, MessageId, Refusal, Role, RoomId, RowId, StreamNumber, TaskState, TaskView,
};
use crate::store::tasks::{self, Filter, TaskRow};
use crate::store::{Connection, StoreError};

/// How long to wait before leases are taken back again, after the disk refused.
const RETRY: Duration = Duration::from_secs(1);

/// Which tasks.
#[derive(Clone, Copy, Debug)]
pub struct TaskQuery {
    /// Of this room; of every room that the caller is in when `None`.
    pub room: Option<RoomParam>,
    /// In this state.
    pub state: Option<TaskState>,
    /// Meant for this agent; `Some(None)` stands for an id that names none.
    pub assignee: Option<AgentParam>,
    /// Most tasks; more than the server's limit are not given.
    pub limit: u64,
    /// Only those behind this one.
    pub after: Option<MessageId>,
}

/// A room that is asked for; `None` stands for an id that names none.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RoomParam(pub Option<RoomId>);

/// An agent that is asked for; `None` stands for an id that names none.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AgentParam(pub Option<AgentId>);

/// Tasks, room by room, in each the oldest first.
#[derive(Clone, Debug)]
pub struct TaskPage {
    /// The tasks.
    pub tasks: Vec<TaskView>,
    /// The last of them when there may be more.
    pub next: Option<MessageId>,
}

impl Hub {
    /// Reads one task, off the async threads.
    pub async fn task(&self, caller: Caller, id: Option<MessageId>) -> Result<TaskView, Refusal> {
        let id = self.readable_task(caller, id)?;
        let read = move |connection: &mut Connection| tasks::get(connection, id.row);
        let row = self.inner.readers.read(read).await?;
        // Somebody who lost the room while it was read is not shown it.
        self.readable_task(caller, Some(id))?;
        let row = row.filter(|row| row.created_at_ms == id.at_ms);
        let row = row.ok_or(Refusal::TaskNotFound)?;
        let directory = self.directory();
        directory.view_row(&row).ok_or(Refusal::TaskNotFound)
    }

    /// Reads a page of tasks, off the async threads.
    pub async fn tasks(&self, caller: Caller, query: TaskQuery) -> Result<TaskPage, Refusal> {
        let rooms = self.rooms_with_tasks(caller, query.room)?;
        let assignee = match query.assignee {
            None => None,
            Some(AgentParam(id)) => {
                let directory = self.directory();
                let agent = id.and_then(|id| directory.agent_by_id(id));
                Some(agent.ok_or(Refusal::AgentNotFound)?.number)
            }
        };
        let filter = Filter {
            state: query.state,
            assignee,
        };
        let limit = usize::try_from(query.limit.min(u64::from(self.limits().history_page))).unwrap_or(usize::MAX);
        let (after, bytes) = (query.after.map(|id| id.row), self.limits().history_bytes);
        let read = move |connection: &mut Connection| read_page(connection, &rooms, after, filter, limit, bytes);
        let (rows, more) = self.inner.readers.read(read).await?;
        let next = rows.last().filter(|_| more).map(TaskRow::message);
        let still = self.rooms_with_tasks(caller, query.room)?;
        let directory = self.directory();
        let tasks = rows
            .iter()
            .filter(|row| still.binary_search(&row.id.stream()).is_ok())
            .filter_map(|row| directory.view_row(row))
            .collect();
        Ok(TaskPage { tasks, next })
    }

    /// Takes back each lease when its time has come, until `stop`.
    pub async fn keep_leases(self, stop: CancellationToken) {
        loop {
            let changed = self.inner.leases_changed.notified();
            let ends_ms = self.directory().leases.first_end();
            let now_ms = self.inner.clock.steady_ms();
            let Some(ends_ms) = ends_ms else {
                tokio::select! {
                    () = changed => continue,
                    () = stop.cancelled() => return,
                }
            };
            let mut wait = Duration::from_millis(ends_ms.saturating_sub(now_ms));
            if wait.is_zero() {
                match self.perform(Caller::Server, ExpireLeases).await {
                    Ok(count) => {
                        tracing::debug!(count, "leases of tasks have ended");
                        continue;
                    }
                    Err(Refusal::Stopping) => return,
                    Err(reason) => {
                        tracing::debug!(%reason, "leases that are over could not be taken back yet");
                        wait = RETRY;
                    }
                }
            }
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = changed => {}
                () = stop.cancelled() => return,
            }
        }
    }

    /// Whether the caller may read the task that `id` names, if there is one.
    fn readable_task(&self, caller: Caller, id: Option<MessageId>) -> Result<MessageId, Refusal> {
        let directory = self.directory();
        let (agent, scope) = reader(&directory, caller)?;
        let (room, id) = directory.room_of_task(agent, scope, id)?;
        if agent.role != Role::Controller && !room.has_member(agent.number) {
            return Err(Refusal::NotAMember);
        }
        Ok(id)
    }

    /// The rooms whose tasks the caller may read, in order.
    fn rooms_with_tasks(&self, caller: Caller, room: Option<RoomParam>) -> Result<Vec<StreamNumber>, Refusal> {
        let directory = self.directory();
        let (agent, scope) = reader(&directory, caller)?;
        let governs = agent.role == Role::Controller;
        let Some(RoomParam(id)) = room else {
            let readable = |room: &&Room| {
                !room.deleted && scope.admits_room(room.id) && (governs || room.has_member(agent.number))
            };
            return Ok(directory
                .rooms
                .values()
                .filter(readable)
                .map(|room| room.number)
                .collect());
        };
        let room = id.and_then(|id| directory.room_by_id(id));
        let room = room
            .filter(|room| !room.deleted || governs)
            .ok_or(Refusal::RoomNotFound)?;
        if !scope.admits_room(room.id) || !governs && !room.has_member(agent.number) {
            return Err(Refusal::NotAMember);
        }
        Ok(vec![room.number])
    }
}

/// The agent that reads, and what its session may read of what it may.
pub(super) fn reader(directory: &Directory, caller: Caller) -> Result<(&Agent, &KeyScope), Refusal> {
    let Caller::Session { session, agent } = caller else {
        return Err(Refusal::AuthRequired);
    };
    let scope = directory.scope_of(session).ok_or(Refusal::SessionEnded)?;
    Ok((directory.agent(agent).ok_or(Refusal::SessionEnded)?, scope))
}

/// Reads room by room until the page is full, by number or by size, and whether there may be more.
fn read_page(
    connection: &mut Connection,
    rooms: &[StreamNumber],
    after: Option<RowId>,
    filter: Filter,
    limit: usize,
    bytes: usize,
) -> Result<(Vec<TaskRow>, bool), StoreError> {
    let (mut page, mut sum) = (Vec::new(), 0_usize);
    for room in rooms {
        let start = after.unwrap_or_else(|| RowId::new(*room, 0));
        if *room < start.stream() {
            continue;
        }
        // One more than asked for tells whether there are more.
        for row in tasks::page(connection, *room, start, filter, limit + 1 - page.len())? {
            sum = sum.saturating_add(written_bytes(&row));
            if page.len() == limit || (sum > bytes && !page.is_empty()) {
                return Ok((page, true));
            }
            page.push(row);
        }
    }
    Ok((page, false))
}

/// What a task takes beside its texts: ids, times and the names of its members.
const TASK_BYTES: usize = 512;

fn written_bytes(row: &TaskRow) -> usize {
    let texts = [
        Some(row.title.as_str()),
        row.description.as_deref(),
        row.note.as_deref(),
    ];
    let texts: usize = texts.into_iter().flatten().map(super::history::written_bytes).sum();
    TASK_BYTES + texts + row.data.as_ref().map_or(0, |data| data.as_str().len())
}

impl Directory {
    /// The room of a task, for an agent that may know of it, by a session whose scope it is in. What there is to know of others
    /// is that there is no such task.
    pub(super) fn room_of_task(
        &self,
        agent: &Agent,
        scope: &KeyScope,
        id: Option<MessageId>,
    ) -> Result<(&Room, MessageId), Refusal> {
        let id = id.ok_or(Refusal::TaskNotFound)?;
        let room = self.rooms.get(&id.row.stream()).ok_or(Refusal::TaskNotFound)?;
        if !scope.admits_room(room.id) || agent.role != Role::Controller && !Self::sees(agent, room) {
            return Err(Refusal::TaskNotFound);
        }
        Ok((room, id))
    }

    /// A task as the members of its room see it.
    pub(super) fn view_task(&self, room: RoomId, row: &TaskRow) -> TaskView {
        let id_of = |number: AgentNumber| self.agent(number).map_or(AgentId(uuid::Uuid::nil()), |agent| agent.id);
        TaskView {
            id: row.message(),
            room,
            title: row.title.clone(),
            description: row.description.clone(),
            data: row.data.clone(),
            creator: id_of(row.creator),
            assignee: row.assignee.map(id_of),
            state: row.state,
            generation: row.generation,
            revision: row.revision,
            holder: row.lease.map(|lease| id_of(lease.holder)),
            lease_expires_at_ms: row.lease.map(|lease| lease.expires_at_ms),
            note: row.note.clone(),
            result: row.result,
            updated_at_ms: row.updated_at_ms,
        }
    }

    fn view_row(&self, row: &TaskRow) -> Option<TaskView> {
        let room = self.rooms.get(&row.id.stream())?;
        Some(self.view_task(room.id, row))
    }
}
