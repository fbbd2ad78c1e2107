//! The state of the room model in memory: everything that decides who may do what.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::exchange::Exchange;
use super::keyring::Keyring;
use super::leases::Leases;
use super::open_rooms::OpenRooms;
use super::openings::Openings;
use crate::domain::{
    AgentId, AgentNumber, AgentOrigin, KeyCard, KeyHash, KeyId, KeyScope, MemberView, Name, PauseView, Role, RoomId,
    RoomView, SessionId, StreamNumber, Visibility,
};
use crate::store::agents::AgentRow;
use crate::store::pauses::PauseRow;
use crate::store::receipts::{ReadMark, Share};
use crate::store::rooms::RoomRow;

/// The members of a room, and when each joined. Shared with the events that are told to them.
pub(super) type Members = BTreeMap<AgentNumber, i64>;

/// An agent.
#[derive(Clone, Debug)]
pub struct Agent {
    pub(super) number: AgentNumber,
    /// Its public id.
    pub id: AgentId,
    /// Its registered name.
    pub name: Name,
    /// What it may do.
    pub role: Role,
    /// By which way it is here.
    pub origin: AgentOrigin,
    /// When it was last seen, in milliseconds since 1970.
    pub last_seen_ms: Option<i64>,
    /// Whether it is banned.
    pub banned: bool,
    /// Whether it was revoked.
    pub revoked: bool,
    /// Its live sessions, the oldest first.
    pub(super) sessions: Vec<SessionId>,
    /// The last position in its mailbox.
    pub(super) mailbox_seq: u64,
}

impl Agent {
    /// The store's short key of it.
    pub fn number(&self) -> AgentNumber {
        self.number
    }

    /// Whether it has a live session.
    pub fn is_online(&self) -> bool {
        !self.sessions.is_empty()
    }
}

/// One live link of an agent.
#[derive(Clone, Debug)]
pub struct Session {
    /// Its agent.
    pub agent: AgentNumber,
    /// The name that the agent goes by in this session.
    pub name: Name,
    /// How it came in.
    pub(super) entry: Entry,
}

/// How a session came in.
#[derive(Clone, Debug)]
pub(super) enum Entry {
    /// With a key, which says what it may do.
    Key(KeyId),
    /// As the guest that a peer is here.
    Guest(KeyScope),
}

impl Session {
    /// The key that it came in with; `None` for that of a guest.
    pub fn key(&self) -> Option<KeyId> {
        match &self.entry {
            Entry::Key(key) => Some(*key),
            Entry::Guest(_) => None,
        }
    }
}

/// What those who read learn of who sent a message, beside its name.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sender {
    pub id: AgentId,
    pub origin: AgentOrigin,
}

/// The head of a stream of messages.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Head {
    /// The last position; 0 when there was never a message.
    pub seq: u64,
    /// The time of the last message.
    pub at_ms: i64,
}

/// A room.
#[derive(Clone, Debug)]
pub struct Room {
    pub(super) number: StreamNumber,
    /// Its public id.
    pub id: RoomId,
    /// Its name.
    pub name: Name,
    pub(super) description: Option<String>,
    pub(super) owner: AgentNumber,
    pub(super) visibility: Visibility,
    /// Whether it is the lobby.
    pub is_lobby: bool,
    pub(super) created_at_ms: i64,
    pub(super) deleted: bool,
    pub(super) members: Arc<Members>,
    pub(super) invited: BTreeSet<AgentNumber>,
    pub(super) head: Head,
    /// Tasks that are not finished.
    pub(super) open_tasks: u32,
    /// What is being said, as far as it can become endless.
    pub(super) exchange: Exchange,
    pub(super) paused: Option<Arc<PauseRow>>,
}

