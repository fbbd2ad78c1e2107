//! Sessions: coming in with a key, and going.

use std::sync::Arc;

use crate::domain::{AgentId, AgentNumber, EndReason, Event, KeyHash, KeyId, Name, Refusal, Role, RoomId, SessionId};
use crate::hub::act::{Act, Audience, Desk, Effect, Except, Opened};
use crate::hub::change::Change;
use crate::hub::directory::Agent;
use crate::hub::feed::Feed;
use crate::hub::keyring::KeyChange;
use crate::store::{agents, keys, rooms};

/// Lets an agent in. Stores nothing, so that agents get in even while the disk takes nothing; what is to be remembered of
/// it is stored by [`RecordSeen`].
#[derive(Clone)]
pub struct OpenSession {
    /// The hash of the key it showed.
    pub key: KeyHash,
    /// The name it wants to go by in this session.
    pub name: Option<Name>,
    /// The id that the session gets; never used before.
    pub session: SessionId,
    /// What the session is shown.
    pub feed: Arc<Feed>,
}

/// What an agent learns when it comes in.
#[derive(Clone, Debug)]
pub struct Admitted {
    /// Its short key.
    pub number: AgentNumber,
    /// Its id.
    pub id: AgentId,
    /// What it may do.
    pub role: Role,
    /// The key that it came in with.
    pub key: KeyId,
    /// The name it goes by in this session.
    pub name: Name,
    /// The lobby.
    pub lobby: RoomId,
    /// Its name.
    pub lobby_name: Name,
    /// The message of the day.
    pub motd: Option<String>,
}

impl Act for OpenSession {
    type Receipt = Admitted;
    const STORES: bool = false;

    fn run(&self, desk: &mut Desk<'_>) -> Result<Admitted, Refusal> {
        let state = desk.state;
        let card = state.key(&self.key, desk.now_ms).ok_or(Refusal::AuthFailed)?;
        let agent = state.agent(card.agent).ok_or(Refusal::AuthFailed)?;
        if agent.banned {
            return Err(Refusal::Banned);
        }
        if state.locked && agent.role != Role::Controller {
            return Err(LOCKED);
        }
        let lobby = state
            .lobby()
            .ok_or_else(|| Refusal::Internal("there is no lobby".into()))?;
        let name = self.name.clone().unwrap_or_else(|| agent.name.clone());
        let (session, at_ms) = (self.session, lobby.next_join_time(desk.now_ms));
        let cap = desk.limits.sessions_per_agent as usize;
        if cap > 0 && agent.sessions.len() >= cap {
            for oldest in &agent.sessions[..=agent.sessions.len() - cap] {
                desk.change(Change::SessionClosed(*oldest));
                desk.effect(Effect::End(*oldest, EndReason::Replaced));
            }
        }
        desk.change(Change::SessionOpened {
            session,
            agent: agent.number,
            key: card.id,
            name: name.clone(),
            at_ms,
        });
        let presence = Event::Presence {
            agent: agent.id,
            name: name.clone(),
            online: true,
        };
        desk.effect(Effect::Open(Opened {
            session,
            agent: agent.number,
            scope: card.scope.clone(),
            feed: Arc::clone(&self.feed),
            presence: presence.clone(),
        }));
        desk.effect(Effect::Greet(session, agent.number));
        if !agent.is_online() {
            desk.tell(Audience::Everyone, Except::Agent(agent.number), presence);
        }
        Ok(Admitted {
            number: agent.number,
            id: agent.id,
            role: agent.role,
            key: card.id,
            name,
            lobby: lobby.id,
            lobby_name: lobby.name.clone(),
            motd: state.motd.as_deref().map(str::to_owned),
        })
    }
}

pub(super) const LOCKED: Refusal = Refusal::Forbidden("the server is locked: no new connections are admitted for now");

/// Notes that a session is gone.
#[derive(Clone, Copy, Debug)]
pub struct CloseSession {
    /// Which.
    pub session: SessionId,
}

impl Act for CloseSession {
    type Receipt = ();
    const STORES: bool = false;

    fn run(&self, desk: &mut Desk<'_>) -> Result<(), Refusal> {
        let state = desk.state;
        // A session that was ended by the server is gone already.
        let Some(session) = state.session(self.session) else {
            return Ok(());
        };
        desk.change(Change::SessionClosed(self.session));
        desk.effect(Effect::Close(self.session));
        if let Some(agent) = state.agent(session.agent).filter(|agent| agent.sessions.len() == 1) {
            let event = Event::Presence {
                agent: agent.id,
                name: session.name.clone(),
                online: false,
            };
            desk.tell(Audience::Everyone, Except::Agent(agent.number), event);
        }
        Ok(())
    }
}

/// How exactly the last use of a key is remembered.
const LAST_USED_PRECISION_MS: i64 = 60_000;

/// Stores that an agent was there, and that it belongs to the lobby since.
#[derive(Clone, Copy, Debug)]
pub struct RecordSeen {
    /// Which.
    pub agent: AgentNumber,
    /// The key that it came in with.
    pub key: KeyId,
}

impl Act for RecordSeen {
    type Receipt = ();

    fn run(&self, desk: &mut Desk<'_>) -> Result<(), Refusal> {
        desk.operator()?;
        let state = desk.state;
        let Some(agent) = state.agent(self.agent).filter(|agent| !agent.revoked) else {
            return Ok(());
        };
        agents::set_last_seen(desk.connection, agent.number, desk.now_ms)?;
        if let Some(joined_at_ms) = state.lobby().and_then(|lobby| lobby.members.get(&agent.number)) {
            rooms::add_member(desk.connection, state.lobby, agent.number, *joined_at_ms)?;
        }
        desk.change(Change::AgentSeen(agent.number, desk.now_ms));
        let key = state.keys.by_id(self.key);
        let is_old = |at_ms: Option<i64>| at_ms.is_none_or(|at_ms| desk.now_ms - at_ms >= LAST_USED_PRECISION_MS);
        if key.is_some_and(|card| is_old(card.last_used_ms)) {
            keys::set_last_used(desk.connection, self.key, desk.now_ms)?;
            desk.change(Change::Key(KeyChange::Used(self.key, desk.now_ms)));
        }
        Ok(())
    }
}

/// Ends every session of an agent; the name by which the others knew it.
pub(super) fn end_all(desk: &mut Desk<'_>, agent: &Agent, reason: &EndReason) -> Name {
    let first = agent.sessions.first().and_then(|session| desk.state.session(*session));
    let name = first.map_or_else(|| agent.name.clone(), |session| session.name.clone());
    for session in &agent.sessions {
        desk.change(Change::SessionClosed(*session));
        desk.effect(Effect::End(*session, reason.clone()));
    }
    name
}
