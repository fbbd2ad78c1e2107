//! Putting a message into a room, whichever act says it.

use std::sync::Arc;

use super::pauses::stop_endless;
use crate::domain::{
    Event, JsonText, Message, MessageId, MessageKind, Refusal, RoomId, RowId, StreamNumber, check_text,
};
use crate::hub::act::{Desk, Effect, Me};
use crate::hub::change::Change;
use crate::hub::directory::Room;
use crate::hub::feed::{Place, Source};
use crate::store::messages::{self, DirectRow, MessageRow};
use crate::store::peer_messages;

/// What a message says. One that is too long is refused only after other checks, and until then known by its length
/// alone: a queue of them must not hold megabytes.
#[derive(Clone, Debug)]
pub struct Content(Result<Arc<str>, usize>);

impl Content {
    /// Takes `text`, which is not empty, when it has at most `limit` code points.
    pub fn new(text: &str, limit: u32) -> Self {
        Self(match check_text(text, limit) {
            Ok(()) => Ok(text.into()),
            Err(_) => Err(text.chars().count()),
        })
    }

    /// Its bytes; none when it is too long, which is refused anyway.
    pub(super) fn bytes(&self) -> usize {
        self.0.as_ref().map_or(0, |text| text.len())
    }

    pub(super) fn text(&self, limit: u32) -> Result<&Arc<str>, Refusal> {
        let too_long = |length: &usize| Refusal::MessageTooLong { length: *length, limit };
        self.0.as_ref().map_err(too_long)
    }
}

/// What a message answers.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Answers {
    /// Nothing.
    #[default]
    Nothing,
    /// This message; `None` stands for an id that names none.
    Message(Option<MessageId>),
}

impl Answers {
    /// The message, which must still be there and lie in `stream`: nothing is told of others.
    pub(super) fn find(self, desk: &Desk<'_>, stream: Option<StreamNumber>) -> Result<Option<MessageId>, Refusal> {
        let Self::Message(id) = self else { return Ok(None) };
        let found = match (id, stream) {
            (Some(id), Some(stream)) => there(desk, id, stream)?,
            _ => None,
        };
        found.map(Some).ok_or(Refusal::MessageNotFound)
    }
}

/// The message of this id, if it is there and lies in `stream`.
pub(super) fn there(desk: &Desk<'_>, id: MessageId, stream: StreamNumber) -> Result<Option<MessageId>, Refusal> {
    if id.row.stream() != stream {
        return Ok(None);
    }
    let row = messages::get(desk.connection, id.row)?;
    Ok(row.filter(|row| row.sent_at_ms == id.at_ms).map(|_| id))
}

/// What a message carries beside its text.
#[derive(Clone, Debug, Default)]
pub struct Extras {
    /// What kind it is.
    pub kind: MessageKind,
    /// JSON that goes with it.
    pub data: Option<JsonText>,
    /// What it answers.
    pub answers: Answers,
    /// Whether the sender wants to be told who reads it.
    pub want_read: bool,
}

impl Extras {
    /// Bytes of the JSON.
    pub(super) fn bytes(&self) -> usize {
        self.data.as_ref().map_or(0, |data| data.as_str().len())
    }
}

/// A message before it has a place.
pub(super) struct Draft<'a> {
    pub content: &'a Arc<str>,
    pub kind: MessageKind,
    pub data: Option<&'a JsonText>,
    pub reply_to: Option<MessageId>,
}

impl Draft<'_> {
    pub(super) fn row(&self, me: &Me<'_>, id: RowId, at_ms: i64, direct: Option<DirectRow>) -> MessageRow {
        MessageRow {
            id,
            sent_at_ms: at_ms,
            sender: me.agent.number,
            sender_name: me.name.clone(),
            content: str::to_owned(self.content),
            kind: self.kind,
            data: self.data.cloned(),
            reply_to: self.reply_to,
            direct,
            removal: None,
        }
    }

    pub(super) fn shown(&self, me: &Me<'_>, id: MessageId) -> Message {
        Message {
            id,
            sender: me.agent.id,
            sender_name: me.name.clone(),
            origin: me.agent.origin,
            content: Arc::clone(self.content),
            kind: self.kind,
            data: self.data.cloned(),
            reply_to: self.reply_to,
        }
    }
}

/// Stores a message of `me` as the next one of `room` and tells the other members; pauses the room when that makes an
/// exchange endless. At most once in an act.
pub(super) fn post(desk: &mut Desk<'_>, me: &Me<'_>, room: &Room, draft: &Draft<'_>) -> Result<MessageId, Refusal> {
    let at_ms = desk.state.next_time(room, desk.now_ms);
    let seq = room.head.seq + 1;
    let row = draft.row(me, RowId::new(room.number, seq), at_ms, None);
    messages::append(desk.connection, &row)?;
    let sender = me.agent.number;
    let exchange = room.exchange.after(sender, desk.steady_ms, &desk.limits.exchange);
    desk.change(Change::MessageAppended {
        room: room.number,
        seq,
        at_ms,
        exchange,
    });
    if let Some(last) = last_retired(desk, room, seq) {
        let count = messages::delete_up_to(desk.connection, room.number, last)?;
        peer_messages::delete_up_to(desk.connection, room.number, last)?;
        log_retired(desk, room.id, count);
    }
    let id = MessageId { at_ms, row: row.id };
    let event = Event::Message {
        room: room.id,
        message: draft.shown(me, id),
        removed: false,
    };
    let place = Place {
        source: Source::Room(room.number),
        seq,
    };
    desk.effect(Effect::Stored);
    desk.show(Desk::members(room), place, sender, event);
    stop_endless(desk, room, &exchange)?;
    Ok(id)
}

/// The last position of `room` that is not kept once `seq` is its newest.
pub(super) fn last_retired(desk: &Desk<'_>, room: &Room, seq: u64) -> Option<u64> {
    let keep = if room.is_lobby {
        desk.limits.lobby_history
    } else {
        desk.limits.room_history
    };
    retired(seq, keep)
}

/// The last position that is not kept when `keep` messages are, 0 being all of them.
pub(super) fn retired(seq: u64, keep: u64) -> Option<u64> {
    (keep > 0 && seq > keep).then(|| seq - keep)
}

pub(super) fn log_retired(desk: &mut Desk<'_>, room: RoomId, count: usize) {
    if count > 0 {
        desk.effect(Effect::Retired(count));
        tracing::debug!(room.id = %room, count, "messages beyond the history limit were deleted");
    }
}