impl Room {
    pub(super) fn from_row(row: RoomRow) -> Self {
        Self {
            number: row.number,
            id: row.id,
            name: row.name,
            description: row.description,
            owner: row.owner,
            visibility: row.visibility,
            is_lobby: row.is_lobby,
            created_at_ms: row.created_at_ms,
            deleted: row.deleted,
            members: Arc::default(),
            invited: BTreeSet::new(),
            head: Head::default(),
            open_tasks: 0,
            exchange: Exchange::default(),
            paused: None,
        }
    }

    /// Whether it counts among the rooms that exist.
    pub(super) fn is_open(&self) -> bool {
        !self.deleted && !self.is_lobby
    }

    /// Whether it was deleted and never had a message, so that there is nothing of it to be read.
    pub(super) fn is_hollow(&self) -> bool {
        self.deleted && self.head.seq == 0
    }

    pub(super) fn has_member(&self, agent: AgentNumber) -> bool {
        self.members.contains_key(&agent)
    }

    /// The time for the next member to join: now, or just after the last one, so that no two join at the same time.
    pub(super) fn next_join_time(&self, now_ms: i64) -> i64 {
        let last_ms = self.members.values().copied().max();
        last_ms.map_or(now_ms, |last_ms| now_ms.max(last_ms + 1))
    }
}

/// The direct messages of two agents.
#[derive(Clone, Copy, Debug)]
pub(super) struct Conversation {
    pub number: StreamNumber,
    pub seq: u64,
}

/// The whole state.
#[derive(Clone, Debug)]
pub struct Directory {
    pub(super) agents: BTreeMap<AgentNumber, Agent>,
    pub(super) agent_numbers: HashMap<AgentId, AgentNumber>,
    pub(super) keys: Keyring,
    pub(super) rooms: BTreeMap<StreamNumber, Room>,
    pub(super) room_numbers: HashMap<RoomId, StreamNumber>,
    /// Counts those of `rooms` that are neither deleted nor the lobby.
    pub(super) open_rooms: OpenRooms,
    /// Those of `rooms` that were deleted and never had a message, by the time they were made.
    pub(super) hollow_rooms: BTreeSet<(i64, StreamNumber)>,
    /// When the newest of `rooms` was made.
    pub(super) rooms_at_ms: i64,
    pub(super) conversations: HashMap<(AgentNumber, AgentNumber), Conversation>,
    /// Their numbers: rooms and conversations both are streams.
    pub(super) conversation_numbers: BTreeSet<StreamNumber>,
    /// With whom each agent has one.
    pub(super) correspondents: HashMap<AgentNumber, Vec<AgentNumber>>,
    pub(super) sessions: HashMap<SessionId, Session>,
    /// Who may come in from beyond the server.
    pub(super) openings: Openings,
    /// Who holds which task.
    pub(super) leases: Leases,
    /// Up to where each agent has read.
    pub(super) read_marks: BTreeMap<Share, ReadMark>,
    /// Streams of which the search index has not everything: the last position that it has.
    pub(super) unindexed: BTreeMap<StreamNumber, u64>,
    pub(super) lobby: StreamNumber,
    pub(super) controller: AgentNumber,
    /// The newest time in the lobby's history, which holds the direct messages too.
    pub(super) lobby_at_ms: i64,
    pub(super) motd: Option<Arc<str>>,
    pub(super) locked: bool,
}

impl Directory {
    /// An agent, revoked ones included.
    pub fn agent(&self, number: AgentNumber) -> Option<&Agent> {
        self.agents.get(&number)
    }

    /// The public id of an agent, revoked ones included.
    pub(super) fn id_of(&self, number: AgentNumber) -> AgentId {
        // There is no agent without a row, and rows stay.
        self.agent(number).map_or(AgentId(uuid::Uuid::nil()), |agent| agent.id)
    }

    /// The public id of an agent and by which way it is here, revoked ones included.
    pub(super) fn sender(&self, number: AgentNumber) -> Sender {
        let agent = self.agent(number);
        Sender {
            id: agent.map_or(AgentId(uuid::Uuid::nil()), |agent| agent.id),
            origin: agent.map_or_else(AgentOrigin::default, |agent| agent.origin),
        }
    }

