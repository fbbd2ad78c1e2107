//! One thing that somebody wants done, and the desk at which it is decided.

use std::sync::Arc;

use super::Limits;
use super::change::Change;
use super::directory::{Agent, Directory, Members, Room};
use super::feed::{Feed, Place};
use super::link::Flushes;
use crate::domain::{
    AgentId, AgentNumber, EndReason, Event, KeyScope, Name, Refusal, Role, RoomId, SessionId, StreamNumber, Visibility,
};
use crate::runtime::clock::{Clock, Entropy};
use crate::store::{Connection, StoreError};

/// Refuses what is up to those who govern a room.
pub(super) const NOT_GOVERNED: Refusal =
    Refusal::Forbidden("only the owner of the room and the controller may do this");

/// Who wants something done.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Caller {
    /// A connection that has not authenticated.
    Stranger,
    /// A live session of an agent.
    Session {
        /// The session.
        session: SessionId,
        /// Its agent.
        agent: AgentNumber,
    },
    /// The operator, on the command line.
    Operator,
    /// The server itself.
    Server,
}

/// What an act counts as, for rate limits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Cost {
    /// Nothing.
    Free,
    /// A change that is no message.
    Change,
    /// A change by which an agent comes into a room.
    Join,
    /// A change of which everybody may be told; see [`Act::is_announced`].
    Announcement,
    /// A message.
    Message,
}

/// Runs once when an act is decided: after its commit, or with the reason why nothing was changed.
pub type Done<R> = Box<dyn FnOnce(Result<R, Refusal>, &mut Flushes) + Send>;

/// Something that changes the state. It is decided on the writer thread, after all acts before it and before all after.
pub trait Act: Send + 'static {
    /// What the caller gets.
    type Receipt: Send + 'static;

    /// What it counts as, for rate limits.
    const COST: Cost = Cost::Change;

    /// Whether everybody is told of it, as far as can be seen before it is decided. Asked only where
    /// [`COST`](Self::COST) says that this may be.
    fn is_announced(&self, _state: &Directory) -> bool {
        true
    }

    /// Bytes of what it says to others, for rate limits: of a message, or of a task.
    fn bytes(&self) -> usize {
        0
    }

    /// Whether it writes to the database. An act that does not succeeds even while the disk takes nothing.
    const STORES: bool = true;

    /// Whether everything that it may be refused for is looked at before it writes, short of a failing database.
    const CHECKS_FIRST: bool = false;

    /// Whether it comes last in its group, whatever was handed over when: work that can wait.
    const LAST: bool = false;

    /// Decides: check, write, record the changes and whom to tell. On a refusal everything is undone. May run a second
    /// time, on the restored state, when the commit of its group failed.
    fn run(&self, desk: &mut Desk<'_>) -> Result<Self::Receipt, Refusal>;
}

/// Who is told of an event.
#[derive(Clone, Debug)]
pub(super) enum Audience {
    /// Every live session.
    Everyone,
    /// The live sessions of the members of a room.
    Members(StreamNumber, Arc<Members>),
    /// The live sessions of these agents.
    Agents(Vec<AgentNumber>),
}

impl Audience {
    /// Whether `agent` is among them.
    pub(super) fn has(&self, agent: AgentNumber) -> bool {
        match self {
            Self::Everyone => true,
            Self::Members(_, members) => members.contains_key(&agent),
            Self::Agents(agents) => agents.contains(&agent),
        }
    }
}

/// Who is left out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Except {
    Nobody,
    Session(SessionId),
    Agent(AgentNumber),
}

/// What follows from an act once it is committed, in this order.
pub(super) enum Effect {
    /// An event is told.
    Tell(Audience, Except, Event),
    /// Sessions of an agent go by another name: what newcomers are told of them from now on.
    Rename(AgentNumber, Vec<SessionId>, Event),
    /// A session is told of every other agent that is there.
    Greet(SessionId, AgentNumber),
    /// A stored event is shown to those who are not shown it otherwise.
    Show(Audience, Post),
    /// A message was stored.
    Stored,
    /// An agent, or everybody, has lost a room.
    Lose(StreamNumber, Option<AgentNumber>),
    /// A session goes live: it gets events from here on.
    Open(Opened),
    /// A session is gone.
    Close(SessionId),
    /// A session is told that it ends, and why, and is cut off.
    End(SessionId, EndReason),
    /// Messages of a history limit are gone.
    Retired(usize),
}

