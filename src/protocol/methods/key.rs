//! The life of keys: enrolment, rotation, revocation.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::method;
use crate::domain::{KeyCard, KeyScope, Refusal, RoomId};
use crate::protocol::types::Status;

method! {
    /// Gets the API key that an enrolment token stands for. The token is void from then on; of two that show it at once one gets the key. Beside `auth` the only request that a connection may make before it has authenticated; `auth` with the new key comes next. An addition to BroodLink, like everything about keys.
    AgentEnrol = "agent.enrol", Anyone, Read, AgentEnrolParams => AgentEnrolResult,
    errors [InvalidParams, Forbidden, AgentBanned, EnrolmentFailed, Limited, StorageUnavailable], events []
}

/// Parameters of `agent.enrol`.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AgentEnrolParams {
    /// The token, exactly as it was handed out.
    pub token: String,
    /// What to call the key, 1 to 100 characters; what the token says when left out.
    pub key_name: Option<String>,
}

/// Result of `agent.enrol`.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AgentEnrolResult {
    /// Id of the agent.
    pub agent_id: String,
    /// Its registered name.
    pub display_name: String,
    /// `controller` or `participant`.
    pub role: &'static str,
    /// Its API key, which is shown here and never again.
    pub api_key: String,
    /// The key.
    pub key: KeyObject,
}

method! {
    /// Makes a further key. For oneself the key is shown, here and never again; for another agent the controller gets an enrolment token instead, so that the key never travels through it. A key that an agent makes for itself ends with the key of the session at the latest.
    AgentCreateKey = "agent.createKey", Agent, Change, AgentCreateKeyParams => IssuedKeyResult,
    errors [InvalidParams, Forbidden, AgentNotFound, KeyLimit], events []
}

/// Parameters of `agent.createKey`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AgentCreateKeyParams {
    /// The agent; the caller itself when left out. Anybody else for the controller only.
    pub agent_id: Option<String>,
    /// What to call the key, 1 to 100 characters.
    pub key_name: String,
    /// When it ends, in milliseconds since 1970; never when left out.
    pub expires_at: Option<i64>,
    /// Whether it may only look.
    #[serde(default)]
    pub read_only: bool,
    /// The only rooms there are for it, 1 to 64; all of them when left out.
    pub rooms: Option<Vec<String>>,
    /// Whether it has direct messages although its rooms are restricted.
    #[serde(default)]
    pub direct: bool,
}

method! {
    /// Puts another key, with the same scope and end, in the place of one. Both work until the overlap is over; then the sessions of the former key end with 1008. The session that asked goes on with the new key. For oneself the key is shown, here and never again; for another agent the controller gets an enrolment token instead, and the overlap begins when the agent has used it. A token that ends unused changes nothing.
    AgentRotateKey = "agent.rotateKey", Agent, Change, AgentRotateKeyParams => RotatedKeyResult,
    errors [InvalidParams, Forbidden, AgentNotFound, KeyNotFound, KeyLimit], events ["disconnected", "presence"]
}

/// Parameters of `agent.rotateKey`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AgentRotateKeyParams {
    /// The agent; the caller itself when left out. Anybody else for the controller only.
    pub agent_id: Option<String>,
    /// The key to replace. When left out, the key of this session, or the only one of the other agent.
    pub key_id: Option<String>,
    /// Milliseconds that the former key goes on working, 0 to 2,592,000,000 (30 days); 0 ends it at once. `limits.keyOverlapMs` when left out.
    pub overlap_ms: Option<u64>,
    /// What to call the new key, 1 to 100 characters; like the former one when left out.
    pub key_name: Option<String>,
    /// When the new key ends, in milliseconds since 1970, if that is to be before the end of the former one.
    pub expires_at: Option<i64>,
}

method! {
    /// Makes one key void, or an enrolment token that was not used. Sessions of the key end before the answer is sent. The key of this session cannot be revoked by it.
    AgentRevokeKey = "agent.revokeKey", Agent, Change, AgentRevokeKeyParams => Status,
    errors [InvalidParams, Forbidden, AgentNotFound, KeyNotFound], events ["disconnected", "presence"]
}

/// Parameters of `agent.revokeKey`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AgentRevokeKeyParams {
    /// The agent; the caller itself when left out. Anybody else for the controller only.
    pub agent_id: Option<String>,
    /// The key.
    pub key_id: String,
}

method! {
    /// Lists the keys of an agent: what is known of them, never the keys.
    AgentListKeys = "agent.listKeys", Agent, Read, AgentListKeysParams => AgentListKeysResult,
    errors [Forbidden, AgentNotFound], events []
}

