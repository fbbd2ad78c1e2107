//! Governing agents: letting them in, sending them away, shutting them out.

use crate::domain::{AgentId, AgentNumber, AgentOrigin, EndReason, Event, KeyScope, Name, Refusal, Role, SessionId};
use crate::hub::act::{Act, Audience, Cost, Desk, Effect, Except, Me};
use crate::hub::acts::keys::{FIRST_KEY, Issued, NewKey, Whose, issue_new, issue_new_token, owner};
use crate::hub::acts::openings::{close_of_agent, dismiss, free_place};
use crate::hub::acts::rooms::{owner_changed, pass_to};
use crate::hub::acts::sessions::end_all;
use crate::hub::acts::tasks::end_leases;
use crate::hub::change::Change;
use crate::hub::directory::{Agent, Room};
use crate::hub::leases::Claim;
use crate::store::{agents, keys, rooms};

/// Registers a participant and makes its key, or a token for it.
#[derive(Clone, Debug)]
pub struct InviteAgent {
    /// Its registered name.
    pub name: Name,
    /// What its key is to be; the name of the key can be left out.
    pub key: (Option<Name>, Option<i64>, KeyScope),
    /// Whether to make a token instead of the key.
    pub enrol: bool,
}

/// A registered participant.
#[derive(Clone, Debug)]
pub struct Invited {
    /// Its registered name.
    pub name: Name,
    /// Its key, or the token for it.
    pub issued: Issued,
}

impl Act for InviteAgent {
    type Receipt = Invited;

    fn run(&self, desk: &mut Desk<'_>) -> Result<Invited, Refusal> {
        desk.controller()?;
        let id = AgentId(uuid::Builder::from_random_bytes(desk.random()?).into_uuid());
        let number = agents::insert(
            desk.connection,
            id,
            &self.name,
            (Role::Participant, AgentOrigin::Local),
            desk.now_ms,
        )?;
        let row = agents::AgentRow {
            number,
            id,
            name: self.name.clone(),
            role: Role::Participant,
            origin: AgentOrigin::Local,
            last_seen_ms: None,
            banned: false,
            revoked: false,
        };
        desk.change(Change::AgentAdded(row));
        desk.concerns(&id);
        let (name, expires_at_ms, scope) = self.key.clone();
        let key = NewKey {
            name: name.unwrap_or_else(|| Name::from_stored(FIRST_KEY)),
            expires_at_ms,
            scope,
        };
        let issued = if self.enrol {
            issue_new_token(desk, (number, id), key, None)?
        } else {
            issue_new(desk, (number, id), key)?
        };
        Ok(Invited {
            name: self.name.clone(),
            issued,
        })
    }
}

/// Ends all sessions of an agent. It may come back.
#[derive(Clone, Debug)]
pub struct KickAgent {
    /// Whom.
    pub agent: Option<AgentId>,
    /// Why, for the agent.
    pub reason: Option<String>,
}

impl Act for KickAgent {
    /// What it held, for [`EndLeases`](super::EndLeases).
    type Receipt = Vec<Claim>;
    const STORES: bool = false;

    fn run(&self, desk: &mut Desk<'_>) -> Result<Vec<Claim>, Refusal> {
        let me = desk.controller()?;
        let agent = desk.agent(self.agent)?;
        cut_off(
            desk,
            Except::Session(me.session),
            agent,
            &EndReason::Kicked(self.reason.clone()),
        );
        Ok(desk.state.leases.held_by(agent.number, None))
    }
}

/// Shuts an agent out until it is unbanned. Its memberships stay.
#[derive(Clone, Debug)]
pub struct BanAgent {
    /// Whom.
    pub agent: Option<AgentId>,
    /// Why, for the agent.
    pub reason: Option<String>,
}

impl Act for BanAgent {
    type Receipt = ();

    fn run(&self, desk: &mut Desk<'_>) -> Result<(), Refusal> {
        let me = desk.controller()?;
        let agent = other_than_controller(desk, self.agent)?;
        agents::set_banned(desk.connection, agent.number, Some(desk.now_ms))?;
        desk.change(Change::AgentBanned(agent.number, true));
        let (except, reason) = (Except::Session(me.session), EndReason::Banned(self.reason.clone()));
        if agent.origin == AgentOrigin::P2p {
            return dismiss(desk, agent, &reason, except);
        }
        close_of_agent(desk, agent.number, None, except)?;
        end_leases(desk, agent.number, None, except)?;
        cut_off(desk, except, agent, &reason);
        Ok(())
    }
}

/// Lets a banned agent in again.
#[derive(Clone, Copy, Debug)]
pub struct UnbanAgent {
    /// Whom.
    pub agent: Option<AgentId>,
}

impl Act for UnbanAgent {
    type Receipt = ();

    fn run(&self, desk: &mut Desk<'_>) -> Result<(), Refusal> {
        desk.controller()?;
        let agent = desk.agent(self.agent)?;
        agents::set_banned(desk.connection, agent.number, None)?;
        desk.change(Change::AgentBanned(agent.number, false));
        Ok(())
    }
}