/// A session that goes live.
pub(super) struct Opened {
    pub session: SessionId,
    pub agent: AgentNumber,
    /// What it is told of, of what its agent is told of.
    pub scope: KeyScope,
    pub feed: Arc<Feed>,
    /// What newcomers are told of it.
    pub presence: Event,
}

/// A stored event.
pub(super) struct Post {
    pub place: Place,
    /// Whoever sent it is shown it only when it follows the source.
    pub sender: AgentNumber,
    pub event: Event,
}

/// What an act works with.
pub struct Desk<'a> {
    /// The state that all acts before this one left. Its own changes are applied after it.
    pub(super) state: &'a Directory,
    /// The database, inside the savepoint of this act.
    pub(super) connection: &'a Connection,
    pub(super) limits: &'a Limits,
    /// The time of day, in milliseconds since 1970. It may step.
    pub(super) now_ms: i64,
    /// Milliseconds of the clock that never steps: when leases end is measured by it.
    pub(super) steady_ms: u64,
    pub(super) entropy: &'a dyn Entropy,
    caller: Caller,
    changes: Vec<Change>,
    effects: Vec<Effect>,
    concerned: Vec<String>,
    /// Whether the audit log remembers the act, if it governs.
    is_noted: bool,
}

/// What an act left on its desk.
pub(super) struct Decision {
    pub changes: Vec<Change>,
    pub effects: Vec<Effect>,
    /// Ids of what the act is about, for the audit log.
    pub concerned: Vec<String>,
    /// Whether the audit log remembers the act, if it governs.
    pub is_noted: bool,
}

/// The agent that acts, by one of its sessions.
#[derive(Clone, Debug)]
pub(super) struct Me<'a> {
    pub agent: &'a Agent,
    /// Its name in this session.
    pub name: Name,
    pub session: SessionId,
    /// What the session may do, of what the agent may do.
    pub scope: &'a KeyScope,
}

impl<'a> Desk<'a> {
    pub(super) fn new(
        caller: Caller,
        state: &'a Directory,
        connection: &'a Connection,
        limits: &'a Limits,
        clock: &dyn Clock,
        entropy: &'a dyn Entropy,
    ) -> Self {
        Self {
            state,
            connection,
            limits,
            now_ms: clock.now_ms(),
            steady_ms: clock.steady_ms(),
            entropy,
            caller,
            changes: Vec::new(),
            effects: Vec::new(),
            concerned: Vec::new(),
            is_noted: true,
        }
    }

    pub(super) fn decision(self) -> Decision {
        let Self {
            changes,
            effects,
            concerned,
            is_noted,
            ..
        } = self;
        Decision {
            changes,
            effects,
            concerned,
            is_noted,
        }
    }

