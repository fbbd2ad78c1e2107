//! The table of what there is, and the requests that need no more than a few lines.

use std::time::Duration;

use hyper::body::Incoming;
use hyper::{Method, Request, StatusCode};
use serde_json::{Map, Value};

use super::answers::{self, Answered, Debug, Done, Health, NoStatus, Permitted, RoomEntry, RoomStatus, Sent};
use super::body::BodyError;
use super::receipt::Receipts;
use super::{Api, body, connect, query, receive};
use crate::bridge::rooms::Outcome;
use crate::bridge::store::Unavailable;
use crate::domain::Permission;
use crate::p2p::{Envelope, Shorthand};

/// How long a body may take to arrive.
const BODY_LIMIT: Duration = Duration::from_secs(30);

/// The body of a request: the text, and its members. What an object inherits in JavaScript is no member here.
pub(super) struct Given {
    text: String,
    members: Map<String, Value>,
}

impl Given {
    /// A text, if it is one and not empty: what is false in JavaScript counts as not given.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.members
            .get(name)
            .and_then(Value::as_str)
            .filter(|text| !text.is_empty())
    }
}

/// Answers a request.
pub(super) async fn answer(api: &Api, receipts: &Receipts, request: Request<Incoming>) -> Answered {
    if let Err(refusal) = api.guard.check(request.headers()) {
        return answers::error(refusal.status(), refusal.message());
    }
    let (head, body) = request.into_parts();
    let asked = query::parse(head.uri.query());
    let room = asked.get("room").map(String::as_str).filter(|room| !room.is_empty());
    let answered = match (&head.method, head.uri.path()) {
        (&Method::GET, "/health") => Ok(health(api)),
        (&Method::GET, "/rooms") => list(api).await,
        (&Method::GET, "/status") => status(api, room).await,
        (&Method::GET, "/debug") => Ok(debug(api, room).await),
        (&Method::GET, "/recv") => receive::answer(api, receipts, room, &asked).await,
        (&Method::GET, "/tasks") => tasks(api, room, asked.get("state")).await,
        (&Method::POST, path @ ("/connect" | "/send" | "/perm" | "/close")) => match read(body).await {
            Err(answered) => Ok(answered),
            Ok(given) => match path {
                "/connect" => connect::answer(api, &given).await,
                "/send" => send(api, &given).await,
                "/perm" => permit(api, &given).await,
                _ => close(api, &given).await,
            },
        },
        _ => Ok(answers::error(StatusCode::NOT_FOUND, "Not found")),
    };
    answered.unwrap_or_else(|failure| answers::unavailable(&failure))
}

/// Reads a body; an empty one is an object without members.
async fn read(body: Incoming) -> Result<Given, Answered> {
    let failed = |message: &str| answers::error(StatusCode::INTERNAL_SERVER_ERROR, message);
    let read = tokio::time::timeout(BODY_LIMIT, body::read(body)).await;
    let text = read.unwrap_or(Err(BodyError::Incomplete));
    let text = text.map_err(|error| failed(&error.to_string()))?;
    let text = if text.trim().is_empty() { "{}".to_owned() } else { text };
    match serde_json::from_str(&text) {
        Ok(Value::Object(members)) => Ok(Given { text, members }),
        Ok(_) => Err(answers::error(
            StatusCode::BAD_REQUEST,
            "The body must be a JSON object",
        )),
        Err(_) => Err(failed("Invalid JSON")),
    }
}

