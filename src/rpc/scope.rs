//! What a session may do whose key is read-only or good for some rooms only. Whatever is not named here is refused.

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::domain::{KeyScope, Refusal, RoomId};
use crate::protocol::methods::{
    Access, AgentRotateKey, Auth, DocsGet, DocsList, LobbyGetMotd, MessageDm, MessageFollowDirect,
    MessageMarkReadDirect, MessageRemove, MessageSearch, MessageStatus, Method, MethodSpec, Order, P2pClose, P2pList,
    P2pSetPermission, RoomList, RpcDiscover, TaskCancel, TaskClaim, TaskComplete, TaskFail, TaskGet, TaskList,
    TaskRenew, TaskUpdate,
};

/// What tells nothing about any room.
const BESIDE_ROOMS: &[&str] = &[RpcDiscover::NAME, LobbyGetMotd::NAME, DocsList::NAME, DocsGet::NAME];

/// What need not name a room: which rooms it is about only the room model knows, and that keeps to the scope.
const KEPT_TO_SCOPE: &[&str] = &[
    Auth::NAME,
    RoomList::NAME,
    TaskClaim::NAME,
    TaskRenew::NAME,
    TaskUpdate::NAME,
    TaskComplete::NAME,
    TaskFail::NAME,
    TaskCancel::NAME,
    TaskList::NAME,
    TaskGet::NAME,
    MessageSearch::NAME,
    MessageStatus::NAME,
    MessageRemove::NAME,
    P2pList::NAME,
    P2pClose::NAME,
    P2pSetPermission::NAME,
];

/// What is about direct messages and nothing else.
const DIRECT: &[&str] = &[MessageDm::NAME, MessageFollowDirect::NAME, MessageMarkReadDirect::NAME];

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct NamedRoom {
    room_id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct NamedKey {
    agent_id: Option<Value>,
    key_id: Option<Value>,
}

/// Whether a session of this scope may call `method` with `params` at all.
pub(super) fn check(scope: &KeyScope, method: &MethodSpec, params: Option<&RawValue>) -> Result<(), Refusal> {
    if scope.is_full() {
        return Ok(());
    }
    if scope.read_only && method.order != Order::Read {
        return Err(Refusal::Forbidden("the API key of this session is read-only"));
    }
    if scope.rooms.is_none() || BESIDE_ROOMS.contains(&method.name) || KEPT_TO_SCOPE.contains(&method.name) {
        return Ok(());
    }
    if DIRECT.contains(&method.name) {
        return scope.check_direct();
    }
    if method.name == AgentRotateKey::NAME {
        // The key of the session itself, whose scope goes with the rotation.
        let named = params.map(|params| serde_json::from_str::<NamedKey>(params.get()));
        return match named {
            None
            | Some(Ok(NamedKey {
                agent_id: None,
                key_id: None,
            })) => Ok(()),
            Some(_) => Err(LIMITED),
        };
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
