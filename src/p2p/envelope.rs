//! The envelope that messages travel in.

use std::fmt;
use std::io;
use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::runtime::clock::{Clock, Entropy};

/// Random bytes in an id; twice as many hexadecimal digits on the wire. link-agent has 4, where a chance repeat makes a
/// message vanish.
const ID_BYTES: usize = 16;

/// Who writes envelopes: a name, a clock, a source of ids. Cheap to clone.
#[derive(Clone)]
pub struct Author {
    name: Arc<str>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
}

impl Author {
    /// An author with a name that the other side is shown.
    #[must_use]
    pub fn new(name: &str, clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>) -> Self {
        Self {
            name: name.into(),
            clock,
            entropy,
        }
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A new id: 32 hexadecimal digits.
    pub fn new_id(&self) -> io::Result<String> {
        let mut bytes = [0; ID_BYTES];
        self.entropy.fill(&mut bytes)?;
        Ok(hex::encode(bytes))
    }

    /// The time of day, in milliseconds since 1970, as envelopes carry it.
    #[must_use]
    pub fn now_ms(&self) -> i64 {
        self.clock.now_ms()
    }
}

impl fmt::Debug for Author {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Author").field(&self.name).finish()
    }
}

/// How urgent a message is. Any number may stand here on the wire.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Priority {
    /// After all others.
    Low,
    /// The usual.
    #[default]
    Normal,
    /// Before all others.
    High,
}

impl Priority {
    /// The number on the wire.
    #[must_use]
    pub fn as_number(self) -> u8 {
        match self {
            Self::Low => 0,
            Self::Normal => 1,
            Self::High => 2,
        }
    }
}

/// Why there is no envelope.
#[derive(Debug, thiserror::Error)]
pub enum EnvelopeError {
    /// What was given is not JSON.
    #[error("Invalid JSON")]
    NotJson,
    /// What was given is JSON but not an object.
    #[error("a message must be a JSON object")]
    NotAnObject,
    /// The operating system has no random bytes for an id.
    #[error("no id for the message: {0}")]
    Id(#[from] io::Error),
}

/// One message: an id, a type, and the JSON text that goes over the channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    id: Option<String>,
    kind: String,
    text: String,
}

/// The members of an envelope in the order of the wire.
#[derive(Serialize)]
struct Members<'a, P> {
    id: &'a str,
    r#type: &'a str,
    payload: P,
    from: Option<&'a str>,
    #[serde(rename = "replyTo")]
    reply_to: Option<&'a RawValue>,
    priority: &'a RawValue,
    ts: i64,
}

/// What stands beside the payload.
pub(super) struct Head<'a> {
    pub(super) kind: &'a str,
    pub(super) reply_to: Option<&'a RawValue>,
    pub(super) priority: &'a RawValue,
}

impl Envelope {
    /// A text to be read.
    pub fn chat(author: &Author, content: &str, reply_to: Option<&str>) -> Result<Self, EnvelopeError> {
        Self::of(author, "chat", serde_json::json!({"content": content}), reply_to)
    }