/// Whether a text may name an agent.
pub(super) fn is_agent_id(agent: &str) -> bool {
    (1..=64).contains(&agent.len())
        && agent
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

/// Answers that a name is none.
pub(super) fn bad_agent_id() -> Answered {
    let message = "Invalid agentId: only alphanumeric, hyphen and underscore (max 64 chars)";
    answers::error(StatusCode::BAD_REQUEST, message)
}

fn health(api: &Api) -> Answered {
    answers::ok(&Health {
        status: "ok",
        port: api.port,
        rooms: api.rooms.all().len(),
    })
}

async fn list(api: &Api) -> Result<Answered, Unavailable> {
    let mut entries = Vec::new();
    for room in api.rooms.all() {
        let counts = room.counts().await?;
        entries.push(RoomEntry::of(&room, &counts));
    }
    Ok(answers::ok(&entries))
}

async fn status(api: &Api, room: Option<&str>) -> Result<Answered, Unavailable> {
    let Some(room) = api.rooms.find(room) else {
        return Ok(answers::ok(&NoStatus {
            connected: false,
            rooms: api.rooms.all().len(),
        }));
    };
    let counts = room.counts().await?;
    let now_ms = api.rooms.now_ms();
    Ok(answers::ok(&RoomStatus::of(&room, room.status(), &counts, now_ms)))
}

async fn debug(api: &Api, room: Option<&str>) -> Answered {
    match api.rooms.find(room) {
        Some(room) => answers::ok(&Debug::of(&room).await),
        None => answers::error(StatusCode::OK, "No active room"),
    }
}

async fn tasks(api: &Api, room: Option<&str>, state: Option<&String>) -> Result<Answered, Unavailable> {
    let state = state.filter(|state| !state.is_empty()).cloned();
    Ok(match api.rooms.find(room) {
        Some(room) => answers::ok(&room.tasks(state).await?),
        None => answers::ok(&[(); 0]),
    })
}

async fn send(api: &Api, given: &Given) -> Result<Answered, Unavailable> {
    let Some(room) = api.rooms.find(given.text("roomId")) else {
        return Ok(answers::no_room());
    };
    // Before anything is sent: the original sends first and then refuses.
    let agent = given.text("agentId");
    if agent.is_some_and(|agent| !is_agent_id(agent)) {
        return Ok(bad_agent_id());
    }
    if !room.has_addressee() {
        let message = format!("Room '{}' not connected", room.id);
        let hint = "Peer has not joined yet. Check: wardroom bridge status";
        return Ok(answers::with_hint(StatusCode::CONFLICT, &message, Some(hint)));
    }
    let envelope = match Envelope::from_shorthand(&given.text, Shorthand::Bridge, &api.rooms.author()) {
        Ok(envelope) => envelope,
        Err(error) => return Ok(answers::error(StatusCode::BAD_REQUEST, &error.to_string())),
    };
    if envelope.kind().starts_with('_') || envelope.kind().starts_with("handshake") {
        let message = format!("Messages of type '{}' are the link's own", envelope.kind());
        return Ok(answers::error(StatusCode::BAD_REQUEST, &message));
    }
    let outcome = room.send(&envelope, agent.map(str::to_owned)).await?;
    Ok(match outcome {
        Outcome::Refused(why) => answers::error(StatusCode::FORBIDDEN, &why),
        sent => answers::ok(&Sent {
            ok: true,
            id: envelope.id().unwrap_or_default(),
            room_id: &room.id,
            queued: sent == Outcome::Kept,
        }),
    })
}

async fn permit(api: &Api, given: &Given) -> Result<Answered, Unavailable> {
    let level = given.text("level").and_then(|level| level.parse::<Permission>().ok());
    let Some(level) = level else {
        return Ok(answers::error(
            StatusCode::BAD_REQUEST,
            "level must be intimate|helper|chat",
        ));
    };
    let Some(room) = api.rooms.find(given.text("roomId")) else {
        return Ok(answers::no_room());
    };
    if !room.set_permission(level).await? {
        let message = "This room is a hub's, and its rules hold";
        return Ok(answers::error(StatusCode::BAD_REQUEST, message));
    }
    Ok(answers::ok(&Permitted {
        ok: true,
        room_id: &room.id,
        permission: level.as_str(),
    }))
}

async fn close(api: &Api, given: &Given) -> Result<Answered, Unavailable> {
    let rooms = match given.text("roomId") {
        Some(id) => api.rooms.find(Some(id)).into_iter().collect(),
        None => api.rooms.all(),
    };
    for room in rooms {
        api.rooms.close(&room).await?;
    }
    Ok(answers::ok(&Done { ok: true }))
}
