//! Speaking, writing to one agent, and taking back what was said.

use super::pauses::must_not_be_paused;
use super::posting::{Content, Draft, Extras, log_retired, post, retired};
use super::retries::RetryKey;
use super::tasks::redact_task;
use crate::domain::{
    AgentId, AgentNumber, AgentOrigin, DirectMessage, Event, Message, MessageId, MessageKind, Refusal, Role, RoomId,
    RowId, StreamNumber, Visibility,
};
use crate::hub::act::{Act, Audience, Cost, Desk, Effect, Except, Me};
use crate::hub::change::Change;
use crate::hub::directory::{Directory, Room};
use crate::hub::feed::{Place, Source};
use crate::store::messages::{DirectRow, MessageRow, Removal};
use crate::store::removals::{self, RemovedFrom};
use crate::store::{direct, messages, receipts, search};

/// The receipt of a message: it is stored.
#[derive(Clone, Copy, Debug)]
pub struct Sent {
    /// Its id, which also tells its time and its position.
    pub id: MessageId,
}

/// Says something in a room.
#[derive(Clone, Debug)]
pub struct SendMessage {
    /// The room; `None` stands for an id that names none.
    pub room: Option<RoomId>,
    /// What is said.
    pub content: Content,
    /// What it carries beside that.
    pub extras: Extras,
    /// Makes sending it again safe.
    pub retry: Option<RetryKey>,
}

impl Act for SendMessage {
    type Receipt = Sent;
    const COST: Cost = Cost::Message;
    const CHECKS_FIRST: bool = true;

    fn bytes(&self) -> usize {
        self.content.bytes() + self.extras.bytes()
    }

    fn run(&self, desk: &mut Desk<'_>) -> Result<Sent, Refusal> {
        let me = desk.me()?;
        if let Some(id) = RetryKey::earlier_message(self.retry.as_ref(), desk, me.agent.number)? {
            return Ok(Sent { id });
        }
        let room = desk.room(self.room)?;
        if !room.has_member(me.agent.number) {
            return Err(Refusal::NotAMember);
        }
        must_not_be_paused(room)?;
        let content = self.content.text(desk.limits.message_length)?;
        let draft = Draft {
            content,
            kind: self.extras.kind,
            data: self.extras.data.as_ref(),
            reply_to: self.extras.answers.find(desk, Some(room.number))?,
        };
        let id = post(desk, &me, room, &draft)?;
        if self.extras.want_read {
            receipts::want_read(desk.connection, id.row)?;
        }
        if let Some(retry) = &self.retry {
            retry.remember(desk, me.agent.number, id)?;
        }
        Ok(Sent { id })
    }
}

/// Writes to one agent.
#[derive(Clone, Debug)]
pub struct SendDirect {
    /// The addressee; `None` stands for an id that names none.
    pub to: Option<AgentId>,
    /// What is written.
    pub content: Content,
    /// What it carries beside that.
    pub extras: Extras,
    /// Makes sending it again safe.
    pub retry: Option<RetryKey>,
}

/// The receipt of a direct message: it is stored.
#[derive(Clone, Copy, Debug)]
pub struct SentDirect {
    /// Its id.
    pub id: MessageId,
    /// Its place in the mailbox of the sender; `None` when it is not kept any longer.
    pub seq: Option<u64>,
}

impl Act for SendDirect {
    type Receipt = SentDirect;
    const COST: Cost = Cost::Message;

    fn bytes(&self) -> usize {
        self.content.bytes() + self.extras.bytes()
    }

    fn run(&self, desk: &mut Desk<'_>) -> Result<SentDirect, Refusal> {
        let me = desk.me()?;
        if let Some(id) = RetryKey::earlier_message(self.retry.as_ref(), desk, me.agent.number)? {
            let direct = messages::get(desk.connection, id.row)?.and_then(|row| row.direct);
            let seq = direct.map(|direct| direct.sender_seq);
            return Ok(SentDirect { id, seq });
        }
        let to = desk.agent(self.to)?;
        if to.origin != AgentOrigin::Local {
            return Err(Refusal::Forbidden("a peer gets no direct messages"));
        }
        let content = self.content.text(desk.limits.message_length)?;
        let (low, high) = (me.agent.number.min(to.number), me.agent.number.max(to.number));
        let known = desk.state.conversations.get(&(low, high));
        let draft = Draft {
            content,
            kind: self.extras.kind,
            data: self.extras.data.as_ref(),
            reply_to: self
                .extras
                .answers
                .find(desk, known.map(|conversation| conversation.number))?,
        };
        let (number, seq) = if let Some(conversation) = known {
            (conversation.number, conversation.seq + 1)
        } else {
            let number = desk.free_stream()?;
            direct::insert_conversation(desk.connection, number, low, high)?;
            desk.change(Change::ConversationBegun { number, low, high });
            (number, 1)
        };
        let at_ms = desk.state.next_direct_time(desk.now_ms);
        let places = DirectRow {
            recipient: to.number,
            sender_seq: me.agent.mailbox_seq + 1,
            recipient_seq: to.mailbox_seq + 1,
        };
        let row = draft.row(&me, RowId::new(number, seq), at_ms, Some(places));
        direct::append(desk.connection, &row, places)?;
        desk.change(Change::DirectAppended { low, high, seq, at_ms });
        if let Some(last) = retired(seq, desk.limits.lobby_history) {
            let count = direct::delete_up_to(desk.connection, number, last)?;
            if let Some(lobby) = desk.state.lobby() {
                log_retired(desk, lobby.id, count);
            }
        }
        let id = MessageId { at_ms, row: row.id };
        if self.extras.want_read {
            receipts::want_read(desk.connection, id.row)?;
        }
        if let Some(retry) = &self.retry {
            retry.remember(desk, me.agent.number, id)?;
        }
        desk.effect(Effect::Stored);
        let message = draft.shown(&me, id);
        show_direct(
            desk,
            me.agent.number,
            (to.number, places.recipient_seq),
            &message,
            to.id,
        );
        if to.number != me.agent.number {
            show_direct(
                desk,
                me.agent.number,
                (me.agent.number, places.sender_seq),
                &message,
                to.id,
            );
        }
        let seq = Some(places.sender_seq);
        Ok(SentDirect { id, seq })
    }
}

