//! Starting the room model on an open database.

use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, RwLock};
use std::thread::JoinHandle;

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::deliveries::Deliveries;
use super::documents::{self, DocumentFiles, Guides};
use super::engine::Decider;
use super::fanout::Fanout;
use super::link::Encode;
use super::load::load;
use super::teller::Teller;
use super::{Hub, Inner, Limits};
use crate::domain::{
    AgentId, AgentNumber, AgentOrigin, ApiKey, KeyCard, KeyId, KeyScope, Name, Role, RoomId, StreamNumber, Visibility,
};
use crate::runtime::clock::{Clock, Entropy};
use crate::runtime::limiter::Limiter;
use crate::runtime::metrics::Metrics;
use crate::store::rooms::{self, RoomRow};
use crate::store::{self, Connection, Database, StoreError, Writer, WriterOptions, agents, audit, keys, receipts};

/// What the room model is started with.
pub struct HubOptions {
    /// Bounds to keep to.
    pub limits: Limits,
    /// The name of the lobby.
    pub lobby_name: Name,
    /// Bounds of the writer.
    pub writer: WriterOptions,
    /// Whether a commit waits for the disk.
    pub durable: bool,
    /// Where the documents are.
    pub documents: PathBuf,
    /// The texts that come with the program.
    pub guides: Guides,
    /// The wire form of events.
    pub encode: Encode,
    /// The time of day.
    pub clock: Arc<dyn Clock>,
    /// Where keys and ids come from.
    pub entropy: Arc<dyn Entropy>,
    /// Where to count.
    pub metrics: Metrics,
    /// Cancelled by the room model when it can no longer be trusted to answer.
    pub fatal: CancellationToken,
}

/// The threads of the room model. They end when the last [`Hub`] is gone and all work is done.
pub struct HubThreads {
    writer: JoinHandle<()>,
    fanout: JoinHandle<()>,
    // Released last: until then nobody else may open the database.
    database: (crate::store::Readers, crate::store::DirectoryLock),
}

impl HubThreads {
    /// Waits until everything is decided, told and folded into the database. Blocks.
    pub fn join(self) {
        for (name, thread) in [("writer", self.writer), ("fanout", self.fanout)] {
            if thread.join().is_err() {
                tracing::error!(thread = name, "a thread of the room model panicked");
            }
        }
        drop(self.database);
    }
}

/// Makes the controller and the lobby of a new database. The key of the controller, when it was made now.
pub fn first_run(
    connection: &mut Connection,
    lobby_name: &Name,
    clock: &dyn Clock,
    entropy: &dyn Entropy,
) -> Result<Option<ApiKey>, FirstRunError> {
    let transaction = connection.transaction().map_err(StoreError::from)?;
    if agents::controller(&transaction)?.is_some() {
        return Ok(None);
    }
    if !agents::all(&transaction)?.is_empty() {
        // They were invited by somebody.
        return Err(StoreError::Damaged("the database has agents but no controller".into()).into());
    }
    let now_ms = clock.now_ms();
    let key = ApiKey::from_random(Role::Controller, random(entropy)?);
    let id = AgentId(uuid::Builder::from_random_bytes(random(entropy)?).into_uuid());
    let controller = agents::insert(
        &transaction,
        id,
        &Name::from_stored("controller"),
        (Role::Controller, AgentOrigin::Local),
        now_ms,
    )?;
    keys::insert(&transaction, key.hash(), &main_key(controller, now_ms, entropy)?)?;
    let number = loop {
        if let Some(number) = StreamNumber::from_bits(u32::from_le_bytes(random(entropy)?)) {
            break number;
        }
    };
    let lobby = RoomRow {
        number,
        id: RoomId(uuid::Builder::from_random_bytes(random(entropy)?).into_uuid()),
        name: lobby_name.clone(),
        description: None,
        owner: controller,
        visibility: Visibility::Public,
        is_lobby: true,
        created_at_ms: now_ms,
        deleted: false,
    };
    rooms::insert(&transaction, &lobby)?;
    store::commit(&transaction).map_err(unconfirmed)?;
    Ok(Some(key))
}

/// Replaces the key of the controller; the former one is void. The server must not be running.
pub fn rotate_controller_key(
    connection: &mut Connection,
    audit_rows: u32,
    clock: &dyn Clock,
    entropy: &dyn Entropy,
) -> Result<ApiKey, FirstRunError> {
    let key = ApiKey::from_random(Role::Controller, random(entropy)?);
    let transaction = connection.transaction().map_err(StoreError::from)?;
    let controller = agents::controller(&transaction)?
        .ok_or_else(|| StoreError::Damaged("the database has no controller".into()))?;
    keys::delete_of_agent(&transaction, controller)?;
    let card = main_key(controller, clock.now_ms(), entropy)?;
    keys::insert(&transaction, key.hash(), &card)?;
    let entry = super::audit::offline("key.rotate", &card.id.to_string(), card.created_at_ms);
    audit::append(&transaction, &entry, audit_rows)?;
    store::commit(&transaction).map_err(unconfirmed)?;
    Ok(key)
}

