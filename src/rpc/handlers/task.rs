//! `task.*`.

use super::{checked, data, name, page, reason, retry, text};
use crate::domain::{AgentId, JsonText, MessageId, Refusal, RoomId, TaskState, TaskView};
use crate::hub::acts::{
    Assignee, CancelTask, ClaimTask, Content, Finish, FinishTask, OfferTask, RenewTask, TaskMove, Term, UpdateTask,
};
use crate::hub::{AgentParam, Hub, RoomParam, TaskQuery};
use crate::protocol::methods::{
    Method, TaskCancel, TaskCancelParams, TaskClaim, TaskClaimParams, TaskComplete, TaskCreate, TaskCreateParams,
    TaskFail, TaskFinishParams, TaskGet, TaskList, TaskListParams, TaskListResult, TaskMoveParam, TaskParams,
    TaskRenew, TaskRenewParams, TaskResult, TaskStateParam, TaskUpdate, TaskUpdateParams,
};
use crate::protocol::types::{TaskObject, TaskReceiptObject};
use crate::rpc::table::{Call, Handler};

impl Handler for TaskCreate {
    async fn handle(call: Call<TaskCreateParams, TaskReceiptObject>) {
        let (hub, params) = (&call.rpc.hub, &call.params);
        let title = checked!(call, name(hub, "title", &params.title));
        let data = checked!(call, data(hub, params.data.as_deref()));
        let description = params.description.clone().filter(|description| !description.is_empty());
        let parts = [
            Self::NAME,
            &params.room_id,
            title.as_str(),
            description.as_deref().unwrap_or_default(),
            data.as_ref().map_or("", JsonText::as_str),
            params.assignee.as_deref().unwrap_or_default(),
        ];
        let retry = checked!(call, retry(params.idempotency_key.as_deref(), &parts));
        let limit = hub.limits().message_length;
        let content = match &description {
            Some(description) => Content::new(&format!("{}\n\n{description}", title.as_str()), limit),
            None => Content::new(title.as_str(), limit),
        };
        let act = OfferTask {
            room: RoomId::parse(&params.room_id),
            title,
            description,
            content,
            data,
            assignee: params.assignee.as_deref().map(|id| Assignee(AgentId::parse(id))),
            retry,
        };
        call.submit(act, Into::into).await;
    }
}

/// Checks how long a claim is to hold.
fn term(hub: &Hub, lease_ms: Option<u64>) -> Result<Option<Term>, Refusal> {
    let longest_ms = hub.limits().longest_lease_ms;
    match lease_ms {
        Some(lease_ms) if lease_ms == 0 || lease_ms > longest_ms => Err(Refusal::InvalidParams(format!(
            "`leaseMs` must be from 1 to {longest_ms}"
        ))),
        lease_ms => Ok(lease_ms.map(Term)),
    }
}

impl Handler for TaskClaim {
    async fn handle(call: Call<TaskClaimParams, TaskReceiptObject>) {
        let (hub, params) = (&call.rpc.hub, &call.params);
        let term = checked!(call, term(hub, params.lease_ms));
        let lease_ms = params.lease_ms.map(|lease_ms| lease_ms.to_string()).unwrap_or_default();
        let parts = [Self::NAME, &params.task_id, &lease_ms];
        let retry = checked!(call, retry(params.idempotency_key.as_deref(), &parts));
        let act = ClaimTask {
            task: MessageId::parse(&params.task_id),
            term: term.unwrap_or(Term(hub.limits().lease_ms)),
            retry,
        };
        call.submit(act, Into::into).await;
    }
}

impl Handler for TaskRenew {
    async fn handle(call: Call<TaskRenewParams, TaskReceiptObject>) {
        let (hub, params) = (&call.rpc.hub, &call.params);
        let term = checked!(call, term(hub, params.lease_ms));
        let lease_ms = params.lease_ms.map(|lease_ms| lease_ms.to_string()).unwrap_or_default();
        let generation = params.generation.to_string();
        let parts = [Self::NAME, &params.task_id, &generation, &lease_ms];
        let retry = checked!(call, retry(params.idempotency_key.as_deref(), &parts));
        let act = RenewTask {
            task: MessageId::parse(&params.task_id),
            generation: params.generation,
            term,
            retry,
        };
        call.submit(act, Into::into).await;
    }
}

