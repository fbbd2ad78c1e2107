//! Between a hub's messages and the envelopes of link-agent.

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::client::Message;

/// Characters of a text that only says in short what the data hold.
const SHORT: usize = 1000;

/// A message for a hub.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Outbound {
    pub(super) content: String,
    pub(super) kind: &'static str,
    pub(super) data: Option<Value>,
    pub(super) reply_to: Option<String>,
}

/// An envelope with its members in the order of the wire.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Envelope<'a> {
    id: &'a str,
    r#type: &'a str,
    payload: Payload<'a>,
    from: &'a str,
    reply_to: Option<&'a str>,
    priority: u8,
    ts: i64,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Payload<'a> {
    Task { description: &'a str, data: Value },
    File { name: &'a str, content: &'a str },
    Other(Value),
}

/// The envelope of a hub's message, as text and parsed. `reply_to` is what is answered, as it is called here.
pub(super) fn inbound(message: &Message, reply_to: Option<&str>) -> (String, Value) {
    let content = message.content.as_str();
    let data = message.data.clone();
    let mut kind = message.kind.as_deref().unwrap_or("chat");
    let foreign = data.as_ref().and_then(foreign_type).map(str::to_owned);
    let payload = match kind {
        "chat" => match (&foreign, &data) {
            (Some(foreign), Some(data)) => {
                kind = foreign;
                Payload::Other(data["payload"].clone())
            }
            (_, Some(data)) => Payload::Other(json!({"content": content, "data": data})),
            (_, None) => Payload::Other(json!({"content": content})),
        },
        "task" => Payload::Task {
            description: content,
            data: data.unwrap_or_default(),
        },
        "result" => {
            let said = data.as_ref().is_none_or(|data| short(data) == content);
            let data = data.unwrap_or_else(|| json!(content));
            if said {
                Payload::Other(json!({"data": data}))
            } else {
                Payload::Other(json!({"content": content, "data": data}))
            }
        }
        "query" => Payload::Other(json!({"question": content})),
        "file" => match data
            .as_ref()
            .and_then(|data| Some((data["name"].as_str()?, data["content"].as_str()?)))
        {
            Some((name, content)) => Payload::File { name, content },
            None => Payload::Other(json!({"name": content, "data": data})),
        },
        _ => Payload::Other(json!({})),
    };
    let envelope = Envelope {
        id: &message.message_id,
        r#type: kind,
        payload,
        from: &message.sender_name,
        reply_to,
        priority: 1,
        ts: message.timestamp,
    };
    let text = serde_json::to_string(&envelope).unwrap_or_default();
    let value = serde_json::from_str(&text).unwrap_or_default();
    (text, value)
}

/// The type of an envelope that a hub has no word for: then the data hold it, with its payload.
fn foreign_type(data: &Value) -> Option<&str> {
    let members = data.as_object().filter(|members| members.len() == 2)?;
    members.get("payload")?;
    members.get("type")?.as_str()
}

/// The hub's message for an envelope; or why there is none.
pub(super) fn outbound(text: &str) -> Result<Outbound, String> {
    let envelope: Map<String, Value> = serde_json::from_str(text).map_err(|_| "it is no message".to_owned())?;
    let nothing = Value::Null;
    let member = |name: &str| envelope.get(name).unwrap_or(&nothing);
    let payload = member("payload");
    let reply_to = member("replyTo").as_str().map(str::to_owned);
    let kind = member("type").as_str().unwrap_or("chat");
    let data = |value: &Value| Some(value.clone()).filter(|value| !value.is_null());
    let (kind, content, data) = match kind {
        "chat" if payload["content"].is_string() => ("chat", text_of(&payload["content"]), data(&payload["data"])),
        "task" => ("task", text_of(&payload["description"]), data(&payload["data"])),
        "result" => match &payload["data"] {
            Value::String(text) if !text.is_empty() => ("result", text.clone(), None),
            Value::Null => ("result", "null".to_owned(), None),
            other => ("result", short(other), data(other)),
        },
        "query" => ("query", text_of(&payload["question"]), None),
        "file" => {
            let name = text_of(&payload["name"]);
            let file = json!({"name": name, "content": text_of(&payload["content"])});
            (
                "file",
                if name.is_empty() { "file".to_owned() } else { name },
                Some(file),
            )
        }
        "ack" => ("ack", "ack".to_owned(), None),
        other => {
            // An introduction has its text at the top level.
            let payload = if payload.is_null() { member("text") } else { payload };
            let said = format!("[{other}] {}", short(payload));
            ("chat", said, Some(json!({"type": other, "payload": payload})))
        }
    };
    Ok(Outbound {
        content,
        kind,
        data,
        reply_to,
    })
}

fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

/// Data in short, for those who read texts.
fn short(data: &Value) -> String {
    let text = text_of(data);
    if text.chars().count() <= SHORT {
        return if text.is_empty() { "null".to_owned() } else { text };
    }
    text.chars().take(SHORT).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What comes out at another bridge.
    fn round(envelope: &str) -> Value {
        let outbound = outbound(envelope).expect("a message");
        let message = Message {
            origin: None,
            message_id: "m".into(),
            sender_id: "s".into(),
            sender_name: "N".into(),
            content: outbound.content,
            kind: Some(outbound.kind.to_owned()).filter(|kind| kind != "chat"),
            data: outbound.data,
            reply_to: outbound.reply_to,
            timestamp: 7,
            seq: Some(1),
            removed: false,
            to_agent_id: None,
        };
        let (text, value) = inbound(&message, message.reply_to.as_deref());
        assert!(text.starts_with(r#"{"id":"m","type":"#), "{text}");
        assert!(text.ends_with(r#""priority":1,"ts":7}"#), "{text}");
        value
    }

    #[test]
    fn every_type_comes_through_a_hub_as_it_went_in() {
        for (kind, payload) in [
            ("chat", json!({"content": "hi"})),
            ("task", json!({"description": "d", "data": {"a": [1]}})),
            ("task", json!({"description": "d", "data": null})),
            ("result", json!({"data": {"r": 1}})),
            ("result", json!({"data": "text"})),
            ("result", json!({"data": 0})),
            ("query", json!({"question": "q?"})),
            ("file", json!({"name": "n", "content": "c"})),
            ("session", json!({"action": "start", "sessionId": "1"})),
            ("odd", json!([1, 2])),
        ] {
            let envelope = json!({"id": "1", "type": kind, "payload": payload, "replyTo": "r"});
            let value = round(&envelope.to_string());
            assert_eq!((&value["type"], &value["payload"]), (&json!(kind), &payload));
            assert_eq!((&value["replyTo"], &value["from"]), (&json!("r"), &json!("N")));
        }
    }

    #[test]
    fn long_results_are_told_in_short_beside_their_data() {
        let data = json!({"long": "ä".repeat(5000)});
        let envelope = json!({"id": "1", "type": "result", "payload": {"data": data}}).to_string();
        assert_eq!(
            outbound(&envelope).expect("a message").content.chars().count(),
            SHORT + 1
        );
        assert_eq!(round(&envelope)["payload"], json!({"data": data}));
    }
}
