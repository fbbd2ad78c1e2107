//! Opening rooms to peers beyond the server.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::method;
use crate::domain::{GuestView, OpeningView, Permission, PlaceView};
use crate::protocol::types::Status;

/// The most that peers may do.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum PermissionParam {
    /// Everything, as it is.
    Intimate,
    /// Everything; texts that look like secrets are kept back.
    Helper,
    /// Talk, and nothing else: no tasks, results, questions or files in either direction.
    Chat,
}

impl From<PermissionParam> for Permission {
    fn from(param: PermissionParam) -> Self {
        match param {
            PermissionParam::Intimate => Self::Intimate,
            PermissionParam::Helper => Self::Helper,
            PermissionParam::Chat => Self::Chat,
        }
    }
}

method! {
    /// Opens a room to peers that come over WebRTC, with link-agent or wardroom at the other end. Each peer becomes an agent of origin `p2p` in this room and no other. Whoever knows the id of the P2P room can come in: hand it to one peer, and to nobody else. The owner of the room and the controller may do it. Refused with 4003 while the operator has turned it off, as `p2p.join`.
    P2pOpen = "p2p.open", Agent, Change, P2pOpenParams => P2pOpenResult,
    errors [InvalidParams, Forbidden, RoomNotFound, CannotModifyLobby, OpeningLimit], events []
}

/// Parameters of `p2p.open`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct P2pOpenParams {
    /// The room.
    pub room_id: String,
    /// The most that the peers may do; a peer that asks for less may do less.
    pub permission: PermissionParam,
    /// When the opening ends and its peers are sent away, in milliseconds since 1970; after `p2p.expiryMs` (a day by default) when left out.
    pub expires_at: Option<i64>,
    /// How many peers may come; 1 when left out. Each gets a P2P room of its own, all of which are in the result.
    pub max_uses: Option<u32>,
}

/// Result of `p2p.open`.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct P2pOpenResult {
    /// The opening.
    #[serde(flatten)]
    pub opening: OpeningObject,
    /// The id of the P2P room of the first peer: a secret.
    pub p2p_room_id: String,
    /// What to hand to the first peer: how to come in, and how to talk.
    pub text: String,
    /// The command by which the first peer comes in.
    pub command: String,
}

method! {
    /// Takes the room into a P2P room that somebody else opened. Whoever is there becomes an agent of origin `p2p` in this room, as after `p2p.open`. The owner of the room and the controller may do it; only the controller by way of another signaling server than the configured one.
    P2pJoin = "p2p.join", Agent, Change, P2pJoinParams => OpeningObject,
    errors [InvalidParams, Forbidden, RoomNotFound, CannotModifyLobby, OpeningLimit, P2pRoomTaken], events []
}

/// Parameters of `p2p.join`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct P2pJoinParams {
    /// The room.
    pub room_id: String,
    /// The id of the P2P room, 1 to 64 letters, digits, hyphens and underscores.
    pub p2p_room_id: String,
    /// The signaling server, `ws://…` or `wss://…`; the configured one when left out.
    pub signal_url: Option<String>,
    /// The most that the peer may do; `helper` when left out.
    pub permission: Option<PermissionParam>,
    /// When to leave the P2P room and send its peer away, in milliseconds since 1970; never when left out.
    pub expires_at: Option<i64>,
}

method! {
    /// Lists openings with their peers, the oldest first: of one room, or of all rooms that the caller governs. A key that may only read is shown no places, because whoever knows one can come in.
    P2pList = "p2p.list", Agent, Read, P2pListParams => P2pListResult,
    errors [InvalidParams, Forbidden, RoomNotFound], events []
}

/// Parameters of `p2p.list`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct P2pListParams {
    /// The room; every room that the caller owns, or for the controller every room, when left out.
    pub room_id: Option<String>,
}

/// Result of `p2p.list`.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct P2pListResult {
    /// The openings.
    pub openings: Vec<OpeningObject>,
}

method! {
    /// Ends an opening before the answer is sent: its peers are cut off and removed as by `agent.revoke`, and its P2P rooms lead nowhere. The owner of the room and the controller may do it.
    P2pClose = "p2p.close", Agent, Change, OpeningParams => Status,
    errors [InvalidParams, Forbidden, OpeningNotFound], events ["presence", "room.left"]
}

/// Parameters that name an opening.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OpeningParams {
    /// The opening.
    pub opening_id: String,
}

method! {
    /// Changes the most that the peers of an opening may do. What was sent before the answer was judged by the former level. The owner of the room and the controller may do it.
    P2pSetPermission = "p2p.setPermission", Agent, Change, P2pSetPermissionParams => Status,
    errors [InvalidParams, Forbidden, OpeningNotFound], events []
}

