//! What is told, and in which form.

use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::Value;

/// Members of a message that are told when it has them, in this order.
const MEMBERS: [&str; 6] = ["text", "content", "description", "question", "name", "data"];

/// Something that happened to a link.
#[derive(Clone, PartialEq, Debug)]
pub enum Event {
    /// There is a room, and its name is known.
    Room {
        /// Its name.
        room: String,
    },
    /// A peer is linked.
    Connected {
        /// The room.
        room: String,
        /// The name that the peer gives itself.
        peer: String,
        /// The level that was agreed on: `intimate`, `helper` or `chat`.
        permission: String,
    },
    /// A message came or went.
    Message(Message),
    /// The link is lost.
    Disconnected {
        /// The room.
        room: String,
        /// Why, in the words of the protocol, such as `peer-left`.
        reason: String,
        /// Whether a peer had been linked; without one, the hook is not run.
        was_linked: bool,
    },
    /// The room was closed here.
    Killed {
        /// The room.
        room: String,
    },
    /// The room was closed because nobody could be reached.
    GaveUp {
        /// The room.
        room: String,
        /// How often it was tried.
        attempts: u32,
    },
}

/// A message that came from the peer or was sent to it.
#[derive(Clone, PartialEq, Debug)]
pub struct Message {
    /// The room.
    pub room: String,
    /// The name of the sender; for one that was sent here, followed by ` (me)`.
    pub from: Option<String>,
    /// The whole envelope as it came.
    pub envelope: Value,
    /// Whether it was sent here. Hooks run only for what came.
    pub is_outbound: bool,
    /// The local agents that it is for; the hook runs once for each, or once if there is none.
    pub agents: Vec<String>,
}

impl Message {
    /// A member of the envelope's payload, or of the envelope itself for messages that have none.
    pub(super) fn member(&self, name: &str) -> Option<&Value> {
        let payload = self.envelope.get("payload").and_then(|payload| payload.get(name));
        payload
            .or_else(|| self.envelope.get(name))
            .filter(|value| !value.is_null())
    }

    /// The type of the message.
    pub(super) fn kind(&self) -> &str {
        self.envelope.get("type").and_then(Value::as_str).unwrap_or_default()
    }

    /// The id of the message as a text, whatever it is on the wire.
    pub(super) fn id(&self) -> String {
        self.envelope.get("id").map(plain).unwrap_or_default()
    }
}

impl Event {
    /// The word for it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Room { .. } => "room",
            Self::Connected { .. } => "connected",
            Self::Message(_) => "message",
            Self::Disconnected { .. } => "disconnected",
            Self::Killed { .. } => "killed",
            Self::GaveUp { .. } => "gave-up",
        }
    }

    /// The room that it is about.
    pub fn room(&self) -> &str {
        match self {
            Self::Room { room }
            | Self::Connected { room, .. }
            | Self::Message(Message { room, .. })
            | Self::Disconnected { room, .. }
            | Self::Killed { room }
            | Self::GaveUp { room, .. } => room,
        }
    }

    /// The form in which programs are told, at `ts` in milliseconds since 1970.
    pub(super) fn payload(&self, ts: i64) -> Payload {
        let mut members: Vec<(&'static str, Value)> = vec![
            ("event", self.name().into()),
            ("ts", ts.into()),
            ("roomId", self.room().into()),
        ];
        match self {
            Self::Room { .. } | Self::Killed { .. } => {}
            Self::Connected { peer, permission, .. } => {
                members.push(("peer", peer.as_str().into()));
                members.push(("permission", permission.as_str().into()));
            }
            Self::Message(message) => {
                members.push(("from", message.from.clone().into()));
                members.push(("type", message.kind().into()));
                for name in MEMBERS {
                    if let Some(value) = message.member(name) {
                        members.push((name, value.clone()));
                    }
                }
            }
            Self::Disconnected { reason, .. } => members.push(("reason", reason.as_str().into())),
            Self::GaveUp { attempts, .. } => members.push(("attempts", (*attempts).into())),
        }
        Payload(members)
    }

    /// What a hook gets for this event, for one of the agents that it is for; none when there is no hook for it.
    pub(super) fn hook_values(&self, agent: Option<&str>) -> Option<Vec<(&'static str, String)>> {
        let text = |value: &str| value.to_owned();
        let values = match self {
            Self::Connected { room, peer, permission } => vec![
                ("peer", text(peer)),
                ("permission", text(permission)),
                ("roomId", text(room)),
            ],
            Self::Message(message) if !message.is_outbound => {
                let mut values = vec![
                    ("from", message.from.clone().unwrap_or_default()),
                    ("type", text(message.kind())),
                    ("id", message.id()),
                    ("roomId", text(&message.room)),
                ];
                for name in ["content", "description", "question"] {
                    let value = message.member(name).map(plain).filter(|value| !value.is_empty());
                    values.extend(value.map(|value| (name, value)));
                }
                values.extend(agent.map(|agent| ("agentId", text(agent))));
                values
            }
            Self::Disconnected {
                room,
                reason,
                was_linked: true,
            } => vec![("reason", text(reason)), ("roomId", text(room))],
            _ => return None,
        };
        Some(values)
    }
}