    /// An agent by its public id, revoked ones included.
    pub fn agent_by_id(&self, id: AgentId) -> Option<&Agent> {
        self.agent(*self.agent_numbers.get(&id)?)
    }

    /// The agents that are registered and not revoked, in the order of registration.
    pub fn agents(&self) -> impl Iterator<Item = &Agent> {
        self.agents.values().filter(|agent| !agent.revoked)
    }

    pub(super) fn online_agents(&self) -> impl Iterator<Item = &Agent> {
        self.agents().filter(|agent| agent.is_online())
    }

    /// The key of this hash; `None` when it is not valid.
    pub fn key(&self, key: &KeyHash, now_ms: i64) -> Option<&KeyCard> {
        self.keys.valid(key, now_ms)
    }

    /// A live session.
    pub fn session(&self, session: SessionId) -> Option<&Session> {
        self.sessions.get(&session)
    }

    /// What a live session may do, of what its agent may do.
    pub fn scope_of(&self, session: SessionId) -> Option<&KeyScope> {
        match &self.session(session)?.entry {
            Entry::Key(key) => Some(&self.keys.by_id(*key)?.scope),
            Entry::Guest(scope) => Some(scope),
        }
    }

    /// How many sessions are live.
    pub fn session_count(&self) -> usize {
        self.sessions.len()
    }

    /// A room by its public id, deleted ones included.
    pub fn room_by_id(&self, id: RoomId) -> Option<&Room> {
        self.rooms.get(self.room_numbers.get(&id)?)
    }

    pub(super) fn room(&self, number: StreamNumber) -> Option<&Room> {
        self.rooms.get(&number)
    }

    /// The lobby. There always is one: the state is made with it and nothing removes it.
    pub fn lobby(&self) -> Option<&Room> {
        self.rooms.get(&self.lobby)
    }

    /// Rooms that exist, without the lobby.
    pub fn open_rooms(&self) -> usize {
        self.open_rooms.total()
    }

    /// The message of the day.
    pub fn motd(&self) -> Option<&str> {
        self.motd.as_deref()
    }

    /// Whether participants are refused.
    pub fn is_locked(&self) -> bool {
        self.locked
    }

    /// Messages ever stored in rooms; those that a limit has retired included.
    pub fn messages_ever(&self) -> u64 {
        let conversations = self.conversations.values().map(|conversation| conversation.seq);
        self.rooms.values().map(|room| room.head.seq).chain(conversations).sum()
    }

    pub(super) fn has_stream(&self, number: StreamNumber) -> bool {
        self.rooms.contains_key(&number) || self.conversation_numbers.contains(&number)
    }

    /// Takes in the conversation of two agents, of which `low` has the lower number or which are the same.
    pub(super) fn add_conversation(&mut self, low: AgentNumber, high: AgentNumber, conversation: Conversation) {
        self.conversation_numbers.insert(conversation.number);
        self.conversations.insert((low, high), conversation);
        self.correspondents.entry(low).or_default().push(high);
        if low != high {
            self.correspondents.entry(high).or_default().push(low);
        }
    }

    /// The conversations of one agent.
    pub(super) fn conversations_of(&self, agent: AgentNumber) -> impl Iterator<Item = &Conversation> {
        let others = self.correspondents.get(&agent).into_iter().flatten();
        others.filter_map(move |other| self.conversations.get(&(agent.min(*other), agent.max(*other))))
    }

    /// Whether `agent` has `room` in its `room.list`.
    pub(super) fn sees(agent: &Agent, room: &Room) -> bool {
        !room.deleted
            && (room.visibility == Visibility::Public
                || agent.role == Role::Controller
                || room.owner == agent.number
                || room.has_member(agent.number)
                || room.invited.contains(&agent.number))
    }

