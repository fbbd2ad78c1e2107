//! Making, changing and deleting rooms.

use super::membership::add_member;
use super::openings::{close_of_agent, close_room};
use crate::domain::{AgentNumber, Event, Name, Refusal, Role, RoomId, RoomView, Visibility};
use crate::hub::act::{Act, Audience, Cost, Desk, Effect, Except, Me};
use crate::hub::change::Change;
use crate::hub::directory::{Directory, Room};
use crate::store::rooms::{self, RoomRow};
use crate::store::tasks;

/// Makes a room, owned by the caller, who is its first member.
#[derive(Clone, Debug)]
pub struct CreateRoom {
    /// Its name.
    pub name: Name,
    /// Who may see it.
    pub visibility: Visibility,
    /// What it is for.
    pub description: Option<String>,
}

impl Act for CreateRoom {
    type Receipt = RoomView;
    const COST: Cost = Cost::Announcement;

    fn is_announced(&self, _state: &Directory) -> bool {
        self.visibility == Visibility::Public
    }

    fn run(&self, desk: &mut Desk<'_>) -> Result<RoomView, Refusal> {
        let me = desk.me()?;
        if desk.state.open_rooms() >= desk.limits.rooms as usize {
            return Err(Refusal::RoomLimit(desk.limits.rooms));
        }
        let (owned, most) = (
            desk.state.open_rooms.owned_by(me.agent.number),
            desk.limits.rooms_per_agent,
        );
        if most > 0 && owned >= most as usize && me.agent.role != Role::Controller {
            return Err(Refusal::RoomsPerAgent(most));
        }
        let id = RoomId(uuid::Builder::from_random_bytes(desk.random()?).into_uuid());
        let at_ms = desk.state.next_room_time(desk.now_ms);
        let row = RoomRow {
            number: desk.free_stream()?,
            id,
            name: self.name.clone(),
            description: self.description.clone(),
            owner: me.agent.number,
            visibility: self.visibility,
            is_lobby: false,
            created_at_ms: at_ms,
            deleted: false,
        };
        let number = row.number;
        rooms::insert(desk.connection, &row)?;
        rooms::add_member(desk.connection, number, me.agent.number, at_ms)?;
        rooms::add_invitation(desk.connection, number, me.agent.number)?;
        desk.change(Change::RoomAdded(row.clone()));
        desk.change(Change::MemberAdded {
            room: number,
            agent: me.agent.number,
            at_ms,
        });
        desk.change(Change::Invited {
            room: number,
            agent: me.agent.number,
        });
        let audience = match self.visibility {
            Visibility::Public => Audience::Everyone,
            Visibility::Private => Desk::agents([desk.state.controller, me.agent.number]),
        };
        let event = Event::RoomCreated {
            room: id,
            name: self.name.clone(),
            owner: me.agent.id,
            visibility: self.visibility,
        };
        desk.tell(audience, Except::Session(me.session), event);
        let room = Room::from_row(row);
        let view = desk.state.view(&room, me.agent.number);
        Ok(RoomView {
            is_member: true,
            member_count: 1,
            unread: Some(0),
            ..view
        })
    }
}

/// Opens a room to everybody, or closes it to those who are in it.
#[derive(Clone, Copy, Debug)]
pub struct SetVisibility {
    /// The room.
    pub room: Option<RoomId>,
    /// Who may see it from now on.
    pub visibility: Visibility,
}

impl Act for SetVisibility {
    type Receipt = ();
    const COST: Cost = Cost::Announcement;

    fn is_announced(&self, state: &Directory) -> bool {
        find(state, self.room).is_some_and(|room| room.visibility != self.visibility)
    }

    fn run(&self, desk: &mut Desk<'_>) -> Result<(), Refusal> {
        let me = desk.me()?;
        let room = desk.governed_room(&me, self.room)?;
        if room.visibility == self.visibility {
            desk.forgo_note();
            return Ok(());
        }
        store(
            desk,
            room,
            Settings {
                visibility: self.visibility,
                ..Settings::of(room)
            },
        )?;
        if self.visibility == Visibility::Private {
            rooms::invite_members(desk.connection, room.number)?;
            desk.change(Change::MembersInvited(room.number));
        }
        // Everybody who saw it before or sees it now: that is everybody, whichever way it went.
        let event = Event::RoomVisibilityChanged {
            room: room.id,
            visibility: self.visibility,
        };
        desk.tell(Audience::Everyone, Except::Session(me.session), event);
        Ok(())
    }
}

/// Renames or describes a room.
#[derive(Clone, Debug)]
pub struct UpdateRoom {
    /// The room.
    pub room: Option<RoomId>,
    /// Its new name, if it gets one.
    pub name: Option<Name>,
    /// Its new description, if it gets one; `Some(None)` clears it.
    pub description: Option<Option<String>>,
}

impl UpdateRoom {
    fn changes(&self, room: &Room) -> bool {
        self.name.as_ref().is_some_and(|name| *name != room.name)
            || self.description.as_ref().is_some_and(|text| *text != room.description)
    }
}

impl Act for UpdateRoom {
    type Receipt = ();
    const COST: Cost = Cost::Announcement;

    fn is_announced(&self, state: &Directory) -> bool {
        find(state, self.room).is_some_and(|room| room.visibility == Visibility::Public && self.changes(room))
    }