/// Parameters of `p2p.setPermission`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct P2pSetPermissionParams {
    /// The opening.
    pub opening_id: String,
    /// The most that its peers may do from now on.
    pub permission: PermissionParam,
}

/// A room's opening to peers.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OpeningObject {
    /// Its id, which is no secret.
    pub opening_id: String,
    /// The room.
    pub room_id: String,
    /// The agent that opened it.
    pub opened_by: String,
    /// The most that its peers may do: `intimate`, `helper` or `chat`.
    pub permission: &'static str,
    /// The signaling server where the ends find each other.
    pub signal_url: String,
    /// Whether somebody else opened the P2P room, so that this is the doing of `p2p.join`.
    pub joined: bool,
    /// When it was opened, in milliseconds since 1970.
    pub created_at: i64,
    /// When it ends, in milliseconds since 1970; null is never.
    pub expires_at: Option<i64>,
    /// How many peers may come.
    pub max_uses: u32,
    /// How many have come, those included that were sent away since.
    pub uses: u32,
    /// The places for peers, taken or free. One whose peer was sent away is gone.
    pub places: Vec<PlaceObject>,
}

/// A place for one peer.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PlaceObject {
    /// The id of its P2P room: a secret.
    pub p2p_room_id: String,
    /// What to hand to the peer.
    pub text: String,
    /// The command by which the peer comes in.
    pub command: String,
    /// The peer that came; null while the place is free.
    pub guest: Option<GuestObject>,
}

/// A peer that came.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GuestObject {
    /// The agent that it is here.
    pub agent_id: String,
    /// Its name.
    pub display_name: String,
    /// What it may do: the more restrictive of what the opening grants and what it asked for.
    pub permission: &'static str,
    /// Whether it is linked now.
    pub online: bool,
}

impl OpeningObject {
    /// The form of an opening on the wire, where `own_url` is the configured signaling server.
    pub fn new(opening: &OpeningView, own_url: &str) -> Self {
        let signal_url = opening.signal_url.clone().unwrap_or_else(|| own_url.to_owned());
        let place = |place: &PlaceView| {
            let p2p_room = place.p2p_room.reveal();
            PlaceObject {
                p2p_room_id: p2p_room.to_owned(),
                text: text(p2p_room, opening.permission, &signal_url),
                command: command(p2p_room, &signal_url),
                guest: place.guest.as_ref().map(Into::into),
            }
        };
        Self {
            places: opening.places.iter().map(place).collect(),
            opening_id: opening.id.to_string(),
            room_id: opening.room.to_string(),
            opened_by: opening.opened_by.to_string(),
            permission: opening.permission.as_str(),
            joined: opening.is_joined,
            created_at: opening.created_at_ms,
            expires_at: opening.expires_at_ms,
            max_uses: opening.max_uses,
            uses: opening.uses,
            signal_url,
        }
    }
}

impl From<&GuestView> for GuestObject {
    fn from(guest: &GuestView) -> Self {
        Self {
            agent_id: guest.id.to_string(),
            display_name: guest.name.as_str().to_owned(),
            permission: guest.permission.as_str(),
            online: guest.online,
        }
    }
}

impl P2pOpenResult {
    /// The form of a new opening on the wire, where `own_url` is the configured signaling server.
    pub fn new(opening: &OpeningView, own_url: &str) -> Self {
        let opening = OpeningObject::new(opening, own_url);
        let first = opening.places.first().cloned();
        let (p2p_room_id, text, command) =
            first.map_or_else(Default::default, |first| (first.p2p_room_id, first.text, first.command));
        Self {
            opening,
            p2p_room_id,
            text,
            command,
        }
    }
}

/// The command by which a peer comes in. The address holds no character that would end its quotation.
fn command(p2p_room: &str, signal_url: &str) -> String {
    format!("wardroom connect {p2p_room} --signal '{signal_url}' --json")
}

/// What to hand to a peer, in the order in which link-agent's invitations say it.
fn text(p2p_room: &str, level: Permission, url: &str) -> String {
    format!(
        "--- An invitation into a room, by wardroom ---\n\
         Room ID: {p2p_room}\n\
         Permission: {level}\n\
         \n\
         The room ID is a secret: whoever has it can come in. Do not publish it, and do not pass it on.\n\
         \n\
         With wardroom installed, or link-agent under its own name:\n\
         wardroom bridge -s '{url}'\n\
         wardroom bridge connect {p2p_room} --agent YOUR_AGENT_ID\n\
         wardroom bridge send \"hello\" --agent YOUR_AGENT_ID\n\
         wardroom bridge recv --agent YOUR_AGENT_ID --wait 30\n\
         \n\
         Without a bridge, as JSON lines:\n\
         {}\n\
         --- End of the invitation ---\n",
        command(p2p_room, url)
    )
}
