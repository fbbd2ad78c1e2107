//! What is said on the data channel, without the channel: handshakes, levels, heartbeats, pieces and the filter.

use serde::Serialize;
use serde_json::Value;

use crate::domain::Permission;

use super::pieces::{Joiner, PIECE};
use super::privacy::{REDACTED, private_part};
use super::secret::Proof;
use super::{Author, LinkLimits, Refusal};

/// What link-agent calls its version in handshakes; nobody checks it.
const VERSION: &str = "0.1.0";

/// Characters of a peer's name that are kept.
const LONGEST_NAME: usize = 128;

/// One side of what is said over one channel.
pub(super) struct Conversation {
    author: Author,
    wanted: Permission,
    joined_bytes: usize,
    peer: Option<Peer>,
    joiner: Joiner,
    /// What every handshake of the peer has to prove, if anything.
    proof: Option<Proof>,
}

/// What is known of the other side.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Peer {
    pub(super) name: String,
    /// What it asks for.
    requested: Permission,
    /// How many bytes of a message in pieces it joins; only a wardroom does.
    pub(super) joins_bytes: Option<usize>,
    /// Whether it takes part in heartbeats.
    pub(super) has_pulse: bool,
}

/// What a message of the channel means.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Said {
    /// The peer introduced itself, perhaps not for the first time; the text is to be sent back.
    Handshake {
        reply: Option<String>,
        /// It is the first word: the connection is up.
        is_first: bool,
        /// The level is another one than before.
        changed: Option<Permission>,
    },
    /// To be answered with this text.
    Ping(String),
    /// The answer to a ping.
    Pong,
    /// A piece of something larger.
    Piece,
    /// For whoever uses the link.
    Message {
        text: String,
        value: Value,
        refused: Option<Refusal>,
    },
    /// The peer does not know the secret, or somebody sits in between. The connection is to be ended.
    Stranger,
    /// Not understood, or said too early; thrown away.
    Problem(String),
}

impl Conversation {
    pub(super) fn new(author: Author, wanted: Permission, limits: &LinkLimits) -> Self {
        Self {
            author,
            wanted,
            joined_bytes: limits.joined_bytes,
            peer: None,
            proof: None,
            joiner: Joiner::new(limits.joined_bytes),
        }
    }

    /// Has the peer prove something with each handshake, and does so too.
    pub(super) fn demand(&mut self, proof: Proof) {
        self.proof = Some(proof);
    }

    pub(super) fn is_proven(&self) -> bool {
        self.proof.is_some() && self.peer.is_some()
    }

    /// The handshake as this side says it first, and again when its level changed.
    pub(super) fn handshake(&self) -> String {
        self.introduction("handshake", None)
    }

    /// The level that holds: nothing but talk while the peer has not said what it wants.
    pub(super) fn permission(&self) -> Permission {
        let requested = self.peer.as_ref().map_or(Permission::Chat, |peer| peer.requested);
        self.wanted.negotiate(requested)
    }

    pub(super) fn peer(&self) -> Option<&Peer> {
        self.peer.as_ref()
    }

    /// Changes what this side allows; the new level that holds, if it is another one.
    pub(super) fn set_wanted(&mut self, wanted: Permission) -> Option<Permission> {
        let before = self.permission();
        self.wanted = wanted;
        Some(self.permission()).filter(|now| *now != before && self.peer.is_some())
    }

    /// Takes one message of the channel.
    pub(super) fn take(&mut self, text: String) -> Said {
        let value: Value = match serde_json::from_str(&text) {
            Ok(value) => value,
            Err(_) => return Said::Problem("the peer sent something that is not JSON".to_owned()),
        };
        match value.get("type").and_then(Value::as_str) {
            Some("handshake") => self.meet(&value, true),
            Some("handshake-ack") => self.meet(&value, false),
            _ if self.peer.is_none() => Said::Problem("the peer sent a message before its handshake".to_owned()),
            Some("_ping") => {
                self.has_pulse();
                Said::Ping(beat("_pong", self.author.now_ms()))
            }
            Some("_pong") => {
                self.has_pulse();
                Said::Pong
            }
            Some(PIECE) if self.peer().is_some_and(|peer| peer.joins_bytes.is_some()) => {
                match self.joiner.take(&text) {
                    Ok(None) => Said::Piece,
                    Ok(Some(whole)) => self.take_whole(whole),
                    Err(problem) => Said::Problem(problem.to_string()),
                }
            }
            _ => self.judge(text, value),
        }
    }

    /// What came in pieces is a message for the user of the link, never one for the link itself.
    fn take_whole(&self, text: String) -> Said {
        match serde_json::from_str(&text) {
            Ok(value) => self.judge(text, value),
            Err(_) => Said::Problem("the peer sent pieces that are not JSON together".to_owned()),
        }
    }

