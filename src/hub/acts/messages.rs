//! Speaking, writing to one agent, and taking back what was said.

use super::posting::{Content, Draft, Extras, log_retired, post, retired};
use super::retries::RetryKey;
use super::tasks::redact_task;
use crate::domain::{
    AgentId, DirectMessage, Event, MessageId, MessageKind, Refusal, Role, RoomId, RowId, StreamNumber, Visibility,
};
use crate::hub::act::{Act, Audience, Cost, Desk, Except, Me};
use crate::hub::change::Change;
use crate::hub::directory::{Directory, Room};
use crate::store::messages::{DirectRow, MessageRow, Removal};
use crate::store::{direct, messages};

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

    fn run(&self, desk: &mut Desk<'_>) -> Result<Sent, Refusal> {
        let me = desk.me()?;
        if let Some(id) = RetryKey::earlier_message(self.retry.as_ref(), desk, me.agent.number)? {
            return Ok(Sent { id });
        }
        let room = desk.room(self.room)?;
        if !room.has_member(me.agent.number) {
            return Err(Refusal::NotAMember);
        }
        let content = self.content.text(desk.limits.message_length)?;
        let draft = Draft {
            content,
            kind: self.extras.kind,
            data: self.extras.data.as_ref(),
            reply_to: self.extras.answers.find(desk, Some(room.number))?,
        };
        let id = post(desk, &me, room, &draft)?;
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

impl Act for SendDirect {
    type Receipt = Sent;
    const COST: Cost = Cost::Message;

    fn run(&self, desk: &mut Desk<'_>) -> Result<Sent, Refusal> {
        let me = desk.me()?;
        if let Some(id) = RetryKey::earlier_message(self.retry.as_ref(), desk, me.agent.number)? {
            return Ok(Sent { id });
        }
        let to = desk.agent(self.to)?;
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
        if let Some(retry) = &self.retry {
            retry.remember(desk, me.agent.number, id)?;
        }
        let message = DirectMessage {
            message: draft.shown(&me, id),
            recipient: to.id,
        };
        desk.tell(
            Audience::Agents(vec![to.number]),
            Except::Agent(me.agent.number),
            Event::Direct { message },
        );
        Ok(Sent { id })
    }
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
        let is_task = row.kind == MessageKind::Task;
        messages::remove(desk.connection, row, removal)?;
        if is_task {
            redact_task(desk, &me, id)?;
        }
        let reason = self.reason.clone();
        let event = Event::MessageRemoved {
            message: id,
            room: room.id,
            removed_by: me.agent.id,
            reason,
        };
        desk.tell(audience, Except::Session(me.session), event);
        Ok(())
    }
}

/// Whether `me` may remove `row`; the room that holds it, and who is told.
fn authorise<'a>(desk: &Desk<'a>, me: &Me<'a>, row: &MessageRow) -> Result<(&'a Room, Audience), Refusal> {
    let (agent, governs) = (me.agent, me.agent.role == Role::Controller);
    if let Some(direct) = row.direct {
        let lobby = desk.state.lobby().ok_or(Refusal::MessageNotFound)?;
        return match agent.number {
            number if number == row.sender || governs => Ok((lobby, Desk::agents([row.sender, direct.recipient]))),
            number if number == direct.recipient => Err(NOT_YOURS),
            _ => Err(Refusal::MessageNotFound),
        };
    }
    let room = room_of(desk, row.id.stream()).ok_or(Refusal::MessageNotFound)?;
    if room.deleted && !governs {
        return Err(Refusal::MessageNotFound);
    }
    if governs || agent.number == row.sender || room.owner == agent.number {
        return Ok((room, Desk::members(room)));
    }
    let knows = room.visibility == Visibility::Public || Directory::sees(agent, room);
    Err(if knows { NOT_YOURS } else { Refusal::MessageNotFound })
}

const NOT_YOURS: Refusal =
    Refusal::Forbidden("only the sender, the owner of the room and the controller may remove a message");

fn room_of<'a>(desk: &Desk<'a>, stream: StreamNumber) -> Option<&'a Room> {
    desk.state.rooms.get(&stream)
}
