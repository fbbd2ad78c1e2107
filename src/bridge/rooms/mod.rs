//! The rooms of a bridge.

mod arriving;
mod connecting;
mod happening;
mod hub;
mod hub_sending;
mod invite;
mod leaving;
mod p2p;
mod reading;
mod telling;
mod translate;

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, mpsc, watch};
use tokio_util::sync::CancellationToken;

pub(super) use self::connecting::{ConnectError, HubAddress};
use self::happening::Happening;
use self::hub::Hub;
pub(super) use self::leaving::Outcome;
use self::leaving::Outcomes;
use super::mailboxes::{Mailboxes, QueueKey};
use super::options::BridgeOptions;
use super::store::agents::Agent;
use super::store::rooms::StoredRoom;
use super::store::tasks::Task;
use super::store::{Store, Unavailable, agents, files, outbox, queues, rooms, tasks};
use crate::domain::Permission;
use crate::notify::{Command as Order, Event, Notifier};
use crate::p2p::{Author, IceDetails, Link};
use crate::runtime::clock::{Clock, Entropy};
use crate::runtime::lifecycle::Lifecycle;

/// Rooms that are open at once.
const MOST_ROOMS: usize = 256;

/// Agents of one room.
const MOST_AGENTS: i64 = 256;

/// All rooms that are open. Cheap to clone.
#[derive(Clone)]
pub(super) struct Rooms(Arc<Shared>);

/// What rooms work with.
pub(super) struct Beside {
    pub(super) store: Store,
    pub(super) mailboxes: Mailboxes,
    pub(super) notifier: Notifier,
    pub(super) lifecycle: Lifecycle,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) entropy: Arc<dyn Entropy>,
}

struct Shared {
    options: Arc<BridgeOptions>,
    store: Store,
    mailboxes: Mailboxes,
    notifier: Notifier,
    lifecycle: Lifecycle,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    /// In the order in which they were opened.
    open: Mutex<Vec<Arc<Room>>>,
}

/// Whether a room of a peer was entered.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Entered {
    /// Not yet known.
    Waiting,
    /// It was.
    In,
    /// It was not, and why.
    Not(String),
}

/// What carries the messages of a room.
enum Carrier {
    /// A link to a peer.
    P2p(Link),
    /// A hub.
    Hub(Arc<Hub>),
}

/// One room.
pub(super) struct Room {
    /// Its number in the database.
    number: i64,
    /// Its id, as requests have it.
    pub(super) id: String,
    carrier: Carrier,
    options: Arc<BridgeOptions>,
    store: Store,
    notifier: Notifier,
    lifecycle: Lifecycle,
    clock: Arc<dyn Clock>,
    /// Cancelled when the room is closed.
    closing: CancellationToken,
    /// Messages since the start of the bridge.
    total: AtomicU64,
    had_peer: AtomicBool,
    introduced: AtomicBool,
    /// Whether somebody is linked, for whoever is told that he is not any longer.
    is_linked: AtomicBool,
    /// The level that was told last.
    told_level: Mutex<Option<Permission>>,
    /// How many connections there were; a change is a new one.
    connections: watch::Sender<u64>,
    entered: watch::Sender<Entered>,
    /// The number of the last message that was sent over the present connection.
    sent: AtomicI64,
    /// Something was put into the outbox.
    wants_sending: Notify,
    outcomes: Arc<Outcomes>,
}

/// What a room is doing.
#[derive(Clone, Debug)]
pub(super) struct Status {
    pub(super) connected: bool,
    pub(super) reconnecting: bool,
    pub(super) peer: Option<String>,
    pub(super) permission: String,
    pub(super) last_activity_ms: Option<i64>,
    pub(super) attempt: u32,
}

/// How much waits in a room.
#[derive(Clone, Debug)]
pub(super) struct Counts {
    /// In the queue that all share.
    pub(super) shared: usize,
    /// In the queues of agents.
    pub(super) agents: Vec<(Agent, usize)>,
    /// Not acknowledged by the other side.
    pub(super) pending: usize,
}