    /// The acting agent. Sessions that were ended, and agents that were cut off, act no more.
    pub(super) fn me(&self) -> Result<Me<'a>, Refusal> {
        let Caller::Session { session, agent } = self.caller else {
            return Err(Refusal::AuthRequired);
        };
        let live = self
            .state
            .session(session)
            .filter(|live| live.agent == agent)
            .ok_or(Refusal::SessionEnded)?;
        let agent = self.state.agent(agent).ok_or(Refusal::SessionEnded)?;
        let scope = self.state.scope_of(session).ok_or(Refusal::SessionEnded)?;
        Ok(Me {
            agent,
            name: live.name.clone(),
            session,
            scope,
        })
    }

    /// The acting agent, which must be the controller.
    pub(super) fn controller(&self) -> Result<Me<'a>, Refusal> {
        let me = self.me()?;
        if me.agent.role != Role::Controller {
            return Err(Refusal::Forbidden("only the controller may do this"));
        }
        Ok(me)
    }

    /// Refuses everybody but the operator and the server itself.
    pub(super) fn operator(&self) -> Result<(), Refusal> {
        match self.caller {
            Caller::Operator | Caller::Server => Ok(()),
            _ => Err(Refusal::Forbidden("only the operator may do this, on the command line")),
        }
    }

    /// A room that exists.
    pub(super) fn room(&self, room: Option<RoomId>) -> Result<&'a Room, Refusal> {
        room.and_then(|id| self.state.room_by_id(id))
            .filter(|room| !room.deleted)
            .ok_or(Refusal::RoomNotFound)
    }

    /// A room that `me` may govern: not the lobby, and owned by `me` unless it is the controller.
    pub(super) fn governed_room(&self, me: &Me<'_>, room: Option<RoomId>) -> Result<&'a Room, Refusal> {
        let room = self.room(room)?;
        if room.is_lobby {
            return Err(Refusal::LobbyFixed);
        }
        if me.agent.role != Role::Controller && room.owner != me.agent.number {
            return Err(NOT_GOVERNED);
        }
        Ok(room)
    }

    /// An agent that is registered and not revoked.
    pub(super) fn agent(&self, agent: Option<AgentId>) -> Result<&'a Agent, Refusal> {
        agent
            .and_then(|id| self.state.agent_by_id(id))
            .filter(|agent| !agent.revoked)
            .ok_or(Refusal::AgentNotFound)
    }

    /// Everybody who sees `room` in `room.list`.
    pub(super) fn audience(&self, room: &Room, visibility: Visibility) -> Audience {
        match visibility {
            Visibility::Public => Audience::Everyone,
            Visibility::Private => Audience::Agents(
                self.state
                    .online_agents()
                    .filter(|agent| Directory::sees(agent, room))
                    .map(|agent| agent.number)
                    .collect(),
            ),
        }
    }

    /// The members of `room`.
    pub(super) fn members(room: &Room) -> Audience {
        Audience::Members(room.number, Arc::clone(&room.members))
    }

    /// Two agents, or the one that they are.
    pub(super) fn agents(pair: [AgentNumber; 2]) -> Audience {
        let mut agents = pair.to_vec();
        agents.dedup();
        Audience::Agents(agents)
    }

    pub(super) fn change(&mut self, change: Change) {
        self.changes.push(change);
    }

    /// Notes for the audit log the id of something that the act is about and that its request did not name.
    pub(super) fn concerns(&mut self, id: &impl ToString) {
        self.concerned.push(id.to_string());
    }

    /// Keeps the act out of the audit log: it came to nothing that governs anybody.
    pub(super) fn forgo_note(&mut self) {
        self.is_noted = false;
    }

    pub(super) fn tell(&mut self, audience: Audience, except: Except, event: Event) {
        self.effects.push(Effect::Tell(audience, except, event));
    }

    pub(super) fn show(&mut self, audience: Audience, place: Place, sender: AgentNumber, event: Event) {
        self.effects.push(Effect::Show(audience, Post { place, sender, event }));
    }

    pub(super) fn effect(&mut self, effect: Effect) {
        self.effects.push(effect);
    }

    /// Fills an array with unpredictable bytes.
    pub(super) fn random<const N: usize>(&self) -> Result<[u8; N], Refusal> {
        let mut bytes = [0; N];
        self.entropy
            .fill(&mut bytes)
            .map_err(|error| Refusal::Internal(format!("no random bytes: {error}")))?;
        Ok(bytes)
    }

    /// A stream number that is not taken.
    pub(super) fn free_stream(&self) -> Result<StreamNumber, Refusal> {
        for _ in 0..64 {
            let candidate = StreamNumber::from_bits(u32::from_le_bytes(self.random()?));
            if let Some(number) = candidate.filter(|number| !self.state.has_stream(*number)) {
                return Ok(number);
            }
        }
        Err(Refusal::Internal("no stream number is free".into()))
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Full => Self::StorageUnavailable("the disk is full"),
            StoreError::ReadOnly => Self::StorageUnavailable("the database is read-only"),
            StoreError::Io(_) | StoreError::InDoubt(_) => Self::StorageUnavailable("the disk failed"),
            StoreError::Busy => Self::StorageUnavailable("the database is busy"),
            StoreError::Damaged(detail) => {
                tracing::error!(detail, "stored data is damaged; run `wardroom doctor`");
                Self::StorageDamaged
            }
            StoreError::Failed(reason) => Self::Internal(reason),
            StoreError::Other(error) => Self::Internal(format!("database: {error}")),
        }
    }
}
