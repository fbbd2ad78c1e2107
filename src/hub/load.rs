//! Builds the state in memory from the database, once, at the start.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::directory::{Conversation, Directory, Head, Room};
use super::keyring::{KeyChange, Keyring};
use super::leases::Leases;
use super::open_rooms::OpenRooms;
use super::openings::{OpeningChange, Openings};
use crate::domain::{Lease, Role, StreamNumber};
use crate::runtime::clock::Clock;
use crate::store::{
    Connection, StoreError, agents, direct, keys, messages, openings, pauses, receipts, rooms, search, settings, tasks,
};

/// Reads everything that decides who may do what, and begins the leases anew.
pub(super) fn load(connection: &Connection, clock: &dyn Clock) -> Result<Directory, StoreError> {
    let mut directory = read(connection)?;
    // How long the server was away nobody can say for sure: its clock may have been set. So that no lease ends before its
    // time, each gets its whole term again.
    for (task, lease, generation) in tasks::restart_leases(connection, clock.now_ms())? {
        let lease = Lease::new(lease.holder, clock.steady_ms(), lease.term_ms);
        directory.leases.set(task, lease, generation);
    }
    Ok(directory)
}

/// Reads everything but the leases, and changes nothing. Needs the controller and the lobby to be there.
pub(super) fn read(connection: &Connection) -> Result<Directory, StoreError> {
    let missing = |what: &str| StoreError::Damaged(format!("the database has no {what}"));
    let agent_rows = agents::all(connection)?;
    let room_rows = rooms::all(connection)?;
    let controller = agent_rows
        .iter()
        .find(|agent| agent.role == Role::Controller)
        .ok_or_else(|| missing("controller"))?;
    let lobby = room_rows
        .iter()
        .find(|room| room.is_lobby)
        .ok_or_else(|| missing("lobby"))?;
    let mut directory = Directory {
        controller: controller.number,
        lobby: lobby.number,
        agents: BTreeMap::new(),
        agent_numbers: HashMap::new(),
        keys: keyring(connection)?,
        rooms: BTreeMap::new(),
        room_numbers: HashMap::new(),
        open_rooms: OpenRooms::default(),
        hollow_rooms: BTreeSet::new(),
        rooms_at_ms: 0,
        conversations: HashMap::new(),
        conversation_numbers: BTreeSet::new(),
        correspondents: HashMap::new(),
        sessions: HashMap::new(),
        openings: read_openings(connection)?,
        leases: Leases::default(),
        read_marks: receipts::all_read_marks(connection)?.into_iter().collect(),
        unindexed: BTreeMap::new(),
        lobby_at_ms: 0,
        motd: settings::get(connection, settings::MOTD)?.map(Into::into),
        locked: settings::get(connection, settings::LOCKED)?.is_some(),
    };
    for agent in agent_rows {
        directory.add_agent(agent);
    }
    for agent in directory.agents.values_mut() {
        agent.mailbox_seq = direct::last_mailbox_seq(connection, agent.number)?;
    }
    for row in room_rows {
        let mut room = Room::from_row(row);
        room.head = head(connection, room.number)?;
        directory.add_room(room);
    }
    for (room, agent, at_ms) in rooms::all_members(connection)? {
        if let Some(room) = directory.rooms.get_mut(&room) {
            Arc::make_mut(&mut room.members).insert(agent, at_ms);
        }
    }
    for (room, agent) in rooms::all_invitations(connection)? {
        if let Some(room) = directory.rooms.get_mut(&room) {
            room.invited.insert(agent);
        }
    }
    directory.lobby_at_ms = directory.lobby().map_or(0, |lobby| lobby.head.at_ms);
    for (number, low, high) in direct::all_conversations(connection)? {
        let head = head(connection, number)?;
        directory.add_conversation(low, high, Conversation { number, seq: head.seq });
        directory.lobby_at_ms = directory.lobby_at_ms.max(head.at_ms);
    }
    for (room, count) in tasks::open_counts(connection)? {
        if let Some(room) = directory.rooms.get_mut(&room) {
            room.open_tasks = count;
        }
    }
    let indexed = search::all_progress(connection)?;
    let rooms = directory.rooms.values().map(|room| (room.number, room.head.seq));
    let conversations = directory.conversations.values();
    let heads = rooms.chain(conversations.map(|conversation| (conversation.number, conversation.seq)));
    let behind = |(stream, head): (StreamNumber, u64)| {
        let indexed = indexed.get(&stream).copied().unwrap_or(0);
        (indexed < head).then_some((stream, indexed))
    };
    directory.unindexed = heads.filter_map(behind).collect();
    for (room, pause) in pauses::all(connection)? {
        if let Some(room) = directory.rooms.get_mut(&room) {
            room.paused = Some(Arc::new(pause));
        }
    }
    Ok(directory)
}

fn keyring(connection: &Connection) -> Result<Keyring, StoreError> {
    let mut keyring = Keyring::default();
    for (hash, card) in keys::all(connection)? {
        keyring.apply(KeyChange::Added(hash, card));
    }
    for (hash, enrolment) in keys::all_enrolments(connection)? {
        keyring.apply(KeyChange::EnrolmentAdded(hash, enrolment));
    }
    Ok(keyring)
}

fn read_openings(connection: &Connection) -> Result<Openings, StoreError> {
    let mut state = Openings::default();
    for opening in openings::all(connection)? {
        state.apply(OpeningChange::Opened(opening));
    }
    for link in openings::all_links(connection)? {
        state.apply(OpeningChange::PlaceAdded(link));
    }
    Ok(state)
}

/// Retention always leaves the newest message, so the last position and time of a stream are never lost.
fn head(connection: &Connection, stream: StreamNumber) -> Result<Head, StoreError> {
    let newest = messages::newest(connection, stream)?;
    Ok(newest.map_or_else(Head::default, |message| Head {
        seq: message.id.seq(),
        at_ms: message.sent_at_ms,
    }))
}
