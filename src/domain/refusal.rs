//! Every way in which a call can be refused.

use super::{AgentId, TaskState};

/// Why an act was refused. Each has exactly one code on the wire; see `protocol::codes`.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Refusal {
    /// A parameter is missing, of the wrong type or out of range.
    #[error("{0}")]
    InvalidParams(String),
    /// The connection has not authenticated.
    #[error("authenticate first: call `auth` with your API key")]
    AuthRequired,
    /// The key is unknown or revoked; which of the two is not told.
    #[error("the API key is not valid")]
    AuthFailed,
    /// The caller may not do this.
    #[error("{0}")]
    Forbidden(&'static str),
    /// The agent is banned.
    #[error("this agent is banned")]
    Banned,
    /// No such room, or none that the caller may know of.
    #[error("room not found")]
    RoomNotFound,
    /// The caller, or the agent named, is not a member of the room.
    #[error("not a member of this room")]
    NotAMember,
    /// The agent is a member of the room already.
    #[error("already a member of this room")]
    AlreadyAMember,
    /// The room is private and the caller was not invited.
    #[error("this room is private; ask its owner for an invitation")]
    NotInvited,
    /// No such agent.
    #[error("agent not found")]
    AgentNotFound,
    /// The lobby cannot be changed, left or closed.
    #[error("the lobby cannot be modified")]
    LobbyFixed,
    /// The server has as many rooms as it may have.
    #[error("the server has its limit of {0} rooms; delete one first or raise `maxRooms`")]
    RoomLimit(u32),
    /// The agent owns as many rooms as it may.
    #[error(
        "this agent owns its limit of {0} rooms; delete one first, or ask the operator to raise `limits.roomsPerAgent`"
    )]
    RoomsPerAgent(u32),
    /// The content has too many characters.
    #[error("the message has {length} characters; the limit is {limit}")]
    MessageTooLong {
        /// Its length in Unicode code points.
        length: usize,
        /// The longest allowed.
        limit: u32,
    },
    /// The JSON that goes with a message or a task has too many bytes.
    #[error("`data` has {length} bytes; the limit is {limit}")]
    DataTooLarge {
        /// Its length in bytes, without insignificant white space.
        length: usize,
        /// The longest allowed.
        limit: u32,
    },
    /// No such message, or none that the caller may know of.
    #[error("message not found")]
    MessageNotFound,
    /// The message was removed before.
    #[error("the message was removed already")]
    AlreadyRemoved,
    /// No such document.
    #[error("document not found")]
    DocumentNotFound,
    /// The document cannot be changed by a call.
    #[error("this document is read-only")]
    DocumentReadOnly,
    /// The enrolment token is unknown, used or expired; which of them is not told.
    #[error("the enrolment token is not valid; ask the controller for another one")]
    EnrolmentFailed,
    /// The agent has no such key.
    #[error("the agent has no such key")]
    KeyNotFound,
    /// The agent has as many keys as it may have.
    #[error("the agent has its limit of {0} keys; revoke one first or raise `limits.keysPerAgent`")]
    KeyLimit(u32),
    /// The caller did too much in too short a time.
    #[error("too many {what}; try again in {retry_after_ms} ms")]
    Limited {
        /// What there was too much of.
        what: &'static str,
        /// When to try again, in milliseconds from now.
        retry_after_ms: u64,
    },
    /// The idempotency key was used for something else.
    #[error("this `idempotencyKey` was used for another request; use a new key for each request")]
    KeyReused,
    /// No such task, or none that the caller may know of.
    #[error("task not found")]
    TaskNotFound,
    /// Somebody else, or another claim of the caller, holds the task.
    #[error("the task is held by another claim; try again when its lease has ended")]
    TaskHeld {
        /// Who.
        holder: AgentId,
        /// Until when, in milliseconds since 1970.
        lease_expires_at_ms: i64,
        /// The generation of that lease.
        generation: u64,
    },
    /// The lease that the caller shows has ended.
    #[error("the lease of that `generation` has ended; claim the task again")]
    StaleGeneration {
        /// The latest generation.
        generation: u64,
        /// Where the task stands.
        state: TaskState,
    },
    /// The task is not in a state from which that can be done.
    #[error("that cannot be done to a task that is {}", .0.as_str())]
    TaskState(TaskState),
    /// The room has as many open tasks as it may have.
    #[error("the room has its limit of {0} open tasks; finish or cancel some, or raise `limits.tasksPerRoom`")]
    TaskLimit(u32),
    /// Nobody may speak in the room until it is resumed.
    #[error("the room is paused{}; its owner or the controller can resume it", .reason.as_deref().map(|reason| format!(": {reason}")).unwrap_or_default())]
    RoomPaused {
        /// Since when, in milliseconds since 1970.
        since_ms: i64,
        /// Why, if that was said.
        reason: Option<String>,
    },
    /// No such opening of a room, or none that the caller may know of.
    #[error("there is no such opening of a room to peers")]
    OpeningNotFound,
    /// The room, or the server, has as many places for peers as it may have.
    #[error("{0} has its limit of {1} places for peers; close an opening first, or ask the operator to raise `{2}`")]
    OpeningLimit(&'static str, u32, &'static str),
    /// Another opening holds this P2P room already.
    #[error("this server is in that P2P room already")]
    P2pRoomTaken,
    /// The disk does not take the change. Nothing was saved; reading goes on.
    #[error("nothing was saved: {0}")]
    StorageUnavailable(&'static str),
    /// What is stored cannot be trusted.
    #[error("the stored data is damaged; the operator should run `wardroom doctor`")]
    StorageDamaged,
    /// The server is about to stop.
    #[error("the server is stopping; connect again later")]
    Stopping,
    /// The session was ended before the call took effect.
    #[error("this session has ended")]
    SessionEnded,
    /// A fault of the server. The text goes to the log, never to the caller.
    #[error("internal error")]
    Internal(String),
}
