//! What peers say in the room that they were let into.

use super::pauses::must_not_be_paused;
use super::posting::{Content, Draft, post, there};
use super::tasks::{OfferTask, finish_unclaimed};
use crate::domain::{JsonText, MessageId, MessageKind, Name, Refusal, RowId};
use crate::hub::act::{Act, Cost, Desk, Me};
use crate::hub::directory::Room;
use crate::hub::openings::level;
use crate::store::messages;
use crate::store::peer_messages::{self, Foreign};

/// Says in the room of the calling guest what came from its peer. What came before under the same id is not said again.
#[derive(Clone, Debug)]
pub struct GuestSays {
    /// The id under which the peer knows it. An id in the form of this server's message ids is the same whoever passes the
    /// message on; any other one is its peer's alone.
    pub foreign_id: Option<String>,
    /// Under which name it is said, when that is not the guest's.
    pub speaker: Option<Name>,
    /// What is said.
    pub words: GuestWords,
    /// The id, as the peer knows it, of what it answers. What is not found is not answered.
    pub answers: Option<String>,
}

/// What a guest says.
#[derive(Clone, Debug)]
pub enum GuestWords {
    /// Talk, a question, a file, a result.
    Message {
        /// What kind it is; never `Task`.
        kind: MessageKind,
        /// What it says.
        content: Content,
        /// JSON that goes with it.
        data: Option<JsonText>,
    },
    /// Work to be done.
    Task {
        /// In one line.
        title: Name,
        /// At length.
        description: Option<String>,
        /// Both of them.
        content: Content,
        /// JSON that goes with it.
        data: Option<JsonText>,
    },
}

impl GuestWords {
    fn data(&self) -> Option<&JsonText> {
        match self {
            Self::Message { data, .. } | Self::Task { data, .. } => data.as_ref(),
        }
    }

    fn kind(&self) -> MessageKind {
        match self {
            Self::Message { kind, .. } => *kind,
            Self::Task { .. } => MessageKind::Task,
        }
    }
}

/// The receipt of what a guest says: it is stored.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Said {
    /// Now, as this message.
    Now(MessageId),
    /// Earlier, at this place.
    Earlier(RowId),
}

impl Act for GuestSays {
    type Receipt = Said;
    const COST: Cost = Cost::Message;

    fn bytes(&self) -> usize {
        match &self.words {
            GuestWords::Message { content, data, .. } => {
                content.bytes() + data.as_ref().map_or(0, |data| data.as_str().len())
            }
            GuestWords::Task { content, data, .. } => {
                2 * (content.bytes() + data.as_ref().map_or(0, |data| data.as_str().len()))
            }
        }
    }

    fn run(&self, desk: &mut Desk<'_>) -> Result<Said, Refusal> {
        let me = desk.me()?;
        let (link, opening) = desk
            .state
            .openings
            .of_guest(me.agent.number)
            .ok_or(Refusal::NotAMember)?;
        let room = desk
            .state
            .room(opening.room)
            .filter(|room| room.has_member(me.agent.number));
        let room = room.ok_or(Refusal::NotAMember)?;
        if !level(link, opening).allows(self.words.kind().as_str()) {
            return Err(Refusal::Forbidden("the level of this peer allows talk only"));
        }
        if let Some(data) = self.words.data() {
            let (length, limit) = (data.as_str().len(), desk.limits.data_bytes);
            if limit > 0 && length > limit as usize {
                return Err(Refusal::DataTooLarge { length, limit });
            }
        }
        if let Some(id) = &self.foreign_id
            && let Some(earlier) = earlier(desk, &me, room, id)?
        {
            return Ok(Said::Earlier(earlier));
        }
        let id = self.say(desk, me.clone(), room)?;
        if let Some(foreign) = &self.foreign_id {
            let foreign = Foreign {
                sender: me.agent.number,
                id: foreign.clone(),
            };
            peer_messages::insert(desk.connection, id.row, &foreign)?;
        }
        Ok(Said::Now(id))
    }
}

impl GuestSays {
    fn say(&self, desk: &mut Desk<'_>, mut me: Me<'_>, room: &Room) -> Result<MessageId, Refusal> {
        let answered = match &self.answers {
            Some(id) => find(desk, &me, room, id)?,
            None => None,
        };
        match &self.words {
            GuestWords::Task {
                title,
                description,
                content,
                data,
            } => {
                let offer = OfferTask {
                    room: Some(room.id),
                    title: title.clone(),
                    description: description.clone(),
                    content: content.clone(),
                    data: data.clone(),
                    assignee: None,
                    retry: None,
                };
                Ok(offer.run(desk)?.task)
            }
            GuestWords::Message { kind, content, data } => {
                must_not_be_paused(room)?;
                if let Some(speaker) = &self.speaker {
                    me.name = speaker.clone();
                }
                let draft = Draft {
                    content: content.text(desk.limits.message_length)?,
                    kind: *kind,
                    data: data.as_ref(),
                    reply_to: answered,
                };
                if *kind == MessageKind::Result
                    && let Some(task) = answered
                    && let Some(id) = finish_unclaimed(desk, &me, task, &draft)?
                {
                    return Ok(id);
                }
                post(desk, &me, room, &draft)
            }
        }
    }
}

/// Where a message lies that came before under this id, from this peer or, if the id is the same everywhere, from any; or that
/// began here.
fn earlier(desk: &Desk<'_>, me: &Me<'_>, room: &Room, id: &str) -> Result<Option<RowId>, Refusal> {
    let everywhere = MessageId::parse(id);
    if let Some(own) = everywhere
        && let Some(own) = there(desk, own, room.number)?
    {
        return Ok(Some(own.row));
    }
    let known = peer_messages::find(desk.connection, room.number, id)?;
    let same = |(sender, _): &&_| everywhere.is_some() || *sender == me.agent.number;
    Ok(known.iter().find(same).map(|(_, row)| *row))
}

/// The message that a peer knows under this id, if it is still there.
fn find(desk: &Desk<'_>, me: &Me<'_>, room: &Room, id: &str) -> Result<Option<MessageId>, Refusal> {
    let Some(row) = earlier(desk, me, room, id)? else {
        return Ok(None);
    };
    let message = messages::get(desk.connection, row)?;
    Ok(message.map(|message| MessageId {
        at_ms: message.sent_at_ms,
        row,
    }))
}
