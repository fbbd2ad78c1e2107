//! Events as they look on the wire: JSON-RPC notifications.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;

pub use super::declare::NotificationSpec;
use super::declare::notifications;
use super::schema;
use super::types::{DocumentVersion, MessageObject, TaskObject, TaskSummaryObject};

notifications! {
    /// An agent came or went.
    Presence = "presence", to "all other agents, on its first session and its last; a new session also gets one for each agent that is online, after the answer to `auth`" {
        /// The agent.
        agent_id: String,
        /// The name it goes by.
        display_name: String,
        /// Whether it came.
        online: bool,
    }
    /// An agent has another registered name. An addition to BroodLink.
    AgentRenamed = "agent.renamed", to "all sessions but the one that asked" {
        /// The agent.
        agent_id: String,
        /// Its name from now on.
        display_name: String,
        /// Its name until now.
        previous_name: String,
    }
    /// Somebody spoke in a room.
    RoomMessage = "message", to "the members of the room except the sender; a session that follows the room is also shown what its own agent says" {
        /// The room.
        room_id: String,
        /// The message.
        message: MessageObject,
    }
    /// Somebody wrote to the receiver.
    DirectMessage = "dm", to "the recipient only; a session that follows its direct messages is also shown those that its agent sent" {
        /// The sender.
        from_agent_id: String,
        /// The name that the sender goes by.
        from_display_name: String,
        /// What it says, byte for byte.
        content: String,
        /// `task`, `result`, `query`, `file` or `ack`. Absent from talk, whose type is `chat`.
        #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
        kind: Option<&'static str>,
        /// JSON that goes with it, as it was sent. Absent when there is none.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[schemars(with = "Option<Value>")]
        data: Option<Box<RawValue>>,
        /// The message that it answers. Absent when it answers none.
        #[serde(skip_serializing_if = "Option::is_none")]
        reply_to: Option<String>,
        /// Id of the message.
        message_id: String,
        /// When it was accepted, in milliseconds since 1970.
        timestamp: i64,
        /// Position among the direct messages that the receiver sent and got.
        seq: u64,
        /// The recipient. Present only when the receiver of the event sent the message.
        #[serde(skip_serializing_if = "Option::is_none")]
        to_agent_id: Option<String>,
        /// Present and true once the content was removed.
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        #[schemars(default)]
        removed: bool,
    }
    /// What a session follows goes on behind a gap: what lay between is not kept any longer.
    Reset = "reset", to "a session that follows, or that could not keep up" {
        /// The room; absent for direct messages.
        #[serde(skip_serializing_if = "Option::is_none")]
        room_id: Option<String>,
        /// Incarnation of the database.
        epoch: String,
        /// The first position that is missing.
        missed_from: u64,
        /// The position of the next message, which follows.
        resumes_from: u64,
    }
    /// A room was made.
    RoomCreated = "room.created", to "all others for a public room, the controller for a private one" {
        /// The room.
        room_id: String,
        /// Its name.
        name: String,
        /// Its owner.
        owner_id: String,
        /// `public` or `private`.
        visibility: &'static str,
    }
    /// An agent joined a room.
    RoomJoined = "room.joined", to "the other members" {
        /// The room.
        room_id: String,
        /// The agent.
        agent_id: String,
        /// The name it goes by.
        display_name: String,
    }
    /// An agent left a room, was taken out of it, or was revoked.
    RoomLeft = "room.left", to "the remaining members" {
        /// The room.
        room_id: String,
        /// The agent.
        agent_id: String,
    }
    /// The receiver was invited into a room.
    RoomInvited = "room.invited", to "the invited agent only" {
        /// The room.
        room_id: String,
        /// Its name.
        name: String,
        /// Who invited.
        by_agent_id: String,
        /// The name that it goes by.
        by_display_name: String,
    }
    /// A room was deleted.
    RoomDeleted = "room.deleted", to "everybody who could see the room" {
        /// The room.
        room_id: String,
    }
    /// A room was opened to everybody, or closed to those who are in it.
    RoomVisibilityChanged = "room.visibilityChanged", to "everybody who sees the room before or after" {
        /// The room.
        room_id: String,
        /// `public` or `private`.
        visibility: &'static str,
    }
    /// A room has another owner.
    RoomOwnerChanged = "room.ownerChanged", to "everybody who sees the room" {
        /// The room.
        room_id: String,
        /// The owner from now on.
        new_owner_id: String,
        /// The owner until now.
        previous_owner_id: String,
    }
    /// A room was renamed or described anew.
    RoomUpdated = "room.updated", to "everybody who sees the room" {
        /// The room.
        room_id: String,
        /// Its name from now on.
        name: String,
        /// Its description from now on; null when it has none.
        description: Option<String>,
    }
    /// Nobody may speak in a room until it is resumed.
    RoomPaused = "room.paused", to "the members; whoever paused it knows already" {
        /// The room.
        room_id: String,
        /// Since when, in milliseconds since 1970.
        since: i64,
        /// Why; null when that was not said.
        reason: Option<String>,
        /// The agent that paused it; null when the server did, because agents answered each other without end.
        paused_by: Option<String>,
    }
    /// Everybody in a room may speak again.
    RoomResumed = "room.resumed", to "the other members" {
        /// The room.
        room_id: String,
        /// The agent that resumed it.
        resumed_by: String,
    }
    /// The content of a message was removed.
    MessageRemoved = "message.removed", to "the members of the room, or both parties of a direct message" {
        /// The message.
        message_id: String,
        /// The room; the lobby for a direct message.
        room_id: String,
        /// The agent that removed it.
        removed_by: String,
        /// Why; null when that was not said.
        reason: Option<String>,
    }
    /// An agent said that it has read a message which was sent with `wantRead`.
    MessageRead = "message.read", to "the sender, as long as it is in the room" {
        /// The message.
        message_id: String,
        /// The room; the lobby for a direct message.
        room_id: String,
        /// The agent that has read it.
        agent_id: String,
        /// Its registered name.
        display_name: String,
        /// When it said so, in milliseconds since 1970.
        read_at: i64,
    }
    /// A task was offered.
    TaskCreated = "task.created", to "the members of the room" {
        /// The task.
        task: TaskObject,
    }
    /// A task changed: it was claimed, renewed, given back, finished or canceled, its lease ended, or its holder said how it goes.
    TaskUpdated = "task.updated", to "the members of the room" {
        /// The task as it is now, without its description and data: these are as they were, and gone once the title is `[removed]`.
        task: TaskSummaryObject,
    }
    /// The message of the day changed.
    LobbyMotd = "lobby.motd", to "all others" {
        /// The text; null when it was cleared.
        content: Option<String>,
        /// The agent that set it.
        set_by: String,
        /// The name that it goes by.
        set_by_name: String,
    }
    /// A document changed.
    DocsUpdated = "docs.updated", to "all others" {
        /// The document.
        name: &'static str,
        /// Its version from now on.
        version: DocumentVersion,
        /// The agent that changed it.
        updated_by: String,
    }
    /// The receiver was taken out of a room. Its connection stays.
    Kicked = "kicked", to "the removed agent only" {
        /// The room.
        room_id: String,
        /// Why; null when that was not said.
        reason: Option<String>,
    }
    /// The receiver's session ends now; the close frame follows.
    Disconnected = "disconnected", to "the agent that is cut off" {
        /// Why.
        reason: String,
    }
}
