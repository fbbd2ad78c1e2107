//! `POST /connect`: opens a room with a peer, or one of a hub.

use hyper::StatusCode;

use super::Api;
use super::answers::{self, Answered, Connected, ConnectedAgent, Problem};
use super::routes::{Given, bad_agent_id, is_agent_id};
use crate::bridge::rooms::{ConnectError, HubAddress, Room};
use crate::bridge::store::Unavailable;

/// The port of a bridge whose commands need not name it.
const USUAL_PORT: u16 = 7654;

pub(super) async fn answer(api: &Api, given: &Given) -> Result<Answered, Unavailable> {
    let agent = given.text("agentId");
    if agent.is_some_and(|agent| !is_agent_id(agent)) {
        return Ok(bad_agent_id());
    }
    let connected = match (given.text("hub"), given.text("keyFile")) {
        (None, None) => api.rooms.connect(given.text("roomId")).await,
        (Some(url), Some(key_file)) => {
            let address = HubAddress {
                url: url.to_owned(),
                key_file: key_file.into(),
                room: given.text("roomId").map(|room| api.rooms.real_id(room).to_owned()),
            };
            api.rooms.connect_hub(&address).await
        }
        (None, Some(_)) | (Some(_), None) => {
            let message = "a hub needs both hub (its address) and keyFile (a file with the agent's key)";
            return Ok(answers::error(StatusCode::BAD_REQUEST, message));
        }
    };
    match connected {
        Ok(room) => welcome(api, &room, agent).await,
        Err(ConnectError::Store(failure)) => Err(failure),
        Err(error) => Ok(refused(&error)),
    }
}

async fn welcome(api: &Api, room: &Room, agent: Option<&str>) -> Result<Answered, Unavailable> {
    let agent = match agent {
        None => None,
        Some(agent) => {
            if api.rooms.register(room, agent).await?.is_none() {
                return Ok(answers::error(StatusCode::CONFLICT, "Too many agents in this room"));
            }
            let notify = api.rooms.notice_path(agent).await?.to_string_lossy().into_owned();
            let port = if api.port == USUAL_PORT {
                String::new()
            } else {
                format!(" --port {}", api.port)
            };
            Some(ConnectedAgent {
                agent_id: agent.to_owned(),
                recv: format!("wardroom bridge recv --agent {agent} --wait 30{port}"),
                hook_check: format!("[ -s {notify} ]"),
                notify,
            })
        }
    };
    Ok(answers::ok(&Connected {
        room_id: room.id.clone(),
        inbox: room.inbox_file().to_string_lossy().into_owned(),
        invite: room.invite_file().to_string_lossy().into_owned(),
        agent,
    }))
}

fn refused(error: &ConnectError) -> Answered {
    let status = match error {
        ConnectError::BadId | ConnectError::KeyFile(_) => StatusCode::BAD_REQUEST,
        ConnectError::Signaling(_) => StatusCode::GATEWAY_TIMEOUT,
        ConnectError::TooMany | ConnectError::Otherwise(_) => StatusCode::CONFLICT,
        ConnectError::NoRoom(_) => StatusCode::NOT_FOUND,
        ConnectError::Hub(_) => StatusCode::BAD_GATEWAY,
        ConnectError::Store(_) => StatusCode::INTERNAL_SERVER_ERROR,
    };
    let detail = match error {
        ConnectError::Signaling(why) => why.as_deref(),
        _ => None,
    };
    answers::json(
        status,
        &Problem {
            error: &error.to_string(),
            hint: None,
            detail,
        },
    )
}
