//! A room of a hub, for agents that speak to the bridge only.
//!
//! What the hub shows is stored together with the position behind it, so that nothing is missing and nothing comes twice,
//! however the bridge ended. What is sent bears a key that is made of the message, so that the hub stores it once, however
//! often it is sent.

use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::sync::Mutex as AsyncMutex;

use super::arriving::Incoming;
use super::connecting::{ConnectError, HubAddress};
use super::{Entered, Happening, Room, Shared, Status, hub_sending, translate};
use crate::bridge::store::rooms::StoredHub;
use crate::bridge::store::{Unavailable, outbox, rooms};
use crate::client::{
    ApiKey, Backoff, Client, ClientError, ClientOptions, DISCONNECTED, Endpoint, Event, Item, Items, Methods as _,
    Position, RECONNECTED,
};
use crate::runtime::clock::Entropy;

/// What every key begins with.
const KEY_PREFIX: &str = "bl_k_";

/// Bytes of a key file; a key has fewer than a hundred.
const LONGEST_KEY: u64 = 4096;

/// Messages that are stored in one transaction.
const MOST_AT_ONCE: usize = 256;

/// Events that wait; they only tell whether there is a connection.
const EVENT_CAPACITY: usize = 1024;

/// Waits between attempts to reach a hub.
const BACKOFF: Backoff = Backoff {
    first: Duration::from_secs(1),
    most: Duration::from_secs(30),
};

/// What a room of a hub is doing.
pub(super) struct Hub {
    url: String,
    key_file: String,
    state: Mutex<State>,
    attempt: AtomicU32,
    /// Held while a message is on its way and until what the hub calls it is stored: an answer to it must find that.
    pub(super) sending: AsyncMutex<()>,
}

#[derive(Clone, Default)]
struct State {
    connected: bool,
    /// Why no further attempt is made.
    ended: Option<String>,
    name: Option<String>,
    last_activity_ms: Option<i64>,
}

/// A hub that let us in, and the room there.
pub(super) struct Joined {
    client: Client,
    pub(super) room_id: String,
    name: String,
    pub(super) key_file: String,
}

