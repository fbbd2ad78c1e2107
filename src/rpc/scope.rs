//! What a session may do whose key is read-only or good for some rooms only. Whatever is not named here is refused.

use std::sync::Arc;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::domain::{EndReason, KeyScope, MessageId, Refusal, RoomId, StreamNumber};
use crate::hub::{Directory, Link, Room};
use crate::protocol::methods::{
    Access, Auth, DocsGet, DocsList, LobbyGetMotd, MessageDm, Method, MethodSpec, Order, RoomList, RpcDiscover,
};
use crate::protocol::notifications::{
    AgentRenamed, DirectMessage, Disconnected, DocsUpdated, LobbyMotd, MessageRemoved, Presence,
};

/// What tells nothing about any room. Those that list rooms or direct messages keep to the scope themselves.
const BESIDE_ROOMS: &[&str] = &[
    Auth::NAME,
    RpcDiscover::NAME,
    RoomList::NAME,
    LobbyGetMotd::NAME,
    DocsList::NAME,
    DocsGet::NAME,
];

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct NamedRoom {
    room_id: String,
}

/// Whether a session of this scope may call `method` with `params` at all.
pub(super) fn check(scope: &KeyScope, method: &MethodSpec, params: Option<&RawValue>) -> Result<(), Refusal> {
    if scope.is_full() {
        return Ok(());
    }
    if scope.read_only && method.order != Order::Read {
        return Err(Refusal::Forbidden("the API key of this session is read-only"));
    }
    if scope.rooms.is_none() || BESIDE_ROOMS.contains(&method.name) {
        return Ok(());
    }
    if method.name == MessageDm::NAME {
        return if scope.admits_direct() { Ok(()) } else { Err(LIMITED) };
    }
    // A method about one room says so by this parameter, which it then requires: others would not look at it. One that has
    // no room in it is about more than the rooms of the key.
    if method.access != Access::Agent || !requires_room(method) {
        return Err(LIMITED);
    }
    let named = params.map(|params| serde_json::from_str::<NamedRoom>(params.get()));
    let room = named.and_then(Result::ok).ok_or(LIMITED)?;
    match RoomId::parse(&room.room_id) {
        Some(room) if scope.admits_room(room) => Ok(()),
        _ => Err(Refusal::NotAMember),
    }
}

fn requires_room(method: &MethodSpec) -> bool {
    let required = method.params.get("required").and_then(Value::as_array);
    required.is_some_and(|names| names.iter().any(|name| name == "roomId"))
}

const LIMITED: Refusal = Refusal::Forbidden("the API key of this session is limited to some rooms");

/// A link that is told only what is inside the scope of its key.
pub(super) struct ScopedLink {
    link: Arc<dyn Link>,
    scope: KeyScope,
    /// Where the messages of its rooms lie.
    streams: Vec<StreamNumber>,
}

impl ScopedLink {
    /// `link` itself, if the scope leaves nothing out.
    pub(super) fn wrap(link: Arc<dyn Link>, scope: &KeyScope, directory: &Directory) -> Arc<dyn Link> {
        let Some(rooms) = &scope.rooms else { return link };
        let streams = rooms.iter().filter_map(|room| directory.room_by_id(*room));
        Arc::new(Self {
            link,
            scope: scope.clone(),
            streams: streams.map(Room::stream).collect(),
        })
    }
}

#[derive(Deserialize)]
struct Notification {
    method: String,
    params: Params,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Params {
    room_id: Option<String>,
    message_id: Option<String>,
}

/// What is told to sessions of every scope, because it is about no room.
const OF_EVERYBODY: &[&str] = &[
    Presence::NAME,
    AgentRenamed::NAME,
    LobbyMotd::NAME,
    DocsUpdated::NAME,
    Disconnected::NAME,
];

/// The first bytes of every notification. Before them stands the head of a frame, which they tell from the rest.
const BEGINNING: &[u8] = b"{\"jsonrpc\":";

impl ScopedLink {
    /// Whether an event is inside the scope. What cannot be understood is not.
    fn is_inside(&self, event: &[u8]) -> bool {
        let begins = event.windows(BEGINNING.len()).position(|bytes| bytes == BEGINNING);
        let Some(text) = begins.and_then(|start| event.get(start..)) else {
            return false;
        };
        let Ok(Notification { method, params }) = serde_json::from_slice::<Notification>(text) else {
            return false;
        };
        let scope = &self.scope;
        match params.room_id {
            // The lobby's history holds the direct messages, so their removal names the lobby.
            Some(_) if method == MessageRemoved::NAME && !scope.admits_direct() => {
                let message = params.message_id.as_deref().and_then(MessageId::parse);
                message.is_some_and(|message| self.streams.contains(&message.row.stream()))
            }
            Some(room) => RoomId::parse(&room).is_some_and(|room| scope.admits_room(room)),
            None if method == DirectMessage::NAME => scope.admits_direct(),
            None => OF_EVERYBODY.contains(&method.as_str()),
        }
    }
}

impl Link for ScopedLink {
    fn push(&self, event: &Bytes) -> bool {
        self.is_inside(event) && self.link.push(event)
    }

    fn flush(&self) {
        self.link.flush();
    }

    fn end(&self, farewell: &Bytes, reason: &EndReason) {
        self.link.end(farewell, reason);
    }
}
