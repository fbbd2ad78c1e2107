//! What is said in a room, as envelopes for a peer.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::p2p::{Envelope, EnvelopeError, SendError};
use crate::protocol::notifications::RoomMessage;

/// A notification, looked at only as far as its method.
#[derive(Deserialize)]
struct Notification<'a> {
    method: String,
    #[serde(borrow)]
    params: &'a RawValue,
}

#[derive(Deserialize)]
struct Params {
    message: Message,
}

/// A message of a room, as members are shown it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Message {
    #[serde(rename = "messageId")]
    pub id: String,
    pub sender_id: String,
    sender_name: String,
    #[serde(default)]
    pub origin: Option<String>,
    content: String,
    #[serde(rename = "type", default)]
    kind: Option<String>,
    #[serde(default)]
    data: Option<Box<RawValue>>,
    #[serde(default)]
    pub reply_to: Option<String>,
    timestamp: i64,
    pub seq: u64,
    #[serde(default)]
    pub removed: bool,
}

impl Message {
    /// Reads a notification; `None` for those of other things than messages.
    pub(super) fn read(text: &[u8]) -> Option<Self> {
        let notification: Notification<'_> = serde_json::from_slice(text).ok()?;
        let is_message = notification.method == RoomMessage::NAME;
        let params = is_message.then_some(notification.params)?;
        Some(serde_json::from_str::<Params>(params.get()).ok()?.message)
    }

    /// Whether it is for peers: what was removed is not, nor what only one of those here is meant to take as received.
    pub(super) fn is_for_peers(&self) -> bool {
        !self.removed && self.kind() != "ack"
    }

    fn kind(&self) -> &str {
        self.kind.as_deref().unwrap_or("chat")
    }

    /// Its envelope, under the ids by which the peer knows it and what it answers.
    pub(super) fn envelope(&self, id: &str, reply_to: Option<&str>) -> Result<Envelope, EnvelopeError> {
        let (content, data) = (self.content.as_str(), self.data.as_deref());
        match self.kind() {
            "task" => self.with(
                id,
                reply_to,
                TaskPayload {
                    description: content,
                    data,
                },
            ),
            "result" => {
                let text = Value::String(content.to_owned());
                let text = serde_json::value::to_raw_value(&text).map_err(|_| EnvelopeError::NotJson)?;
                self.with(
                    id,
                    reply_to,
                    ResultPayload {
                        data: data.unwrap_or(&text),
                        // Of plain data it says nothing more.
                        content: data.is_some().then_some(content),
                    },
                )
            }
            "query" => self.with(
                id,
                reply_to,
                QueryPayload {
                    question: content,
                    data,
                },
            ),
            "file" => {
                let file = data.and_then(|data| serde_json::from_str::<File>(data.get()).ok());
                let file = file.unwrap_or_else(|| File {
                    name: content.to_owned(),
                    content: data.map(|data| data.get().to_owned()).unwrap_or_default(),
                });
                self.with(id, reply_to, file)
            }
            _ => self.with(id, reply_to, ChatPayload { content, data }),
        }
    }

    /// What the peer is told instead of a message that its link does not carry; `None` when it was not meant to have it.
    pub(super) fn notice(&self, id: &str, refused: &SendError) -> Option<Envelope> {
        let (name, kind) = (&self.sender_name, self.kind());
        let content = match refused {
            SendError::TooLarge { bytes, limit } => {
                format!("[{name} sent a {kind} of {bytes} bytes; this link carries {limit}]")
            }
            SendError::Private { .. } => {
                format!("[what {name} sent is kept back: it looks private, at level `helper`]")
            }
            _ => return None,
        };
        let notice = Self {
            id: self.id.clone(),
            sender_id: self.sender_id.clone(),
            sender_name: self.sender_name.clone(),
            origin: None,
            content,
            kind: None,
            data: None,
            reply_to: None,
            timestamp: self.timestamp,
            seq: self.seq,
            removed: false,
        };
        notice.envelope(id, None).ok()
    }

    fn with(&self, id: &str, reply_to: Option<&str>, payload: impl Serialize) -> Result<Envelope, EnvelopeError> {
        let members = Members {
            id,
            r#type: self.kind(),
            payload,
            from: &self.sender_name,
            reply_to,
            priority: 1,
            ts: self.timestamp,
        };
        Envelope::from_text(&serde_json::to_string(&members).map_err(|_| EnvelopeError::NotJson)?)
    }
}

/// The members of an envelope in the order of the wire.
#[derive(Serialize)]
struct Members<'a, P> {
    id: &'a str,
    r#type: &'a str,
    payload: P,
    from: &'a str,
    #[serde(rename = "replyTo")]
    reply_to: Option<&'a str>,
    priority: u8,
    ts: i64,
}

#[derive(Serialize)]
struct ChatPayload<'a> {
    content: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<&'a RawValue>,
}

#[derive(Serialize)]
struct TaskPayload<'a> {
    description: &'a str,
    data: Option<&'a RawValue>,
}

#[derive(Serialize)]
struct ResultPayload<'a> {
    data: &'a RawValue,
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<&'a str>,
}

#[derive(Serialize)]
struct QueryPayload<'a> {
    question: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<&'a RawValue>,
}

#[derive(Serialize, Deserialize)]
struct File {
    name: String,
    content: String,
}
