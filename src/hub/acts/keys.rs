//! The life of keys: more of them, other ones in their place, and their end.

use crate::domain::{
    AgentId, AgentNumber, AgentOrigin, ApiKey, EndReason, EnrolmentToken, Event, KeyCard, KeyId, KeyScope, Name,
    Refusal, Role, SessionId,
};
use crate::hub::act::{Act, Audience, Desk, Effect, Except, Me};
use crate::hub::change::Change;
use crate::hub::directory::Agent;
use crate::hub::keyring::KeyChange;
use crate::store::keys::{self, Enrolment, Replaces};

/// Whose key it is about.
#[derive(Clone, Copy, Debug)]
pub enum Whose {
    /// The caller's own.
    Mine,
    /// An agent's; `None` stands for an id that names none.
    Of(Option<AgentId>),
}

/// What a new key is to be.
#[derive(Clone, Debug)]
pub struct NewKey {
    /// What to call it.
    pub name: Name,
    /// When it ends, in milliseconds since 1970.
    pub expires_at_ms: Option<i64>,
    /// What it may be used for.
    pub scope: KeyScope,
}

/// A new key, or the token for which its agent gets it. The only place where either is ever seen.
#[derive(Clone, Debug)]
pub struct Issued {
    /// What is known of the key.
    pub card: KeyCard,
    /// The secret.
    pub secret: Secret,
    /// The agent.
    pub agent: AgentId,
}

/// What is handed out.
#[derive(Clone, Debug)]
pub enum Secret {
    /// The key itself.
    Key(ApiKey),
    /// A token for it, and when the token ends.
    Token(EnrolmentToken, i64),
}

/// Makes a further key. The controller gets a token where the key is another agent's.
#[derive(Clone, Debug)]
pub struct CreateKey {
    /// Whose.
    pub whose: Whose,
    /// What it is to be.
    pub key: NewKey,
}

impl Act for CreateKey {
    type Receipt = Issued;

    fn run(&self, desk: &mut Desk<'_>) -> Result<Issued, Refusal> {
        let me = desk.me()?;
        let agent = owner(desk, &me, self.whose)?;
        check_number(desk, agent.number, 0)?;
        let mut key = self.key.clone();
        if agent.number == me.agent.number {
            // Nothing that a session makes outlives what it came in with.
            key.expires_at_ms = earlier(key.expires_at_ms, own_key(desk, &me)?.expires_at_ms);
            issue_key(desk, agent, key)
        } else {
            issue_token(desk, agent, key, None)
        }
    }
}

/// Puts another key in the place of one. Both work until the overlap is over, which begins when the other one is there: for
/// another agent, when it has shown its token.
#[derive(Clone, Debug)]
pub struct RotateKey {
    /// Whose.
    pub whose: Whose,
    /// Which; where it is left out the one of the session, or the only one of the other agent.
    pub key: Option<Option<KeyId>>,
    /// How long the former key goes on working, in milliseconds.
    pub overlap_ms: Option<i64>,
    /// What to call the new key; like the former one when left out.
    pub name: Option<Name>,
    /// When the new key ends, if that is to be earlier than the end of the former one.
    pub expires_at_ms: Option<i64>,
}

/// What became of a rotation.
#[derive(Clone, Debug)]
pub struct Rotated {
    /// The new key, or the token for it.
    pub issued: Issued,
    /// The former key.
    pub former: KeyId,
    /// When it ends, as far as that is known now, in milliseconds since 1970.
    pub former_ends_at_ms: Option<i64>,
}

impl Act for RotateKey {
    type Receipt = Rotated;

    fn run(&self, desk: &mut Desk<'_>) -> Result<Rotated, Refusal> {
        let me = desk.me()?;
        let agent = owner(desk, &me, self.whose)?;
        let is_mine = agent.number == me.agent.number;
        let former = self.former(desk, &me, agent)?;
        let overlap_ms = self.overlap_ms.unwrap_or(desk.limits.key_overlap_ms);
        check_number(desk, agent.number, usize::from(overlap_ms == 0))?;

        let mut key = NewKey {
            name: self.name.clone().unwrap_or_else(|| former.name.clone()),
            expires_at_ms: earlier(former.expires_at_ms, self.expires_at_ms),
            scope: former.scope.clone(),
        };
        if is_mine {
            // Nothing that a session makes outlives what it came in with, whichever key it replaces.
            key.expires_at_ms = earlier(key.expires_at_ms, own_key(desk, &me)?.expires_at_ms);
        }
        desk.concerns(&former.id);
        if !is_mine {
            let replaces = Replaces {
                key: former.id,
                overlap_ms,
            };
            return Ok(Rotated {
                issued: issue_token(desk, agent, key, Some(replaces))?,
                former: former.id,
                former_ends_at_ms: former.expires_at_ms,
            });
        }
        let issued = issue_key(desk, agent, key)?;
        // Whoever asked is answered on this session, so it goes on, with the new key.
        let is_current = session_key(desk, me.session) == Some(former.id);
        if is_current {
            desk.change(Change::SessionRekeyed(me.session, issued.card.id));
        }
        let spared = is_current.then_some(me.session);
        let ends_at_ms = end_former(desk, former, overlap_ms, (spared, Some(me.session)))?;
        Ok(Rotated {
            issued,
            former: former.id,
            former_ends_at_ms: Some(ends_at_ms),
        })
    }
}

