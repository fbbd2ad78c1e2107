//! Coming into rooms and going out of them.

use crate::domain::{
    AgentId, AgentNumber, AgentOrigin, EndReason, Event, Refusal, Role, RoomId, StreamNumber, Visibility,
};
use crate::hub::act::{Act, Audience, Cost, Desk, Effect, Except, Me};
use crate::hub::acts::openings::dismiss;
use crate::hub::acts::tasks::end_leases;
use crate::hub::change::Change;
use crate::hub::directory::Room;
use crate::store::rooms;

/// Joins a room.
#[derive(Clone, Copy, Debug)]
pub struct JoinRoom {
    /// The room.
    pub room: Option<RoomId>,
}

impl Act for JoinRoom {
    type Receipt = ();
    const COST: Cost = Cost::Join;

    fn run(&self, desk: &mut Desk<'_>) -> Result<(), Refusal> {
        let me = desk.me()?;
        let room = desk.room(self.room)?;
        let agent = me.agent.number;
        if room.has_member(agent) {
            return Err(Refusal::AlreadyAMember);
        }
        let may_enter = room.visibility == Visibility::Public
            || me.agent.role == Role::Controller
            || room.owner == agent
            || room.invited.contains(&agent);
        if !may_enter {
            return Err(Refusal::NotInvited);
        }
        add_member(desk, room, &me)
    }
}

/// Leaves a room. The invitation stays, so the agent may come back.
#[derive(Clone, Copy, Debug)]
pub struct LeaveRoom {
    /// The room.
    pub room: Option<RoomId>,
}

impl Act for LeaveRoom {
    type Receipt = ();

    fn run(&self, desk: &mut Desk<'_>) -> Result<(), Refusal> {
        let me = desk.me()?;
        let room = desk.room(self.room)?;
        if room.is_lobby {
            return Err(Refusal::LobbyFixed);
        }
        if !room.has_member(me.agent.number) {
            return Err(Refusal::NotAMember);
        }
        remove_member(desk, room.number, me.agent.number, Except::Session(me.session))?;
        let event = Event::RoomLeft {
            room: room.id,
            agent: me.agent.id,
        };
        desk.tell(Desk::members(room), Except::Session(me.session), event);
        Ok(())
    }
}

/// Invites an agent into a room. In a public room that is a mere notice.
#[derive(Clone, Copy, Debug)]
pub struct InviteToRoom {
    /// The room.
    pub room: Option<RoomId>,
    /// Whom.
    pub agent: Option<AgentId>,
}

impl Act for InviteToRoom {
    type Receipt = ();

    fn run(&self, desk: &mut Desk<'_>) -> Result<(), Refusal> {
        let me = desk.me()?;
        let room = desk.governed_room(&me, self.room)?;
        let invited = desk.agent(self.agent)?;
        if invited.origin != AgentOrigin::Local {
            return Err(Refusal::Forbidden(
                "a peer is in the room that it was let into, and in no other",
            ));
        }
        if room.has_member(invited.number) {
            return Err(Refusal::AlreadyAMember);
        }
        rooms::add_invitation(desk.connection, room.number, invited.number)?;
        desk.change(Change::Invited {
            room: room.number,
            agent: invited.number,
        });
        let event = Event::RoomInvited {
            room: room.id,
            name: room.name.clone(),
            by: me.agent.id,
            by_name: me.name.clone(),
        };
        desk.tell(
            Audience::Agents(vec![invited.number]),
            Except::Session(me.session),
            event,
        );
        Ok(())
    }
}

/// Takes an agent out of a room. Its invitation goes too, else it would be back at once.
#[derive(Clone, Debug)]
pub struct KickFromRoom {
    /// The room.
    pub room: Option<RoomId>,
    /// Whom.
    pub agent: Option<AgentId>,
    /// Why, for the agent.
    pub reason: Option<String>,
}

impl Act for KickFromRoom {
    type Receipt = ();

    fn run(&self, desk: &mut Desk<'_>) -> Result<(), Refusal> {
        let me = desk.me()?;
        let room = desk.governed_room(&me, self.room)?;
        let kicked = desk.agent(self.agent)?;
        if !room.has_member(kicked.number) {
            return Err(Refusal::NotAMember);
        }
        if kicked.origin == AgentOrigin::P2p {
            // A guest is nowhere else.
            let reason = EndReason::Kicked(self.reason.clone());
            return dismiss(desk, kicked, &reason, Except::Session(me.session));
        }
        remove_member(desk, room.number, kicked.number, Except::Session(me.session))?;
        rooms::remove_invitation(desk.connection, room.number, kicked.number)?;
        desk.change(Change::Uninvited {
            room: room.number,
            agent: kicked.number,
        });
        let event = Event::Kicked {
            room: room.id,
            reason: self.reason.clone(),
        };
        desk.tell(
            Audience::Agents(vec![kicked.number]),
            Except::Session(me.session),
            event,
        );
        let remaining = room
            .members
            .keys()
            .copied()
            .filter(|agent| *agent != kicked.number)
            .collect();
        let event = Event::RoomLeft {
            room: room.id,
            agent: kicked.id,
        };
        desk.tell(Audience::Agents(remaining), Except::Session(me.session), event);
        Ok(())
    }
}

/// Makes `me` a member and tells the others.
pub(super) fn add_member(desk: &mut Desk<'_>, room: &Room, me: &Me<'_>) -> Result<(), Refusal> {
    let (agent, at_ms) = (me.agent.number, room.next_join_time(desk.now_ms));
    rooms::add_member(desk.connection, room.number, agent, at_ms)?;
    desk.change(Change::MemberAdded {
        room: room.number,
        agent,
        at_ms,
    });
    let event = Event::RoomJoined {
        room: room.id,
        agent: me.agent.id,
        name: me.name.clone(),
    };
    desk.tell(Desk::members(room), Except::Session(me.session), event.clone());
    // The members of before are told; the newcomer's other sessions belong to a member too.
    desk.tell(Audience::Agents(vec![agent]), Except::Session(me.session), event);
    Ok(())
}

/// Ends a membership, and with it what the agent has claimed in the room.
fn remove_member(desk: &mut Desk<'_>, room: StreamNumber, agent: AgentNumber, except: Except) -> Result<(), Refusal> {
    end_leases(desk, agent, Some(room), except)?;
    rooms::remove_member(desk.connection, room, agent)?;
    desk.change(Change::MemberRemoved { room, agent });
    desk.effect(Effect::Lose(room, Some(agent)));
    Ok(())
}