impl Rooms {
    pub(super) fn new(options: Arc<BridgeOptions>, beside: Beside) -> Self {
        Self(Arc::new(Shared {
            options,
            store: beside.store,
            mailboxes: beside.mailboxes,
            notifier: beside.notifier,
            lifecycle: beside.lifecycle,
            clock: beside.clock,
            entropy: beside.entropy,
            open: Mutex::default(),
        }))
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Arc<Room>>> {
        // Nothing panics while the lock is held.
        self.0.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Every room that is open, in the order in which they were opened.
    pub(super) fn all(&self) -> Vec<Arc<Room>> {
        self.lock().clone()
    }

    /// The room of an id or alias; without one, the first.
    pub(super) fn find(&self, id: Option<&str>) -> Option<Arc<Room>> {
        let rooms = self.lock();
        match id {
            None => rooms.first().cloned(),
            Some(id) => {
                let id = self.real_id(id);
                rooms.iter().find(|room| room.id == id).cloned()
            }
        }
    }

    /// The id behind an alias; what is no alias is an id.
    pub(super) fn real_id<'a>(&'a self, id: &'a str) -> &'a str {
        self.0.options.aliases.get(id).map_or(id, String::as_str)
    }

    /// Writes envelopes in the name of this bridge.
    pub(super) fn author(&self) -> Author {
        let shared = &self.0;
        Author::new(
            &shared.options.name,
            Arc::clone(&shared.clock),
            Arc::clone(&shared.entropy),
        )
    }

    pub(super) fn mailboxes(&self) -> &Mailboxes {
        &self.0.mailboxes
    }

    pub(super) fn now_ms(&self) -> i64 {
        self.0.clock.now_ms()
    }

    /// Does what the operator asks for from a distance, until there is nobody to ask.
    pub(super) fn obey(&self, mut orders: mpsc::Receiver<Order>) {
        let rooms = self.clone();
        self.0.lifecycle.spawn("bridge orders", async move {
            while let Some(order) = orders.recv().await {
                // Whoever asked may not want to know any longer.
                match order {
                    Order::Kill { room, done } => drop(done.send(match rooms.find(Some(&room)) {
                        Some(room) => rooms.close(&room).await.is_ok(),
                        None => false,
                    })),
                    Order::SetLevel { room, level, done } => drop(done.send(match rooms.find(Some(&room)) {
                        Some(room) => room.set_permission(level).await.unwrap_or(false),
                        None => false,
                    })),
                }
            }
        });
    }

    /// Closes a room: it is not resumed, and can be connected again.
    pub(super) async fn close(&self, room: &Arc<Room>) -> Result<(), Unavailable> {
        self.lock().retain(|open| !Arc::ptr_eq(open, room));
        self.0.notifier.notify(Event::Killed { room: room.id.clone() });
        room.shut().await;
        let number = room.number;
        self.0
            .store
            .call(move |connection| rooms::close(connection, number))
            .await
    }
}

impl Room {
    fn new(shared: &Shared, stored: &StoredRoom, carrier: Carrier) -> Arc<Self> {
        Arc::new(Self {
            number: stored.number,
            id: stored.id.clone(),
            carrier,
            options: Arc::clone(&shared.options),
            store: shared.store.clone(),
            notifier: shared.notifier.clone(),
            lifecycle: shared.lifecycle.clone(),
            clock: Arc::clone(&shared.clock),
            closing: CancellationToken::new(),
            total: AtomicU64::new(0),
            had_peer: AtomicBool::new(stored.had_peer),
            introduced: AtomicBool::new(false),
            is_linked: AtomicBool::new(false),
            told_level: Mutex::default(),
            connections: watch::channel(0).0,
            entered: watch::channel(Entered::Waiting).0,
            sent: AtomicI64::new(0),
            wants_sending: Notify::new(),
            outcomes: Arc::default(),
        })
    }

    fn queue(&self, agent: i64) -> QueueKey {
        QueueKey {
            room: self.number,
            agent,
        }
    }

    /// A queue of this room, to wait at.
    pub(super) fn key(&self, agent: i64) -> QueueKey {
        self.queue(agent)
    }

    /// Waits until the room is closed.
    pub(super) async fn closed(&self) {
        self.closing.cancelled().await;
    }

    /// The directory with its files.
    pub(super) fn directory(&self) -> PathBuf {
        self.options.root.join(&self.id)
    }

    /// Messages since the start of the bridge.
    pub(super) fn total(&self) -> u64 {
        self.total.load(Ordering::Relaxed)
    }

    pub(super) fn is_connected(&self) -> bool {
        match &self.carrier {
            Carrier::P2p(link) => link.status().connected,
            Carrier::Hub(hub) => hub.is_connected(),
        }
    }

    /// Whether a peer was ever there.
    fn had_peer(&self) -> bool {
        self.had_peer.load(Ordering::Relaxed)
    }

    /// What the room is doing.
    pub(super) fn status(&self) -> Status {
        match &self.carrier {
            Carrier::P2p(link) => {
                let status = link.status();
                Status {
                    connected: status.connected,
                    reconnecting: status.reconnecting,
                    peer: status.peer,
                    permission: status.permission.to_string(),
                    last_activity_ms: status.last_activity_ms,
                    attempt: status.attempt,
                }
            }
            Carrier::Hub(hub) => hub.status(),
        }
    }

    /// The state of the connection, for whoever looks for a fault; none without one.
    pub(super) async fn details(&self) -> Option<IceDetails> {
        match &self.carrier {
            Carrier::P2p(link) => link.ice_details().await,
            Carrier::Hub(_) => None,
        }
    }

    /// How much waits.
    pub(super) async fn counts(&self) -> Result<Counts, Unavailable> {
        let number = self.number;
        self.store
            .call(move |connection| {
                let count = |agent| queues::count(connection, QueueKey { room: number, agent });
                let mut agents = Vec::new();
                for agent in agents::list(connection, number)? {
                    let unread = count(agent.number)?;
                    agents.push((agent, unread));
                }
                Ok(Counts {
                    shared: count(0)?,
                    agents,
                    pending: outbox::count(connection, number)?,
                })
            })
            .await
    }

    /// The tasks that were sent, all or those in one state.
    pub(super) async fn tasks(&self, state: Option<String>) -> Result<Vec<Task>, Unavailable> {
        let number = self.number;
        self.store
            .call(move |connection| tasks::list(connection, number, state.as_deref()))
            .await
    }

    /// Asks for another level, now and on every later connection, also after a restart. False in a room of a hub, whose own
    /// rules hold.
    pub(super) async fn set_permission(&self, permission: Permission) -> Result<bool, Unavailable> {
        let Carrier::P2p(link) = &self.carrier else {
            return Ok(false);
        };
        let number = self.number;
        self.store
            .call(move |connection| rooms::set_permission(connection, number, permission.as_str()))
            .await?;
        link.set_permission(permission).await;
        self.tell_level(permission).await;
        Ok(true)
    }

    /// Ends what carries the room.
    async fn shut(&self) {
        match &self.carrier {
            Carrier::P2p(link) => link.close().await,
            Carrier::Hub(_) => self.tell(Happening::Closed).await,
        }
        self.closing.cancel();
        self.outcomes.keep_all();
    }
}

impl Room {
    /// The file with everything that was received.
    pub(super) fn inbox_file(&self) -> PathBuf {
        self.directory().join(files::INBOX.file)
    }

    /// The file with the words for whoever is invited.
    pub(super) fn invite_file(&self) -> PathBuf {
        self.directory().join(invite::FILE_NAME)
    }
}
