//! The methods about tasks: one function each.

use std::future::Future;

use serde::Deserialize;
use serde_json::{Value, json};

use super::ClientError;
use super::methods::{Methods, keyed, set, typed};

/// A task, as `task.get`, `task.list` and the events `task.created` and `task.updated` show it; the last of them without
/// `description` and `data`, which are as they were.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Task {
    /// Its id, which is that of the message that opened it.
    pub task_id: String,
    /// The room that it was offered in.
    pub room_id: String,
    /// What is to be done, in one line.
    pub title: String,
    /// What is to be done, at length.
    #[serde(default)]
    pub description: Option<String>,
    /// JSON that goes with it.
    #[serde(default)]
    pub data: Option<Value>,
    /// Who offered it.
    pub creator: String,
    /// Who alone may claim it.
    #[serde(default)]
    pub assignee: Option<String>,
    /// `submitted`, `accepted`, `working`, `completed`, `failed`, `canceled` or `rejected`.
    pub state: String,
    /// How often it was claimed.
    pub generation: u64,
    /// Counts its changes from 1.
    pub revision: u64,
    /// Who holds it.
    #[serde(default)]
    pub holder: Option<String>,
    /// When the lease of the holder ends, in milliseconds since 1970.
    #[serde(default)]
    pub lease_expires_at: Option<i64>,
    /// What was last said of the work.
    #[serde(default)]
    pub note: Option<String>,
    /// The message that holds its result.
    #[serde(default)]
    pub result_message_id: Option<String>,
    /// When it was offered, in milliseconds since 1970.
    pub created_at: i64,
    /// When it last changed, in milliseconds since 1970.
    pub updated_at: i64,
}

/// The result of every method that changes a task: the change is on disk.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TaskReceipt {
    /// The task, and the message that opened it.
    pub task_id: String,
    /// Where it stands.
    pub state: String,
    /// How often it was claimed; after a claim, what to show with every later call about it.
    pub generation: u64,
    /// Counts the changes of the task from 1.
    pub revision: u64,
    /// When the lease ends, in milliseconds since 1970.
    #[serde(default)]
    pub lease_expires_at: Option<i64>,
    /// The message that holds the result.
    #[serde(default)]
    pub result_message_id: Option<String>,
    /// Milliseconds since 1970.
    pub timestamp: i64,
}

/// The result of `task.list`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TaskPage {
    /// The tasks: room by room, in each the oldest first.
    pub tasks: Vec<Task>,
    /// What to ask the next page with, if there may be one.
    #[serde(default)]
    pub next_cursor: Option<String>,
}

/// What a task is about, beside its title.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TaskOptions<'a> {
    /// What is to be done, at length.
    pub description: Option<&'a str>,
    /// JSON that goes with it.
    pub data: Option<Value>,
    /// Who alone may claim it.
    pub assignee: Option<&'a str>,
    /// Makes asking again safe.
    pub idempotency_key: Option<&'a str>,
}

/// How the work on a task goes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TaskProgress<'a> {
    /// The number that the claim gave; only an assignee who declines a task without claiming it needs none.
    pub generation: Option<u64>,
    /// `working`, `submitted` to give it back, or `rejected`.
    pub state: Option<&'a str>,
    /// What to say of the work.
    pub note: Option<&'a str>,
    /// Makes asking again safe.
    pub idempotency_key: Option<&'a str>,
}

/// What a task came to.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TaskOutcome<'a> {
    /// What came of it, or why it failed.
    pub content: Option<&'a str>,
    /// JSON that goes with it.
    pub data: Option<Value>,
    /// Makes asking again safe.
    pub idempotency_key: Option<&'a str>,
}

/// Which tasks to list.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TaskFilter<'a> {
    /// Of this room; of all rooms that the caller is in when none.
    pub room_id: Option<&'a str>,
    /// In this state.
    pub state: Option<&'a str>,
    /// That this agent alone may claim.
    pub assignee: Option<&'a str>,
    /// Most tasks of the page.
    pub limit: Option<u32>,
    /// The cursor that the page before gave.
    pub cursor: Option<&'a str>,
}

