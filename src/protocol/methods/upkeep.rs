//! What the operator takes out of a running server.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::method;
use crate::domain::{ExportPage, ExportedMessage};
use crate::protocol::types::{MessageObject, RoomObject};

method! {
    /// Copies everything that is committed at one moment into a new file, while the server goes on. The file appears when it is complete, checked and on the disk.
    OperatorBackup = "operator.backup", Operator, Read, OperatorBackupParams => OperatorBackupResult,
    errors [InvalidParams, Forbidden, StorageUnavailable, StorageDamaged], events []
}

/// Parameters of `operator.backup`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub struct OperatorBackupParams {
    /// The file to make, as an absolute path on the server's machine.
    pub path: String,
    /// Whether an earlier backup of that name may be replaced.
    #[serde(default)]
    pub force: bool,
}

/// Result of `operator.backup`.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct OperatorBackupResult {
    /// Always `ok`.
    pub status: &'static str,
    /// Bytes of the file.
    pub bytes: u64,
    /// Messages in it, direct ones included.
    pub messages: u64,
}

method! {
    /// Reads the record of a room, page by page: every message with all its fields, in order. Direct messages are of no room.
    OperatorExport = "operator.export", Operator, Read, OperatorExportParams => OperatorExportResult,
    errors [InvalidParams, Forbidden, RoomNotFound, StorageDamaged], events []
}

/// Parameters of `operator.export`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OperatorExportParams {
    /// The id of the room, deleted ones included, or a name that only one room has.
    pub room: String,
    /// Only messages above this position; all when left out.
    #[serde(default)]
    pub after_seq: u64,
}

/// Result of `operator.export`.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct OperatorExportResult {
    /// The room.
    pub room: ExportedRoomObject,
    /// The messages, the oldest first.
    pub messages: Vec<ExportedMessageObject>,
    /// Whether there are more behind the last one.
    pub more: bool,
}

/// A room as it is exported.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExportedRoomObject {
    /// The room as the controller sees it.
    #[serde(flatten)]
    pub room: RoomObject,
    /// Incarnation of the database that the positions belong to.
    pub epoch: String,
    /// Its members, in the order in which they joined.
    pub members: Vec<ExportedMemberObject>,
}

/// A member of an exported room.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExportedMemberObject {
    /// Id of the agent.
    pub agent_id: String,
    /// Registered name of the agent.
    pub display_name: String,
    /// When it joined, in milliseconds since 1970.
    pub joined_at: i64,
}

/// A message as it is exported.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExportedMessageObject {
    /// The message as history shows it.
    #[serde(flatten)]
    pub message: MessageObject,
    /// When its content was removed, in milliseconds since 1970. Absent unless it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub removed_at: Option<i64>,
    /// The agent that removed it. Absent unless it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub removed_by: Option<String>,
    /// Why it was removed. Absent when that was not said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl From<ExportedMessage> for ExportedMessageObject {
    fn from(exported: ExportedMessage) -> Self {
        let removal = exported.removal;
        Self {
            message: MessageObject {
                removed: removal.is_some(),
                ..MessageObject::of_room(&exported.message)
            },
            removed_at: removal.as_ref().map(|removal| removal.at_ms),
            removed_by: removal.as_ref().map(|removal| removal.by.to_string()),
            reason: removal.and_then(|removal| removal.reason),
        }
    }
}

impl From<ExportPage> for OperatorExportResult {
    fn from(page: ExportPage) -> Self {
        let members = page.members.into_iter().map(|member| ExportedMemberObject {
            agent_id: member.id.to_string(),
            display_name: member.name.as_str().to_owned(),
            joined_at: member.joined_at_ms,
        });
        Self {
            room: ExportedRoomObject {
                room: page.room.into(),
                epoch: page.epoch.to_string(),
                members: members.collect(),
            },
            messages: page.messages.into_iter().map(Into::into).collect(),
            more: page.more,
        }
    }
}
