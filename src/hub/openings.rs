//! The rooms that are opened to peers, in memory, and what gateways are told of them.

use std::collections::BTreeMap;

use super::directory::{Directory, Room};
use super::{Caller, Hub};
use crate::domain::{
    AgentNumber, AgentOrigin, GuestView, KeyScope, LinkNumber, MessageId, Name, OpeningId, OpeningView, P2pRoomId,
    Permission, PlaceView, Refusal, Role, RoomId, StreamNumber,
};
use crate::store::openings::{LinkRow, OpeningRow};
use crate::store::{Connection, StoreError, peer_messages};

/// A step in which openings change.
#[derive(Clone, Debug)]
pub(super) enum OpeningChange {
    Opened(OpeningRow),
    PlaceAdded(LinkRow),
    PermissionSet(OpeningId, Permission),
    /// A peer came: the place is its guest's, which has the room up to this position.
    GuestSet(LinkNumber, AgentNumber, u64),
    LevelSet(LinkNumber, Permission),
    PositionSet(LinkNumber, u64),
    PlaceRemoved(LinkNumber),
    Closed(OpeningId),
}

/// Every opening and every place for a peer.
#[derive(Clone, Debug, Default)]
pub(super) struct Openings {
    openings: BTreeMap<OpeningId, OpeningRow>,
    links: BTreeMap<LinkNumber, LinkRow>,
}

impl Openings {
    /// An opening.
    pub(super) fn get(&self, id: OpeningId) -> Option<&OpeningRow> {
        self.openings.get(&id)
    }

    /// The openings of a room.
    pub(super) fn of_room(&self, room: StreamNumber) -> impl Iterator<Item = &OpeningRow> {
        self.openings.values().filter(move |opening| opening.room == room)
    }

    /// The openings that an agent made.
    pub(super) fn of_agent(&self, agent: AgentNumber) -> impl Iterator<Item = &OpeningRow> {
        self.openings.values().filter(move |opening| opening.opened_by == agent)
    }

    /// The places of an opening, in the order in which they were made.
    pub(super) fn places(&self, opening: OpeningId) -> impl Iterator<Item = &LinkRow> {
        self.links.values().filter(move |link| link.opening == opening)
    }

    /// How many places there are in a room, and in all.
    pub(super) fn count(&self, room: StreamNumber) -> (usize, usize) {
        let here = self.links.values().filter(|link| {
            let opening = self.openings.get(&link.opening);
            opening.is_some_and(|opening| opening.room == room)
        });
        (here.count(), self.links.len())
    }

    /// Whether some place is in this P2P room.
    pub(super) fn has_room(&self, p2p_room: &P2pRoomId) -> bool {
        self.links.values().any(|link| link.p2p_room == *p2p_room)
    }

    /// A place and its opening.
    pub(super) fn link(&self, link: LinkNumber) -> Option<(&LinkRow, &OpeningRow)> {
        let link = self.links.get(&link)?;
        Some((link, self.openings.get(&link.opening)?))
    }

    /// The place of a guest and its opening.
    pub(super) fn of_guest(&self, guest: AgentNumber) -> Option<(&LinkRow, &OpeningRow)> {
        let link = self.links.values().find(|link| link.guest == Some(guest))?;
        Some((link, self.openings.get(&link.opening)?))
    }

    /// The openings that have ended.
    pub(super) fn over(&self, now_ms: i64) -> impl Iterator<Item = &OpeningRow> {
        let is_over = move |at_ms: i64| at_ms <= now_ms;
        self.openings
            .values()
            .filter(move |opening| opening.expires_at_ms.is_some_and(is_over))
    }

    pub(super) fn apply(&mut self, change: OpeningChange) {
        match change {
            OpeningChange::Opened(opening) => {
                self.openings.insert(opening.id, opening);
            }
            OpeningChange::PlaceAdded(link) => {
                self.links.insert(link.number, link);
            }
            OpeningChange::PermissionSet(opening, permission) => {
                if let Some(opening) = self.openings.get_mut(&opening) {
                    opening.permission = permission;
                }
            }
            OpeningChange::GuestSet(link, guest, seq) => {
                self.with(link, |link| (link.guest, link.seq) = (Some(guest), seq));
            }
            OpeningChange::LevelSet(link, level) => self.with(link, |link| link.level = level),
            OpeningChange::PositionSet(link, seq) => self.with(link, |link| link.seq = seq),
            OpeningChange::PlaceRemoved(link) => {
                self.links.remove(&link);
            }
            OpeningChange::Closed(opening) => {
                self.openings.remove(&opening);
                self.links.retain(|_, link| link.opening != opening);
            }
        }
    }

    fn with(&mut self, link: LinkNumber, change: impl FnOnce(&mut LinkRow)) {
        if let Some(link) = self.links.get_mut(&link) {
            change(link);
        }
    }
}

/// What a guest may do: the more restrictive of what its opening grants and its peer lets through.
pub(super) fn level(link: &LinkRow, opening: &OpeningRow) -> Permission {
    opening.permission.negotiate(link.level)
}

/// What the session of a guest may do: speak in its room, and nothing else.
pub(super) fn guest_scope(room: RoomId) -> KeyScope {
    KeyScope {
        read_only: false,
        rooms: Some([room].into()),
        direct: false,
    }
}

/// A place for a peer, as a gateway serves it.
#[derive(Clone, Debug)]
pub struct PeerPlace {
    /// Its short key.
    pub link: LinkNumber,
    /// The opening that it belongs to.
    pub opening: OpeningId,
    /// The P2P room.
    pub p2p_room: P2pRoomId,
    /// The signaling server; `None` is the configured one.
    pub signal_url: Option<String>,
    /// The most that the peer may do.
    pub permission: Permission,
    /// The room.
    pub room: RoomId,
    /// Its name, by which peers know the server.
    pub room_name: Name,
}

