//! How the state moves: one small step after the other.

use std::sync::Arc;

use super::change::Change;
use super::directory::{Agent, Conversation, Directory, Entry, Head, Room, Session};
use super::exchange::Exchange;
use crate::domain::{AgentNumber, StreamNumber};
use crate::store::receipts::Track;

impl Directory {
    /// Takes one step. Steps that name what is not there change nothing.
    #[expect(
        clippy::too_many_lines,
        reason = "one arm for each step, none of them with a decision in it"
    )]
    pub(super) fn apply(&mut self, change: Change) {
        match change {
            Change::AgentAdded(row) => self.add_agent(row),
            Change::Key(change) => self.keys.apply(change),
            Change::AgentRenamed(agent, name) => self.rename(agent, &name),
            Change::SessionRekeyed(session, key) => {
                if let Some(session) = self.sessions.get_mut(&session) {
                    session.entry = Entry::Key(key);
                }
            }
            Change::AgentSeen(agent, at_ms) => self.with_agent(agent, |agent| agent.last_seen_ms = Some(at_ms)),
            Change::AgentBanned(agent, banned) => self.with_agent(agent, |agent| agent.banned = banned),
            Change::AgentRevoked(agent) => self.revoke(agent),
            Change::SessionOpened {
                session,
                agent,
                key,
                name,
                at_ms,
            } => {
                let entry = Entry::Key(key);
                self.sessions.insert(session, Session { agent, name, entry });
                self.with_agent(agent, |agent| agent.sessions.push(session));
                let lobby = self.lobby;
                self.with_room(lobby, |room| {
                    if !room.has_member(agent) {
                        Arc::make_mut(&mut room.members).insert(agent, at_ms);
                    }
                });
            }
            Change::GuestSessionOpened {
                session,
                agent,
                name,
                scope,
            } => {
                let entry = Entry::Guest(scope);
                self.sessions.insert(session, Session { agent, name, entry });
                self.with_agent(agent, |agent| agent.sessions.push(session));
            }
            Change::SessionClosed(session) => {
                if let Some(Session { agent, .. }) = self.sessions.remove(&session) {
                    self.with_agent(agent, |agent| agent.sessions.retain(|open| *open != session));
                }
            }
            Change::RoomAdded(row) => self.add_room(Room::from_row(row)),
            Change::RoomChanged {
                room,
                name,
                description,
                owner,
                visibility,
            } => self.with_counted_room(room, |room| {
                (room.name, room.description, room.owner, room.visibility) = (name, description, owner, visibility);
            }),
            Change::RoomDeleted(room) => {
                let controller = self.controller;
                self.leases.end_room(room);
                self.forget_read_marks(room);
                self.with_counted_room(room, |room| {
                    room.deleted = true;
                    room.owner = controller;
                    room.members = Arc::default();
                    room.invited.clear();
                    room.open_tasks = 0;
                    room.paused = None;
                });
                if let Some(room) = self.rooms.get(&room).filter(|room| room.is_hollow()) {
                    self.hollow_rooms.insert((room.created_at_ms, room.number));
                }
            }
            Change::RoomPurged(room) => {
                if let Some(room) = self.rooms.remove(&room) {
                    self.room_numbers.remove(&room.id);
                    self.hollow_rooms.remove(&(room.created_at_ms, room.number));
                }
            }
            Change::MemberAdded { room, agent, at_ms } => self.with_room(room, |room| {
                Arc::make_mut(&mut room.members).entry(agent).or_insert(at_ms);
            }),
            Change::MemberRemoved { room, agent } => self.with_room(room, |room| {
                Arc::make_mut(&mut room.members).remove(&agent);
            }),
            Change::Invited { room, agent } => self.with_room(room, |room| {
                room.invited.insert(agent);
            }),
            Change::MembersInvited(room) => self.with_room(room, |room| {
                room.invited.extend(room.members.keys().copied());
            }),
            Change::Uninvited { room, agent } => self.with_room(room, |room| {
                room.invited.remove(&agent);
            }),
            Change::RoomPaused(room, pause) => self.with_room(room, |room| room.paused = Some(Arc::new(pause))),
            Change::RoomResumed(room) => self.with_room(room, |room| {
                room.paused = None;
                room.exchange = Exchange::default();
            }),
            Change::MessageAppended {
                room,
                seq,
                at_ms,
                exchange,
            } => {
                if room == self.lobby {
                    self.lobby_at_ms = at_ms;
                }
                self.unindexed.entry(room).or_insert(seq - 1);
                self.with_room(room, |room| {
                    room.head = Head { seq, at_ms };
                    room.exchange = exchange;
                });
            }
            Change::ConversationBegun { number, low, high } => {
                self.add_conversation(low, high, Conversation { number, seq: 0 });
            }
            Change::DirectAppended { low, high, seq, at_ms } => {
                self.lobby_at_ms = at_ms;
                if let Some(conversation) = self.conversations.get_mut(&(low, high)) {
                    conversation.seq = seq;
                    self.unindexed.entry(conversation.number).or_insert(seq - 1);
                }
                self.with_agent(low, |agent| agent.mailbox_seq += 1);
                if low != high {
                    self.with_agent(high, |agent| agent.mailbox_seq += 1);
                }
            }
            Change::TaskOpened(room) => self.with_room(room, |room| room.open_tasks += 1),
            Change::TaskClosed(room) => {
                self.with_room(room, |room| room.open_tasks = room.open_tasks.saturating_sub(1));
            }
            Change::LeaseSet(task, lease, generation) => self.leases.set(task, lease, generation),
            Change::LeaseEnded(task) => self.leases.end(task),
            Change::ReadMarked { track, agent, mark } => {
                self.read_marks.insert((track, agent), mark);
            }
            Change::Opening(change) => self.openings.apply(change),
            Change::Indexed { stream, seq, done } => self.set_indexed(stream, seq, done),
            Change::MotdSet(motd) => self.motd = motd,
            Change::LockSet(locked) => self.locked = locked,
        }
    }

    fn forget_read_marks(&mut self, room: StreamNumber) {
        let track = Track::Room(room);
        let marks = self
            .read_marks
            .range((track, AgentNumber(i64::MIN))..=(track, AgentNumber(i64::MAX)));
        for share in marks.map(|(share, _)| *share).collect::<Vec<_>>() {
            self.read_marks.remove(&share);
        }
    }

    fn set_indexed(&mut self, stream: StreamNumber, seq: u64, done: bool) {
        if done {
            self.unindexed.remove(&stream);
        } else {
            self.unindexed.insert(stream, seq);
        }
    }

    pub(super) fn with_agent(&mut self, agent: AgentNumber, change: impl FnOnce(&mut Agent)) {
        if let Some(agent) = self.agents.get_mut(&agent) {
            change(agent);
        }
    }

    /// Changes what a room is counted by.
    fn with_counted_room(&mut self, room: StreamNumber, change: impl FnOnce(&mut Room)) {
        let Some(room) = self.rooms.get_mut(&room) else { return };
        if room.is_open() {
            self.open_rooms.remove(room.owner);
        }
        change(room);
        if room.is_open() {
            self.open_rooms.add(room.owner);
        }
    }

    fn with_room(&mut self, room: StreamNumber, change: impl FnOnce(&mut Room)) {
        if let Some(room) = self.rooms.get_mut(&room) {
            change(room);
        }
    }
}
