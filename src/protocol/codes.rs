//! The one table of error codes, and the one table of close codes.

use jsonrpsee_types::ErrorObjectOwned;
use jsonrpsee_types::error::{
    INTERNAL_ERROR_CODE, INVALID_PARAMS_CODE, INVALID_REQUEST_CODE, METHOD_NOT_FOUND_CODE, PARSE_ERROR_CODE,
};
use serde_json::{Value, json};

use crate::domain::{EndReason, Refusal};

macro_rules! codes {
    ($($(#[doc = $meaning:literal])+ $name:ident = $code:expr, $title:literal, $retryable:literal;)+) => {
        /// An error code.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
        pub enum Code {
            $($(#[doc = $meaning])+ $name,)+
        }

        impl Code {
            /// Every code there is, in the order of the table.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// The number on the wire.
            pub const fn number(self) -> i32 {
                match self { $(Self::$name => $code,)+ }
            }

            /// Its short name.
            pub const fn title(self) -> &'static str {
                match self { $(Self::$name => $title,)+ }
            }

            /// What it means.
            pub fn meaning(self) -> &'static str {
                match self { $(Self::$name => concat!($($meaning),+).trim_ascii(),)+ }
            }

            /// Whether the same request may succeed later without being changed.
            pub const fn is_retryable(self) -> bool {
                match self { $(Self::$name => $retryable,)+ }
            }
        }
    };
}

codes! {
    /// The frame is not JSON. The connection stays.
    ParseError = PARSE_ERROR_CODE, "parse error", false;
    /// The JSON is no JSON-RPC 2.0 request, a batch is empty or too long, or it is nested too deeply.
    InvalidRequest = INVALID_REQUEST_CODE, "invalid request", false;
    /// There is no such method; `rpc.discover` lists all.
    MethodNotFound = METHOD_NOT_FOUND_CODE, "method not found", false;
    /// A parameter is missing, of the wrong type or out of range.
    InvalidParams = INVALID_PARAMS_CODE, "invalid params", false;
    /// A fault of the server. `data.requestId` names the entry in its log.
    InternalError = INTERNAL_ERROR_CODE, "internal error", true;
    /// The connection has not authenticated: call `auth` first.
    AuthRequired = 4001, "auth required", false;
    /// The API key is unknown, revoked or expired.
    AuthFailed = 4002, "auth failed", false;
    /// The caller may not do this: wrong role, not the owner, the key is read-only or limited to rooms, the server is locked, or a second `auth`.
    Forbidden = 4003, "forbidden", false;
    /// The agent is banned.
    AgentBanned = 4004, "agent banned", false;
    /// No such room, or it was deleted.
    RoomNotFound = 4010, "room not found", false;
    /// The caller, or the agent named, is not a member of the room.
    NotAMember = 4011, "not a member", false;
    /// The agent is a member of the room already.
    AlreadyAMember = 4012, "already a member", false;
    /// The room is private and the caller was not invited.
    NotInvited = 4013, "not invited", false;
    /// No such agent, or it was revoked.
    AgentNotFound = 4020, "agent not found", false;
    /// The lobby cannot be changed, left or closed.
    CannotModifyLobby = 4030, "cannot modify lobby", false;
    /// The server has as many rooms as it may have (`maxRooms`), or the agent owns as many (`limits.roomsPerAgent`).
    RoomLimit = 4040, "room limit", false;
    /// The content has more characters than `maxMessageLength`, or `data` more bytes than `limits.messageDataBytes`.
    MessageTooLong = 4050, "message too long", false;
    /// No such message, or none that the caller may know of.
    MessageNotFound = 4060, "message not found", false;
    /// The message was removed before.
    AlreadyRemoved = 4061, "already removed", false;
    /// No such document.
    DocumentNotFound = 4070, "document not found", false;
    /// The document cannot be changed by a call.
    ReadOnlyDocument = 4071, "read-only document", false;
    /// Too much in too short a time. `data.retryAfterMs` says when to try again.
    Limited = 4080, "limited", true;
    /// The `idempotencyKey` was used within the last 24 hours for a request with another body.
    KeyReused = 4081, "idempotency key reused", false;
    /// The enrolment token is unknown, used or expired.
    EnrolmentFailed = 4110, "enrolment failed", false;
    /// The agent has no such key.
    KeyNotFound = 4111, "key not found", false;
    /// The agent has as many keys as `limits.keysPerAgent`.
    KeyLimit = 4112, "key limit", false;
    /// The disk does not take the change. Nothing was saved; reading goes on.
    StorageUnavailable = 4090, "storage unavailable", true;
    /// What is stored cannot be trusted. The operator has to act.
    StorageDamaged = 4091, "storage damaged", false;
    /// The server is about to stop. Nothing was changed.
    ShuttingDown = 4092, "shutting down", true;
    /// No such task, or none that the caller may know of.
    TaskNotFound = 4100, "task not found", false;
    /// The task is held. `data.holder` says by whom, `data.leaseExpiresAt` until when, `data.generation` by which claim.
    TaskHeld = 4101, "task held", true;
    /// The lease of that `generation` has ended: nothing is taken from it any more. `data.generation` is the latest, `data.state` where the task stands.
    StaleGeneration = 4102, "stale generation", false;
    /// That cannot be done to a task in the state that it is in, which `data.state` tells.
    TaskState = 4103, "task state", false;
    /// The room has as many open tasks as it may have.
    TaskLimit = 4104, "task limit", false;
    /// There is no such opening of a room to peers.
    OpeningNotFound = 4120, "opening not found", false;
    /// The room or the server has as many places for peers as it may have.
    OpeningLimit = 4121, "opening limit", false;
    /// The server is in that P2P room already.
    P2pRoomTaken = 4122, "p2p room taken", false;
    /// The room is paused: nobody may speak in it until its owner or the controller resumes it. `data.reason` says why, `data.since` since when.
    RoomPaused = 4130, "room paused", false;
}

impl Code {
    /// The code of a refusal.
    pub fn of(refusal: &Refusal) -> Self {
        match refusal {
            Refusal::InvalidParams(_) => Self::InvalidParams,
            Refusal::AuthRequired | Refusal::SessionEnded => Self::AuthRequired,
            Refusal::AuthFailed => Self::AuthFailed,
            Refusal::Forbidden(_) => Self::Forbidden,
            Refusal::Banned => Self::AgentBanned,
            Refusal::RoomNotFound => Self::RoomNotFound,
            Refusal::NotAMember => Self::NotAMember,
            Refusal::AlreadyAMember => Self::AlreadyAMember,
            Refusal::NotInvited => Self::NotInvited,
            Refusal::AgentNotFound => Self::AgentNotFound,
            Refusal::LobbyFixed => Self::CannotModifyLobby,
            Refusal::RoomLimit(_) | Refusal::RoomsPerAgent(_) => Self::RoomLimit,
            Refusal::MessageTooLong { .. } | Refusal::DataTooLarge { .. } => Self::MessageTooLong,
            Refusal::MessageNotFound => Self::MessageNotFound,
            Refusal::AlreadyRemoved => Self::AlreadyRemoved,
            Refusal::DocumentNotFound => Self::DocumentNotFound,
            Refusal::DocumentReadOnly => Self::ReadOnlyDocument,
            Refusal::Limited { .. } => Self::Limited,
            Refusal::EnrolmentFailed => Self::EnrolmentFailed,
            Refusal::KeyNotFound => Self::KeyNotFound,
            Refusal::KeyLimit(_) => Self::KeyLimit,
            Refusal::KeyReused => Self::KeyReused,
            Refusal::StorageUnavailable(_) => Self::StorageUnavailable,
            Refusal::StorageDamaged => Self::StorageDamaged,
            Refusal::Stopping => Self::ShuttingDown,
            Refusal::TaskNotFound => Self::TaskNotFound,
            Refusal::TaskHeld { .. } => Self::TaskHeld,
            Refusal::StaleGeneration { .. } => Self::StaleGeneration,
            Refusal::TaskState(_) => Self::TaskState,
            Refusal::TaskLimit(_) => Self::TaskLimit,
            Refusal::RoomPaused { .. } => Self::RoomPaused,
            Refusal::OpeningNotFound => Self::OpeningNotFound,
            Refusal::OpeningLimit(..) => Self::OpeningLimit,
            Refusal::P2pRoomTaken => Self::P2pRoomTaken,
            Refusal::Internal(_) => Self::InternalError,
        }
    }

    /// The error object of this code.
    pub fn error(self, message: impl Into<String>, more: &[(&str, Value)]) -> ErrorObjectOwned {
        let mut data = json!({ "retryable": self.is_retryable() });
        for (key, value) in more {
            data[*key] = value.clone();
        }
        ErrorObjectOwned::owned(self.number(), message, Some(data))
    }
}

/// The error object of a refusal. `request_id` names the log entry of an internal error.
pub fn error_of(refusal: &Refusal, request_id: &str) -> ErrorObjectOwned {
    let code = Code::of(refusal);
    let more: &[(&str, Value)] = match refusal {
        Refusal::Limited { retry_after_ms, .. } => &[("retryAfterMs", json!(retry_after_ms))],
        Refusal::MessageTooLong { limit, .. } | Refusal::DataTooLarge { limit, .. } => &[("limit", json!(limit))],
        Refusal::TaskHeld {
            holder,
            lease_expires_at_ms,
            generation,
        } => &[
            ("holder", json!(holder.to_string())),
            ("leaseExpiresAt", json!(lease_expires_at_ms)),
            ("generation", json!(generation)),
        ],
        Refusal::StaleGeneration { generation, state } => {
            &[("generation", json!(generation)), ("state", json!(state.as_str()))]
        }
        Refusal::TaskState(state) => &[("state", json!(state.as_str()))],
        Refusal::RoomPaused { since_ms, reason } => &[("since", json!(since_ms)), ("reason", json!(reason))],
        Refusal::Internal(_) => &[("requestId", json!(request_id))],
        _ => &[],
    };
    code.error(refusal.to_string(), more)
}

/// A WebSocket close code that the server sends (RFC 6455, section 7.4, and the IANA registry).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum CloseCode {
    /// The server stops.
    GoingAway,
    /// A frame violates the WebSocket protocol.
    Protocol,
    /// A binary frame that is not UTF-8 text.
    NotText,
    /// A text frame that is not UTF-8.
    NotUtf8,
    /// Not authenticated in time, too many failures, kicked, banned, revoked, replaced, locked: the reason says which.
    Policy,
    /// A frame is larger than the limit.
    TooBig,
    /// The server restarts.
    Restart,
    /// The client reads too slowly, or a fault of the server ended the connection.
    TryAgainLater,
}

impl CloseCode {
    /// Every close code, with what it means and what the client should do.
    pub const ALL: &'static [(Self, &'static str, &'static str)] = &[
        (Self::GoingAway, "the server stops", "reconnect with back-off"),
        (
            Self::Protocol,
            "a frame violates the WebSocket protocol",
            "not repeat it",
        ),
        (Self::NotText, "a binary frame that is not UTF-8 text", "not repeat it"),
        (Self::NotUtf8, "a text frame that is not UTF-8", "not repeat it"),
        (
            Self::Policy,
            "not authenticated in time, too many failures, kicked, banned, revoked, replaced by a newer session, the API \
             key was revoked, replaced or has expired, or the server is locked; agents get a `disconnected` event first",
            "read the reason, and stop after `banned` or `revoked`",
        ),
        (Self::TooBig, "a frame is larger than the limit", "not repeat it"),
        (Self::Restart, "the server restarts", "reconnect with back-off"),
        (
            Self::TryAgainLater,
            "the client reads too slowly, or a fault of the server ended the connection",
            "reconnect and read on from where it was",
        ),
    ];

    /// The number on the wire.
    pub const fn number(self) -> u16 {
        match self {
            Self::GoingAway => 1001,
            Self::Protocol => 1002,
            Self::NotText => 1003,
            Self::NotUtf8 => 1007,
            Self::Policy => 1008,
            Self::TooBig => 1009,
            Self::Restart => 1012,
            Self::TryAgainLater => 1013,
        }
    }

    /// The close code of a session that the server ends.
    pub fn of(reason: &EndReason) -> Self {
        match reason {
            EndReason::ShuttingDown => Self::GoingAway,
            EndReason::Restarting => Self::Restart,
            EndReason::Kicked(_)
            | EndReason::Banned(_)
            | EndReason::Revoked
            | EndReason::Replaced
            | EndReason::KeyRevoked
            | EndReason::KeyExpired
            | EndReason::KeyReplaced => Self::Policy,
        }
    }
}
