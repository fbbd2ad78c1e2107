//! Tasks.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use super::method;
use crate::protocol::types::{TaskObject, TaskReceiptObject};

method! {
    /// Offers a task in a room, by a message of type `task` that says what is to be done. The task has the id of that message.
    TaskCreate = "task.create", Agent, Change, TaskCreateParams => TaskReceiptObject,
    errors [InvalidParams, RoomNotFound, NotAMember, AgentNotFound, MessageTooLong, Limited, KeyReused, RoomPaused, StorageUnavailable, TaskLimit], events ["message", "task.created", "room.paused"]
}

/// Parameters of `task.create`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TaskCreateParams {
    /// The room. The caller must be a member.
    pub room_id: String,
    /// What is to be done, in one line: 1 to 100 characters without control characters.
    pub title: String,
    /// What is to be done, at length; together with the title up to `maxMessageLength` characters.
    pub description: Option<String>,
    /// Any JSON that goes with it, up to `limits.messageDataBytes` bytes.
    #[schemars(with = "Option<Value>")]
    pub data: Option<Box<RawValue>>,
    /// The member of the room who alone may claim it; any member when left out.
    pub assignee: Option<String>,
    /// Makes asking again safe, as for `message.send`. Such a key serves all methods.
    pub idempotency_key: Option<String>,
}

method! {
    /// Takes a task that nobody holds, as a lease that ends by itself. Of any number of callers one gets it; the others learn in `data.holder` and `data.leaseExpiresAt` who holds it and until when.
    TaskClaim = "task.claim", Agent, Change, TaskClaimParams => TaskReceiptObject,
    errors [InvalidParams, Forbidden, NotAMember, KeyReused, StorageUnavailable, TaskNotFound, TaskHeld, TaskState], events ["task.updated"]
}

/// Parameters of `task.claim`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TaskClaimParams {
    /// The task.
    pub task_id: String,
    /// How long to hold it, in milliseconds, from 1 to `limits.taskLeaseMaxMs`; `limits.taskLeaseMs` when left out.
    pub lease_ms: Option<u64>,
    /// Makes asking again safe, as for `message.send`.
    pub idempotency_key: Option<String>,
}

method! {
    /// Keeps a task for longer: its lease begins anew.
    TaskRenew = "task.renew", Agent, Change, TaskRenewParams => TaskReceiptObject,
    errors [InvalidParams, Forbidden, NotAMember, KeyReused, StorageUnavailable, TaskNotFound, StaleGeneration, TaskState], events ["task.updated"]
}

/// Parameters of `task.renew`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TaskRenewParams {
    /// The task.
    pub task_id: String,
    /// The number that `task.claim` gave.
    pub generation: u64,
    /// How long to hold it from now on, in milliseconds, from 1 to `limits.taskLeaseMaxMs`; as long as at first when left out.
    pub lease_ms: Option<u64>,
    /// Makes asking again safe, as for `message.send`.
    pub idempotency_key: Option<String>,
}

method! {
    /// Says how the work on a task goes: it has begun, it is given back, it is declined, or a note about it. In a room that is paused only a note is refused.
    TaskUpdate = "task.update", Agent, Change, TaskUpdateParams => TaskReceiptObject,
    errors [InvalidParams, Forbidden, NotAMember, KeyReused, RoomPaused, StorageUnavailable, TaskNotFound, StaleGeneration, TaskState], events ["task.updated"]
}

/// Where the holder of a task can move it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum TaskMoveParam {
    /// The work has begun.
    Working,
    /// The task is given back, for others to claim.
    Submitted,
    /// The task is declined for good: by its holder before the work has begun, or by its assignee instead of a claim.
    Rejected,
}

/// Parameters of `task.update`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TaskUpdateParams {
    /// The task.
    pub task_id: String,
    /// The number that `task.claim` gave. Only an assignee who declines a task without claiming it leaves it out.
    pub generation: Option<u64>,
    /// Where to move the task; it stays where it is when left out.
    pub state: Option<TaskMoveParam>,
    /// What to say of the work, up to `limits.descriptionLength` characters. Shown with the task until the next one.
    pub note: Option<String>,
    /// Makes asking again safe, as for `message.send`.
    pub idempotency_key: Option<String>,
}