/// What is known of the controller's key.
fn main_key(controller: AgentNumber, now_ms: i64, entropy: &dyn Entropy) -> io::Result<KeyCard> {
    Ok(KeyCard {
        id: KeyId(uuid::Builder::from_random_bytes(random(entropy)?).into_uuid()),
        agent: controller,
        name: Name::from_stored("main"),
        created_at_ms: now_ms,
        expires_at_ms: None,
        last_used_ms: None,
        scope: KeyScope::default(),
    })
}

/// Why there is no controller yet.
#[derive(Debug, thiserror::Error)]
pub enum FirstRunError {
    /// The database did not take it.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The disk did not confirm the key, so it may be there after all.
    #[error("{0}; if the next start shows no key, make a new one with `wardroom key rotate --controller`")]
    InDoubt(#[source] StoreError),
    /// The operating system gave no random bytes.
    #[error("the operating system gave no random bytes: {0}")]
    Entropy(#[from] io::Error),
}

fn unconfirmed(error: StoreError) -> FirstRunError {
    match error {
        StoreError::InDoubt(_) => FirstRunError::InDoubt(error),
        error => error.into(),
    }
}

fn random<const N: usize>(entropy: &dyn Entropy) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    entropy.fill(&mut bytes)?;
    Ok(bytes)
}

/// Starts the room model.
pub fn start(database: Database, options: HubOptions) -> Result<(Hub, HubThreads), StoreError> {
    let Database {
        connection,
        readers,
        lock,
        epoch,
    } = database;
    documents::write_defaults(&options.documents, &options.guides)
        .unwrap_or_else(|error| tracing::warn!(%error, "the document files could not be written"));
    let limits = options.limits;
    let now_ms = options.clock.now_ms();
    documents::reconcile(
        &connection,
        &options.documents,
        &options.guides,
        limits.document_length,
        now_ms,
    )?;
    rename_lobby(&connection, &options.lobby_name)?;
    let deliveries = Arc::new(Deliveries::load(receipts::all_delivered(&connection)?));
    let directory = load(&connection, &*options.clock)?;
    options.metrics.writable.set(1);

    let limits = Arc::new(limits);
    let committed = Arc::new(RwLock::new(directory.clone()));
    let leases_changed = Arc::new(Notify::new());
    let said = Arc::new(Notify::new());
    let openings_changed = Arc::new(Notify::new());
    let fanout = Fanout::new(
        Arc::clone(&options.encode),
        options.metrics.clone(),
        Arc::clone(&deliveries),
    );
    let no_thread = |error: io::Error| StoreError::Failed(format!("no thread could be started: {error}"));
    let (teller, fanout) = Teller::start(fanout, options.fatal.clone()).map_err(no_thread)?;
    let decider = Decider {
        pending: directory,
        committed: Arc::clone(&committed),
        limits: Arc::clone(&limits),
        clock: Arc::clone(&options.clock),
        entropy: Arc::clone(&options.entropy),
        metrics: options.metrics.clone(),
        teller,
        leases_changed: Arc::clone(&leases_changed),
        said: Arc::clone(&said),
        openings_changed: Arc::clone(&openings_changed),
        nothing: Connection::open_in_memory()?,
        fatal: options.fatal,
    };
    let (writer, thread) = Writer::spawn(connection, decider, options.writer).map_err(no_thread)?;
    let inner = Inner {
        writer,
        directory: committed,
        readers: readers.clone(),
        messages: Limiter::new(limits.messages_per_second, limits.message_burst),
        changes: Limiter::new(limits.changes_per_second, limits.change_burst),
        bytes: Limiter::new(limits.bytes_per_second, limits.byte_burst),
        joins: Limiter::new(limits.joins_per_second, limits.join_burst),
        announcements: Limiter::new(limits.announcements_per_second, limits.announcement_burst),
        limits,
        documents: DocumentFiles::new(options.documents, options.guides),
        leases_changed,
        deliveries,
        said,
        openings_changed,
        sessions: AtomicU64::new(1),
        indexed: Notify::new(),
        index_stuck: AtomicBool::new(false),
        clock: options.clock,
        encode: options.encode,
        epoch,
        durable: options.durable,
        entropy: options.entropy,
        metrics: options.metrics,
    };
    let threads = HubThreads {
        writer: thread,
        fanout,
        database: (readers, lock),
    };
    Ok((Hub { inner: Arc::new(inner) }, threads))
}

/// The name of the lobby is a setting; the database follows it.
fn rename_lobby(connection: &Connection, name: &Name) -> Result<(), StoreError> {
    for lobby in rooms::all(connection)?
        .into_iter()
        .filter(|room| room.is_lobby && room.name != *name)
    {
        rooms::update(
            connection,
            lobby.number,
            name,
            lobby.description.as_deref(),
            lobby.owner,
            lobby.visibility,
        )?;
    }
    Ok(())
}