/// Shows a direct message to one of its parties, at its place in that one's mailbox.
fn show_direct(
    desk: &mut Desk<'_>,
    sender: AgentNumber,
    (party, seq): (AgentNumber, u64),
    message: &Message,
    recipient: AgentId,
) {
    let event = Event::Direct {
        message: DirectMessage {
            message: message.clone(),
            recipient,
            seq,
        },
        removed: false,
        is_own: party == sender,
    };
    let source = Source::Mailbox;
    desk.show(Audience::Agents(vec![party]), Place { source, seq }, sender, event);
}

/// Replaces the content of a message by a note that it was removed.
#[derive(Clone, Debug)]
pub struct RemoveMessage {
    /// The message; `None` stands for an id that names none.
    pub message: Option<MessageId>,
    /// Why, for those who are told.
    pub reason: Option<String>,
}

impl Act for RemoveMessage {
    type Receipt = ();

    fn run(&self, desk: &mut Desk<'_>) -> Result<(), Refusal> {
        let me = desk.me()?;
        let id = self.message.ok_or(Refusal::MessageNotFound)?;
        // The stream is looked at before the message: whether there is a message is told only to those who may know.
        let row = messages::get(desk.connection, id.row)?.filter(|row| row.sent_at_ms == id.at_ms);
        let row = row.ok_or(Refusal::MessageNotFound)?;
        let (room, audience) = authorise(desk, &me, &row)?;
        if row.removal.is_some() {
            return Err(Refusal::AlreadyRemoved);
        }
        let removal = Removal {
            at_ms: desk.now_ms,
            by: me.agent.number,
            reason: self.reason.clone(),
        };
        let (is_task, is_direct) = (row.kind == MessageKind::Task, row.direct.is_some());
        note_removal(desk, room, &row)?;
        messages::remove(desk.connection, row, removal)?;
        search::forget(desk.connection, id.row)?;
        if is_task {
            redact_task(desk, &me, id)?;
        }
        let reason = self.reason.clone();
        let event = Event::MessageRemoved {
            message: id,
            room: room.id,
            is_direct,
            removed_by: me.agent.id,
            reason,
        };
        desk.tell(audience, Except::Session(me.session), event);
        Ok(())
    }
}

/// Notes at which positions of those who may know of it the message was removed.
fn note_removal(desk: &Desk<'_>, room: &Room, row: &MessageRow) -> Result<(), Refusal> {
    let Some(direct) = row.direct else {
        removals::insert(desk.connection, RemovedFrom::Room(room.number), room.head.seq, row.id)?;
        return Ok(());
    };
    for party in [row.sender, direct.recipient] {
        let seq = desk.state.agent(party).map_or(0, |agent| agent.mailbox_seq);
        removals::insert(desk.connection, RemovedFrom::Mailbox(party), seq, row.id)?;
    }
    Ok(())
}

/// Whether `me` may remove `row`; the room that holds it, and who is told.
fn authorise<'a>(desk: &Desk<'a>, me: &Me<'a>, row: &MessageRow) -> Result<(&'a Room, Audience), Refusal> {
    let (agent, governs) = (me.agent, me.agent.role == Role::Controller);
    if let Some(direct) = row.direct {
        let lobby = desk.state.lobby().ok_or(Refusal::MessageNotFound)?;
        return match agent.number {
            _ if !me.scope.admits_direct() => Err(Refusal::MessageNotFound),
            number if number == row.sender || governs => Ok((lobby, Desk::agents([row.sender, direct.recipient]))),
            number if number == direct.recipient => Err(NOT_YOURS),
            _ => Err(Refusal::MessageNotFound),
        };
    }
    let room = room_of(desk, row.id.stream()).ok_or(Refusal::MessageNotFound)?;
    if room.deleted && !governs || !me.scope.admits_room(room.id) {
        return Err(Refusal::MessageNotFound);
    }
    if governs || agent.number == row.sender || room.owner == agent.number {
        return Ok((room, Desk::members(room)));
    }
    let knows = room.visibility == Visibility::Public || Directory::sees(agent, room);
    Err(if knows { NOT_YOURS } else { Refusal::MessageNotFound })
}

pub(in crate::hub) const NOT_THE_SENDERS: Refusal =
    Refusal::Forbidden("only the sender, the owner of the room and the controller may know what became of a message");

const NOT_YOURS: Refusal =
    Refusal::Forbidden("only the sender, the owner of the room and the controller may remove a message");

fn room_of<'a>(desk: &Desk<'a>, stream: StreamNumber) -> Option<&'a Room> {
    desk.state.rooms.get(&stream)
}
