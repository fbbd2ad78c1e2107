//! Pausing a room and resuming it.

use crate::domain::{Event, Refusal, Role, RoomId};
use crate::hub::act::{Act, Desk, Except, Me};
use crate::hub::audit::automatic;
use crate::hub::change::Change;
use crate::hub::directory::Room;
use crate::hub::exchange::Exchange;
use crate::store::audit;
use crate::store::pauses::{self, PauseRow};

/// Stops all talk in a room until it is resumed.
#[derive(Clone, Debug)]
pub struct PauseRoom {
    /// The room.
    pub room: Option<RoomId>,
    /// Why, for its members.
    pub reason: Option<String>,
}

impl Act for PauseRoom {
    type Receipt = ();

    fn run(&self, desk: &mut Desk<'_>) -> Result<(), Refusal> {
        let me = desk.me()?;
        let room = owned(desk, &me, self.room)?;
        if room.paused.is_some() {
            desk.forgo_note();
            return Ok(());
        }
        let pause = PauseRow {
            at_ms: desk.now_ms,
            by: Some(me.agent.number),
            reason: self.reason.clone(),
        };
        pause_room(desk, room, pause, Except::Session(me.session))
    }
}

/// Lets a room talk again.
#[derive(Clone, Copy, Debug)]
pub struct ResumeRoom {
    /// The room.
    pub room: Option<RoomId>,
}

impl Act for ResumeRoom {
    type Receipt = ();

    fn run(&self, desk: &mut Desk<'_>) -> Result<(), Refusal> {
        let me = desk.me()?;
        let room = owned(desk, &me, self.room)?;
        if room.paused.is_none() {
            desk.forgo_note();
            return Ok(());
        }
        pauses::delete(desk.connection, room.number)?;
        desk.change(Change::RoomResumed(room.number));
        let event = Event::RoomResumed {
            room: room.id,
            by: me.agent.id,
        };
        desk.tell(Desk::members(room), Except::Session(me.session), event);
        Ok(())
    }
}

/// A room whose talk is up to `me`: as its owner or as the controller. The lobby too: agents answer each other there as
/// well as anywhere.
fn owned<'a>(desk: &Desk<'a>, me: &Me<'_>, room: Option<RoomId>) -> Result<&'a Room, Refusal> {
    let room = desk.room(room)?;
    if me.agent.role != Role::Controller && room.owner != me.agent.number {
        return Err(Refusal::Forbidden(
            "only the owner of the room and the controller may do this",
        ));
    }
    Ok(room)
}

/// Refuses talk in a room that is paused.
pub(super) fn must_not_be_paused(room: &Room) -> Result<(), Refusal> {
    match &room.paused {
        None => Ok(()),
        Some(pause) => Err(Refusal::RoomPaused {
            since_ms: pause.at_ms,
            reason: pause.reason.clone(),
        }),
    }
}

/// Pauses the room when what `sender` has just said in it, `exchange` included, makes an exchange endless.
pub(super) fn stop_endless(desk: &mut Desk<'_>, room: &Room, exchange: &Exchange) -> Result<(), Refusal> {
    if room.paused.is_some() {
        // Work in hand is finished in a paused room too.
        return Ok(());
    }
    let Some(reason) = exchange.verdict(desk.steady_ms, &desk.limits.exchange) else {
        return Ok(());
    };
    tracing::warn!(room.id = %room.id, reason, "a room was paused");
    let pause = PauseRow {
        at_ms: desk.now_ms,
        by: None,
        reason: Some(reason),
    };
    let entry = automatic(PAUSE, &room.id, desk.now_ms);
    audit::append(desk.connection, &entry, desk.limits.audit_rows)?;
    pause_room(desk, room, pause, Except::Nobody)
}

/// The method that does by hand what the server does by itself.
const PAUSE: &str = "room.pause";

/// Records a pause and tells the members.
fn pause_room(desk: &mut Desk<'_>, room: &Room, pause: PauseRow, except: Except) -> Result<(), Refusal> {
    pauses::insert(desk.connection, room.number, &pause)?;
    let event = Event::RoomPaused {
        room: room.id,
        since_ms: pause.at_ms,
        reason: pause.reason.clone(),
        by: pause.by.map(|agent| desk.state.id_of(agent)),
    };
    desk.change(Change::RoomPaused(room.number, pause));
    desk.tell(Desk::members(room), except, event);
    Ok(())
}