/// Lets a key that was replaced end after `overlap_ms`, or its sessions at once: but not the spared one, and without telling
/// whoever asked. When it ends, in milliseconds since 1970.
pub(super) fn end_former(
    desk: &mut Desk<'_>,
    former: &KeyCard,
    overlap_ms: i64,
    (spared, asked): (Option<SessionId>, Option<SessionId>),
) -> Result<i64, Refusal> {
    let ends_at_ms = former
        .expires_at_ms
        .unwrap_or(i64::MAX)
        .min(desk.now_ms.saturating_add(overlap_ms));
    if overlap_ms == 0 {
        keys::delete(desk.connection, former.id)?;
        desk.change(Change::Key(KeyChange::Removed(former.id)));
        end_sessions(desk, former.id, spared, asked, &EndReason::KeyReplaced);
    } else {
        keys::set_expiry(desk.connection, former.id, ends_at_ms)?;
        desk.change(Change::Key(KeyChange::ExpiresAt(former.id, ends_at_ms)));
    }
    Ok(ends_at_ms)
}

impl RotateKey {
    /// The key to be replaced.
    fn former<'a>(&self, desk: &Desk<'a>, me: &Me<'a>, agent: &Agent) -> Result<&'a KeyCard, Refusal> {
        let mut cards = desk.state.keys.of_agent(agent.number, desk.now_ms);
        let wanted = match self.key {
            Some(key) => Some(key.ok_or(Refusal::KeyNotFound)?),
            None if agent.number == me.agent.number => session_key(desk, me.session),
            None => None,
        };
        match wanted {
            Some(key) => cards
                .into_iter()
                .find(|card| card.id == key)
                .ok_or(Refusal::KeyNotFound),
            None if cards.len() > 1 => Err(Refusal::InvalidParams(
                "`keyId` is needed: the agent has several keys, and `agent.listKeys` names them".into(),
            )),
            // Nothing says what a key of an agent without one is to be; `agent.createKey` does.
            None => cards.pop().ok_or(Refusal::KeyNotFound),
        }
    }
}

/// What a key is called that nobody named.
pub(super) const FIRST_KEY: &str = "main";

/// Makes one key void, or the token for one.
#[derive(Clone, Copy, Debug)]
pub struct RevokeKey {
    /// Whose.
    pub whose: Whose,
    /// Which; `None` stands for an id that names none.
    pub key: Option<KeyId>,
}

impl Act for RevokeKey {
    type Receipt = ();

    fn run(&self, desk: &mut Desk<'_>) -> Result<(), Refusal> {
        let me = desk.me()?;
        let agent = owner(desk, &me, self.whose)?;
        let key = self.key.ok_or(Refusal::KeyNotFound)?;
        let ring = &desk.state.keys;
        let is_made = ring.by_id(key).is_some_and(|card| card.agent == agent.number);
        let is_open = ring
            .enrolments_of(agent.number, desk.now_ms)
            .iter()
            .any(|entry| entry.card.id == key);
        if !is_made && !is_open {
            return Err(Refusal::KeyNotFound);
        }
        if session_key(desk, me.session) == Some(key) {
            return Err(Refusal::Forbidden(
                "a session cannot revoke the key that it came in with; use `agent.rotateKey`",
            ));
        }
        keys::delete(desk.connection, key)?;
        desk.change(Change::Key(KeyChange::Removed(key)));
        end_sessions(desk, key, None, Some(me.session), &EndReason::KeyRevoked);
        Ok(())
    }
}

/// The agent whose keys are meant: one's own, or anybody's for the controller.
pub(super) fn owner<'a>(desk: &Desk<'a>, me: &Me<'a>, whose: Whose) -> Result<&'a Agent, Refusal> {
    match whose {
        Whose::Mine => Ok(me.agent),
        Whose::Of(Some(id)) if id == me.agent.id => Ok(me.agent),
        Whose::Of(_) if me.agent.role != Role::Controller => {
            Err(Refusal::Forbidden("only the controller may do this for another agent"))
        }
        Whose::Of(id) => desk.agent(id),
    }
}

fn session_key(desk: &Desk<'_>, session: SessionId) -> Option<KeyId> {
    desk.state.session(session)?.key()
}

fn own_key<'a>(desk: &Desk<'a>, me: &Me<'_>) -> Result<&'a KeyCard, Refusal> {
    session_key(desk, me.session)
        .and_then(|key| desk.state.keys.by_id(key))
        .ok_or(Refusal::SessionEnded)
}

fn earlier(one: Option<i64>, other: Option<i64>) -> Option<i64> {
    [one, other].into_iter().flatten().min()
}