/// The members of what programs are told, in their order.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Payload(Vec<(&'static str, Value)>);

impl Payload {
    /// The texts and numbers in it, for commands.
    pub(super) fn values(&self) -> Vec<(&'static str, String)> {
        let is_plain = |value: &Value| value.is_string() || value.is_number();
        let plain_ones = self.0.iter().filter(|(_, value)| is_plain(value));
        plain_ones.map(|(name, value)| (*name, plain(value))).collect()
    }
}

impl Serialize for Payload {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in &self.0 {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

/// A text as it is, anything else as JSON.
pub(super) fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn message(envelope: Value) -> Event {
        Event::Message(Message {
            room: "tgroom".into(),
            from: Some("P<".into()),
            envelope,
            is_outbound: false,
            agents: Vec::new(),
        })
    }

    #[test]
    fn programs_are_told_as_link_agent_tells_them() {
        let text = |event: &Event| serde_json::to_string(&event.payload(1_795_165_429_212)).expect("written");
        let chat = message(json!({ "id": "1", "type": "chat", "payload": { "content": "<b>hi</b> & co" } }));
        assert_eq!(
            text(&chat),
            r#"{"event":"message","ts":1795165429212,"roomId":"tgroom","from":"P<","type":"chat","content":"<b>hi</b> & co"}"#
        );
        let intro = message(json!({ "id": "1", "type": "intro", "text": "hello", "from": "P<" }));
        assert!(text(&intro).ends_with(r#""type":"intro","text":"hello"}"#));
        let gone = Event::GaveUp {
            room: "r".into(),
            attempts: 30,
        };
        assert_eq!(
            text(&gone),
            r#"{"event":"gave-up","ts":1795165429212,"roomId":"r","attempts":30}"#
        );
    }

    #[test]
    fn hooks_get_what_came_and_only_that() {
        let task = message(json!({ "id": 7, "type": "task", "payload": { "description": "d", "content": "" } }));
        let values = task.hook_values(Some("a1")).expect("a hook");
        let expected = [
            ("from", "P<"),
            ("type", "task"),
            ("id", "7"),
            ("roomId", "tgroom"),
            ("description", "d"),
            ("agentId", "a1"),
        ];
        assert_eq!(values, expected.map(|(name, value)| (name, value.to_owned())));
        let Event::Message(mut sent) = task else { unreachable!() };
        sent.is_outbound = true;
        assert_eq!(Event::Message(sent).hook_values(None), None);
        let lost = |was_linked| Event::Disconnected {
            room: "r".into(),
            reason: "peer-left".into(),
            was_linked,
        };
        assert!(lost(true).hook_values(None).is_some() && lost(false).hook_values(None).is_none());
    }
}
