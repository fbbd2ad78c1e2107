//! The room model: who is where, what may be done, in which order it happens and who is told.
//!
//! Every way in calls [`Hub::submit`]. An act is decided on the writer thread (`engine`) against the state that all
//! acts before it left, committed together with its neighbours, applied to the state that readers see, and only then
//! answered and told to others (`teller`, `fanout`).

mod act;
pub mod acts;
mod apply;
mod audit;
mod catch_up;
mod change;
mod deliveries;
mod directory;
mod documents;
mod engine;
mod exchange;
mod export;
mod fanout;
mod feed;
mod follow;
mod history;
mod identity;
mod job;
mod keyring;
mod leases;
mod link;
mod load;
mod news;
mod open_rooms;
mod openings;
mod present;
mod receipts;
mod replies;
mod run;
mod search;
mod start;
mod taken;
mod tasks;
mod teller;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, RwLock, RwLockReadGuard};
use std::time::Duration;

use tokio::sync::{Notify, oneshot};
use tokio_util::sync::CancellationToken;

pub use crate::store::audit::{AuditQuery, StoredEntry};
pub use act::{Act, Caller, Cost, Desk, Done};
pub use audit::{AuditNote, Origin, RecordAudit, Refused, record_offline};
pub use directory::{Agent, Directory, Room, Session};
pub use documents::{
    Document, DocumentSummary, Guides, adopt_constitution, place_constitution, write_defaults as write_document_files,
};
pub use exchange::ExchangeLimits;
pub use export::{ExportQuery, export_resting};
pub use feed::Feed;
pub use follow::{Beginning, Followed, Position, Prepared, Reset, ResetReason, Target};
pub use history::{HistoryPage, HistoryQuery, Range};
pub use leases::Claim;
pub use link::{Encode, Flushes, Link, Mark, Offer};
pub use openings::PeerPlace;
pub use receipts::{MemberStatus, Reached};
pub use replies::ReplyQuery;
pub use search::{SearchPage, SearchQuery};
pub use start::{FirstRunError, HubOptions, HubThreads, first_run, rotate_controller_key, start};
pub use tasks::{AgentParam, RoomParam, TaskPage, TaskQuery};

use crate::domain::{AgentNumber, Epoch, KeyCard, KeyHash, MemberView, Refusal, Role, RoomId, RoomView, SessionId};
use crate::runtime::clock::{Clock, Entropy};
use crate::runtime::limiter::Limiter;
use crate::runtime::metrics::Metrics;
use crate::store::keys::Enrolment;
use crate::store::{Readers, Writer};
use acts::{EndExpiredSessions, ForgetExpiredKeys};
use deliveries::Deliveries;
use documents::DocumentFiles;
use job::Job;

/// Bounds that the room model keeps to.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Rooms that exist at once, without the lobby.
    pub rooms: u32,
    /// Rooms that one agent owns at once, the controller excepted; 0 is no limit.
    pub rooms_per_agent: u32,
    /// Unicode code points of a message.
    pub message_length: u32,
    /// Unicode code points of a name.
    pub name_length: u32,
    /// Unicode code points of a description.
    pub description_length: u32,
    /// Unicode code points of a reason.
    pub reason_length: u32,
    /// Unicode code points of a document or the message of the day.
    pub document_length: u32,
    /// Messages of one page of history.
    pub history_page: u32,
    /// Bytes of content in one page of history; a page that would be larger is cut short.
    pub history_bytes: usize,
    /// Messages kept in the lobby, and of each pair of correspondents; 0 keeps all.
    pub lobby_history: u64,
    /// Messages kept in every other room; 0 keeps all.
    pub room_history: u64,
    /// Live sessions of one agent; the oldest is ended when there is one more.
    pub sessions_per_agent: u32,
    /// Keys of one agent, those that an enrolment token stands for included.
    pub keys_per_agent: u32,
    /// How long a replaced key goes on working where the caller does not say, in milliseconds.
    pub key_overlap_ms: i64,
    /// How long an enrolment token may be used, in milliseconds.
    pub enrolment_expiry_ms: i64,
    /// Entries kept of the audit log: of those who govern, and as many of all others.
    pub audit_rows: u32,
    /// Places for peers in one room.
    pub peers_per_room: u32,
    /// Places for peers in all.
    pub peers: u32,
    /// How long an opening lasts when the caller does not say, in milliseconds.
    pub opening_ms: i64,
    /// Bytes of the JSON that goes with a message or a task; 0 is no limit.
    pub data_bytes: u32,
    /// Tasks of one room that are not finished; 0 is no limit.
    pub tasks_per_room: u32,
    /// How long a claim of a task holds when the claimer does not say, in milliseconds.
    pub lease_ms: u64,
    /// How long a claim of a task may hold, in milliseconds.
    pub longest_lease_ms: u64,
    /// Messages an agent may send per second over all its sessions; 0 is no limit.
    pub messages_per_second: u32,
    /// Messages an agent may send at once after a pause.
    pub message_burst: u32,
    /// Other changes an agent may make per second over all its sessions; 0 is no limit.
    pub changes_per_second: u32,
    /// Other changes an agent may make at once after a pause.
    pub change_burst: u32,
    /// Bytes of messages and tasks an agent may send per second over all its sessions; 0 is no limit.
    pub bytes_per_second: u32,
    /// Bytes of messages and tasks an agent may send at once after a pause.
    pub byte_burst: u32,
    /// Rooms an agent may join per second over all its sessions; 0 is no limit.
    pub joins_per_second: u32,
    /// Rooms an agent may join at once after a pause.
    pub join_burst: u32,
    /// Changes of which everybody is told that an agent may make per second over all its sessions; 0 is no limit.
    pub announcements_per_second: u32,
    /// Changes of which everybody is told that an agent may make at once after a pause.
    pub announcement_burst: u32,
    /// When agents that answer each other pause their room.
    pub exchange: ExchangeLimits,
}