impl Handler for TaskUpdate {
    async fn handle(call: Call<TaskUpdateParams, TaskReceiptObject>) {
        let (hub, params) = (&call.rpc.hub, &call.params);
        let note = params.note.clone().filter(|note| !note.is_empty());
        if let Some(note) = &note {
            checked!(call, text("note", note, hub.limits().description_length));
        }
        if note.is_none() && params.state.is_none() {
            let reason = "`state` or `note` must be there";
            return call.reply.send(Err(Refusal::InvalidParams(reason.into())));
        }
        let (to, word) = match params.state {
            None => (None, ""),
            Some(TaskMoveParam::Working) => (Some(TaskMove::Begin), "working"),
            Some(TaskMoveParam::Submitted) => (Some(TaskMove::Release), "submitted"),
            Some(TaskMoveParam::Rejected) => (Some(TaskMove::Reject), "rejected"),
        };
        let generation = params.generation.map(|number| number.to_string()).unwrap_or_default();
        let parts = [
            Self::NAME,
            &params.task_id,
            &generation,
            word,
            note.as_deref().unwrap_or_default(),
        ];
        let retry = checked!(call, retry(params.idempotency_key.as_deref(), &parts));
        let act = UpdateTask {
            task: MessageId::parse(&params.task_id),
            generation: params.generation,
            to,
            note,
            retry,
        };
        call.submit(act, Into::into).await;
    }
}

impl Handler for TaskComplete {
    async fn handle(call: Call<TaskFinishParams, TaskReceiptObject>) {
        finish(call, Self::NAME, Finish::Completed, "completed").await;
    }
}

impl Handler for TaskFail {
    async fn handle(call: Call<TaskFinishParams, TaskReceiptObject>) {
        finish(call, Self::NAME, Finish::Failed, "failed").await;
    }
}

async fn finish(call: Call<TaskFinishParams, TaskReceiptObject>, method: &str, finish: Finish, unsaid: &str) {
    let (hub, params) = (&call.rpc.hub, &call.params);
    let content = params
        .content
        .as_deref()
        .filter(|content| !content.is_empty())
        .unwrap_or(unsaid);
    let data = checked!(call, data(hub, params.data.as_deref()));
    let generation = params.generation.to_string();
    let parts = [
        method,
        &params.task_id,
        &generation,
        content,
        data.as_ref().map_or("", JsonText::as_str),
    ];
    let retry = checked!(call, retry(params.idempotency_key.as_deref(), &parts));
    let act = FinishTask {
        task: MessageId::parse(&params.task_id),
        generation: params.generation,
        finish,
        content: Content::new(content, hub.limits().message_length),
        data,
        retry,
    };
    call.submit(act, Into::into).await;
}

impl Handler for TaskCancel {
    async fn handle(call: Call<TaskCancelParams, TaskReceiptObject>) {
        let params = &call.params;
        let reason = checked!(call, reason(&call.rpc.hub, params.reason.clone()));
        let parts = [Self::NAME, &params.task_id, reason.as_deref().unwrap_or_default()];
        let retry = checked!(call, retry(params.idempotency_key.as_deref(), &parts));
        let task = MessageId::parse(&params.task_id);
        call.submit(CancelTask { task, reason, retry }, Into::into).await;
    }
}

impl From<TaskStateParam> for TaskState {
    fn from(param: TaskStateParam) -> Self {
        match param {
            TaskStateParam::Submitted => Self::Submitted,
            TaskStateParam::Accepted => Self::Accepted,
            TaskStateParam::Working => Self::Working,
            TaskStateParam::Completed => Self::Completed,
            TaskStateParam::Failed => Self::Failed,
            TaskStateParam::Canceled => Self::Canceled,
            TaskStateParam::Rejected => Self::Rejected,
        }
    }
}

impl Handler for TaskList {
    async fn handle(call: Call<TaskListParams, TaskListResult>) {
        let params = &call.params;
        let limit = checked!(call, page(params.limit));
        let after = checked!(call, params.cursor.as_deref().map(cursor).transpose());
        let query = TaskQuery {
            room: params.room_id.as_deref().map(|id| RoomParam(RoomId::parse(id))),
            state: params.state.map(Into::into),
            assignee: params.assignee.as_deref().map(|id| AgentParam(AgentId::parse(id))),
            limit,
            after,
        };
        let page = call.rpc.hub.tasks(call.caller, query).await;
        call.reply.send(page.map(|page| TaskListResult {
            tasks: page.tasks.iter().map(TaskObject::from).collect(),
            next_cursor: page.next.map(|id| id.to_string()),
        }));
    }
}

/// A cursor is the id of the last task before the page.
fn cursor(text: &str) -> Result<MessageId, Refusal> {
    MessageId::parse(text).ok_or_else(|| Refusal::InvalidParams("`cursor` is none that `task.list` has given".into()))
}

impl Handler for TaskGet {
    async fn handle(call: Call<TaskParams, TaskResult>) {
        let task = call
            .rpc
            .hub
            .task(call.caller, MessageId::parse(&call.params.task_id))
            .await;
        call.reply
            .send(task.map(|task: TaskView| TaskResult { task: (&task).into() }));
    }
}