    /// Something to be done; answered by a [`Envelope::result`] that names its id.
    pub fn task(author: &Author, description: &str, data: &Value) -> Result<Self, EnvelopeError> {
        #[derive(Serialize)]
        struct Payload<'a> {
            description: &'a str,
            data: &'a Value,
        }
        Self::of(author, "task", Payload { description, data }, None)
    }

    /// What came of the task whose id is `reply_to`.
    pub fn result(author: &Author, data: &Value, reply_to: &str) -> Result<Self, EnvelopeError> {
        Self::of(author, "result", serde_json::json!({"data": data}), Some(reply_to))
    }

    /// A text file.
    pub fn file(author: &Author, name: &str, content: &str) -> Result<Self, EnvelopeError> {
        #[derive(Serialize)]
        struct Payload<'a> {
            name: &'a str,
            content: &'a str,
        }
        Self::of(author, "file", Payload { name, content }, None)
    }

    /// A question.
    pub fn query(author: &Author, question: &str) -> Result<Self, EnvelopeError> {
        Self::of(author, "query", serde_json::json!({"question": question}), None)
    }

    /// Tells the other side that the message with this id is stored and need not be sent again. The id is a JSON value: it
    /// is given back as it came, whatever it is.
    pub fn ack(author: &Author, id: &Value) -> Result<Self, EnvelopeError> {
        let id = raw(id)?;
        let head = Head {
            kind: "ack",
            reply_to: Some(&id),
            priority: &normal()?,
        };
        Self::with_head(author, &head, &serde_json::json!({}))
    }

    /// A step of a session: `start`, `accept`, `reject` or `end`.
    pub fn session(
        author: &Author,
        action: &str,
        session_id: &str,
        description: Option<&str>,
        reason: Option<&str>,
    ) -> Result<Self, EnvelopeError> {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Payload<'a> {
            action: &'a str,
            session_id: &'a str,
            description: Option<&'a str>,
            reason: Option<&'a str>,
        }
        let payload = Payload {
            action,
            session_id,
            description,
            reason,
        };
        Self::of(author, "session", payload, None)
    }

    /// A message of any type with any payload.
    pub fn of(
        author: &Author,
        kind: &str,
        payload: impl Serialize,
        reply_to: Option<&str>,
    ) -> Result<Self, EnvelopeError> {
        let reply_to = reply_to.map(|id| raw(&id)).transpose()?;
        let head = Head {
            kind,
            reply_to: reply_to.as_deref(),
            priority: &normal()?,
        };
        Self::with_head(author, &head, &payload)
    }

    /// The introduction of an agent: a text at the top level, as link-agent has it.
    pub fn intro(author: &Author, text: &str) -> Result<Self, EnvelopeError> {
        #[derive(Serialize)]
        struct Intro<'a> {
            r#type: &'a str,
            from: &'a str,
            text: &'a str,
            id: &'a str,
            ts: i64,
        }
        let id = author.new_id()?;
        let members = Intro {
            r#type: "intro",
            from: author.name(),
            text,
            id: &id,
            ts: author.now_ms(),
        };
        let text = to_text(&members)?;
        Ok(Self {
            id: Some(id),
            kind: "intro".to_owned(),
            text,
        })
    }

    /// A message that was written before, for sending it again: exactly this text. It has to be one JSON object.
    pub fn from_text(text: &str) -> Result<Self, EnvelopeError> {
        let value: Value = serde_json::from_str(text).map_err(|_| EnvelopeError::NotJson)?;
        let members = value.as_object().ok_or(EnvelopeError::NotAnObject)?;
        let word = |name| members.get(name).and_then(Value::as_str).map(str::to_owned);
        Ok(Self {
            id: match members.get("id") {
                None | Some(Value::Null) => None,
                Some(Value::String(id)) => Some(id.clone()),
                Some(other) => Some(other.to_string()),
            },
            kind: word("type").unwrap_or_default(),
            text: text.to_owned(),
        })
    }

    pub(super) fn with_head<P: Serialize>(
        author: &Author,
        head: &Head<'_>,
        payload: &P,
    ) -> Result<Self, EnvelopeError> {
        let id = author.new_id()?;
        let members = Members {
            id: &id,
            r#type: head.kind,
            payload,
            from: Some(author.name()).filter(|name| !name.is_empty()),
            reply_to: head.reply_to,
            priority: head.priority,
            ts: author.now_ms(),
        };
        let text = to_text(&members)?;
        Ok(Self {
            id: Some(id),
            kind: head.kind.to_owned(),
            text,
        })
    }

    /// The id; none only for what was given as text without one. An id that is not a string stands here as JSON.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// The type, such as `chat`; empty if it was given as text without one.
    #[must_use]
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// The JSON text as it goes over the channel.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }
}

fn normal() -> Result<Box<RawValue>, EnvelopeError> {
    raw(&Priority::Normal.as_number())
}

pub(super) fn raw<T: Serialize + ?Sized>(value: &T) -> Result<Box<RawValue>, EnvelopeError> {
    serde_json::value::to_raw_value(value).map_err(|_| EnvelopeError::NotJson)
}

fn to_text<T: Serialize>(value: &T) -> Result<String, EnvelopeError> {
    serde_json::to_string(value).map_err(|_| EnvelopeError::NotJson)
}
