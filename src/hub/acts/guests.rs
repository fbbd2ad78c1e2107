//! Peers as agents of this server: coming in, and what they may do.

use std::sync::Arc;

use super::sessions::{LOCKED, end_all};
use crate::domain::{
    AgentId, AgentNumber, AgentOrigin, EndReason, Event, LinkNumber, Name, Permission, Refusal, Role, RoomId, SessionId,
};
use crate::hub::act::{Act, Audience, Cost, Desk, Effect, Except, Opened};
use crate::hub::change::Change;
use crate::hub::directory::Room;
use crate::hub::feed::Feed;
use crate::hub::openings::{OpeningChange, guest_scope};
use crate::store::agents::AgentRow;
use crate::store::openings::LinkRow;
use crate::store::{agents, openings, rooms};

/// Lets the peer of a place in: as a new agent when it comes for the first time, else as the one that it was.
#[derive(Clone)]
pub struct AdmitGuest {
    /// The place.
    pub link: LinkNumber,
    /// What the peer calls itself. It keeps the name under which it came first.
    pub name: Name,
    /// What the peer lets through.
    pub level: Permission,
    /// The id that its session gets; never used before.
    pub session: SessionId,
    /// What the session is shown.
    pub feed: Arc<Feed>,
}

/// A guest that is in.
#[derive(Clone, Debug)]
pub struct AdmittedGuest {
    /// Its short key.
    pub number: AgentNumber,
    /// Its id.
    pub id: AgentId,
    /// Its name.
    pub name: Name,
    /// The room.
    pub room: RoomId,
    /// The last position of the room that its peer has.
    pub seq: u64,
}

impl Act for AdmitGuest {
    type Receipt = AdmittedGuest;
    const COST: Cost = Cost::Free;

    fn run(&self, desk: &mut Desk<'_>) -> Result<AdmittedGuest, Refusal> {
        desk.operator()?;
        let state = desk.state;
        let (link, opening) = state.openings.link(self.link).ok_or(Refusal::OpeningNotFound)?;
        if opening.expires_at_ms.is_some_and(|at_ms| at_ms <= desk.now_ms) {
            return Err(Refusal::OpeningNotFound);
        }
        if state.locked {
            return Err(LOCKED);
        }
        let room = state.room(opening.room).filter(|room| !room.deleted);
        let room = room.ok_or(Refusal::OpeningNotFound)?;
        let admitted = match link.guest.and_then(|guest| state.agent(guest)) {
            Some(guest) => {
                // Its former session has not noticed yet that its link is gone.
                end_all(desk, guest, &EndReason::Replaced);
                AdmittedGuest {
                    number: guest.number,
                    id: guest.id,
                    name: guest.name.clone(),
                    room: room.id,
                    seq: link.seq,
                }
            }
            None => self.register(desk, link, room)?,
        };
        openings::set_level(desk.connection, link.number, self.level)?;
        desk.change(Change::Opening(OpeningChange::LevelSet(link.number, self.level)));
        agents::set_last_seen(desk.connection, admitted.number, desk.now_ms)?;
        desk.change(Change::AgentSeen(admitted.number, desk.now_ms));
        self.open(desk, &admitted);
        Ok(admitted)
    }
}

impl AdmitGuest {
    /// Makes the peer an agent and a member of the room.
    fn register(&self, desk: &mut Desk<'_>, link: &LinkRow, room: &Room) -> Result<AdmittedGuest, Refusal> {
        let id = AgentId(uuid::Builder::from_random_bytes(desk.random()?).into_uuid());
        let kind = (Role::Participant, AgentOrigin::P2p);
        let number = agents::insert(desk.connection, id, &self.name, kind, desk.now_ms)?;
        desk.change(Change::AgentAdded(AgentRow {
            number,
            id,
            name: self.name.clone(),
            role: kind.0,
            origin: kind.1,
            last_seen_ms: None,
            banned: false,
            revoked: false,
        }));
        let at_ms = room.next_join_time(desk.now_ms);
        rooms::add_member(desk.connection, room.number, number, at_ms)?;
        desk.change(Change::MemberAdded {
            room: room.number,
            agent: number,
            at_ms,
        });
        openings::set_guest(desk.connection, link.number, number, room.head.seq)?;
        let change = OpeningChange::GuestSet(link.number, number, room.head.seq);
        desk.change(Change::Opening(change));
        let event = Event::RoomJoined {
            room: room.id,
            agent: id,
            name: self.name.clone(),
        };
        desk.tell(Desk::members(room), Except::Nobody, event);
        Ok(AdmittedGuest {
            number,
            id,
            name: self.name.clone(),
            room: room.id,
            seq: room.head.seq,
        })
    }

    fn open(&self, desk: &mut Desk<'_>, admitted: &AdmittedGuest) {
        let (session, agent, name) = (self.session, admitted.number, admitted.name.clone());
        let scope = guest_scope(admitted.room);
        desk.change(Change::GuestSessionOpened {
            session,
            agent,
            name: name.clone(),
            scope: scope.clone(),
        });
        let presence = Event::Presence {
            agent: admitted.id,
            name,
            online: true,
        };
        desk.effect(Effect::Open(Opened {
            session,
            agent,
            scope,
            feed: Arc::clone(&self.feed),
            presence: presence.clone(),
        }));
        if desk.state.agent(agent).is_none_or(|agent| !agent.is_online()) {
            desk.tell(Audience::Everyone, Except::Agent(agent), presence);
        }
    }
}

/// Notes what the peer of a place lets through from now on.
#[derive(Clone, Copy, Debug)]
pub struct SetGuestLevel {
    /// The place.
    pub link: LinkNumber,
    /// What its peer lets through.
    pub level: Permission,
}

impl Act for SetGuestLevel {
    type Receipt = ();
    const COST: Cost = Cost::Free;

    fn run(&self, desk: &mut Desk<'_>) -> Result<(), Refusal> {
        desk.operator()?;
        if desk.state.openings.link(self.link).is_some() {
            openings::set_level(desk.connection, self.link, self.level)?;
            desk.change(Change::Opening(OpeningChange::LevelSet(self.link, self.level)));
        }
        Ok(())
    }
}

/// Notes up to which position of the room the peer of a place has everything.
#[derive(Clone, Copy, Debug)]
pub struct RecordPosition {
    /// The place.
    pub link: LinkNumber,
    /// The position.
    pub seq: u64,
}

impl Act for RecordPosition {
    type Receipt = ();
    const COST: Cost = Cost::Free;

    fn run(&self, desk: &mut Desk<'_>) -> Result<(), Refusal> {
        desk.operator()?;
        let known = desk.state.openings.link(self.link).map(|(link, _)| link.seq);
        if known.is_some_and(|known| known < self.seq) {
            openings::set_position(desk.connection, self.link, self.seq)?;
            desk.change(Change::Opening(OpeningChange::PositionSet(self.link, self.seq)));
        }
        Ok(())
    }
}
