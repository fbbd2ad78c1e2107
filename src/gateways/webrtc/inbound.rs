//! What a peer sends, as something that its guest says in the room.

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::domain::{JsonText, MessageKind, Name};
use crate::hub::Limits;
use crate::hub::acts::{Content, GuestSays, GuestWords};

/// A message of the data channel, as far as a room is concerned.
pub(super) struct Incoming {
    /// Its id as it came, to be acknowledged by; messages without one are not.
    pub id: Option<Value>,
    /// The id of what it acknowledges, and that is all it does.
    pub acknowledges: Option<String>,
    /// What is said; `None` when it is nothing for a room.
    pub says: Option<GuestSays>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Envelope<'a> {
    #[serde(default)]
    id: Value,
    #[serde(rename = "type", default)]
    kind: Value,
    #[serde(borrow, default)]
    payload: Option<&'a RawValue>,
    #[serde(default)]
    from: Value,
    #[serde(default)]
    reply_to: Value,
    /// Of an introduction.
    #[serde(default)]
    text: Value,
}

#[derive(Deserialize, Default)]
struct Payload<'a> {
    #[serde(borrow, default)]
    content: Option<&'a RawValue>,
    #[serde(borrow, default)]
    description: Option<&'a RawValue>,
    #[serde(borrow, default)]
    question: Option<&'a RawValue>,
    #[serde(borrow, default)]
    name: Option<&'a RawValue>,
    #[serde(borrow, default)]
    data: Option<&'a RawValue>,
}

/// Longest id that is kept, in bytes. A message under a longer one is stored and acknowledged, but not known again.
const ID_BYTES: usize = 128;

/// Reads what a peer that is called `peer` and is here as `guest` sent.
pub(super) fn read(text: &str, peer: &str, guest: &Name, limits: &Limits) -> Incoming {
    let nothing = |id| Incoming {
        id,
        acknowledges: None,
        says: None,
    };
    let Ok(envelope) = serde_json::from_str::<Envelope<'_>>(text) else {
        // A number, a text, a list: link-agent's bridge would queue it, but nobody is said to have sent it.
        return nothing(None);
    };
    let id = (!envelope.id.is_null()).then(|| envelope.id.clone());
    let reply_to = id_text(&envelope.reply_to);
    let kind = envelope.kind.as_str().unwrap_or("chat");
    if kind == "ack" && reply_to.is_some() {
        return Incoming {
            id: None,
            acknowledges: reply_to,
            says: None,
        };
    }
    let payload = envelope.payload.map(RawValue::get).unwrap_or_default();
    let payload: Payload<'_> = serde_json::from_str(payload).unwrap_or_default();
    let intro = envelope.text.as_str().unwrap_or_default();
    let Some(words) = words(kind, &payload, intro, limits) else {
        return nothing(id);
    };
    let speaker = envelope.from.as_str().map(str::trim);
    let speaker = speaker.filter(|speaker| !speaker.is_empty() && *speaker != peer);
    let says = GuestSays {
        foreign_id: id_text(&envelope.id).filter(|id| id.len() <= ID_BYTES),
        // At the other end may be a room, in which more than one speaks.
        speaker: speaker.and_then(|speaker| spoken_by(speaker, guest, limits)),
        words,
        answers: reply_to.filter(|id| id.len() <= ID_BYTES),
    };
    Incoming {
        id,
        acknowledges: None,
        says: Some(says),
    }
}

/// An id as it is known by: a text as it is, anything else as JSON.
fn id_text(id: &Value) -> Option<String> {
    match id {
        Value::Null => None,
        Value::String(id) => Some(id.clone()),
        other => Some(other.to_string()),
    }
}

/// The name of somebody beyond the peer, with the peer's behind it.
fn spoken_by(speaker: &str, guest: &Name, limits: &Limits) -> Option<Name> {
    let room = (limits.name_length as usize).saturating_sub(guest.as_str().chars().count() + 3);
    let speaker: String = speaker.chars().take(room).collect();
    let speaker = Name::parse(&speaker, limits.name_length).ok()?;
    Name::parse(
        &format!("{} ({})", speaker.as_str(), guest.as_str()),
        limits.name_length,
    )
    .ok()
}

/// What is said; `None` when that is nothing.
fn words(kind: &str, payload: &Payload<'_>, intro: &str, limits: &Limits) -> Option<GuestWords> {
    let data = payload.data.filter(|data| data.get() != "null");
    let (kind, content, data) = match kind {
        "chat" => (MessageKind::Chat, plain(payload.content), compact(data)),
        "intro" => (MessageKind::Chat, intro.to_owned(), None),
        "query" => (MessageKind::Query, plain(payload.question), compact(data)),
        "task" => return task(&plain(payload.description), compact(data), limits),
        "result" => {
            // Another wardroom says in words beside the data what it came to.
            let content = Some(plain(payload.content)).filter(|content| !content.is_empty());
            (
                MessageKind::Result,
                content.unwrap_or_else(|| plain(data)),
                compact(data),
            )
        }
        "file" => {
            let name = Some(plain(payload.name)).filter(|name| !name.is_empty());
            let name = name.unwrap_or_else(|| "file".to_owned());
            let file = serde_json::json!({ "name": name, "content": plain(payload.content) });
            (MessageKind::File, name, Some(JsonText::compact(&file.to_string())))
        }
        // Sessions are between two people at terminals; what is not known nobody here could read.
        _ => return None,
    };
    (!content.is_empty()).then(|| GuestWords::Message {
        kind,
        content: Content::new(&content, limits.message_length),
        data,
    })
}

fn task(description: &str, data: Option<JsonText>, limits: &Limits) -> Option<GuestWords> {
    let first: String = description.trim().lines().next().unwrap_or_default().to_owned();
    let printable: String = first.chars().filter(|letter| !letter.is_control()).collect();
    let short: String = printable.chars().take(limits.name_length as usize).collect();
    let title = Name::parse(&short, limits.name_length)
        .or_else(|_| Name::parse("task", limits.name_length))
        .ok()?;
    let is_whole = title.as_str() == description;
    let content = if description.is_empty() {
        title.as_str()
    } else {
        description
    };
    Some(GuestWords::Task {
        content: Content::new(content, limits.message_length),
        description: (!is_whole && !description.is_empty()).then(|| description.to_owned()),
        title,
        data,
    })
}

/// A JSON text as it is, anything else as JSON; nothing for what is not there.
fn plain(value: Option<&RawValue>) -> String {
    let Some(value) = value.map(RawValue::get).filter(|value| *value != "null") else {
        return String::new();
    };
    serde_json::from_str::<String>(value).unwrap_or_else(|_| JsonText::compact(value).as_str().to_owned())
}

fn compact(data: Option<&RawValue>) -> Option<JsonText> {
    data.map(|data| JsonText::compact(data.get()))
}