/// Refuses one key more than an agent may have, when it is about to lose `leaving` of them.
fn check_number(desk: &Desk<'_>, agent: AgentNumber, leaving: usize) -> Result<(), Refusal> {
    if desk
        .state
        .agent(agent)
        .is_some_and(|agent| agent.origin != AgentOrigin::Local)
    {
        return Err(Refusal::Forbidden("a peer has no API keys"));
    }
    let limit = desk.limits.keys_per_agent;
    let ring = &desk.state.keys;
    let present = ring.of_agent(agent, desk.now_ms).len() + ring.enrolments_of(agent, desk.now_ms).len();
    if present - leaving.min(present) >= limit as usize {
        return Err(Refusal::KeyLimit(limit));
    }
    Ok(())
}

fn card(desk: &Desk<'_>, agent: AgentNumber, key: NewKey) -> Result<KeyCard, Refusal> {
    if key.expires_at_ms.is_some_and(|at_ms| at_ms <= desk.now_ms) {
        return Err(Refusal::InvalidParams("`expiresAt` must be in the future".into()));
    }
    Ok(KeyCard {
        id: KeyId(uuid::Builder::from_random_bytes(desk.random()?).into_uuid()),
        agent,
        name: key.name,
        created_at_ms: desk.now_ms,
        expires_at_ms: key.expires_at_ms,
        last_used_ms: None,
        scope: key.scope,
    })
}

/// Makes a key and stores its hash.
fn issue_key(desk: &mut Desk<'_>, agent: &Agent, key: NewKey) -> Result<Issued, Refusal> {
    let card = card(desk, agent.number, key)?;
    desk.concerns(&card.id);
    issue_carded(desk, agent.id, agent.role, card)
}

pub(super) fn issue_new(desk: &mut Desk<'_>, agent: (AgentNumber, AgentId), key: NewKey) -> Result<Issued, Refusal> {
    let card = card(desk, agent.0, key)?;
    desk.concerns(&card.id);
    issue_carded(desk, agent.1, Role::Participant, card)
}

/// Makes the key that `card` describes.
pub(super) fn issue_carded(desk: &mut Desk<'_>, agent: AgentId, role: Role, card: KeyCard) -> Result<Issued, Refusal> {
    let key = ApiKey::from_random(role, desk.random()?);
    keys::insert(desk.connection, key.hash(), &card)?;
    desk.change(Change::Key(KeyChange::Added(key.hash(), card.clone())));
    Ok(Issued {
        card,
        secret: Secret::Key(key),
        agent,
    })
}

fn issue_token(desk: &mut Desk<'_>, agent: &Agent, key: NewKey, replaces: Option<Replaces>) -> Result<Issued, Refusal> {
    issue_new_token(desk, (agent.number, agent.id), key, replaces)
}

/// Makes a token for a key and stores its hash.
pub(super) fn issue_new_token(
    desk: &mut Desk<'_>,
    (number, agent): (AgentNumber, AgentId),
    key: NewKey,
    replaces: Option<Replaces>,
) -> Result<Issued, Refusal> {
    let card = card(desk, number, key)?;
    let token = EnrolmentToken::from_random(desk.random()?);
    let enrolment = Enrolment {
        card: card.clone(),
        token_expires_at_ms: desk.now_ms.saturating_add(desk.limits.enrolment_expiry_ms),
        replaces,
    };
    let ends_at_ms = enrolment.token_expires_at_ms;
    desk.concerns(&card.id);
    keys::insert_enrolment(desk.connection, token.hash(), &enrolment)?;
    desk.change(Change::Key(KeyChange::EnrolmentAdded(token.hash(), enrolment)));
    Ok(Issued {
        card,
        secret: Secret::Token(token, ends_at_ms),
        agent,
    })
}

/// Ends the sessions that came in with `key`, but not `spared`, and tells the others, but not `asked`, when that was
/// the last of their agent.
pub(super) fn end_sessions(
    desk: &mut Desk<'_>,
    key: KeyId,
    spared: Option<SessionId>,
    asked: Option<SessionId>,
    reason: &EndReason,
) {
    let state = desk.state;
    // Not by way of the key, which may be gone already.
    let live = state.sessions.values().find(|session| session.key() == Some(key));
    let Some(agent) = live.and_then(|session| state.agent(session.agent)) else {
        return;
    };
    let is_on_it = |session: &&SessionId| {
        Some(**session) != spared
            && state
                .session(**session)
                .is_some_and(|session| session.key() == Some(key))
    };
    let ended: Vec<SessionId> = agent.sessions.iter().filter(is_on_it).copied().collect();
    for session in &ended {
        desk.change(Change::SessionClosed(*session));
        desk.effect(Effect::End(*session, reason.clone()));
    }
    if ended.is_empty() || ended.len() < agent.sessions.len() {
        return;
    }
    let first = agent.sessions.first().and_then(|session| state.session(*session));
    let name = first.map_or_else(|| agent.name.clone(), |session| session.name.clone());
    let event = Event::Presence {
        agent: agent.id,
        name,
        online: false,
    };
    let except = asked.map_or(Except::Nobody, Except::Session);
    desk.tell(Audience::Everyone, except, event);
}
