//! The state of one connection.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::value::RawValue;
use tokio::sync::Semaphore;

use super::audit;
use super::dispatch::Flow;
use super::handlers::key::{issued_result, key_name};
use super::reply::{ReplyTo, Responder};
use super::resume::Resuming;
use super::scope;
use super::table::read_params;
use super::{Outlet, Rpc};
use crate::domain::{KeyHash, KeyId, KeyScope, Name, Refusal, Role, SessionId};
use crate::hub::acts::{Admitted, CloseSession, Enrol, OpenSession, RecordSeen};
use crate::hub::{Beginning, Caller, Feed, Flushes, Link};
use crate::protocol::VERSION;
use crate::protocol::codes::CloseCode;
use crate::protocol::methods::{
    AgentEnrol, AgentEnrolParams, AgentEnrolResult, AuthParams, AuthResult, KeyObject, LobbyObject, Method, MethodSpec,
};
use crate::runtime::metrics::{AuthLabels, AuthOutcome};

/// Who is at the other end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Peer {
    /// Somebody on the network, who must authenticate.
    Network(IpAddr),
    /// The operator, who could open the socket in the data directory.
    Operator,
}

/// One connection and who it proved to be.
pub struct Session {
    pub(super) rpc: Arc<Rpc>,
    pub(super) outlet: Arc<dyn Outlet>,
    pub(super) feed: Arc<Feed>,
    pub(super) in_flight: Arc<Semaphore>,
    /// Set when a method panicked and the request was answered nevertheless.
    pub(super) panicked: Arc<AtomicBool>,
    pub(super) peer: Peer,
    state: State,
    /// See [`Session::entered`].
    entered: Arc<AtomicBool>,
    failures: u32,
}

enum State {
    Stranger,
    /// Asked to be let in; whether it was is not known yet.
    Entering(SessionId),
    Agent {
        caller: Caller,
        session: SessionId,
        role: Role,
        key: KeyId,
        scope: KeyScope,
    },
    Operator,
}

impl Session {
    /// The state of a new connection.
    pub fn new(rpc: Arc<Rpc>, outlet: Arc<dyn Outlet>, peer: Peer) -> Self {
        let in_flight = Arc::new(Semaphore::new(rpc.limits.in_flight as usize));
        let state = match peer {
            Peer::Network(_) => State::Stranger,
            Peer::Operator => State::Operator,
        };
        let feed = Feed::new(Arc::clone(&outlet) as Arc<dyn Link>);
        Self {
            rpc,
            outlet,
            feed,
            in_flight,
            panicked: Arc::default(),
            peer,
            state,
            entered: Arc::new(AtomicBool::new(peer == Peer::Operator)),
            failures: 0,
        }
    }

    /// What it is shown.
    pub fn feed(&self) -> Arc<Feed> {
        Arc::clone(&self.feed)
    }

