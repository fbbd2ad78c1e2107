//! Opening rooms, and opening them again after a restart.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;

use super::hub::Hub;
use super::{Carrier, Entered, MOST_ROOMS, Room, Rooms, Shared, hub, invite, p2p};
use crate::bridge::store::rooms::{StoredHub, StoredRoom};
use crate::bridge::store::{Unavailable, files, rooms, takeover};
use crate::client::ClientError;
use crate::domain::Permission;
use crate::p2p::{Link, LinkEvent, LinkOptions};

/// How long the signaling server may take to let us into a room.
const ENTRY_LIMIT: Duration = Duration::from_secs(10);

/// Characters of a room's id.
const LONGEST_ID: usize = 128;

/// Where a room of a hub is.
#[derive(Clone, Debug)]
pub(in crate::bridge) struct HubAddress {
    /// The hub's address.
    pub(in crate::bridge) url: String,
    /// The file with the agent's key.
    pub(in crate::bridge) key_file: PathBuf,
    /// The room's id or name; none: the lobby.
    pub(in crate::bridge) room: Option<String>,
}

/// Why a room was not opened.
#[derive(Debug, thiserror::Error)]
pub(in crate::bridge) enum ConnectError {
    /// The id has characters that ids have not, or too many of them.
    #[error("Invalid roomId: only alphanumeric, hyphen and underscore are allowed (max {LONGEST_ID} chars)")]
    BadId,
    /// There are as many rooms as there may be.
    #[error("Too many rooms (max {MOST_ROOMS})")]
    TooMany,
    /// The signaling server did not let us in.
    #[error("Signaling timeout")]
    Signaling(Option<String>),
    /// The room is open in another way: with another hub, another key, or a peer.
    #[error("Room '{0}' is already connected in another way; close it first")]
    Otherwise(String),
    /// The hub has no such room, or two of one name.
    #[error("{0}")]
    NoRoom(String),
    /// The file of the key cannot be used.
    #[error("cannot read the key file: {0}")]
    KeyFile(String),
    /// The hub refused.
    #[error(transparent)]
    Hub(#[from] ClientError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] Unavailable),
}

impl Rooms {
    /// Opens the rooms again that were open when the bridge ended.
    pub(in crate::bridge) async fn resume(&self) -> Result<(), Unavailable> {
        let root = self.0.options.root.clone();
        let stored = self
            .0
            .store
            .call(move |connection| {
                let open = rooms::open_ones(connection)?;
                for room in &open {
                    files::complete(connection, &root, room.number, &room.id)?;
                }
                Ok(open)
            })
            .await?;
        for room in stored {
            match &room.hub {
                None => drop(self.enter(&room, None)),
                Some(hub) => drop(self.follow(&room, hub.clone(), None)),
            }
        }
        Ok(())
    }

    /// Opens a room with a peer, or finds it open; without an id, the signaling server makes one. Returns when the room was
    /// entered, which says nothing about a peer.
    pub(in crate::bridge) async fn connect(&self, id: Option<&str>) -> Result<Arc<Room>, ConnectError> {
        let Some(id) = id.map(|id| self.real_id(id).to_owned()) else {
            return self.connect_new().await;
        };
        if !is_room_id(&id) {
            return Err(ConnectError::BadId);
        }
        if let Some(room) = self.find(Some(&id)) {
            return match room.carrier {
                Carrier::P2p(_) => self.entered(room, false).await,
                Carrier::Hub(_) => Err(ConnectError::Otherwise(id)),
            };
        }
        let stored = self.open(&id, None).await?;
        let room = self.enter(&stored, None).ok_or(ConnectError::TooMany)?;
        self.entered(room, true).await
    }

