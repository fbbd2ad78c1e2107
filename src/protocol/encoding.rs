//! Events as JSON-RPC notifications.

use serde::Serialize;

use super::notifications::{
    AgentRenamed, DirectMessage, Disconnected, DocsUpdated, Kicked, LobbyMotd, MessageRead, MessageRemoved, Presence,
    Reset, RoomCreated, RoomDeleted, RoomInvited, RoomJoined, RoomLeft, RoomMessage, RoomOwnerChanged, RoomPaused,
    RoomResumed, RoomUpdated, RoomVisibilityChanged, TaskCreated, TaskUpdated,
};
use super::types::{DocumentVersion, MessageObject, raw};
use crate::domain::Event;

/// The notification of an event, as JSON.
#[expect(
    clippy::too_many_lines,
    reason = "one arm for each event, none of them with a decision in it"
)]
pub fn encode(event: &Event) -> Vec<u8> {
    match event {
        Event::Presence { agent, name, online } => {
            let (agent_id, display_name) = (agent.to_string(), name.as_str().to_owned());
            write(
                Presence::NAME,
                &Presence {
                    agent_id,
                    display_name,
                    online: *online,
                },
            )
        }
        Event::AgentRenamed { agent, name, previous } => write(
            AgentRenamed::NAME,
            &AgentRenamed {
                agent_id: agent.to_string(),
                display_name: name.as_str().to_owned(),
                previous_name: previous.as_str().to_owned(),
            },
        ),
        Event::Message { room, message, removed } => {
            let message = MessageObject {
                removed: *removed,
                ..MessageObject::of_room(message)
            };
            write(
                RoomMessage::NAME,
                &RoomMessage {
                    room_id: room.to_string(),
                    message,
                },
            )
        }
        Event::Reset {
            room,
            epoch,
            missed_from,
            resumes_from,
        } => {
            let params = Reset {
                room_id: room.map(|room| room.to_string()),
                epoch: epoch.to_string(),
                missed_from: *missed_from,
                resumes_from: *resumes_from,
            };
            write(Reset::NAME, &params)
        }
        Event::Direct {
            message: direct,
            removed,
            is_own,
        } => {
            let message = &direct.message;
            let params = DirectMessage {
                from_agent_id: message.sender.to_string(),
                from_display_name: message.sender_name.as_str().to_owned(),
                content: message.content.to_string(),
                kind: message.kind.unless_chat(),
                data: raw(message.data.as_ref()),
                reply_to: message.reply_to.map(|reply_to| reply_to.to_string()),
                message_id: message.id.to_string(),
                timestamp: message.id.at_ms,
                seq: direct.seq,
                to_agent_id: is_own.then(|| direct.recipient.to_string()),
                removed: *removed,
            };
            write(DirectMessage::NAME, &params)
        }
        Event::RoomCreated {
            room,
            name,
            owner,
            visibility,
        } => {
            let (room_id, name, owner_id) = (room.to_string(), name.as_str().to_owned(), owner.to_string());
            write(
                RoomCreated::NAME,
                &RoomCreated {
                    room_id,
                    name,
                    owner_id,
                    visibility: visibility.as_str(),
                },
            )
        }
        Event::RoomJoined { room, agent, name } => {
            let (room_id, agent_id, display_name) = (room.to_string(), agent.to_string(), name.as_str().to_owned());
            write(
                RoomJoined::NAME,
                &RoomJoined {
                    room_id,
                    agent_id,
                    display_name,
                },
            )
        }
        Event::RoomLeft { room, agent } => write(
            RoomLeft::NAME,
            &RoomLeft {
                room_id: room.to_string(),
                agent_id: agent.to_string(),
            },
        ),
        Event::RoomInvited {
            room,
            name,
            by,
            by_name,
        } => {
            let params = RoomInvited {
                room_id: room.to_string(),
                name: name.as_str().to_owned(),
                by_agent_id: by.to_string(),
                by_display_name: by_name.as_str().to_owned(),
            };
            write(RoomInvited::NAME, &params)
        }
        Event::RoomDeleted { room } => write(
            RoomDeleted::NAME,
            &RoomDeleted {
                room_id: room.to_string(),
            },
        ),
        Event::RoomVisibilityChanged { room, visibility } => {
            let params = RoomVisibilityChanged {
                room_id: room.to_string(),
                visibility: visibility.as_str(),
            };
            write(RoomVisibilityChanged::NAME, &params)
        }
        Event::RoomOwnerChanged {
            room,
            new_owner,
            previous_owner,
        } => {
            let params = RoomOwnerChanged {
                room_id: room.to_string(),
                new_owner_id: new_owner.to_string(),
                previous_owner_id: previous_owner.to_string(),
            };
            write(RoomOwnerChanged::NAME, &params)
        }
        Event::RoomUpdated {
            room,
            name,
            description,
        } => {
            let (room_id, name, description) = (room.to_string(), name.as_str().to_owned(), description.clone());
            write(
                RoomUpdated::NAME,
                &RoomUpdated {
                    room_id,
                    name,
                    description,
                },
            )
        }
        Event::RoomPaused {
            room,
            since_ms,
            reason,
            by,
        } => {
            let params = RoomPaused {
                room_id: room.to_string(),
                since: *since_ms,
                reason: reason.clone(),
                paused_by: by.map(|by| by.to_string()),
            };
            write(RoomPaused::NAME, &params)
        }
        Event::RoomResumed { room, by } => write(
            RoomResumed::NAME,
            &RoomResumed {
                room_id: room.to_string(),
                resumed_by: by.to_string(),
            },
        ),
        Event::MessageRemoved {
            message,
            room,
            removed_by,
            reason,
            ..
        } => {
            let params = MessageRemoved {
                message_id: message.to_string(),
                room_id: room.to_string(),
                removed_by: removed_by.to_string(),
                reason: reason.clone(),
            };
            write(MessageRemoved::NAME, &params)
        }
        Event::MessageRead(read) => write(MessageRead::NAME, &MessageRead::from(read)),
        Event::TaskCreated { task } => write(
            TaskCreated::NAME,
            &TaskCreated {
                task: task.as_ref().into(),
            },
        ),
        Event::TaskUpdated { task } => write(
            TaskUpdated::NAME,
            &TaskUpdated {
                task: task.as_ref().into(),
            },
        ),
        Event::LobbyMotd {
            content,
            set_by,
            set_by_name,
        } => {
            let (content, set_by) = (content.clone(), set_by.to_string());
            write(
                LobbyMotd::NAME,
                &LobbyMotd {
                    content,
                    set_by,
                    set_by_name: set_by_name.as_str().to_owned(),
                },
            )
        }
        Event::DocsUpdated {
            name,
            version,
            updated_by,
        } => {
            let version = DocumentVersion::from_json(version);
            write(
                DocsUpdated::NAME,
                &DocsUpdated {
                    name,
                    version,
                    updated_by: updated_by.to_string(),
                },
            )
        }
        Event::Kicked { room, reason } => write(
            Kicked::NAME,
            &Kicked {
                room_id: room.to_string(),
                reason: reason.clone(),
            },
        ),
        Event::Disconnected { reason } => write(
            Disconnected::NAME,
            &Disconnected {
                reason: reason.text().to_owned(),
            },
        ),
    }
}

#[derive(Serialize)]
struct Notification<'a, P> {
    jsonrpc: &'static str,
    method: &'static str,
    params: &'a P,
}

fn write<P: Serialize>(method: &'static str, params: &P) -> Vec<u8> {
    // The params are texts, numbers and flags: there is nothing in them that could fail to be written.
    serde_json::to_vec(&Notification {
        jsonrpc: "2.0",
        method,
        params,
    })
    .unwrap_or_default()
}
