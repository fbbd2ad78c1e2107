//! Looking for messages by their words, and keeping the index of them.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::acts::FeedIndex;
use super::directory::{Directory, Room};
use super::history::{entry, fit, larger_than};
use super::tasks::{AgentParam, RoomParam, reader};
use super::{Caller, Hub};
use crate::domain::{HistoryEntry, MessageId, Refusal, Role, RoomId, SearchText, StreamNumber};
use crate::store::messages::{self, MessageRow};
use crate::store::{Connection, StoreError, search};

/// How long what was said waits for more, so that it goes into the index together.
const PAUSE: Duration = Duration::from_millis(50);

/// Messages that go into the index in one piece while others write: with [`PAUSE`] a few hundredths of the writer's time.
const BATCH: usize = 64;

/// The same while nobody else does. Whoever comes meanwhile waits for them, for a few milliseconds.
const QUIET_BATCH: usize = 128;

/// How long to wait before the index is fed again, after the disk refused.
const RETRY: Duration = Duration::from_secs(1);

/// How long a search waits for what was said before it to be in the index.
const PATIENCE: Duration = Duration::from_secs(2);

/// How long a search may keep a connection to the database from others.
const LONGEST: Duration = Duration::from_secs(2);

/// What to look for.
#[derive(Clone, Debug)]
pub struct SearchQuery {
    /// The words.
    pub text: SearchText,
    /// In this room; in every room that the caller may read, and its direct messages, when `None`.
    pub room: Option<RoomParam>,
    /// Only what this agent said.
    pub sender: Option<AgentParam>,
    /// Only messages from this time on, in milliseconds since 1970.
    pub from_ms: Option<i64>,
    /// Only messages from before this time, in milliseconds since 1970.
    pub to_ms: Option<i64>,
    /// Most messages; more than the server's limit are not given.
    pub limit: u64,
    /// Only messages behind this one, which are older.
    pub after: Option<MessageId>,
}

/// What was found, the newest first.
#[derive(Clone, Debug)]
pub struct SearchPage {
    /// The messages, each with its room.
    pub found: Vec<HistoryEntry>,
    /// The last of them when there may be more.
    pub next: Option<MessageId>,
    /// Some of what was said last is not in the index yet.
    pub incomplete: bool,
}

/// A stream that the caller may read.
#[derive(Clone, Copy, Debug)]
struct Scope {
    stream: StreamNumber,
    /// The room in which its messages are shown.
    room: RoomId,
    /// Its last position.
    head: u64,
}

/// Which messages, beside their words.
#[derive(Clone, Copy, Debug)]
struct Bounds {
    from_ms: Option<i64>,
    to_ms: Option<i64>,
    after: Option<MessageId>,
    limit: usize,
    bytes: usize,
}

impl Hub {
    /// Looks for messages, off the async threads.
    pub async fn search(&self, caller: Caller, query: SearchQuery) -> Result<SearchPage, Refusal> {
        let scopes = self.scopes(caller, query.room)?;
        let sender = match query.sender {
            None => None,
            Some(AgentParam(id)) => {
                let directory = self.directory();
                let agent = id.and_then(|id| directory.agent_by_id(id));
                Some(agent.ok_or(Refusal::AgentNotFound)?.number)
            }
        };
        let incomplete = !self.is_indexed(&scopes).await;
        let expression = search::expression(&query.text, sender);
        let bounds = Bounds {
            from_ms: query.from_ms,
            to_ms: query.to_ms,
            after: query.after,
            limit: usize::try_from(query.limit.min(u64::from(self.limits().history_page))).unwrap_or(usize::MAX),
            bytes: self.limits().history_bytes,
        };
        let read = move |connection: &mut Connection| read_page(connection, &scopes, &expression, bounds);
        let found = self.inner.readers.read_within(LONGEST, read).await?;
        let (rows, more) = found.ok_or(Refusal::Limited {
            what: "messages to look through in one search",
            retry_after_ms: 1000,
        })?;
        let next = rows.last().filter(|_| more).map(|row| MessageId {
            at_ms: row.sent_at_ms,
            row: row.id,
        });
        // Somebody who lost a room while it was read is not shown it.
        let rooms: BTreeMap<StreamNumber, RoomId> = self
            .scopes(caller, query.room)?
            .into_iter()
            .map(|scope| (scope.stream, scope.room))
            .collect();
        let directory = self.directory();
        let found = rows
            .into_iter()
            .filter_map(|row| Some((*rooms.get(&row.id.stream())?, row)))
            .map(|(room, row)| entry(row, room, &directory))
            .collect();
        Ok(SearchPage {
            found,
            next,
            incomplete,
        })
    }

    /// What the caller may read: rooms as in their history, and its own direct messages, which belong to the lobby.
    fn scopes(&self, caller: Caller, room: Option<RoomParam>) -> Result<Vec<Scope>, Refusal> {
        let directory = self.directory();
        let (agent, admitted) = reader(&directory, caller)?;
        let governs = agent.role == Role::Controller;
        let is_readable = |room: &Room| {
            admitted.admits_room(room.id) && ((!room.deleted && room.has_member(agent.number)) || governs)
        };
        let of_room = |room: &Room| Scope {
            stream: room.number,
            room: room.id,
            head: room.head.seq,
        };
        let (mut scopes, lobby) = match room {
            None => {
                let readable = directory.rooms.values().filter(|room| is_readable(room));
                (readable.map(of_room).collect::<Vec<_>>(), directory.lobby())
            }
            Some(RoomParam(id)) => {
                let room = id.and_then(|id| directory.room_by_id(id));
                let room = room.filter(|room| !room.deleted || governs);
                let room = room.ok_or(Refusal::RoomNotFound)?;
                if !is_readable(room) {
                    return Err(Refusal::NotAMember);
                }
                (vec![of_room(room)], Some(room).filter(|room| room.is_lobby))
            }
        };
        if let Some(lobby) = lobby.filter(|_| admitted.admits_direct()) {
            let own = directory.conversations_of(agent.number);
            scopes.extend(own.map(|conversation| Scope {
                stream: conversation.number,
                room: lobby.id,
                head: conversation.seq,
            }));
        }
        Ok(scopes)
    }