    async fn connect_new(&self) -> Result<Arc<Room>, ConnectError> {
        let (link, mut events) = self.link(None, self.0.options.permission);
        let entering = async {
            let mut before = Vec::new();
            while let Some(event) = events.recv().await {
                if let LinkEvent::Room { room_id } = &event {
                    let id = room_id.clone();
                    before.push(event);
                    return Ok((id, before));
                }
                if let LinkEvent::Error { message } = event {
                    return Err(Some(message));
                }
                before.push(event);
            }
            Err(None)
        };
        let entered = tokio::time::timeout(ENTRY_LIMIT, entering).await.unwrap_or(Err(None));
        let (id, before) = match entered {
            // A server may make ids that we would not take from a user, and they become names of directories.
            Ok((id, before)) if is_room_id(&id) => (id, before),
            Ok(_) => {
                link.close().await;
                return Err(ConnectError::BadId);
            }
            Err(why) => {
                link.close().await;
                return Err(ConnectError::Signaling(why));
            }
        };
        let stored = self.open(&id, None).await?;
        let events = with_first(before, events, &self.0);
        let room = self.enter(&stored, Some((link, events))).ok_or(ConnectError::TooMany)?;
        self.entered(room, true).await
    }

    /// Opens a room of a hub, or finds it open. Returns when the hub shows what happens in it.
    pub(in crate::bridge) async fn connect_hub(&self, address: &HubAddress) -> Result<Arc<Room>, ConnectError> {
        let joined = hub::join(&self.0, address).await?;
        let stored_hub = StoredHub {
            url: address.url.clone(),
            key_file: joined.key_file.clone(),
            position: None,
        };
        if let Some(room) = self.find(Some(&joined.room_id)) {
            let is_same = matches!(&room.carrier, Carrier::Hub(hub) if hub.is_at(&stored_hub) && !hub.has_ended());
            if is_same {
                return Ok(room);
            }
            let is_over = matches!(&room.carrier, Carrier::Hub(hub) if hub.has_ended());
            if !is_over {
                return Err(ConnectError::Otherwise(joined.room_id));
            }
            self.close(&room).await?;
        }
        let stored = self.open(&joined.room_id, Some(stored_hub.clone())).await?;
        let hub = stored.hub.clone().unwrap_or(stored_hub);
        let room = self.follow(&stored, hub, Some(joined)).ok_or(ConnectError::TooMany)?;
        hub::followed(&room).await?;
        Ok(room)
    }

    /// Stores that a room is open, takes over what an original left in its directory, and completes its files.
    async fn open(&self, id: &str, hub: Option<StoredHub>) -> Result<StoredRoom, Unavailable> {
        let (root, id) = (self.0.options.root.clone(), id.to_owned());
        let done = root.clone();
        self.0
            .store
            .call_then(
                move |connection| {
                    let (stored, is_new) = rooms::open(connection, &id, hub.as_ref())?;
                    if is_new {
                        takeover::read(connection, &root, stored.number, &id)?;
                    }
                    files::complete(connection, &root, stored.number, &id)?;
                    Ok((stored, is_new))
                },
                move |(room, is_new), _| {
                    if is_new {
                        takeover::put_away(&done, &room.id);
                    }
                    room
                },
            )
            .await
    }

    fn link(&self, room: Option<String>, permission: Permission) -> (Link, mpsc::Receiver<LinkEvent>) {
        let shared = &self.0;
        let options = LinkOptions {
            room,
            permission,
            ice_servers: shared.options.ice_servers.clone(),
            trust: shared.options.trust.clone(),
            intervals: shared.options.intervals,
            limits: shared.options.limits,
            ..LinkOptions::new(shared.options.signal_url.clone(), shared.options.name.clone())
        };
        let (clock, entropy) = (Arc::clone(&shared.clock), Arc::clone(&shared.entropy));
        Link::start(options, &shared.lifecycle, clock, entropy)
    }

