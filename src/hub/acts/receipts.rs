//! Saying how far one has read, and noting what was delivered.

use std::sync::Arc;

use crate::domain::{AgentNumber, Event, MessageId, ReadNotice, Refusal, RoomId, Spans};
use crate::hub::act::{Act, Cost, Desk, Except, Me};
use crate::hub::change::Change;
use crate::store::messages;
use crate::store::receipts::{self, ReadMark, Share, Track};

/// Senders that one act tells at the most; of those further back it is known from `message.status` alone.
const TOLD_AT_ONCE: usize = 100;

/// How far an agent has read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Reading {
    /// The last position that counts as read.
    pub seq: u64,
    /// How many there are behind it.
    pub unread: u64,
}

/// Says that everything up to a position was read.
#[derive(Clone, Copy, Debug)]
pub struct MarkRead {
    /// The room, `Some(None)` being an id that names none; the direct messages of the agent when `None`.
    pub room: Option<Option<RoomId>>,
    /// The position. One beyond the last stands for the last, and one before an earlier mark for that mark.
    pub seq: u64,
}

impl Act for MarkRead {
    type Receipt = Reading;
    const COST: Cost = Cost::Change;

    fn run(&self, desk: &mut Desk<'_>) -> Result<Reading, Refusal> {
        let me = desk.me()?;
        let agent = me.agent.number;
        let lobby = desk.state.lobby().ok_or(Refusal::RoomNotFound)?;
        let (track, head, room) = match self.room {
            None => (Track::Mailbox, me.agent.mailbox_seq, lobby.id),
            Some(room) => {
                let room = desk.room(room)?;
                if !room.has_member(agent) {
                    return Err(Refusal::NotAMember);
                }
                (Track::Room(room.number), room.head.seq, room.id)
            }
        };
        let before = desk.state.read_mark(track, agent).map_or(0, |mark| mark.seq);
        let seq = self.seq.min(head).max(before);
        if seq > before {
            let mark = ReadMark {
                seq,
                at_ms: desk.now_ms,
            };
            receipts::set_read_mark(desk.connection, track, agent, mark)?;
            desk.change(Change::ReadMarked { track, agent, mark });
            tell_senders(desk, &me, (track, room), (before, seq))?;
        }
        Ok(Reading {
            seq,
            unread: head.saturating_sub(seq),
        })
    }
}

/// Tells those who asked for it that their messages were read.
fn tell_senders(
    desk: &mut Desk<'_>,
    me: &Me<'_>,
    (track, room): (Track, RoomId),
    range: (u64, u64),
) -> Result<(), Refusal> {
    let wanted = receipts::requests(desk.connection, (track, me.agent.number), range, TOLD_AT_ONCE)?;
    for id in wanted {
        let Some(row) = messages::get(desk.connection, id)? else {
            continue;
        };
        if row.sender == me.agent.number || !may_know(desk, row.sender, track) {
            continue;
        }
        let event = Event::MessageRead(ReadNotice {
            message: MessageId {
                at_ms: row.sent_at_ms,
                row: id,
            },
            room,
            agent: me.agent.id,
            name: me.agent.name.clone(),
            at_ms: desk.now_ms,
            is_direct: row.direct.is_some(),
        });
        desk.tell(Desk::agents([row.sender; 2]), Except::Nobody, event);
    }
    Ok(())
}

/// Whoever has left a room is told of its members no more.
fn may_know(desk: &Desk<'_>, sender: AgentNumber, track: Track) -> bool {
    match track {
        Track::Mailbox => true,
        Track::Room(room) => desk.state.room(room).is_some_and(|room| room.has_member(sender)),
    }
}

/// Writes down what was delivered.
#[derive(Clone, Debug)]
pub struct RecordDelivered {
    pub(in crate::hub) delivered: Arc<[(Share, Spans)]>,
}

impl Act for RecordDelivered {
    type Receipt = ();
    const LAST: bool = true;

    fn run(&self, desk: &mut Desk<'_>) -> Result<(), Refusal> {
        desk.operator()?;
        // Of rooms that were deleted meanwhile nobody asks any more.
        let is_open = |track: Track| match track {
            Track::Mailbox => true,
            Track::Room(room) => desk.state.room(room).is_some_and(|room| !room.deleted),
        };
        for ((track, agent), spans) in self.delivered.iter().filter(|((track, _), _)| is_open(*track)) {
            receipts::set_delivered(desk.connection, *track, *agent, spans)?;
        }
        Ok(())
    }
}