    fn judge(&self, text: String, value: Value) -> Said {
        let permission = self.permission();
        let kind = value.get("type").and_then(Value::as_str).unwrap_or_default();
        let refused = (!permission.allows(kind)).then(|| Refusal::NotAllowed {
            kind: shortened(kind),
            permission,
        });
        if permission.is_filtered() && kind == "chat" && content_is_private(&value).is_some() {
            let (text, value) = redacted(&text, value);
            return Said::Message { text, value, refused };
        }
        Said::Message { text, value, refused }
    }

    fn meet(&mut self, said: &Value, is_question: bool) -> Said {
        let wardroom = said.get("wardroom");
        let proven = wardroom
            .and_then(|wardroom| wardroom.get("proof"))
            .and_then(Value::as_str);
        if let Some(proof) = &self.proof
            && !proof.is_proven_by(proven.unwrap_or_default())
        {
            return Said::Stranger;
        }
        let before = self.permission();
        let is_first = self.peer.is_none();
        let word = |name: &str| said.get(name).and_then(Value::as_str);
        let joins = wardroom.and_then(|wardroom| wardroom.get("joinsBytes"));
        let joins_bytes = joins
            .and_then(Value::as_u64)
            .map(|bytes| usize::try_from(bytes).unwrap_or(usize::MAX));
        let has_pulse = self.peer.as_ref().is_some_and(|peer| peer.has_pulse);
        self.peer = Some(Peer {
            name: shortened(word("name").unwrap_or_default()),
            requested: Permission::requested(word("requestedPermission")),
            joins_bytes,
            has_pulse: has_pulse || joins_bytes.is_some(),
        });
        let now = self.permission();
        Said::Handshake {
            reply: is_question.then(|| self.introduction("handshake-ack", Some(now))),
            is_first,
            changed: (!is_first && now != before).then_some(now),
        }
    }

    fn has_pulse(&mut self) {
        if let Some(peer) = &mut self.peer {
            peer.has_pulse = true;
        }
    }

    fn introduction(&self, kind: &str, negotiated: Option<Permission>) -> String {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Introduction<'a> {
            r#type: &'a str,
            name: &'a str,
            requested_permission: &'a str,
            #[serde(skip_serializing_if = "Option::is_none")]
            negotiated_permission: Option<&'a str>,
            version: &'a str,
            wardroom: Wardroom,
        }
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Wardroom {
            joins_bytes: usize,
            #[serde(skip_serializing_if = "Option::is_none")]
            proof: Option<String>,
        }
        let introduction = Introduction {
            r#type: kind,
            name: self.author.name(),
            requested_permission: self.wanted.as_str(),
            negotiated_permission: negotiated.map(Permission::as_str),
            version: VERSION,
            wardroom: Wardroom {
                joins_bytes: self.joined_bytes,
                proof: self.proof.as_ref().map(Proof::own),
            },
        };
        // Strings and numbers can always be written.
        serde_json::to_string(&introduction).unwrap_or_default()
    }
}

/// A `_ping` or a `_pong`.
pub(super) fn beat(kind: &str, now_ms: i64) -> String {
    format!(r#"{{"type":"{kind}","ts":{now_ms}}}"#)
}

/// The part of a chat that looks private.
pub(super) fn content_is_private(message: &Value) -> Option<&'static str> {
    match message.get("payload")?.get("content")? {
        Value::String(content) => private_part(content),
        other => private_part(&other.to_string()),
    }
}

/// The message with a notice in the place of its content. Other members stay as they were.
fn redacted(text: &str, mut value: Value) -> (String, Value) {
    let payload = serde_json::json!({"content": REDACTED});
    if let Some(members) = value.as_object_mut() {
        members.insert("payload".to_owned(), payload.clone());
    }
    let text = with_payload(text, &payload).unwrap_or_else(|| value.to_string());
    (text, value)
}

/// The object with another payload, its members in the order in which they came.
fn with_payload(text: &str, payload: &Value) -> Option<String> {
    let payload = serde_json::value::to_raw_value(payload).ok()?;
    let mut members = super::ordered::members(text).ok()?;
    for (name, member) in &mut members {
        if name == "payload" {
            *member = &payload;
        }
    }
    super::ordered::to_text(&members).ok()
}

/// A text of the peer that is shown: bounded, and nothing that deceives a terminal.
fn shortened(text: &str) -> String {
    text.chars()
        .filter(|character| !crate::text::is_deceptive(*character))
        .take(LONGEST_NAME)
        .collect()
}

#[cfg(test)]
#[path = "conversation_tests.rs"]
mod tests;