    /// Has a link, a new one unless there is one, serve a room. None when there are too many rooms; if somebody else has
    /// opened it meanwhile, his.
    fn enter(&self, stored: &StoredRoom, link: Option<(Link, mpsc::Receiver<LinkEvent>)>) -> Option<Arc<Room>> {
        let mut open = self.lock();
        if let Some(room) = open.iter().find(|room| room.id == stored.id) {
            return Some(Arc::clone(room));
        }
        if open.len() >= MOST_ROOMS {
            return None;
        }
        let level = stored.permission.as_deref().and_then(|level| level.parse().ok());
        let permission = level.unwrap_or(self.0.options.permission);
        let (link, events) = link.unwrap_or_else(|| self.link(Some(stored.id.clone()), permission));
        let room = Room::new(&self.0, stored, Carrier::P2p(link.clone()));
        open.push(Arc::clone(&room));
        drop(open);
        p2p::run(&room, &link, events);
        Some(room)
    }

    fn follow(&self, stored: &StoredRoom, hub: StoredHub, joined: Option<hub::Joined>) -> Option<Arc<Room>> {
        let mut open = self.lock();
        if let Some(room) = open.iter().find(|room| room.id == stored.id) {
            return Some(Arc::clone(room));
        }
        if open.len() >= MOST_ROOMS {
            return None;
        }
        let served = Arc::new(Hub::new(&hub));
        let carrier = Carrier::Hub(Arc::clone(&served));
        let stored = StoredRoom {
            had_peer: true,
            ..stored.clone()
        };
        let room = Room::new(&self.0, &stored, carrier);
        open.push(Arc::clone(&room));
        drop(open);
        hub::run(&self.0, &room, served, hub, joined);
        Some(room)
    }

    /// Waits until a room was entered. One that was not, and is new, is closed again.
    async fn entered(&self, room: Arc<Room>, is_new: bool) -> Result<Arc<Room>, ConnectError> {
        let mut entered = room.entered.subscribe();
        let known = async {
            let known = entered.wait_for(|entered| *entered != Entered::Waiting).await;
            known.map_or(Entered::Waiting, |entered| entered.clone())
        };
        let outcome = tokio::time::timeout(ENTRY_LIMIT, known)
            .await
            .unwrap_or(Entered::Waiting);
        let why = match outcome {
            Entered::In => {
                room.write_invite().await;
                return Ok(room);
            }
            // Somebody else's room is left to him; what is resumed goes on trying.
            _ if !is_new => return Ok(room),
            Entered::Not(why) => Some(why),
            Entered::Waiting => None,
        };
        self.close(&room).await?;
        Err(ConnectError::Signaling(why))
    }
}

impl Room {
    /// Writes the words for whoever is invited, on a thread that may wait.
    async fn write_invite(&self) {
        if matches!(self.carrier, Carrier::Hub(_)) {
            return;
        }
        let permission = self.status().permission;
        let (directory, id, options) = (self.directory(), self.id.clone(), Arc::clone(&self.options));
        let written = tokio::task::spawn_blocking(move || invite::write(&directory, &id, &permission, &options));
        if let Ok(Err(error)) = written.await {
            tracing::warn!(%error, "an invite was not written");
        }
    }
}

/// What was received before the room was known, and then the rest.
fn with_first(
    before: Vec<LinkEvent>,
    mut events: mpsc::Receiver<LinkEvent>,
    shared: &Shared,
) -> mpsc::Receiver<LinkEvent> {
    let (sender, receiver) = mpsc::channel(shared.options.limits.events.max(1));
    shared.lifecycle.spawn("bridge events", async move {
        for event in before {
            if sender.send(event).await.is_err() {
                return;
            }
        }
        while let Some(event) = events.recv().await {
            if sender.send(event).await.is_err() {
                return;
            }
        }
    });
    receiver
}

/// Whether a text may be the id of a room. Ids become names of directories.
pub(in crate::bridge) fn is_room_id(id: &str) -> bool {
    (1..=LONGEST_ID).contains(&id.len())
        && id
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}