/// The room model of this server. Cheap to clone.
#[derive(Clone)]
pub struct Hub {
    inner: Arc<Inner>,
}

struct Inner {
    writer: Writer<Job>,
    /// What is committed. Changed by the writer thread alone, for an instant at a time.
    directory: Arc<RwLock<Directory>>,
    readers: Readers,
    limits: Arc<Limits>,
    /// How fast each agent may speak, over all its sessions.
    messages: Limiter<AgentNumber>,
    /// How fast each agent may change other things.
    changes: Limiter<AgentNumber>,
    /// How much each agent may say, in bytes.
    bytes: Limiter<AgentNumber>,
    /// How fast each agent may come into rooms.
    joins: Limiter<AgentNumber>,
    /// How fast each agent may change what everybody is told of.
    announcements: Limiter<AgentNumber>,
    documents: DocumentFiles,
    /// Woken when a lease of a task begins, changes or ends.
    leases_changed: Arc<Notify>,
    deliveries: Arc<Deliveries>,
    /// Woken when a message is stored.
    said: Arc<Notify>,
    /// Woken when places for peers come, go or change.
    openings_changed: Arc<Notify>,
    /// Counts sessions.
    sessions: AtomicU64,
    /// Woken when the search index has got further, or cannot.
    indexed: Notify,
    /// Whether the search index could not be fed the last time.
    index_stuck: AtomicBool,
    clock: Arc<dyn Clock>,
    encode: Encode,
    epoch: Epoch,
    durable: bool,
    entropy: Arc<dyn Entropy>,
    metrics: Metrics,
}

/// Time between two looks for keys that have expired: their sessions end within a second.
const EXPIRY_CHECK: Duration = Duration::from_millis(250);

impl Hub {
    /// Hands an act to the writer, waiting for a place in its queue. `done` runs once: after the commit, before
    /// anything that happened later is told to anybody, or with the reason why nothing was changed. Only when nobody can
    /// say whether the change was saved it is dropped, and the server stops.
    pub async fn submit<A: Act>(&self, caller: Caller, act: A, done: Done<A::Receipt>) {
        self.submit_noted(caller, act, None, done).await;
    }

    /// Like [`Hub::submit`]; the audit log gets `note` in the same transaction. For acts that write to the database.
    pub async fn submit_noted<A: Act>(&self, caller: Caller, act: A, note: Option<AuditNote>, done: Done<A::Receipt>) {
        if let Caller::Session { agent, .. } = caller
            && let Err(refusal) = self.check_pace(agent, self.cost(&act), act.bytes())
        {
            return reject(done, refusal);
        }
        if let Err(job) = self.inner.writer.submit(Job::new(caller, act, note, done)).await {
            let mut flushes = Flushes::default();
            job.finish(Some(Refusal::Stopping), &mut flushes);
            flushes.flush();
        }
    }

    /// Like [`Hub::submit`], for callers that wait for the receipt.
    pub async fn perform<A: Act>(&self, caller: Caller, act: A) -> Result<A::Receipt, Refusal> {
        self.perform_noted(caller, act, None).await
    }

    /// Like [`Hub::submit_noted`], for callers that wait for the receipt.
    pub async fn perform_noted<A: Act>(
        &self,
        caller: Caller,
        act: A,
        note: Option<AuditNote>,
    ) -> Result<A::Receipt, Refusal> {
        let (sender, receipt) = oneshot::channel();
        let done: Done<A::Receipt> = Box::new(move |outcome, _| {
            // Whoever asked may have gone; what was done stays done.
            let _ = sender.send(outcome);
        });
        self.submit_noted(caller, act, note, done).await;
        receipt.await.unwrap_or(Err(Refusal::Stopping))
    }

