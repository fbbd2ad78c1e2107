//! Positions, and going on from one.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A position that the server gave: of a message in a room, or among direct messages.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub struct PositionParam {
    /// Incarnation of the database, as `auth` told it.
    pub epoch: String,
    /// The last position that the caller has; 0 is before everything.
    pub seq: u64,
}

/// A position.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct PositionObject {
    /// Incarnation of the database.
    pub epoch: String,
    /// The position.
    pub seq: u64,
}

/// From where on a session is shown a room or its direct messages.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct FollowResult {
    /// Incarnation of the database.
    pub epoch: String,
    /// The last position at this moment. What lies between `since` and it follows now; without `since`, what others said up to it is still shown if this session was not told of it yet.
    pub seq: u64,
    /// Present when the session does not go on where it was: something is missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reset: Option<ResetObject>,
}

/// What cannot be made up for.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ResetObject {
    /// `epoch`: the position is one of another database, or of a state before a restored backup; `retention`: what follows the position is not kept any longer.
    pub reason: &'static str,
    /// The oldest position that is still there; one beyond `seq` when there is none. To have everything again, follow since the position before it.
    pub oldest: PositionObject,
    /// The first position that will be shown: the oldest one after `retention`, the next new one after `epoch`.
    pub resumes_from: u64,
}

/// How following went for one room of `auth`'s `resume`: what `room.follow` would have answered.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum Resumed {
    /// It goes on.
    Followed(FollowResult),
    /// It does not, and why.
    Refused {
        /// The error that `room.follow` would have answered with.
        error: Value,
    },
}

/// How following went, by room id.
pub type ResumedRooms = BTreeMap<String, Resumed>;