    /// Waits until everything that was said in `scopes` is in the index. False when that takes too long, or when the index
    /// takes nothing at present.
    async fn is_indexed(&self, scopes: &[Scope]) -> bool {
        let wait = async {
            loop {
                let mut indexed = pin!(self.inner.indexed.notified());
                indexed.as_mut().enable();
                if self.directory().has_indexed(scopes) {
                    return true;
                }
                if self.inner.index_stuck.load(Ordering::Relaxed) {
                    return false;
                }
                indexed.await;
            }
        };
        tokio::time::timeout(PATIENCE, wait).await.unwrap_or(false)
    }

    /// Feeds the index with what is said, until `stop`. What a crash leaves undone is done after the next start.
    pub async fn keep_index(self, stop: CancellationToken) {
        let mut wait = PAUSE;
        loop {
            let said = self.inner.said.notified();
            if self.directory().unindexed.is_empty() {
                tokio::select! {
                    () = said => {}
                    () = stop.cancelled() => return,
                }
            }
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = stop.cancelled() => return,
            }
            let fed = self.feed_index(&stop).await;
            self.inner.index_stuck.store(fed.is_err(), Ordering::Relaxed);
            wait = match fed {
                Ok(()) => PAUSE,
                Err(Refusal::Stopping) => return,
                Err(reason) => {
                    // Who waits for it is answered without.
                    self.inner.indexed.notify_waiters();
                    tracing::warn!(%reason, "the search index could not be fed; it is tried again");
                    RETRY
                }
            };
        }
    }

    /// Feeds piece after piece while nobody else changes anything, else a single one: whoever speaks comes first.
    async fn feed_index(&self, stop: &CancellationToken) -> Result<(), Refusal> {
        let mut budget = BATCH;
        while !stop.is_cancelled() {
            let commits = self.metrics().commits.get();
            self.perform(Caller::Server, FeedIndex { budget }).await?;
            self.inner.indexed.notify_waiters();
            // Its own commits do not count.
            let is_quiet = self.metrics().commits.get() == commits;
            if !is_quiet || self.directory().unindexed.is_empty() {
                break;
            }
            budget = QUIET_BATCH;
        }
        Ok(())
    }
}

impl Directory {
    fn has_indexed(&self, scopes: &[Scope]) -> bool {
        let is_indexed = |scope: &Scope| {
            let indexed = self.unindexed.get(&scope.stream);
            indexed.is_none_or(|indexed| *indexed >= scope.head)
        };
        scopes.iter().all(is_indexed)
    }
}

/// Reads stream by stream, those first in which something was said last, and merges by time. Stops when no stream that is
/// left can have anything newer than what is found. Returns also whether there may be more.
fn read_page(
    connection: &mut Connection,
    scopes: &[Scope],
    expression: &str,
    bounds: Bounds,
) -> Result<(Vec<MessageRow>, bool), StoreError> {
    // One transaction, so that all streams and the index show the same moment.
    let transaction = connection.transaction()?;
    let mut streams = Vec::with_capacity(scopes.len());
    for scope in scopes.iter().filter(|scope| scope.head > 0) {
        streams.extend(messages::newest_time(&transaction, scope.stream)?.map(|at_ms| (Reverse(at_ms), scope.stream)));
    }
    streams.sort_unstable();
    // One more than asked for tells whether there are more.
    let most = bounds.limit.saturating_add(1);
    let mut page: Vec<MessageRow> = Vec::new();
    for (Reverse(newest_ms), stream) in streams {
        let worst = page.get(most - 1).map(|row| (row.sent_at_ms, row.id));
        if worst.is_some_and(|(at_ms, _)| at_ms > newest_ms) {
            break;
        }
        let mut enough = larger_than(bounds.bytes);
        let mut count = 0;
        search::find(
            &transaction,
            expression,
            stream,
            range(&transaction, stream, bounds)?,
            |row| {
                count += 1;
                let goes_on =
                    count < most && !enough(&row) && worst.is_none_or(|worst| (row.sent_at_ms, row.id) > worst);
                page.push(row);
                goes_on
            },
        )?;
        page.sort_by_key(|row| Reverse((row.sent_at_ms, row.id)));
        page.truncate(most);
    }
    let (mut rows, cut_short) = fit(page, bounds.bytes);
    let more = cut_short || rows.len() > bounds.limit;
    rows.truncate(bounds.limit);
    Ok((rows, more))
}

/// The positions of a stream that the bounds leave: the first one, and the one behind the last.
fn range(connection: &Connection, stream: StreamNumber, bounds: Bounds) -> Result<(u64, Option<u64>), StoreError> {
    let at = |at_ms| messages::first_not_before(connection, stream, at_ms);
    let first = bounds.from_ms.map(at).transpose()?.unwrap_or(0);
    let to = bounds.to_ms.map(at).transpose()?;
    let after = match bounds.after {
        None => None,
        Some(after) if after.row.stream() == stream => Some(after.row.seq()),
        // Of the same time, those of a lower stream come later.
        Some(after) => Some(at(after.at_ms.saturating_add(i64::from(stream < after.row.stream())))?),
    };
    let end = match (to, after) {
        (Some(to), Some(after)) => Some(to.min(after)),
        (to, after) => to.or(after),
    };
    Ok((first, end))
}