impl Directory {
    /// What the guest `agent` may do; `None` for everybody else.
    pub fn level_of(&self, agent: AgentNumber) -> Option<Permission> {
        // Looked for only where there is something to be found.
        self.agent(agent).filter(|agent| agent.origin == AgentOrigin::P2p)?;
        self.openings
            .of_guest(agent)
            .map(|(link, opening)| level(link, opening))
    }

    /// An opening with its places, as those see it who govern the room.
    pub(super) fn view_opening<'a>(
        &self,
        opening: &OpeningRow,
        room: &Room,
        places: impl Iterator<Item = &'a LinkRow>,
    ) -> OpeningView {
        let place = |link: &LinkRow| PlaceView {
            p2p_room: link.p2p_room.clone(),
            guest: link.guest.and_then(|guest| self.agent(guest)).map(|guest| GuestView {
                id: guest.id,
                name: guest.name.clone(),
                permission: level(link, opening),
                online: guest.is_online(),
            }),
        };
        let places: Vec<PlaceView> = places.map(place).collect();
        let free = places.iter().filter(|place| place.guest.is_none()).count();
        let free = u32::try_from(free).unwrap_or(u32::MAX);
        OpeningView {
            id: opening.id,
            room: room.id,
            opened_by: self.id_of(opening.opened_by),
            permission: opening.permission,
            signal_url: opening.signal_url.clone(),
            is_joined: opening.is_joined,
            created_at_ms: opening.created_at_ms,
            expires_at_ms: opening.expires_at_ms,
            max_uses: opening.max_uses,
            uses: opening.max_uses.saturating_sub(free),
            places,
        }
    }
}

impl Hub {
    /// The openings of a room that the caller governs; without one, of every such room. The oldest first. A key that may only
    /// read is shown no places: whoever knows one can come in by it and speak.
    pub fn openings(&self, caller: Caller, room: Option<Option<RoomId>>) -> Result<Vec<OpeningView>, Refusal> {
        let directory = self.directory();
        let (agent, scope) = super::tasks::reader(&directory, caller)?;
        let governs = |room: &Room| {
            !room.deleted
                && scope.admits_room(room.id)
                && (agent.role == Role::Controller || room.owner == agent.number)
        };
        let rooms: Vec<&Room> = match room {
            None => directory.rooms.values().filter(|room| governs(room)).collect(),
            Some(id) => {
                let room = id.and_then(|id| directory.room_by_id(id));
                let room = room.filter(|room| !room.deleted).ok_or(Refusal::RoomNotFound)?;
                if !scope.admits_room(room.id) {
                    return Err(Refusal::NotAMember);
                }
                if !governs(room) {
                    return Err(super::act::NOT_GOVERNED);
                }
                vec![room]
            }
        };
        let mut views: Vec<OpeningView> = rooms
            .into_iter()
            .flat_map(|room| {
                directory
                    .openings
                    .of_room(room.number)
                    .map(move |opening| (opening, room))
            })
            .map(|(opening, room)| {
                let mut view = directory.view_opening(opening, room, directory.openings.places(opening.id));
                if scope.read_only {
                    view.places.clear();
                }
                view
            })
            .collect();
        views.sort_by_key(|opening| (opening.created_at_ms, opening.id));
        Ok(views)
    }

    /// Every place for a peer, for the gateway that serves them.
    pub fn peer_places(&self) -> Vec<PeerPlace> {
        let directory = self.directory();
        let place = |link: &LinkRow| {
            let opening = directory.openings.get(link.opening)?;
            let room = directory.room(opening.room)?;
            Some(PeerPlace {
                link: link.number,
                opening: opening.id,
                p2p_room: link.p2p_room.clone(),
                signal_url: opening.signal_url.clone(),
                permission: opening.permission,
                room: room.id,
                room_name: room.name.clone(),
            })
        };
        directory.openings.links.values().filter_map(place).collect()
    }

    /// The ids by which the peer of a guest knows messages: the peer's own where they came from it, those that are the same
    /// everywhere where they came in under such, else those of this server.
    pub async fn known_to_peer(&self, guest: AgentNumber, messages: Vec<MessageId>) -> Result<Vec<String>, Refusal> {
        let read = move |connection: &mut Connection| -> Result<Vec<String>, StoreError> {
            let known = messages.into_iter().map(|message| {
                let foreign = peer_messages::get(connection, message.row)?;
                let foreign =
                    foreign.filter(|foreign| foreign.sender == guest || MessageId::parse(&foreign.id).is_some());
                Ok(foreign.map_or_else(|| message.to_string(), |foreign| foreign.id))
            });
            known.collect()
        };
        Ok(self.inner.readers.catch_up(read).await?)
    }

    /// Waits until places for peers came, went or changed since this was last awaited. For one waiter.
    pub async fn peer_places_change(&self) {
        self.inner.openings_changed.notified().await;
    }

    /// When the first opening ends, in milliseconds from now by the clock of the server; `None` when none does.
    pub fn next_opening_end_ms(&self) -> Option<u64> {
        let now_ms = self.inner.clock.now_ms();
        let directory = self.directory();
        let ends = directory
            .openings
            .openings
            .values()
            .filter_map(|opening| opening.expires_at_ms);
        ends.min()
            .map(|at_ms| at_ms.saturating_sub(now_ms).max(0).cast_unsigned())
    }
}