    /// The rooms that `agent` may see: the lobby first, then by the time they were made.
    pub fn rooms_for(&self, agent: AgentNumber) -> Vec<RoomView> {
        let Some(agent) = self.agent(agent) else {
            return Vec::new();
        };
        let mut rooms: Vec<&Room> = self.rooms.values().filter(|room| Self::sees(agent, room)).collect();
        rooms.sort_by_key(|room| (!room.is_lobby, room.created_at_ms, room.id));
        rooms.into_iter().map(|room| self.view(room, agent.number)).collect()
    }

    /// A room as `viewer` sees it.
    pub fn view(&self, room: &Room, viewer: AgentNumber) -> RoomView {
        let owner = self.agent(room.owner);
        RoomView {
            id: room.id,
            name: room.name.clone(),
            description: room.description.clone(),
            owner: owner.map_or(AgentId(uuid::Uuid::nil()), |owner| owner.id),
            owner_name: owner.map_or_else(|| Name::from_stored(""), |owner| owner.name.clone()),
            visibility: room.visibility,
            is_lobby: room.is_lobby,
            member_count: room.members.len(),
            is_member: room.has_member(viewer),
            created_at_ms: room.created_at_ms,
            seq: room.head.seq,
            unread: self.unread(room, viewer),
            deleted: room.deleted,
            paused: room.paused.as_ref().map(|pause| PauseView {
                since_ms: pause.at_ms,
                reason: pause.reason.clone(),
                by: pause.by.map(|agent| self.id_of(agent)),
            }),
        }
    }

    /// The members of a room in the order in which they joined.
    pub fn members_of(&self, room: &Room) -> Vec<MemberView> {
        let mut members: Vec<MemberView> = room
            .members
            .iter()
            .filter_map(|(number, joined_at_ms)| {
                let agent = self.agent(*number)?;
                let (id, name, online) = (agent.id, agent.name.clone(), agent.is_online());
                Some(MemberView {
                    id,
                    name,
                    origin: agent.origin,
                    permission: self.level_of(agent.number),
                    online,
                    joined_at_ms: *joined_at_ms,
                })
            })
            .collect();
        members.sort_by_key(|member| (member.joined_at_ms, member.id));
        members
    }

    /// The time for the next room: now, or just after the last one, so that rooms stay in the order of their making.
    pub(super) fn next_room_time(&self, now_ms: i64) -> i64 {
        now_ms.max(self.rooms_at_ms + 1)
    }

    /// The time for the next message of a room: now, or just after the last one when the clock has not moved on.
    pub(super) fn next_time(&self, room: &Room, now_ms: i64) -> i64 {
        let last_ms = if room.is_lobby {
            self.lobby_at_ms
        } else {
            room.head.at_ms
        };
        now_ms.max(last_ms + 1)
    }

    /// The time for the next direct message: they share the history of the lobby, and so its order.
    pub(super) fn next_direct_time(&self, now_ms: i64) -> i64 {
        now_ms.max(self.lobby_at_ms + 1)
    }

    pub(super) fn add_agent(&mut self, row: AgentRow) {
        self.agent_numbers.insert(row.id, row.number);
        let agent = Agent {
            number: row.number,
            id: row.id,
            name: row.name,
            role: row.role,
            origin: row.origin,
            last_seen_ms: row.last_seen_ms,
            banned: row.banned,
            revoked: row.revoked,
            sessions: Vec::new(),
            mailbox_seq: 0,
        };
        self.agents.insert(agent.number, agent);
    }

    pub(super) fn add_room(&mut self, room: Room) {
        self.room_numbers.insert(room.id, room.number);
        self.rooms_at_ms = self.rooms_at_ms.max(room.created_at_ms);
        if room.is_open() {
            self.open_rooms.add(room.owner);
        }
        if room.is_hollow() {
            self.hollow_rooms.insert((room.created_at_ms, room.number));
        }
        self.rooms.insert(room.number, room);
    }
}