method! {
    /// Ends a task with its result, which is a message of type `result` that replies to the task.
    TaskComplete = "task.complete", Agent, Change, TaskFinishParams => TaskReceiptObject,
    errors [InvalidParams, Forbidden, NotAMember, MessageTooLong, Limited, KeyReused, StorageUnavailable, TaskNotFound, StaleGeneration, TaskState], events ["message", "task.updated", "room.paused"]
}

method! {
    /// Ends a task that its holder cannot do, with a message of type `result` that replies to the task.
    TaskFail = "task.fail", Agent, Change, TaskFinishParams => TaskReceiptObject,
    errors [InvalidParams, Forbidden, NotAMember, MessageTooLong, Limited, KeyReused, StorageUnavailable, TaskNotFound, StaleGeneration, TaskState], events ["message", "task.updated", "room.paused"]
}

/// Parameters of `task.complete` and `task.fail`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TaskFinishParams {
    /// The task.
    pub task_id: String,
    /// The number that `task.claim` gave.
    pub generation: u64,
    /// What came of it, or why it failed: up to `maxMessageLength` characters; `completed` or `failed` when left out.
    pub content: Option<String>,
    /// Any JSON that goes with it, up to `limits.messageDataBytes` bytes.
    #[schemars(with = "Option<Value>")]
    pub data: Option<Box<RawValue>>,
    /// Makes asking again safe, as for `message.send`.
    pub idempotency_key: Option<String>,
}

method! {
    /// Calls a task off. Who offered it, the owner of the room and the controller may do it.
    TaskCancel = "task.cancel", Agent, Change, TaskCancelParams => TaskReceiptObject,
    errors [InvalidParams, Forbidden, NotAMember, KeyReused, StorageUnavailable, TaskNotFound, TaskState], events ["task.updated"]
}

/// Parameters of `task.cancel`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TaskCancelParams {
    /// The task.
    pub task_id: String,
    /// Why, up to `limits.reasonLength` characters; shown as the note of the task.
    pub reason: Option<String>,
    /// Makes asking again safe, as for `message.send`.
    pub idempotency_key: Option<String>,
}

method! {
    /// Lists tasks of one room, or of all rooms that the caller is in: room by room, in each the oldest first.
    TaskList = "task.list", Agent, Read, TaskListParams => TaskListResult,
    errors [InvalidParams, RoomNotFound, NotAMember, AgentNotFound, StorageDamaged], events []
}

/// Where a task stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum TaskStateParam {
    /// Offered; nobody holds it.
    Submitted,
    /// Claimed; its holder has not begun.
    Accepted,
    /// Its holder works on it.
    Working,
    /// Done, with a result.
    Completed,
    /// Given up, with a reason.
    Failed,
    /// Called off.
    Canceled,
    /// Declined by its holder or assignee.
    Rejected,
}

/// Parameters of `task.list`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TaskListParams {
    /// The room; all rooms that the caller is in when left out.
    pub room_id: Option<String>,
    /// Only tasks in this state.
    pub state: Option<TaskStateParam>,
    /// Only tasks that this agent alone may claim.
    pub assignee: Option<String>,
    /// Most tasks of the page, at least 1; 50 when left out, never more than `maxHistoryPerRoom`.
    pub limit: Option<u64>,
    /// The `nextCursor` of the page before.
    pub cursor: Option<String>,
}

/// Result of `task.list`.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TaskListResult {
    /// The tasks.
    pub tasks: Vec<TaskObject>,
    /// Present when there may be more: what to ask the next page with. It stays good whatever happens to the tasks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

method! {
    /// Shows a task. What was said of it is in `room.history` with its id as `replyTo`.
    TaskGet = "task.get", Agent, Read, TaskParams => TaskResult,
    errors [InvalidParams, NotAMember, TaskNotFound, StorageDamaged], events []
}

/// Parameters that name a task.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TaskParams {
    /// The task.
    pub task_id: String,
}

/// A task.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct TaskResult {
    /// The task.
    pub task: TaskObject,
}
