//! What the API answers: members and their order are those of link-agent.

use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use hyper::{Response, StatusCode};
use serde::Serialize;

use super::body::Answer;
use crate::bridge::rooms::{Counts, Room, Status};
use crate::bridge::store::Unavailable;

/// An answer that is ready to be sent.
pub(super) type Answered = Response<Answer>;

/// The hint beside "No room".
pub(super) const CONNECT_FIRST: &str = "Connect first: wardroom bridge connect [room-id]";

/// Attempts after which whoever asks is told about addresses that cannot be reached.
const ATTEMPTS_BEFORE_HINT: u32 = 3;

/// Puts a body into an answer.
pub(super) fn respond(status: StatusCode, body: Answer) -> Answered {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// Answers with a value.
pub(super) fn json(status: StatusCode, value: &impl Serialize) -> Answered {
    let text = serde_json::to_string(value).unwrap_or_else(|_| r#"{"error":"no answer"}"#.to_owned());
    respond(status, Answer::text(text))
}

/// Answers that all is well.
pub(super) fn ok(value: &impl Serialize) -> Answered {
    json(StatusCode::OK, value)
}

/// Answers with an error.
pub(super) fn error(status: StatusCode, message: &str) -> Answered {
    with_hint(status, message, None)
}

/// Answers with an error and what can be done.
pub(super) fn with_hint(status: StatusCode, message: &str, hint: Option<&str>) -> Answered {
    json(
        status,
        &Problem {
            error: message,
            hint,
            detail: None,
        },
    )
}

/// Answers that there is no such room.
pub(super) fn no_room() -> Answered {
    with_hint(StatusCode::NOT_FOUND, "No room", Some(CONNECT_FIRST))
}

/// Answers that the database failed.
pub(super) fn unavailable(failure: &Unavailable) -> Answered {
    tracing::error!(%failure, "a request failed");
    error(StatusCode::INTERNAL_SERVER_ERROR, &failure.to_string())
}

#[derive(Serialize)]
pub(super) struct Problem<'a> {
    pub(super) error: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) hint: Option<&'a str>,
    /// What is behind it; link-agent does not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) detail: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Connected {
    pub(super) room_id: String,
    pub(super) inbox: String,
    pub(super) invite: String,
    #[serde(flatten)]
    pub(super) agent: Option<ConnectedAgent>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ConnectedAgent {
    pub(super) agent_id: String,
    pub(super) notify: String,
    pub(super) recv: String,
    pub(super) hook_check: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Sent<'a> {
    pub(super) ok: bool,
    pub(super) id: &'a str,
    pub(super) room_id: &'a str,
    /// Present when the other side is away and the message is kept for it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) queued: bool,
}

#[derive(Serialize)]
pub(super) struct Done {
    pub(super) ok: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Permitted<'a> {
    pub(super) ok: bool,
    pub(super) room_id: &'a str,
    pub(super) permission: &'a str,
}

#[derive(Serialize)]
pub(super) struct Health {
    pub(super) status: &'static str,
    pub(super) port: u16,
    pub(super) rooms: usize,
}

#[derive(Serialize)]
pub(super) struct NoStatus {
    pub(super) connected: bool,
    pub(super) rooms: usize,
}

#[derive(Serialize)]
pub(super) struct AgentUnread {
    id: String,
    unread: usize,
}

fn unread(counts: &Counts) -> Vec<AgentUnread> {
    let agents = counts.agents.iter();
    agents
        .map(|(agent, unread)| AgentUnread {
            id: agent.name.clone(),
            unread: *unread,
        })
        .collect()
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RoomStatus {
    connected: bool,
    reconnecting: bool,
    room_id: String,
    peer: Option<String>,
    permission: String,
    unread: usize,
    total: u64,
    pending: usize,
    last_activity: Option<i64>,
    silence_sec: Option<i64>,
    reconnect_attempt: u32,
    inbox: String,
    agents: Vec<AgentUnread>,
    #[serde(skip_serializing_if = "Option::is_none")]
    connection_hint: Option<&'static str>,
}

impl RoomStatus {
    pub(super) fn of(room: &Room, status: Status, counts: &Counts, now_ms: i64) -> Self {
        let is_lonely = status.attempt >= ATTEMPTS_BEFORE_HINT && status.peer.is_none();
        Self {
            connected: status.connected,
            reconnecting: status.reconnecting,
            room_id: room.id.clone(),
            peer: status.peer,
            permission: status.permission,
            unread: counts.shared,
            total: room.total(),
            pending: counts.pending,
            last_activity: status.last_activity_ms,
            silence_sec: status.last_activity_ms.map(|last| now_ms.saturating_sub(last).max(0) / 1000),
            reconnect_attempt: status.attempt,
            inbox: room.inbox_file().to_string_lossy().into_owned(),
            agents: unread(counts),
            connection_hint: is_lonely.then_some(
                "Nobody has come yet. If the other side is there, a NAT or firewall may be in the way: give both sides a TURN \
                 server with --ice turn:host:port:user:password",
            ),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RoomEntry {
    room_id: String,
    connected: bool,
    peer: Option<String>,
    permission: String,
    unread: usize,
    total: u64,
    agents: Vec<AgentUnread>,
}

impl RoomEntry {
    pub(super) fn of(room: &Room, counts: &Counts) -> Self {
        let status = room.status();
        Self {
            room_id: room.id.clone(),
            connected: status.connected,
            peer: status.peer,
            permission: status.permission,
            unread: counts.shared,
            total: room.total(),
            agents: unread(counts),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Debug {
    room_id: String,
    peer: Option<String>,
    ice_state: Option<String>,
    state: Option<String>,
    gathering_state: Option<String>,
    signaling_state: Option<String>,
    selected_candidate_pair: Option<String>,
    bytes_sent: Option<u64>,
    bytes_received: Option<u64>,
    rtt: Option<f64>,
}

impl Debug {
    pub(super) async fn of(room: &Room) -> Self {
        let status = room.status();
        let ice = room.details().await;
        let ice = ice.as_ref();
        Self {
            room_id: room.id.clone(),
            peer: status.peer,
            ice_state: ice.map(|ice| ice.ice_state.clone()),
            state: ice.map(|ice| ice.state.clone()),
            gathering_state: ice.map(|ice| ice.gathering_state.clone()),
            signaling_state: ice.map(|ice| ice.signaling_state.clone()),
            selected_candidate_pair: ice.and_then(|ice| ice.selected_pair.clone()),
            bytes_sent: ice.map(|ice| ice.bytes_sent),
            bytes_received: ice.map(|ice| ice.bytes_received),
            rtt: ice.and_then(|ice| ice.round_trip_ms),
        }
    }
}