impl Hub {
    pub(super) fn new(stored: &StoredHub) -> Self {
        Self {
            url: stored.url.clone(),
            key_file: stored.key_file.clone(),
            state: Mutex::default(),
            attempt: AtomicU32::new(0),
            sending: AsyncMutex::new(()),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics while the lock is held.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn is_connected(&self) -> bool {
        self.lock().connected
    }

    pub(super) fn has_ended(&self) -> bool {
        self.lock().ended.is_some()
    }

    pub(super) fn is_at(&self, address: &StoredHub) -> bool {
        (&self.url, &self.key_file) == (&address.url, &address.key_file)
    }

    pub(super) fn status(&self) -> Status {
        let state = self.lock().clone();
        Status {
            connected: state.connected,
            reconnecting: !state.connected && state.ended.is_none(),
            peer: state.name.filter(|_| state.connected),
            // A hub's own rules hold; the bridge keeps nothing back.
            permission: "intimate".to_owned(),
            last_activity_ms: state.last_activity_ms,
            attempt: self.attempt.load(Ordering::Relaxed),
        }
    }
}

/// Connects to a hub and joins the room.
pub(super) async fn join(shared: &Shared, address: &HubAddress) -> Result<Joined, ConnectError> {
    let (key, key_file) = read_key(&address.key_file).await.map_err(ConnectError::KeyFile)?;
    let endpoint = match &shared.options.trust {
        Some(trust) => Endpoint::parse_trusting(&address.url, trust)?,
        None => Endpoint::parse(&address.url)?,
    };
    let mut options = ClientOptions::new(endpoint, key);
    options.connect.event_capacity = EVENT_CAPACITY;
    let client = Client::connect(options).await?;
    let rooms = client.list_rooms().await?;
    let wanted = match &address.room {
        Some(room) => room.clone(),
        None => client.identity().await?.lobby.room_id,
    };
    let by_id = rooms.iter().find(|room| room.room_id == wanted);
    let mut named = rooms.iter().filter(|room| room.name == wanted);
    let room = match (by_id, named.next(), named.next()) {
        (Some(room), _, _) | (None, Some(room), None) => room,
        (None, Some(_), Some(_)) => {
            let message = format!("the hub has several rooms called `{wanted}`; name one by its id");
            return Err(ConnectError::NoRoom(message));
        }
        (None, None, _) => {
            let message = format!("the hub has no room `{wanted}` that this agent may know of");
            return Err(ConnectError::NoRoom(message));
        }
    };
    if !room.is_member {
        client.join_room(&room.room_id).await?;
    }
    Ok(Joined {
        room_id: room.room_id.clone(),
        name: room.name.clone(),
        client,
        key_file,
    })
}

/// The key, and the absolute path of its file.
async fn read_key(path: &Path) -> Result<(ApiKey, String), String> {
    let path = path.to_owned();
    let read = move || -> Result<(ApiKey, String), String> {
        let tell = |error: std::io::Error| format!("`{}`: {error}", path.display());
        let path = std::path::absolute(&path).map_err(tell)?;
        let tell = |error: std::io::Error| format!("`{}`: {error}", path.display());
        let mut text = String::new();
        // A pipe would be waited for without end.
        if !std::fs::metadata(&path).map_err(tell)?.is_file() {
            return Err(format!("`{}` is no file", path.display()));
        }
        let file = std::fs::File::open(&path).map_err(tell)?;
        std::io::Read::read_to_string(&mut std::io::Read::take(file, LONGEST_KEY), &mut text).map_err(tell)?;
        let key = text.trim();
        // Whoever may use the bridge must not have it send other files of its user to a server of his.
        if !key.starts_with(KEY_PREFIX) || key.contains(char::is_whitespace) {
            return Err(format!("`{}` does not hold one key", path.display()));
        }
        Ok((ApiKey::new(key), path.to_string_lossy().into_owned()))
    };
    let read = tokio::task::spawn_blocking(read).await;
    read.unwrap_or_else(|_| Err("it was not read".to_owned()))
}

/// Serves the room until it is closed or the hub does not let us in any more.
pub(super) fn run(shared: &Arc<Shared>, room: &Arc<Room>, hub: Arc<Hub>, stored: StoredHub, joined: Option<Joined>) {
    let (shared, room) = (Arc::clone(shared), Arc::clone(room));
    let lifecycle = room.lifecycle.clone();
    lifecycle.spawn("bridge hub", async move {
        let (closing, stop) = (room.closing.clone(), room.lifecycle.soft_stop());
        tokio::select! {
            () = keep_up(&shared, &room, &hub, stored, joined) => {}
            () = closing.cancelled() => {}
            () = stop.cancelled() => {}
        }
        hub.lock().connected = false;
        room.outcomes.keep_all();
    });
}

/// Waits until the hub shows what happens in the room.
pub(super) async fn followed(room: &Room) -> Result<(), ConnectError> {
    let mut entered = room.entered.subscribe();
    let known = entered.wait_for(|entered| *entered != Entered::Waiting).await;
    match known.map(|known| known.clone()) {
        Ok(Entered::In) => Ok(()),
        Ok(Entered::Not(why)) => Err(ConnectError::NoRoom(why)),
        Ok(Entered::Waiting) | Err(_) => Err(ConnectError::NoRoom("the room was closed".to_owned())),
    }
}

/// Why a hub is left.
pub(super) enum Leave {
    /// For good.
    Refused(String),
    /// To try again.
    Again(String),
}

impl From<ClientError> for Leave {
    fn from(error: ClientError) -> Self {
        match &error {
            ClientError::Rpc(refused) if !refused.is_retryable() => Self::Refused(error.to_string()),
            ClientError::Address { .. } | ClientError::Trust { .. } => Self::Refused(error.to_string()),
            _ => Self::Again(error.to_string()),
        }
    }
}

impl From<Unavailable> for Leave {
    fn from(error: Unavailable) -> Self {
        Self::Again(error.to_string())
    }
}

async fn keep_up(shared: &Shared, room: &Arc<Room>, hub: &Hub, stored: StoredHub, mut joined: Option<Joined>) {
    let address = HubAddress {
        url: stored.url,
        key_file: stored.key_file.into(),
        room: Some(room.id.clone()),
    };
    let mut position = stored.position;
    loop {
        let left = match joined.take() {
            Some(joined) => Ok(joined),
            None => join(shared, &address).await.map_err(|error| match error {
                ConnectError::Hub(error) => Leave::from(error),
                other => Leave::Again(other.to_string()),
            }),
        };
        let left = match left {
            Ok(joined) => serve(room, hub, joined, &mut position).await,
            Err(left) => left,
        };
        hub.lock().connected = false;
        room.outcomes.keep_all();
        match left {
            Leave::Refused(why) => {
                hub.lock().ended = Some(why.clone());
                room.entered.send_if_modified(|entered| not_entered(entered, &why));
                room.tell(Happening::Error { message: why }).await;
                room.tell(Happening::Closed).await;
                return;
            }
            Leave::Again(why) => {
                room.entered.send_if_modified(|entered| not_entered(entered, &why));
                let attempt = hub.attempt.fetch_add(1, Ordering::Relaxed).saturating_add(1);
                room.tell(Happening::Error { message: why }).await;
                room.tell(Happening::Reconnecting { attempt }).await;
                tokio::time::sleep(BACKOFF.delay(attempt, chance(shared.entropy.as_ref()))).await;
            }
        }
    }
}

fn not_entered(entered: &mut Entered, why: &str) -> bool {
    let is_first = *entered == Entered::Waiting;
    if is_first {
        *entered = Entered::Not(why.to_owned());
    }
    is_first
}

/// A number from 0 to 1.
fn chance(entropy: &dyn Entropy) -> f64 {
    let mut bytes = [0; 4];
    // Without randomness everybody waits as long as can be, which is as well.
    if entropy.fill(&mut bytes).is_err() {
        return 1.0;
    }
    f64::from(u32::from_le_bytes(bytes)) / f64::from(u32::MAX)
}

/// Reads and sends until something ends it. `position` is up to where everything is stored.
async fn serve(room: &Arc<Room>, hub: &Hub, joined: Joined, position: &mut Option<(String, u64)>) -> Leave {
    let Joined { client, name, .. } = joined;
    let begun = begin(room, &client, position).await;
    let (mut items, own_id) = match begun {
        Ok(begun) => begun,
        Err(left) => return left,
    };
    {
        let mut state = hub.lock();
        (state.connected, state.name) = (true, Some(name.clone()));
        state.last_activity_ms = Some(room.clock.now_ms());
    }
    hub.attempt.store(0, Ordering::Relaxed);
    room.entered.send_replace(Entered::In);
    room.tell(Happening::Room {
        room_id: room.id.clone(),
    })
    .await;
    let permission = hub.status().permission;
    room.tell(Happening::Connected { peer: name, permission }).await;
    let reading = async {
        loop {
            if let Err(left) = read(room, hub, &mut items, &own_id, position).await {
                return left;
            }
        }
    };
    tokio::select! {
        left = reading => left,
        left = hub_sending::pump(room, hub, &client) => left,
        () = watch(room, hub, &client) => Leave::Again("the client has ended".to_owned()),
    }
}

async fn begin(
    room: &Arc<Room>,
    client: &Client,
    position: &mut Option<(String, u64)>,
) -> Result<(Items, String), Leave> {
    let own_id = client.identity().await?.agent_id;
    let since = position.as_ref().map(|(epoch, seq)| Position::new(epoch.clone(), *seq));
    let items = client.room(&room.id, since).await?;
    if position.is_none()
        && let Some(start) = items.position()
    {
        // From here on nothing is missed, whatever happens before the first message.
        let (number, epoch, seq) = (room.number, start.epoch.clone(), start.seq);
        room.store
            .call(move |connection| rooms::set_position(connection, number, &epoch, seq))
            .await?;
        *position = Some((start.epoch, start.seq));
    }
    Ok((items, own_id))
}

/// Takes in what has come, together with its position.
async fn read(
    room: &Arc<Room>,
    hub: &Hub,
    items: &mut Items,
    own_id: &str,
    position: &mut Option<(String, u64)>,
) -> Result<(), Leave> {
    let Some(first) = items.next().await else {
        return Err(Leave::Again("the hub's messages have ended".to_owned()));
    };
    let mut messages = Vec::new();
    let mut next = Some(first);
    let mut count = 0;
    while let Some(item) = next {
        match item? {
            Item::Message(message) if message.sender_id == own_id => drop(hub.sending.lock().await),
            Item::Message(message) => messages.push(message),
            Item::Removed(removal) => {
                room.tell(Happening::Removed {
                    message_id: removal.message_id,
                })
                .await;
            }
            Item::Reset(reset) => {
                let message = format!(
                    "messages of the hub are missing: those from position {} to {} are not kept any longer",
                    reset.missed_from, reset.resumes_from
                );
                room.tell(Happening::Error { message }).await;
            }
            Item::Direct(_) => {}
        }
        count += 1;
        next = if count < MOST_AT_ONCE {
            items.next().now_or_never().flatten()
        } else {
            None
        };
    }
    let mut incoming = Vec::with_capacity(messages.len());
    for message in &messages {
        let reply_to = match &message.reply_to {
            Some(asked) => Some(own_or_same(room, asked).await?),
            None => None,
        };
        let (text, value) = translate::inbound(message, reply_to.as_deref());
        incoming.push(Incoming::of(&text, value));
    }
    let reached = items.position().map(|position| (position.epoch, position.seq));
    room.take_in(incoming, reached.clone()).await?;
    if reached.is_some() {
        *position = reached;
    }
    hub.lock().last_activity_ms = Some(room.clock.now_ms());
    Ok(())
}

/// What a message of the hub is called here.
async fn own_or_same(room: &Room, hub_id: &str) -> Result<String, Unavailable> {
    let (number, asked) = (room.number, hub_id.to_owned());
    let own = room
        .store
        .call(move |connection| outbox::own_id(connection, number, &asked))
        .await?;
    Ok(own.unwrap_or_else(|| hub_id.to_owned()))
}

/// Sees whether there is a connection. Returns when there will be none.
async fn watch(room: &Room, hub: &Hub, client: &Client) {
    while let Some(Event { method, params }) = client.next_event().await {
        match method.as_str() {
            DISCONNECTED => {
                hub.lock().connected = false;
                room.outcomes.keep_all();
                let reason = params["reason"].as_str().unwrap_or_default().to_owned();
                room.tell(Happening::Disconnected { reason }).await;
            }
            RECONNECTED => {
                hub.lock().connected = true;
                let peer = hub.lock().name.clone().unwrap_or_default();
                let permission = hub.status().permission;
                room.tell(Happening::Connected { peer, permission }).await;
                room.wants_sending.notify_one();
            }
            // Messages come by the other way.
            _ => {}
        }
    }
}
