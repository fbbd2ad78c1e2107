//! The smallest steps in which the state moves.
//!
//! An act decides against the state and records steps; the engine applies the same steps first to its own copy, which
//! the next act sees, and after the commit to the copy that readers see. A commit that fails is undone by copying back.

use std::sync::Arc;

use super::exchange::Exchange;
use super::keyring::KeyChange;
use super::openings::OpeningChange;
use crate::domain::{AgentNumber, KeyId, KeyScope, Lease, Name, RowId, SessionId, StreamNumber, Visibility};
use crate::store::agents::AgentRow;
use crate::store::pauses::PauseRow;
use crate::store::receipts::{ReadMark, Track};
use crate::store::rooms::RoomRow;

#[derive(Clone, Debug)]
pub(super) enum Change {
    AgentAdded(AgentRow),
    AgentSeen(AgentNumber, i64),
    AgentBanned(AgentNumber, bool),
    /// Its sessions that go by the registered name go by the new one.
    AgentRenamed(AgentNumber, Name),
    /// The agent loses its keys, its memberships and its invitations.
    AgentRevoked(AgentNumber),
    /// The agent is also put into the lobby.
    SessionOpened {
        session: SessionId,
        agent: AgentNumber,
        key: KeyId,
        name: Name,
        at_ms: i64,
    },
    /// The session of a guest, which belongs to no room but its own.
    GuestSessionOpened {
        session: SessionId,
        agent: AgentNumber,
        name: Name,
        scope: KeyScope,
    },
    SessionClosed(SessionId),
    /// The session goes on under another key of its agent.
    SessionRekeyed(SessionId, KeyId),
    Key(KeyChange),
    Opening(OpeningChange),
    RoomAdded(RoomRow),
    RoomChanged {
        room: StreamNumber,
        name: Name,
        description: Option<String>,
        owner: AgentNumber,
        visibility: Visibility,
    },
    /// The room loses its members, invitations and open tasks and passes to the controller.
    RoomDeleted(StreamNumber),
    /// A deleted room that never had a message is forgotten, and its number is free.
    RoomPurged(StreamNumber),
    MemberAdded {
        room: StreamNumber,
        agent: AgentNumber,
        at_ms: i64,
    },
    MemberRemoved {
        room: StreamNumber,
        agent: AgentNumber,
    },
    Invited {
        room: StreamNumber,
        agent: AgentNumber,
    },
    /// Every member is invited, so that it may come back.
    MembersInvited(StreamNumber),
    Uninvited {
        room: StreamNumber,
        agent: AgentNumber,
    },
    MessageAppended {
        room: StreamNumber,
        seq: u64,
        at_ms: i64,
        exchange: Exchange,
    },
    RoomPaused(StreamNumber, PauseRow),
    RoomResumed(StreamNumber),
    ConversationBegun {
        number: StreamNumber,
        low: AgentNumber,
        high: AgentNumber,
    },
    DirectAppended {
        low: AgentNumber,
        high: AgentNumber,
        seq: u64,
        at_ms: i64,
    },
    TaskOpened(StreamNumber),
    TaskClosed(StreamNumber),
    /// With the generation of the claim.
    LeaseSet(RowId, Lease, u64),
    LeaseEnded(RowId),
    ReadMarked {
        track: Track,
        agent: AgentNumber,
        mark: ReadMark,
    },
    /// The search index has got further in a stream; `done` when it has everything.
    Indexed {
        stream: StreamNumber,
        seq: u64,
        done: bool,
    },
    MotdSet(Option<Arc<str>>),
    LockSet(bool),
}

impl Change {
    /// Whether the next end of a lease may be another one than before.
    pub(super) fn concerns_leases(&self) -> bool {
        matches!(self, Self::LeaseSet(..) | Self::LeaseEnded(_) | Self::RoomDeleted(_))
    }

    /// Whether gateways have something to look at.
    pub(super) fn concerns_places(&self) -> bool {
        let Self::Opening(change) = self else { return false };
        !matches!(change, OpeningChange::PositionSet(..) | OpeningChange::LevelSet(..))
    }

    /// Whether the search index is to be fed.
    pub(super) fn concerns_index(&self) -> bool {
        matches!(self, Self::MessageAppended { .. } | Self::DirectAppended { .. })
    }
}
