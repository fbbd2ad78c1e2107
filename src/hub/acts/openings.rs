//! Opening rooms to peers beyond the server.

use super::agents::remove_agent;
use crate::domain::{
    AgentId, AgentNumber, EndReason, OpeningId, OpeningView, P2pRoomId, Permission, Refusal, Role, RoomId, StreamNumber,
};
use crate::hub::act::{Act, Desk, Except, Me, NOT_GOVERNED};
use crate::hub::change::Change;
use crate::hub::directory::{Agent, Room};
use crate::hub::openings::OpeningChange;
use crate::store::openings::{self, LinkRow, OpeningRow};

/// The places for peers that an opening has at first.
#[derive(Clone, Debug)]
pub enum Places {
    /// So many new P2P rooms.
    New(u32),
    /// One P2P room that somebody else opened.
    In(P2pRoomId),
}

/// Opens a room to peers.
#[derive(Clone, Debug)]
pub struct OpenRoom {
    /// The room.
    pub room: Option<RoomId>,
    /// The most that the peers may do.
    pub permission: Permission,
    /// The signaling server where the ends find each other, if it is another one than the operator configured.
    pub signal_url: Option<String>,
    /// When it ends, in milliseconds since 1970; for new P2P rooms the server decides when `None`.
    pub expires_at_ms: Option<i64>,
    /// For whom there is room.
    pub places: Places,
}

impl Act for OpenRoom {
    type Receipt = OpeningView;

    fn run(&self, desk: &mut Desk<'_>) -> Result<OpeningView, Refusal> {
        let me = desk.me()?;
        let room = desk.governed_room(&me, self.room)?;
        if self.signal_url.is_some() && me.agent.role != Role::Controller {
            // Otherwise any agent could have the server call on addresses that only the server reaches.
            return Err(Refusal::Forbidden(
                "only the controller may use another signaling server than the configured one",
            ));
        }
        if self.expires_at_ms.is_some_and(|at_ms| at_ms <= desk.now_ms) {
            return Err(Refusal::InvalidParams("`expiresAt` must be in the future".into()));
        }
        let wanted = match self.places {
            Places::New(count) => count,
            Places::In(_) => 1,
        };
        check_number(desk, room, wanted)?;
        let usual_end = match self.places {
            Places::New(_) => Some(desk.now_ms.saturating_add(desk.limits.opening_ms)),
            Places::In(_) => None,
        };
        let opening = OpeningRow {
            id: OpeningId(uuid::Builder::from_random_bytes(desk.random()?).into_uuid()),
            room: room.number,
            opened_by: me.agent.number,
            permission: self.permission,
            signal_url: self.signal_url.clone(),
            is_joined: matches!(self.places, Places::In(_)),
            created_at_ms: desk.now_ms,
            expires_at_ms: self.expires_at_ms.or(usual_end),
            max_uses: wanted,
        };
        openings::insert(desk.connection, &opening)?;
        desk.concerns(&opening.id);
        desk.change(Change::Opening(OpeningChange::Opened(opening.clone())));
        let mut links = Vec::new();
        match &self.places {
            Places::New(count) => {
                for _ in 0..*count {
                    let p2p_room = P2pRoomId::from_random(desk.random()?);
                    links.push(add_place(desk, &opening, p2p_room)?);
                }
            }
            Places::In(p2p_room) if desk.state.openings.has_room(p2p_room) => return Err(Refusal::P2pRoomTaken),
            Places::In(p2p_room) => links.push(add_place(desk, &opening, p2p_room.clone())?),
        }
        Ok(desk.state.view_opening(&opening, room, links.iter()))
    }
}

/// Refuses so many places more than the room, or the server, may have.
fn check_number(desk: &Desk<'_>, room: &Room, wanted: u32) -> Result<(), Refusal> {
    let (here, in_all) = desk.state.openings.count(room.number);
    let limits = desk.limits;
    if here + wanted as usize > limits.peers_per_room as usize {
        return Err(Refusal::OpeningLimit(
            "the room",
            limits.peers_per_room,
            "p2p.maxPerRoom",
        ));
    }
    if in_all + wanted as usize > limits.peers as usize {
        return Err(Refusal::OpeningLimit("the server", limits.peers, "p2p.maxPeers"));
    }
    Ok(())
}

fn add_place(desk: &mut Desk<'_>, opening: &OpeningRow, p2p_room: P2pRoomId) -> Result<LinkRow, Refusal> {
    // Nothing is known of what its peer lets through: what is granted holds alone.
    let level = Permission::Intimate;
    let number = openings::insert_link(desk.connection, opening.id, &p2p_room, level)?;
    let link = LinkRow {
        number,
        opening: opening.id,
        p2p_room,
        guest: None,
        level,
        seq: 0,
    };
    desk.change(Change::Opening(OpeningChange::PlaceAdded(link.clone())));
    Ok(link)
}

/// Ends an opening: its peers are cut off and are agents of this server no more.
#[derive(Clone, Copy, Debug)]
pub struct CloseOpening {
    /// Which; `None` stands for an id that names none.
    pub opening: Option<OpeningId>,
}

impl Act for CloseOpening {
    type Receipt = ();

