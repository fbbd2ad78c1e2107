//! Places among messages, and what is told of them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::RpcError;

/// A place among the messages of a room, or among direct messages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// The life of a database; a position means something only in its epoch.
    pub epoch: String,
    /// Counts from 1; 0 is before everything.
    pub seq: u64,
}

impl Position {
    /// The position `seq` of an epoch.
    #[must_use]
    pub fn new(epoch: impl Into<String>, seq: u64) -> Self {
        Self {
            epoch: epoch.into(),
            seq,
        }
    }
}

/// Up to where a client has everything. Serializes, so that it can be kept.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Positions {
    /// By room id.
    #[serde(default)]
    pub rooms: BTreeMap<String, Position>,
    /// Of direct messages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub direct: Option<Position>,
}

/// The result of `room.follow` and `message.followDirect`: what lies between `since` and `seq` follows as events.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct FollowResult {
    /// The present epoch.
    pub epoch: String,
    /// The last position at this moment.
    pub seq: u64,
    /// Present when it does not go on at `since`.
    #[serde(default)]
    pub reset: Option<FollowReset>,
}

/// Why following does not go on at a position.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FollowReset {
    /// What happened.
    pub reason: ResetReason,
    /// The oldest position that the server still has; one beyond the last when it has none.
    pub oldest: Position,
    /// The first position that will be shown.
    pub resumes_from: u64,
}

/// What keeps something from being had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ResetReason {
    /// The position is one of another database.
    Epoch,
    /// What follows the position is not kept any longer.
    Retention,
}

/// Reading goes on behind a gap. What is missing is not kept any longer, or the database is another one, as after a restored
/// backup: then what that one holds already is not told, and can be read by following from right before `oldest`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Reset {
    /// Why.
    pub reason: ResetReason,
    /// The room; none for direct messages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub room_id: Option<String>,
    /// The present epoch.
    pub epoch: String,
    /// The first position that is missing; after [`ResetReason::Epoch`] it is one of the former database.
    pub missed_from: u64,
    /// The position that comes next.
    pub resumes_from: u64,
    /// The oldest position that the server still has, when it said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oldest: Option<Position>,
}

/// How it went with one thing that `auth` was asked to go on with.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Resumed {
    /// It goes on.
    Followed(FollowResult),
    /// It does not.
    Refused {
        /// What `room.follow` would have failed with.
        error: RpcError,
    },
}