/// Parameters of `agent.listKeys`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AgentListKeysParams {
    /// The agent; the caller itself when left out. Anybody else for the controller only.
    pub agent_id: Option<String>,
}

/// Result of `agent.listKeys`.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct AgentListKeysResult {
    /// The keys that have not ended, the oldest first, and behind them those that wait for an enrolment.
    pub keys: Vec<ListedKeyObject>,
}

/// A key in a list.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ListedKeyObject {
    /// What is known of it.
    #[serde(flatten)]
    pub key: KeyObject,
    /// When a session last came or went with it, within a minute; null when none ever did.
    pub last_used_at: Option<i64>,
    /// Whether this session came in with it.
    pub current: bool,
    /// Whether it is still to be made by whoever has the enrolment token.
    pub pending: bool,
}

/// What is known of a key.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct KeyObject {
    /// Its id, which says nothing about the key itself.
    pub key_id: String,
    /// What its agent calls it.
    pub key_name: String,
    /// When it was made, in milliseconds since 1970.
    pub created_at: i64,
    /// When it ends, in milliseconds since 1970; null is never.
    pub expires_at: Option<i64>,
    /// Whether it may only look.
    pub read_only: bool,
    /// The only rooms there are for it; null is all of them.
    pub rooms: Option<Vec<String>>,
    /// Whether it has direct messages.
    pub direct: bool,
}

impl From<&KeyCard> for KeyObject {
    fn from(card: &KeyCard) -> Self {
        let rooms = card.scope.rooms.as_ref();
        Self {
            key_id: card.id.to_string(),
            key_name: card.name.as_str().to_owned(),
            created_at: card.created_at_ms,
            expires_at: card.expires_at_ms,
            read_only: card.scope.read_only,
            rooms: rooms.map(|rooms| rooms.iter().map(ToString::to_string).collect()),
            direct: card.scope.admits_direct(),
        }
    }
}

/// Result of making a key: the key, or the token for it.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct IssuedKeyResult {
    /// Id of the agent.
    pub agent_id: String,
    /// The API key, for oneself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api_key: Option<String>,
    /// The enrolment token, for another agent: `agent.enrol` takes it once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enrolment_token: Option<String>,
    /// When the token ends, in milliseconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enrolment_expires_at: Option<i64>,
    /// The key.
    pub key: KeyObject,
}

/// Result of `agent.rotateKey`.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RotatedKeyResult {
    /// The new key, or the token for it.
    #[serde(flatten)]
    pub issued: IssuedKeyResult,
    /// The key that was replaced.
    pub previous_key_id: String,
    /// When that one ends, in milliseconds since 1970. Of another agent, whose overlap has not begun yet, when it ends anyway; null when never.
    pub previous_expires_at: Option<i64>,
}

/// Most rooms of one key.
const ROOMS_OF_A_KEY: usize = 64;

/// Checks the scope that a caller wishes for a key.
pub fn scope(read_only: bool, rooms: Option<&[String]>, direct: bool) -> Result<KeyScope, Refusal> {
    let rooms = rooms.map(|rooms| {
        if rooms.is_empty() || rooms.len() > ROOMS_OF_A_KEY {
            return Err(Refusal::InvalidParams(format!(
                "`rooms` must name 1 to {ROOMS_OF_A_KEY} rooms"
            )));
        }
        let read = |room: &String| RoomId::parse(room).ok_or(Refusal::RoomNotFound);
        rooms.iter().map(read).collect()
    });
    if direct && rooms.is_none() {
        let reason = "`direct` says something only beside `rooms`";
        return Err(Refusal::InvalidParams(reason.into()));
    }
    Ok(KeyScope {
        read_only,
        rooms: rooms.transpose()?,
        direct,
    })
}

method! {
    /// Gives an agent another registered name. Whoever goes by the former name goes by the new one. What was said keeps the name under which it was said.
    AgentRename = "agent.rename", Agent, Change, AgentRenameParams => AgentRenameResult,
    errors [InvalidParams, Forbidden, AgentNotFound], events ["agent.renamed"]
}

/// Parameters of `agent.rename`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AgentRenameParams {
    /// The agent; the caller itself when left out. Anybody else for the controller only.
    pub agent_id: Option<String>,
    /// The name from now on, 1 to 100 characters without control characters.
    pub display_name: String,
}

/// Result of `agent.rename`.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AgentRenameResult {
    /// Always `ok`.
    pub status: &'static str,
    /// Id of the agent.
    pub agent_id: String,
    /// Its name from now on.
    pub display_name: String,
}