    fn run(&self, desk: &mut Desk<'_>) -> Result<(), Refusal> {
        let me = desk.me()?;
        let (opening, room) = governed(desk, &me, self.opening)?;
        desk.concerns(&opening.id);
        desk.concerns(&room.id);
        close(desk, opening, Except::Session(me.session))
    }
}

/// Changes what the peers of an opening may do at the most.
#[derive(Clone, Copy, Debug)]
pub struct SetOpeningPermission {
    /// Which; `None` stands for an id that names none.
    pub opening: Option<OpeningId>,
    /// The most that its peers may do from now on.
    pub permission: Permission,
}

impl Act for SetOpeningPermission {
    type Receipt = ();

    fn run(&self, desk: &mut Desk<'_>) -> Result<(), Refusal> {
        let me = desk.me()?;
        let (opening, room) = governed(desk, &me, self.opening)?;
        desk.concerns(&opening.id);
        desk.concerns(&room.id);
        openings::set_permission(desk.connection, opening.id, self.permission)?;
        desk.change(Change::Opening(OpeningChange::PermissionSet(
            opening.id,
            self.permission,
        )));
        Ok(())
    }
}

/// Ends the openings whose time is over.
#[derive(Clone, Copy, Debug)]
pub struct EndOpenings;

impl Act for EndOpenings {
    /// How many.
    type Receipt = usize;

    fn run(&self, desk: &mut Desk<'_>) -> Result<usize, Refusal> {
        desk.operator()?;
        let over: Vec<&OpeningRow> = desk.state.openings.over(desk.now_ms).collect();
        for opening in &over {
            close(desk, opening, Except::Nobody)?;
        }
        Ok(over.len())
    }
}

/// Sends a guest away for good, if the agent is one.
#[derive(Clone, Copy, Debug)]
pub struct DismissGuest {
    /// The agent.
    pub agent: Option<AgentId>,
}

impl Act for DismissGuest {
    type Receipt = ();

    fn run(&self, desk: &mut Desk<'_>) -> Result<(), Refusal> {
        desk.operator()?;
        let agent = self.agent.and_then(|id| desk.state.agent_by_id(id));
        match agent {
            Some(agent) if !agent.revoked => dismiss(desk, agent, &EndReason::Revoked, Except::Nobody),
            _ => Ok(()),
        }
    }
}

fn governed<'a>(desk: &Desk<'a>, me: &Me<'_>, id: Option<OpeningId>) -> Result<(&'a OpeningRow, &'a Room), Refusal> {
    let state = desk.state;
    let opening = id
        .and_then(|id| state.openings.get(id))
        .ok_or(Refusal::OpeningNotFound)?;
    let room = state.room(opening.room).ok_or(Refusal::OpeningNotFound)?;
    if !me.scope.admits_room(room.id) {
        return Err(Refusal::OpeningNotFound);
    }
    if me.agent.role != Role::Controller && room.owner != me.agent.number {
        return Err(NOT_GOVERNED);
    }
    Ok((opening, room))
}

fn close(desk: &mut Desk<'_>, opening: &OpeningRow, except: Except) -> Result<(), Refusal> {
    let state = desk.state;
    let places = state.openings.places(opening.id);
    for guest in places.filter_map(|link| state.agent(link.guest?)) {
        remove_agent(desk, guest, &EndReason::Revoked, except)?;
    }
    openings::delete(desk.connection, opening.id)?;
    desk.change(Change::Opening(OpeningChange::Closed(opening.id)));
    Ok(())
}

/// Ends every opening of a room.
pub(super) fn close_room(desk: &mut Desk<'_>, room: &Room, except: Except) -> Result<(), Refusal> {
    for opening in desk.state.openings.of_room(room.number) {
        close(desk, opening, except)?;
    }
    Ok(())
}

/// Ends every opening that an agent made, of one room or of all: it knows the P2P rooms, and would come back by them.
pub(super) fn close_of_agent(
    desk: &mut Desk<'_>,
    agent: AgentNumber,
    room: Option<StreamNumber>,
    except: Except,
) -> Result<(), Refusal> {
    let openings = desk.state.openings.of_agent(agent);
    for opening in openings.filter(|opening| room.is_none_or(|room| opening.room == room)) {
        close(desk, opening, except)?;
    }
    Ok(())
}

/// Cuts a guest off and takes its place away: it knows the P2P room, so nobody else may come by it. Does nothing for other
/// agents.
pub(super) fn dismiss(desk: &mut Desk<'_>, agent: &Agent, reason: &EndReason, except: Except) -> Result<(), Refusal> {
    if let Some(()) = free_place(desk, agent)? {
        remove_agent(desk, agent, reason, except)?;
    }
    Ok(())
}

/// Takes the place of a guest away, and the opening with its last one. `None` for other agents.
pub(super) fn free_place(desk: &mut Desk<'_>, agent: &Agent) -> Result<Option<()>, Refusal> {
    let Some((link, opening)) = desk.state.openings.of_guest(agent.number) else {
        return Ok(None);
    };
    let is_last = desk.state.openings.places(opening.id).count() == 1;
    openings::delete_link(desk.connection, link.number)?;
    desk.change(Change::Opening(OpeningChange::PlaceRemoved(link.number)));
    if is_last {
        openings::delete(desk.connection, opening.id)?;
        desk.change(Change::Opening(OpeningChange::Closed(opening.id)));
    }
    Ok(Some(()))
}