    fn run(&self, desk: &mut Desk<'_>) -> Result<(), Refusal> {
        let me = desk.me()?;
        let room = desk.governed_room(&me, self.room)?;
        if !self.changes(room) {
            desk.forgo_note();
            return Ok(());
        }
        let before = Settings::of(room);
        let name = self.name.clone().unwrap_or(before.name);
        let description = self.description.clone().unwrap_or(before.description);
        let event = Event::RoomUpdated {
            room: room.id,
            name: name.clone(),
            description: description.clone(),
        };
        store(
            desk,
            room,
            Settings {
                name,
                description,
                ..Settings::of(room)
            },
        )?;
        desk.tell(desk.audience(room, room.visibility), Except::Session(me.session), event);
        Ok(())
    }
}

/// Deleted rooms without a message that are kept for the controller to look at. Who makes and deletes rooms in a loop would
/// fill the memory otherwise, and use up the numbers of streams.
const HOLLOW_KEPT: usize = 100;

/// Makes place for `room`, which is being deleted, among those that never had a message.
fn purge_oldest(desk: &mut Desk<'_>, room: &Room) -> Result<(), Refusal> {
    let hollow = &desk.state.hollow_rooms;
    let oldest = hollow
        .first()
        .filter(|_| hollow.len() >= HOLLOW_KEPT && room.head.seq == 0);
    if let Some((_, oldest)) = oldest {
        rooms::purge(desk.connection, *oldest)?;
        desk.change(Change::RoomPurged(*oldest));
    }
    Ok(())
}

/// Deletes a room for everybody, and calls its tasks off. What was said in it is kept for the controller.
#[derive(Clone, Copy, Debug)]
pub struct DeleteRoom {
    /// The room.
    pub room: Option<RoomId>,
}

impl Act for DeleteRoom {
    type Receipt = ();

    fn run(&self, desk: &mut Desk<'_>) -> Result<(), Refusal> {
        let me = desk.me()?;
        let room = desk.governed_room(&me, self.room)?;
        close_room(desk, room, Except::Session(me.session))?;
        tasks::cancel_room(desk.connection, room.number, desk.now_ms)?;
        rooms::delete(desk.connection, room.number, desk.state.controller, desk.now_ms)?;
        desk.change(Change::RoomDeleted(room.number));
        purge_oldest(desk, room)?;
        desk.effect(Effect::Lose(room.number, None));
        desk.tell(
            desk.audience(room, room.visibility),
            Except::Session(me.session),
            Event::RoomDeleted { room: room.id },
        );
        Ok(())
    }
}

fn find(state: &Directory, room: Option<RoomId>) -> Option<&Room> {
    room.and_then(|room| state.room_by_id(room))
}

/// Makes the controller the owner of a room, and a member.
#[derive(Clone, Copy, Debug)]
pub struct TakeOwnership {
    /// The room.
    pub room: Option<RoomId>,
}

impl Act for TakeOwnership {
    type Receipt = ();

    fn run(&self, desk: &mut Desk<'_>) -> Result<(), Refusal> {
        let me = desk.controller()?;
        let room = desk.governed_room(&me, self.room)?;
        if room.owner != me.agent.number {
            change_owner(desk, room, &me)?;
        }
        if !room.has_member(me.agent.number) {
            add_member(desk, room, &me)?;
        }
        Ok(())
    }
}

fn change_owner(desk: &mut Desk<'_>, room: &Room, me: &Me<'_>) -> Result<(), Refusal> {
    close_of_agent(desk, room.owner, Some(room.number), Except::Session(me.session))?;
    pass_to(desk, room, me.agent.number)?;
    let event = owner_changed(desk, room, me.agent.number);
    desk.tell(desk.audience(room, room.visibility), Except::Session(me.session), event);
    Ok(())
}

/// Records that `room` belongs to `owner` from now on.
pub(super) fn pass_to(desk: &mut Desk<'_>, room: &Room, owner: AgentNumber) -> Result<(), Refusal> {
    store(
        desk,
        room,
        Settings {
            owner,
            ..Settings::of(room)
        },
    )
}

/// The event that tells of it.
pub(super) fn owner_changed(desk: &Desk<'_>, room: &Room, owner: AgentNumber) -> Event {
    let id_of = |number| {
        desk.state
            .agent(number)
            .map_or(crate::domain::AgentId(uuid::Uuid::nil()), |agent| agent.id)
    };
    Event::RoomOwnerChanged {
        room: room.id,
        new_owner: id_of(owner),
        previous_owner: id_of(room.owner),
    }
}

/// What can be changed of a room.
struct Settings {
    name: Name,
    description: Option<String>,
    owner: AgentNumber,
    visibility: Visibility,
}

impl Settings {
    fn of(room: &Room) -> Self {
        Self {
            name: room.name.clone(),
            description: room.description.clone(),
            owner: room.owner,
            visibility: room.visibility,
        }
    }
}

fn store(desk: &mut Desk<'_>, room: &Room, settings: Settings) -> Result<(), Refusal> {
    let Settings {
        name,
        description,
        owner,
        visibility,
    } = settings;
    rooms::update(
        desk.connection,
        room.number,
        &name,
        description.as_deref(),
        owner,
        visibility,
    )?;
    desk.change(Change::RoomChanged {
        room: room.number,
        name,
        description,
        owner,
        visibility,
    });
    Ok(())
}
