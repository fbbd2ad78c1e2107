//! Getting a key for a token, and what ends by itself.

use super::keys::{Issued, end_former, end_sessions, issue_carded};
use super::sessions::LOCKED;
use crate::domain::{EndReason, KeyCard, KeyHash, KeyId, Name, Refusal, Role};
use crate::hub::act::{Act, Desk};
use crate::hub::change::Change;
use crate::hub::directory::Session;
use crate::hub::keyring::KeyChange;
use crate::store::keys;

/// Makes the key that a token stands for; the overlap with a key that it replaces begins. The token is void from then on: acts are decided one after the other, so of two
/// that show it at once the second one finds it used.
#[derive(Clone, Debug)]
pub struct Enrol {
    /// The hash of the token.
    pub token: KeyHash,
    /// What the agent calls the key; what the token says when left out.
    pub name: Option<Name>,
}

/// An agent that has a key now.
#[derive(Clone, Debug)]
pub struct Enrolled {
    /// The key.
    pub issued: Issued,
    /// The registered name of the agent.
    pub name: Name,
    /// What the agent may do.
    pub role: Role,
}

impl Act for Enrol {
    type Receipt = Enrolled;

    fn run(&self, desk: &mut Desk<'_>) -> Result<Enrolled, Refusal> {
        let state = desk.state;
        let enrolment = state
            .keys
            .enrolment(&self.token, desk.now_ms)
            .ok_or(Refusal::EnrolmentFailed)?;
        let agent = state
            .agent(enrolment.card.agent)
            .filter(|agent| !agent.revoked)
            .ok_or(Refusal::EnrolmentFailed)?;
        if agent.banned {
            return Err(Refusal::Banned);
        }
        if state.locked && agent.role != Role::Controller {
            return Err(LOCKED);
        }
        let id = enrolment.card.id;
        desk.concerns(&agent.id);
        desk.concerns(&id);
        keys::delete(desk.connection, id)?;
        desk.change(Change::Key(KeyChange::Removed(id)));
        // It may have gone meanwhile.
        let replaced = enrolment
            .replaces
            .and_then(|replaces| Some((replaces, state.keys.by_id(replaces.key)?)));
        if let Some((replaces, former)) = replaced {
            desk.concerns(&former.id);
            end_former(desk, former, replaces.overlap_ms, (None, None))?;
        }
        let card = KeyCard {
            name: self.name.clone().unwrap_or_else(|| enrolment.card.name.clone()),
            created_at_ms: desk.now_ms,
            ..enrolment.card.clone()
        };
        Ok(Enrolled {
            issued: issue_carded(desk, agent.id, agent.role, card)?,
            name: agent.name.clone(),
            role: agent.role,
        })
    }
}

/// Ends the sessions whose key has expired. Stores nothing, so that they end even while the disk takes nothing.
#[derive(Clone, Copy, Debug)]
pub struct EndExpiredSessions;

impl Act for EndExpiredSessions {
    type Receipt = ();
    const STORES: bool = false;

    fn run(&self, desk: &mut Desk<'_>) -> Result<(), Refusal> {
        desk.operator()?;
        let state = desk.state;
        let is_expired = |key: &KeyId| state.keys.by_id(*key).is_none_or(|card| card.is_expired(desk.now_ms));
        let mut expired: Vec<KeyId> = state
            .sessions
            .values()
            .filter_map(Session::key)
            .filter(is_expired)
            .collect();
        expired.sort_unstable();
        expired.dedup();
        for key in expired {
            end_sessions(desk, key, None, None, &EndReason::KeyExpired);
        }
        Ok(())
    }
}

/// Forgets keys and tokens that have ended.
#[derive(Clone, Copy, Debug)]
pub struct ForgetExpiredKeys {
    /// Before [`EndExpiredSessions`], in milliseconds since 1970: what ends later may still have sessions.
    pub now_ms: i64,
}

impl Act for ForgetExpiredKeys {
    type Receipt = ();

    fn run(&self, desk: &mut Desk<'_>) -> Result<(), Refusal> {
        desk.operator()?;
        keys::delete_expired(desk.connection, self.now_ms)?;
        desk.change(Change::Key(KeyChange::Expired(self.now_ms)));
        Ok(())
    }
}
