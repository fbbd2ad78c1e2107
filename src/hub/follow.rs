//! Following a room or a mailbox from a position.

use super::feed::{Feed, Reading, Source, Start};
use super::{Caller, Hub};
use crate::domain::{Epoch, Refusal, RoomId};
use crate::store::{Connection, direct, messages};

/// The position of a stored event.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Position {
    /// The incarnation of the database; `None` when it is not one that this server could have given.
    pub epoch: Option<Epoch>,
    /// Counts from 1; 0 is before everything.
    pub seq: u64,
}

/// What to follow.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Target {
    /// A room; `None` stands for an id that names none.
    Room(Option<RoomId>),
    /// The caller's direct messages.
    Direct,
}

/// Why a session does not go on where it was.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ResetReason {
    /// The database is another one than that of the position, or it never came that far.
    Epoch,
    /// What follows the position is no longer kept.
    Retention,
}

/// What cannot be made up for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Reset {
    /// Why.
    pub reason: ResetReason,
    /// The oldest position that is still there; one beyond the last when there is none.
    pub oldest: u64,
    /// The first position that will be shown.
    pub resumes_from: u64,
}

/// From where on a session is shown a stream.
#[derive(Clone, Copy, Debug)]
pub struct Followed {
    /// The last position at this moment.
    pub head: u64,
    /// Set when the session does not go on where it was.
    pub reset: Option<Reset>,
}

/// A following that begins as soon as it was answered. Until then nothing of the stream is shown.
#[must_use]
pub struct Beginning {
    pub(super) reading: Reading,
    pub(super) start: Start,
}

impl Hub {
    /// Holds a target back, so that nothing of it is shown before [`Hub::follow`] has found out from where on.
    pub fn prepare(&self, feed: &Feed, target: Target) -> Option<Prepared> {
        let source = self.source(target)?;
        Some(Prepared {
            target,
            reading: feed.prepare(source),
        })
    }

    /// Has `feed` follow a prepared target: everything after `since`, or from now on, then what happens.
    pub async fn follow(
        &self,
        caller: Caller,
        feed: &Feed,
        prepared: Prepared,
        since: Option<Position>,
    ) -> Result<(Followed, Beginning), Refusal> {
        let found = self.find(caller, prepared, since).await;
        if found.is_err() {
            feed.cancel(prepared.reading);
        }
        found
    }

    fn source(&self, target: Target) -> Option<Source> {
        match target {
            Target::Direct => Some(Source::Mailbox),
            Target::Room(room) => Some(Source::Room(self.directory().room_by_id(room?)?.number)),
        }
    }

    async fn find(
        &self,
        caller: Caller,
        Prepared { target, reading }: Prepared,
        since: Option<Position>,
    ) -> Result<(Followed, Beginning), Refusal> {
        // Read after the source is held back: what was shown before is not beyond it.
        let head = self.head(caller, target)?;
        let begin = |start, reset| (Followed { head, reset }, Beginning { reading, start });
        let Some(since) = since else {
            return Ok(begin(Start::Now { head }, None));
        };
        let oldest = self.oldest(caller, reading.source).await?.unwrap_or(head + 1);
        let reset = |reason, resumes_from| {
            let reset = Reset {
                reason,
                oldest,
                resumes_from,
            };
            Ok(begin(Start::Reset { next: resumes_from }, Some(reset)))
        };
        if since.epoch != Some(self.epoch()) || since.seq > head {
            return reset(ResetReason::Epoch, head + 1);
        }
        if since.seq + 1 < oldest {
            return reset(ResetReason::Retention, oldest);
        }
        Ok(begin(Start::Since(since.seq), None))
    }

    /// The last position of what the caller may follow.
    fn head(&self, caller: Caller, target: Target) -> Result<u64, Refusal> {
        let Caller::Session { session, agent } = caller else {
            return Err(Refusal::AuthRequired);
        };
        let directory = self.directory();
        let scope = directory.scope_of(session).ok_or(Refusal::SessionEnded)?;
        let agent = directory.agent(agent).ok_or(Refusal::SessionEnded)?;
        match target {
            Target::Direct => scope.check_direct().map(|()| agent.mailbox_seq),
            Target::Room(room) => {
                let room = room.and_then(|id| directory.room_by_id(id));
                let room = room.filter(|room| !room.deleted).ok_or(Refusal::RoomNotFound)?;
                if room.has_member(agent.number) && scope.admits_room(room.id) {
                    Ok(room.head.seq)
                } else {
                    Err(Refusal::NotAMember)
                }
            }
        }
    }

    async fn oldest(&self, caller: Caller, source: Source) -> Result<Option<u64>, Refusal> {
        let Caller::Session { agent, .. } = caller else {
            return Err(Refusal::AuthRequired);
        };
        let read = move |connection: &mut Connection| match source {
            Source::Room(stream) => messages::oldest(connection, stream),
            Source::Mailbox => direct::oldest(connection, agent),
        };
        Ok(self.inner.readers.catch_up(read).await?)
    }
}

/// A target that is held back.
#[derive(Clone, Copy)]
pub struct Prepared {
    target: Target,
    reading: Reading,
}
