//! What became of a message.

use super::acts::NOT_THE_SENDERS;
use super::directory::{Agent, Directory, Room};
use super::tasks::reader;
use super::{Caller, Hub};
use crate::domain::{AgentId, AgentNumber, KeyScope, MessageId, Name, Refusal, Role, Visibility};
use crate::store::Connection;
use crate::store::messages::{self, MessageRow};
use crate::store::receipts::{ReadMark, Share, Track};

/// How far a message got with one agent. Each includes those before it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Reached {
    /// It is on disk, where the agent finds it.
    Stored,
    /// The socket of one of its sessions took it.
    Delivered,
    /// The agent said that it has read it.
    Read,
}

/// One agent's share of a message.
#[derive(Clone, Debug)]
pub struct MemberStatus {
    /// The agent.
    pub id: AgentId,
    /// Its registered name.
    pub name: Name,
    /// How far the message got.
    pub reached: Reached,
    /// When the agent last said how far it has read, in milliseconds since 1970, once that is as far as the message.
    pub read_at_ms: Option<i64>,
}

impl Hub {
    /// How far a message got with each of those it is for, in the order of their registration.
    pub async fn message_status(&self, caller: Caller, id: Option<MessageId>) -> Result<Vec<MemberStatus>, Refusal> {
        reader(&self.directory(), caller)?;
        let id = id.ok_or(Refusal::MessageNotFound)?;
        let read = move |connection: &mut Connection| messages::get(connection, id.row);
        let row = self.inner.readers.read(read).await?;
        let row = row.filter(|row| row.sent_at_ms == id.at_ms);
        let row = row.ok_or(Refusal::MessageNotFound)?;
        let directory = self.directory();
        let (agent, scope) = reader(&directory, caller)?;
        let readers = directory.readers_of(agent, scope, &row)?;
        let delivered = self.inner.deliveries.reached(&readers);
        let status = |(((track, number), seq), delivered): (&(Share, u64), bool)| {
            let agent = directory.agent(*number)?;
            let mark = directory.read_mark(*track, *number).filter(|mark| mark.seq >= *seq);
            let reached = match mark {
                Some(_) => Reached::Read,
                None if delivered => Reached::Delivered,
                None => Reached::Stored,
            };
            Some(MemberStatus {
                id: agent.id,
                name: agent.name.clone(),
                reached,
                read_at_ms: mark.map(|mark| mark.at_ms),
            })
        };
        Ok(readers.iter().zip(delivered).filter_map(status).collect())
    }
}

impl Directory {
    /// Up to where an agent has read.
    pub(super) fn read_mark(&self, track: Track, agent: AgentNumber) -> Option<ReadMark> {
        self.read_marks.get(&(track, agent)).copied()
    }

    /// Messages of a room that a member has not marked as read.
    pub(super) fn unread(&self, room: &Room, agent: AgentNumber) -> Option<u64> {
        let mark = self.read_mark(Track::Room(room.number), agent);
        let read = mark.map_or(0, |mark| mark.seq);
        room.has_member(agent).then(|| room.head.seq.saturating_sub(read))
    }

    /// Whom a message is for, with its position there, if `agent` may know how far it got with them.
    fn readers_of(&self, agent: &Agent, scope: &KeyScope, row: &MessageRow) -> Result<Vec<(Share, u64)>, Refusal> {
        let is_own = row.sender == agent.number;
        if let Some(direct) = row.direct {
            return match agent.number {
                _ if !scope.admits_direct() => Err(Refusal::MessageNotFound),
                _ if is_own => Ok(vec![((Track::Mailbox, direct.recipient), direct.recipient_seq)]),
                number if number == direct.recipient => Err(NOT_THE_SENDERS),
                _ => Err(Refusal::MessageNotFound),
            };
        }
        let governs = agent.role == Role::Controller;
        let is_there = |room: &&Room| scope.admits_room(room.id) && (!room.deleted || governs);
        let room = self.room(row.id.stream()).filter(is_there);
        let room = room.ok_or(Refusal::MessageNotFound)?;
        if !governs && room.owner != agent.number && !(is_own && room.has_member(agent.number)) {
            let knows = room.visibility == Visibility::Public || Self::sees(agent, room);
            return Err(if knows {
                NOT_THE_SENDERS
            } else {
                Refusal::MessageNotFound
            });
        }
        let others = room.members.keys().filter(|member| **member != row.sender);
        let track = Track::Room(room.number);
        Ok(others.map(|member| ((track, *member), row.id.seq())).collect())
    }
}
