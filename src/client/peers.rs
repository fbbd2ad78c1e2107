//! The methods that open rooms to peers beyond the server: one function each.

use std::fmt;
use std::future::Future;

use serde::Deserialize;
use serde_json::json;

use super::ClientError;
use super::methods::{Methods, done, set, typed};

/// How a room is opened to peers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct OpenOptions {
    /// When it ends, in milliseconds since 1970; the server decides when none.
    pub expires_at: Option<i64>,
    /// How many peers may come; one when none.
    pub max_uses: Option<u32>,
}

/// How a room joins a P2P room that somebody else opened.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct JoinOptions<'a> {
    /// The signaling server; the one that the server is configured with when none.
    pub signal_url: Option<&'a str>,
    /// `intimate`, `helper` or `chat`; `helper` when none.
    pub permission: Option<&'a str>,
    /// When it ends, in milliseconds since 1970; never when none.
    pub expires_at: Option<i64>,
}

/// A room's opening to peers.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Opening {
    /// Its id.
    pub opening_id: String,
    /// The room.
    pub room_id: String,
    /// The agent that opened it.
    pub opened_by: String,
    /// The most that its peers may do.
    pub permission: String,
    /// The signaling server where the ends find each other.
    pub signal_url: String,
    /// Whether somebody else opened the P2P room.
    pub joined: bool,
    /// When it was opened, in milliseconds since 1970.
    pub created_at: i64,
    /// When it ends, in milliseconds since 1970.
    pub expires_at: Option<i64>,
    /// How many peers may come.
    pub max_uses: u32,
    /// How many have come.
    pub uses: u32,
    /// The places for peers, taken or free.
    pub places: Vec<Place>,
}

/// A place for one peer. Its `Debug` form shows none of its secrets.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Place {
    /// The id of its P2P room: a secret.
    pub p2p_room_id: String,
    /// What to hand to the peer.
    pub text: String,
    /// The command by which the peer comes in.
    pub command: String,
    /// The peer that came.
    pub guest: Option<Guest>,
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Place")
            .field("guest", &self.guest)
            .finish_non_exhaustive()
    }
}

/// A peer that came.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Guest {
    /// The agent that it is there.
    pub agent_id: String,
    /// Its name.
    pub display_name: String,
    /// What it may do.
    pub permission: String,
    /// Whether it is linked now.
    pub online: bool,
}

/// Opening rooms to peers, for the owner of a room and the controller.
pub trait PeerMethods: Methods {
    /// `p2p.open`: makes places for peers in a room. `permission` is `intimate`, `helper` or `chat`.
    fn open_to_peers(
        &self,
        room_id: &str,
        permission: &str,
        options: OpenOptions,
    ) -> impl Future<Output = Result<Opening, ClientError>> + Send {
        let mut params = json!({"roomId": room_id, "permission": permission});
        set(&mut params, "expiresAt", options.expires_at);
        set(&mut params, "maxUses", options.max_uses);
        typed(self, "p2p.open", params, None)
    }

    /// `p2p.join`: takes a room into a P2P room that somebody else opened.
    fn join_peer(
        &self,
        room_id: &str,
        p2p_room_id: &str,
        options: JoinOptions<'_>,
    ) -> impl Future<Output = Result<Opening, ClientError>> + Send {
        let mut params = json!({"roomId": room_id, "p2pRoomId": p2p_room_id});
        set(&mut params, "signalUrl", options.signal_url);
        set(&mut params, "permission", options.permission);
        set(&mut params, "expiresAt", options.expires_at);
        typed(self, "p2p.join", params, None)
    }

    /// `p2p.list`: the openings of a room, or of all that the caller governs.
    fn list_openings(&self, room_id: Option<&str>) -> impl Future<Output = Result<Vec<Opening>, ClientError>> + Send {
        let mut params = json!({});
        set(&mut params, "roomId", room_id);
        typed(self, "p2p.list", params, Some("openings"))
    }

    /// `p2p.close`: ends an opening and sends its peers away.
    fn close_opening(&self, opening_id: &str) -> impl Future<Output = Result<(), ClientError>> + Send {
        done(self, "p2p.close", json!({"openingId": opening_id}))
    }

    /// `p2p.setPermission`: changes the most that the peers of an opening may do.
    fn set_peer_permission(
        &self,
        opening_id: &str,
        permission: &str,
    ) -> impl Future<Output = Result<(), ClientError>> + Send {
        let params = json!({"openingId": opening_id, "permission": permission});
        done(self, "p2p.setPermission", params)
    }
}

impl<M: Methods> PeerMethods for M {}