    /// The committed state. Never hold it across an await.
    pub fn directory(&self) -> RwLockReadGuard<'_, Directory> {
        match self.inner.directory.read() {
            Ok(guard) => guard,
            // Changes are applied whole or the process ends, so a poisoned lock still guards a whole state.
            Err(poisoned) => poisoned.into_inner(),
        }
    }

    /// A room and its members, as far as the caller may know of them.
    pub fn describe_room(&self, caller: Caller, room: Option<RoomId>) -> Result<(RoomView, Vec<MemberView>), Refusal> {
        let Caller::Session { session, agent } = caller else {
            return Err(Refusal::AuthRequired);
        };
        let directory = self.directory();
        let scope = directory.scope_of(session).ok_or(Refusal::SessionEnded)?;
        let agent = directory.agent(agent).ok_or(Refusal::SessionEnded)?;
        let governs = agent.role == Role::Controller;
        let room = room
            .and_then(|id| directory.room_by_id(id))
            .ok_or(Refusal::RoomNotFound)?;
        if room.deleted && !governs {
            return Err(Refusal::RoomNotFound);
        }
        if !scope.admits_room(room.id) || !governs && !Directory::sees(agent, room) {
            return Err(Refusal::NotAMember);
        }
        Ok((directory.view(room, agent.number), directory.members_of(room)))
    }

    /// The bounds in force.
    pub fn limits(&self) -> &Limits {
        &self.inner.limits
    }

    /// The incarnation of the database.
    pub fn epoch(&self) -> Epoch {
        self.inner.epoch
    }

    /// Whether an answered change survives a power cut.
    pub fn is_durable(&self) -> bool {
        self.inner.durable
    }

    /// An id for a session, never used before.
    pub fn next_session(&self) -> SessionId {
        SessionId(self.inner.sessions.fetch_add(1, Ordering::Relaxed))
    }

    /// The random source.
    pub fn entropy(&self) -> &dyn Entropy {
        &*self.inner.entropy
    }

    /// The counters.
    pub fn metrics(&self) -> &Metrics {
        &self.inner.metrics
    }

    /// What is known of the key of this hash; `None` when it is unknown, revoked or expired.
    pub fn key(&self, key: &KeyHash) -> Option<KeyCard> {
        self.directory().key(key, self.inner.clock.now_ms()).cloned()
    }

    /// Whether there is an agent that gets a key for the token of this hash.
    pub fn is_enrolment(&self, token: &KeyHash) -> bool {
        let now_ms = self.inner.clock.now_ms();
        self.directory().keys.enrolment(token, now_ms).is_some()
    }

    /// The keys of an agent, the oldest first, and those that it may still get for a token.
    pub fn keys_of(&self, agent: AgentNumber) -> (Vec<KeyCard>, Vec<Enrolment>) {
        let now_ms = self.inner.clock.now_ms();
        let directory = self.directory();
        let made = directory.keys.of_agent(agent, now_ms);
        let open = directory.keys.enrolments_of(agent, now_ms);
        (made.into_iter().cloned().collect(), open.into_iter().cloned().collect())
    }

    /// Ends, until `stop`, the sessions whose key has expired, and forgets such keys.
    pub async fn end_expired_keys(self, stop: CancellationToken) {
        loop {
            tokio::select! {
                () = tokio::time::sleep(EXPIRY_CHECK) => {}
                () = stop.cancelled() => return,
            }
            let now_ms = self.inner.clock.now_ms();
            if !self.directory().keys.has_expired(now_ms) {
                continue;
            }
            // A failure shows in the gauge of the storage, and the next round tries again.
            let _ = self.perform(Caller::Server, EndExpiredSessions).await;
            if self.metrics().writable.get() == 1 {
                let _ = self.perform(Caller::Server, ForgetExpiredKeys { now_ms }).await;
            }
        }
    }

    /// Counts a login of an agent.
    pub fn check_entry(&self, agent: AgentNumber) -> Result<(), Refusal> {
        self.check_pace(agent, Cost::Change, 0)
    }

    fn cost<A: Act>(&self, act: &A) -> Cost {
        match A::COST {
            Cost::Announcement if !act.is_announced(&self.directory()) => Cost::Change,
            cost => cost,
        }
    }

    fn check_pace(&self, agent: AgentNumber, cost: Cost, bytes: usize) -> Result<(), Refusal> {
        let inner = &self.inner;
        let passed = |checked: Result<(), u64>, what| {
            checked.map_err(|retry_after_ms| Refusal::Limited { what, retry_after_ms })
        };
        match cost {
            Cost::Free => return Ok(()),
            Cost::Change => passed(inner.changes.check(&agent), "changes")?,
            Cost::Join => {
                passed(inner.changes.check(&agent), "changes")?;
                passed(inner.joins.check(&agent), "joins")?;
            }
            Cost::Announcement => {
                passed(inner.changes.check(&agent), "changes")?;
                passed(inner.announcements.check(&agent), "changes of which everybody is told")?;
            }
            Cost::Message => passed(inner.messages.check(&agent), "messages")?,
        }
        passed(inner.bytes.check_many(&agent, bytes), "bytes of messages and tasks")
    }
}

/// Answers an act that never reached the writer.
fn reject<R>(done: Done<R>, refusal: Refusal) {
    let mut flushes = Flushes::default();
    done(Err(refusal), &mut flushes);
    flushes.flush();
}