/// Calls about tasks. Each fails as those of [`Methods`] do; all that change something are safe to repeat with the same
/// idempotency key, which [`super::Client`] does by itself.
pub trait TaskMethods: Methods {
    /// `task.create`: offers a task in a room.
    fn create_task(
        &self,
        room_id: &str,
        title: &str,
        options: TaskOptions<'_>,
    ) -> impl Future<Output = Result<TaskReceipt, ClientError>> + Send {
        let mut params = json!({"roomId": room_id, "title": title});
        set(&mut params, "description", options.description);
        set(&mut params, "data", options.data);
        set(&mut params, "assignee", options.assignee);
        set(&mut params, "idempotencyKey", options.idempotency_key);
        keyed(self, "task.create", params)
    }

    /// `task.claim`: takes a task for `lease_ms` milliseconds, or as long as the server says.
    fn claim_task(
        &self,
        task_id: &str,
        lease_ms: Option<u64>,
        idempotency_key: Option<&str>,
    ) -> impl Future<Output = Result<TaskReceipt, ClientError>> + Send {
        let mut params = json!({"taskId": task_id});
        set(&mut params, "leaseMs", lease_ms);
        set(&mut params, "idempotencyKey", idempotency_key);
        keyed(self, "task.claim", params)
    }

    /// `task.renew`: keeps a task for longer.
    fn renew_task(
        &self,
        task_id: &str,
        generation: u64,
        lease_ms: Option<u64>,
        idempotency_key: Option<&str>,
    ) -> impl Future<Output = Result<TaskReceipt, ClientError>> + Send {
        let mut params = json!({"taskId": task_id, "generation": generation});
        set(&mut params, "leaseMs", lease_ms);
        set(&mut params, "idempotencyKey", idempotency_key);
        keyed(self, "task.renew", params)
    }

    /// `task.update`: says how the work goes.
    fn update_task(
        &self,
        task_id: &str,
        progress: TaskProgress<'_>,
    ) -> impl Future<Output = Result<TaskReceipt, ClientError>> + Send {
        let mut params = json!({"taskId": task_id});
        set(&mut params, "generation", progress.generation);
        set(&mut params, "state", progress.state);
        set(&mut params, "note", progress.note);
        set(&mut params, "idempotencyKey", progress.idempotency_key);
        keyed(self, "task.update", params)
    }

    /// `task.complete`: ends a task with its result.
    fn complete_task(
        &self,
        task_id: &str,
        generation: u64,
        outcome: TaskOutcome<'_>,
    ) -> impl Future<Output = Result<TaskReceipt, ClientError>> + Send {
        keyed(self, "task.complete", finished(task_id, generation, outcome))
    }

    /// `task.fail`: ends a task that cannot be done.
    fn fail_task(
        &self,
        task_id: &str,
        generation: u64,
        outcome: TaskOutcome<'_>,
    ) -> impl Future<Output = Result<TaskReceipt, ClientError>> + Send {
        keyed(self, "task.fail", finished(task_id, generation, outcome))
    }

    /// `task.cancel`: calls a task off.
    fn cancel_task(
        &self,
        task_id: &str,
        reason: Option<&str>,
        idempotency_key: Option<&str>,
    ) -> impl Future<Output = Result<TaskReceipt, ClientError>> + Send {
        let mut params = json!({"taskId": task_id});
        set(&mut params, "reason", reason);
        set(&mut params, "idempotencyKey", idempotency_key);
        keyed(self, "task.cancel", params)
    }

    /// `task.get`.
    fn get_task(&self, task_id: &str) -> impl Future<Output = Result<Task, ClientError>> + Send {
        typed(self, "task.get", json!({"taskId": task_id}), Some("task"))
    }

    /// `task.list`.
    fn list_tasks(&self, filter: TaskFilter<'_>) -> impl Future<Output = Result<TaskPage, ClientError>> + Send {
        let mut params = json!({});
        set(&mut params, "roomId", filter.room_id);
        set(&mut params, "state", filter.state);
        set(&mut params, "assignee", filter.assignee);
        set(&mut params, "limit", filter.limit);
        set(&mut params, "cursor", filter.cursor);
        typed(self, "task.list", params, None)
    }
}

impl<M: Methods> TaskMethods for M {}

fn finished(task_id: &str, generation: u64, outcome: TaskOutcome<'_>) -> Value {
    let mut params = json!({"taskId": task_id, "generation": generation});
    set(&mut params, "content", outcome.content);
    set(&mut params, "data", outcome.data);
    set(&mut params, "idempotencyKey", outcome.idempotency_key);
    params
}