/// Gives an agent another registered name. What it said keeps the name under which it was said.
#[derive(Clone, Debug)]
pub struct RenameAgent {
    /// Whom.
    pub whose: Whose,
    /// Its name from now on.
    pub name: Name,
}

impl Act for RenameAgent {
    type Receipt = AgentId;
    const COST: Cost = Cost::Announcement;

    fn run(&self, desk: &mut Desk<'_>) -> Result<AgentId, Refusal> {
        let me = desk.me()?;
        let agent = owner(desk, &me, self.whose)?;
        if agent.name == self.name {
            desk.forgo_note();
            return Ok(agent.id);
        }
        agents::set_name(desk.connection, agent.number, &self.name)?;
        desk.change(Change::AgentRenamed(agent.number, self.name.clone()));
        let by_old_name = |session: &SessionId| {
            let session = desk.state.session(*session);
            session.is_some_and(|session| session.name == agent.name)
        };
        let sessions = agent.sessions.iter().copied().filter(by_old_name).collect();
        let presence = Event::Presence {
            agent: agent.id,
            name: self.name.clone(),
            online: true,
        };
        desk.effect(Effect::Rename(agent.number, sessions, presence));
        let event = Event::AgentRenamed {
            agent: agent.id,
            name: self.name.clone(),
            previous: agent.name.clone(),
        };
        desk.tell(Audience::Everyone, Except::Session(me.session), event);
        Ok(agent.id)
    }
}

/// Removes an agent for good: its keys are void, it is in no room, its rooms pass to the controller. What it said stays.
#[derive(Clone, Copy, Debug)]
pub struct RevokeAgent {
    /// Whom.
    pub agent: Option<AgentId>,
}

impl Act for RevokeAgent {
    type Receipt = ();

    fn run(&self, desk: &mut Desk<'_>) -> Result<(), Refusal> {
        let me = desk.controller()?;
        let agent = other_than_controller(desk, self.agent)?;
        free_place(desk, agent)?;
        let owned: Vec<&Room> = desk
            .state
            .rooms
            .values()
            .filter(|room| room.owner == agent.number && !room.deleted)
            .collect();
        close_of_agent(desk, agent.number, None, Except::Session(me.session))?;
        remove_agent(desk, agent, &EndReason::Revoked, Except::Session(me.session))?;
        for room in owned {
            inherit(desk, &me, agent.number, room)?;
        }
        Ok(())
    }
}

/// Takes an agent out of everything for good, but for what it said, and tells the others.
pub(super) fn remove_agent(
    desk: &mut Desk<'_>,
    agent: &Agent,
    reason: &EndReason,
    except: Except,
) -> Result<(), Refusal> {
    keys::delete_of_agent(desk.connection, agent.number)?;
    agents::set_revoked(desk.connection, agent.number, desk.now_ms)?;
    rooms::forget_agent(desk.connection, agent.number)?;
    end_leases(desk, agent.number, None, except)?;
    cut_off(desk, except, agent, reason);
    let joined: Vec<&Room> = desk
        .state
        .rooms
        .values()
        .filter(|room| room.has_member(agent.number))
        .collect();
    for room in joined {
        let remaining = room
            .members
            .keys()
            .copied()
            .filter(|member| *member != agent.number)
            .collect();
        let event = Event::RoomLeft {
            room: room.id,
            agent: agent.id,
        };
        desk.tell(Audience::Agents(remaining), except, event);
    }
    desk.change(Change::AgentRevoked(agent.number));
    Ok(())
}

fn inherit(desk: &mut Desk<'_>, me: &Me<'_>, from: AgentNumber, room: &Room) -> Result<(), Refusal> {
    pass_to(desk, room, me.agent.number)?;
    let event = owner_changed(desk, room, me.agent.number);
    let audience = match desk.audience(room, room.visibility) {
        Audience::Agents(agents) => Audience::Agents(agents.into_iter().filter(|agent| *agent != from).collect()),
        other => other,
    };
    desk.tell(audience, Except::Session(me.session), event);
    Ok(())
}

/// There is one controller and no way to get another, so it cannot shut itself out.
fn other_than_controller<'a>(desk: &Desk<'a>, agent: Option<AgentId>) -> Result<&'a Agent, Refusal> {
    let agent = desk.agent(agent)?;
    if agent.role == Role::Controller {
        return Err(Refusal::Forbidden("the controller cannot be banned or revoked"));
    }
    Ok(agent)
}

/// Ends every session of `agent` and tells the others that it is gone.
fn cut_off(desk: &mut Desk<'_>, except: Except, agent: &Agent, reason: &EndReason) {
    if !agent.is_online() {
        return;
    }
    let name = end_all(desk, agent, reason);
    let event = Event::Presence {
        agent: agent.id,
        name,
        online: false,
    };
    desk.effect(Effect::Tell(Audience::Everyone, except, event));
}