    /// Whether it ever proved who it is. That is so before `auth` is answered, and while the rest of its batch is carried
    /// out.
    pub fn entered(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.entered)
    }

    /// Whether it is neither outside nor inside: a login was begun and has not ended.
    pub(super) fn is_entering(&self) -> bool {
        matches!(self.state, State::Entering(_))
    }

    /// Who it proved to be.
    pub(super) fn caller(&self) -> Option<Caller> {
        match self.state {
            State::Stranger | State::Entering(_) => None,
            State::Agent { caller, .. } => Some(caller),
            State::Operator => Some(Caller::Operator),
        }
    }

    /// Refuses what is outside the scope of the key.
    pub(super) fn check_scope(&self, method: &MethodSpec, params: Option<&RawValue>) -> Result<(), Refusal> {
        match &self.state {
            State::Agent { scope, .. } => scope::check(scope, method, params),
            State::Stranger | State::Entering(_) | State::Operator => Ok(()),
        }
    }

    pub(super) fn is_controller(&self) -> bool {
        matches!(
            self.state,
            State::Agent {
                role: Role::Controller,
                ..
            }
        )
    }

    /// The connection is gone.
    pub async fn close(&mut self) {
        let (session, agent) = match self.state {
            State::Stranger | State::Operator => return,
            State::Entering(session) => (session, None),
            State::Agent {
                session, caller, key, ..
            } => (session, Some((caller, key))),
        };
        self.state = State::Stranger;
        let hub = &self.rpc.hub;
        hub.submit(Caller::Server, CloseSession { session }, Box::new(|_, _| {}))
            .await;
        if let Some((Caller::Session { agent, .. }, key)) = agent {
            hub.submit(Caller::Server, RecordSeen { agent, key }, Box::new(|_, _| {}))
                .await;
        }
    }

    /// Judges a key. Events wait until the answer is on its way: the caller releases the outlet.
    pub(super) async fn authenticate(&mut self, params: Option<&RawValue>, responder: Responder) -> Flow {
        let mut flushes = Flushes::default();
        let (outcome, beginnings) = match self.enter(params).await {
            Ok((result, beginnings)) => (Ok(result), beginnings),
            Err(refusal) => (Err(refusal), Vec::new()),
        };
        let flow = self.after(&outcome);
        let is_answered_at_once = matches!(responder.to, Some(ReplyTo::Client(_)));
        responder.send(outcome, &mut flushes);
        flushes.flush();
        if is_answered_at_once {
            // What is shown from here on is as much as its reader takes, and not as much as can be held back.
            self.outlet.release();
        }
        for beginning in &beginnings {
            self.rpc.hub.begin(&self.feed, beginning);
        }
        flow
    }

    async fn enter(&mut self, params: Option<&RawValue>) -> Result<(AuthResult, Vec<Beginning>), Refusal> {
        let params: AuthParams = read_params(params)?;
        let name = params
            .display_name
            .as_deref()
            .map(|name| Name::parse(name, self.rpc.hub.limits().name_length));
        let name = name
            .transpose()
            .map_err(|problem| Refusal::InvalidParams(format!("`displayName` {problem}")))?;
        let key = KeyHash::of(&params.api_key);
        // Guesses end here: they cost the writer, and with it the agents inside, nothing.
        let Some(card) = self.rpc.hub.key(&key) else {
            return Err(self.failure(Refusal::AuthFailed));
        };
        self.rpc.hub.check_entry(card.agent)?;
        // Held back before the session is live: what happens in between is neither missed nor shown twice.
        let resuming = Resuming::prepare(&self.rpc.hub, &self.feed, params.resume, params.resume_direct);
        let admitted = match self.open(key, card.scope, name).await {
            Ok(admitted) => admitted,
            Err(refusal) => {
                self.feed.forget_all();
                return Err(refusal);
            }
        };
        let mut result = self.welcome(&admitted);
        let mut beginnings = Vec::new();
        if let Some(caller) = self.caller() {
            let resumed = resuming.find(&self.rpc.hub, caller, &self.feed, &mut beginnings).await;
            (result.resumed, result.resumed_direct) = resumed;
        }
        Ok((result, beginnings))
    }

    async fn open(&mut self, key: KeyHash, scope: KeyScope, name: Option<Name>) -> Result<Admitted, Refusal> {
        let session = self.rpc.hub.next_session();
        self.outlet.hold();
        self.state = State::Entering(session);
        let act = OpenSession {
            key,
            name,
            session,
            feed: self.feed(),
        };
        let outcome = self.rpc.hub.perform(Caller::Stranger, act).await;
        self.state = State::Stranger;
        let admitted = outcome?;
        tracing::debug!(agent.id = %admitted.id, session.id = session.0, "an agent came in");
        let caller = Caller::Session {
            session,
            agent: admitted.number,
        };
        self.state = State::Agent {
            caller,
            session,
            role: admitted.role,
            key: admitted.key,
            scope,
        };
        self.entered.store(true, Ordering::Relaxed);
        let seen = RecordSeen {
            agent: admitted.number,
            key: admitted.key,
        };
        self.rpc.hub.submit(Caller::Server, seen, Box::new(|_, _| {})).await;
        Ok(admitted)
    }

    /// Judges an enrolment token and makes the key. The connection stays a stranger's.
    pub(super) async fn enrol(&mut self, params: Option<&RawValue>, responder: Responder) -> Flow {
        let mut flushes = Flushes::default();
        let outcome = self.redeem(params).await;
        let flow = self.after(&outcome);
        responder.send(outcome, &mut flushes);
        flushes.flush();
        flow
    }

    async fn redeem(&self, params: Option<&RawValue>) -> Result<AgentEnrolResult, Refusal> {
        let params: AgentEnrolParams = read_params(params)?;
        let name = key_name(&self.rpc.hub, params.key_name.as_ref())?;
        let token = KeyHash::of(&params.token);
        let note = audit::note(AgentEnrol::NAME, self.peer, None);
        // As for keys: guesses end here.
        if !self.rpc.hub.is_enrolment(&token) {
            return Err(self.failure(Refusal::EnrolmentFailed));
        }
        let enrolled = self
            .rpc
            .hub
            .perform_noted(Caller::Stranger, Enrol { token, name }, Some(note))
            .await?;
        let (name, role, key) = (enrolled.name, enrolled.role, KeyObject::from(&enrolled.issued.card));
        let issued = issued_result(enrolled.issued);
        Ok(AgentEnrolResult {
            agent_id: issued.agent_id,
            display_name: name.as_str().to_owned(),
            role: role.as_str(),
            api_key: issued.api_key.unwrap_or_default(),
            key,
        })
    }

    fn welcome(&self, admitted: &Admitted) -> AuthResult {
        let hub = &self.rpc.hub;
        AuthResult {
            status: "ok",
            agent_id: admitted.id.to_string(),
            role: admitted.role.as_str(),
            display_name: admitted.name.as_str().to_owned(),
            lobby: LobbyObject {
                room_id: admitted.lobby.to_string(),
                name: admitted.lobby_name.as_str().to_owned(),
            },
            motd: admitted.motd.clone(),
            epoch: hub.epoch().to_string(),
            durability: if hub.is_durable() { "full" } else { "relaxed" },
            version: VERSION,
            resumed: None,
            resumed_direct: None,
        }
    }

    /// Counts how it went; a connection that fails again and again is closed. A limited failure replaces the verdict.
    fn after<R>(&mut self, outcome: &Result<R, Refusal>) -> Flow {
        let counted = match outcome {
            Ok(_) => AuthOutcome::Accepted,
            Err(Refusal::AuthFailed | Refusal::EnrolmentFailed) => AuthOutcome::Failed,
            Err(Refusal::Limited { .. }) => AuthOutcome::Limited,
            Err(Refusal::Banned | Refusal::Forbidden(_)) => AuthOutcome::Refused,
            Err(_) => AuthOutcome::Invalid,
        };
        self.rpc
            .hub
            .metrics()
            .auth_attempts
            .get_or_create(&AuthLabels { outcome: counted })
            .inc();
        match outcome {
            Ok(_) => return Flow::Continue,
            Err(Refusal::Forbidden(_)) => return Flow::Close(CloseCode::Policy, "the server is locked"),
            Err(_) => self.failures += 1,
        }
        if self.failures >= self.rpc.limits.auth_attempts {
            return Flow::Close(CloseCode::Policy, "too many failed attempts to authenticate");
        }
        Flow::Continue
    }

    fn address(&self) -> Option<IpAddr> {
        match self.peer {
            Peer::Network(address) => Some(address),
            Peer::Operator => None,
        }
    }

    /// The verdict on a wrong key or token, or that there were too many of them.
    fn failure(&self, verdict: Refusal) -> Refusal {
        match self.rpc.count_failure(self.address()) {
            Ok(()) => verdict,
            Err(retry_after_ms) => Refusal::Limited {
                what: "failed attempts to authenticate",
                retry_after_ms,
            },
        }
    }
}
