//! The short form in which people and scripts write messages, and what becomes of it.

use std::collections::HashMap;

use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::envelope::{Head, raw};
use super::{Author, Envelope, EnvelopeError};

/// Whose short form it is; they differ in small things.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Shorthand {
    /// The body of `POST /send` of the bridge: also knows `text` and `priority`.
    Bridge,
    /// A line on the standard input of `connect --json`.
    JsonLines,
}

impl Envelope {
    /// The envelope for a message in short form, a JSON object such as `{"type":"task","description":"look"}`.
    ///
    /// An object with an `id` is taken as it is. A type that is not known has `payload`, or else the whole object, as its
    /// payload. `replyTo` is carried whatever the type; link-agent loses it except for `result` and `ack`.
    pub fn from_shorthand(text: &str, shorthand: Shorthand, author: &Author) -> Result<Self, EnvelopeError> {
        let members: HashMap<String, &RawValue> = match serde_json::from_str(text) {
            Ok(members) => members,
            Err(_) if serde_json::from_str::<Value>(text).is_ok() => return Err(EnvelopeError::NotAnObject),
            Err(_) => return Err(EnvelopeError::NotJson),
        };
        let member = |name: &str| members.get(name).copied();
        if member("id").is_some_and(is_truthy) {
            return Self::from_text(text.trim());
        }
        let truthy = |name| member(name).filter(|value| is_truthy(value));
        let (empty, nothing) = (raw("")?, raw(&())?);
        let text_of = |name| truthy(name).unwrap_or(&empty);
        let kind: Option<String> = member("type").and_then(|value| serde_json::from_str(value.get()).ok());
        let kind = kind.filter(|kind| !kind.is_empty());
        let payload = match kind.as_deref() {
            Some("chat") => {
                let other = (shorthand == Shorthand::Bridge).then(|| truthy("text")).flatten();
                let content = truthy("content").or(other).unwrap_or(&empty);
                object(&[("content", content)])?
            }
            Some("task") => object(&[
                ("description", text_of("description")),
                ("data", member("data").unwrap_or(&nothing)),
            ])?,
            Some("result") => object(&[("data", truthy("data").unwrap_or(&nothing))])?,
            Some("file") => object(&[("name", text_of("name")), ("content", text_of("content"))])?,
            Some("query") => object(&[("question", text_of("question"))])?,
            Some("ack") => object(&[])?,
            _ => match member("payload") {
                Some(payload) => payload.to_owned(),
                None => RawValue::from_string(text.trim().to_owned()).map_err(|_| EnvelopeError::NotJson)?,
            },
        };
        let priority = match member("priority") {
            Some(given) if shorthand == Shorthand::Bridge => priority(given)?,
            _ => raw(&1)?,
        };
        let head = Head {
            kind: kind.as_deref().unwrap_or("chat"),
            reply_to: truthy("replyTo"),
            priority: &priority,
        };
        Self::with_head(author, &head, &payload)
    }
}

/// An object with its members in this order.
fn object(members: &[(&str, &RawValue)]) -> Result<Box<RawValue>, EnvelopeError> {
    struct InOrder<'a>(&'a [(&'a str, &'a RawValue)]);
    impl Serialize for InOrder<'_> {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.collect_map(self.0.iter().copied())
        }
    }
    raw(&InOrder(members))
}

/// Whether JavaScript takes the value for true: link-agent chooses by that.
fn is_truthy(value: &RawValue) -> bool {
    match serde_json::from_str(value.get()) {
        Ok(Value::Null) | Err(_) => false,
        Ok(Value::Bool(is)) => is,
        Ok(Value::Number(number)) => number.as_f64() != Some(0.0),
        Ok(Value::String(text)) => !text.is_empty(),
        Ok(Value::Array(_) | Value::Object(_)) => true,
    }
}

/// The number that a priority in short form means: words, and what JavaScript makes a number of.
fn priority(given: &RawValue) -> Result<Box<RawValue>, EnvelopeError> {
    let value: Value = serde_json::from_str(given.get()).map_err(|_| EnvelopeError::NotJson)?;
    match value {
        Value::String(word) => raw(&match word.to_ascii_lowercase().as_str() {
            "high" => 2,
            "low" => 0,
            _ => 1,
        }),
        Value::Number(_) => Ok(given.to_owned()),
        Value::Bool(is) => raw(&u8::from(is)),
        Value::Null => raw(&0),
        Value::Array(items) if items.is_empty() => raw(&0),
        Value::Array(_) | Value::Object(_) => raw(&()),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use crate::runtime::clock::{SystemClock, SystemEntropy};

    use super::*;

    fn author() -> Author {
        Author::new("A", Arc::new(SystemClock::default()), Arc::new(SystemEntropy))
    }

    /// What a short form becomes, without the members that are new each time.
    fn envelope(text: &str, shorthand: Shorthand) -> Value {
        let envelope = Envelope::from_shorthand(text, shorthand, &author()).expect("understood");
        let mut value: Value = serde_json::from_str(envelope.text()).expect("JSON");
        let members = value.as_object_mut().expect("an object");
        let id = members.remove("id").expect("an id");
        assert_eq!(id.as_str(), envelope.id());
        assert!(members.remove("ts").is_some_and(|ts| ts.is_i64()));
        assert_eq!(members.remove("from"), Some(json!("A")));
        value
    }

    #[test]
    fn each_type_has_the_payload_of_the_fact_sheet() {
        let check = |text: &str, kind: &str, payload: Value| {
            let expected = json!({"type": kind, "payload": payload, "replyTo": null, "priority": 1});
            assert_eq!(envelope(text, Shorthand::Bridge), expected, "{text}");
        };
        check(r#"{"type":"chat","content":"hi"}"#, "chat", json!({"content": "hi"}));
        check(r#"{"type":"chat","text":"hi"}"#, "chat", json!({"content": "hi"}));
        check(r#"{"type":"chat","content":0}"#, "chat", json!({"content": ""}));
        check(
            r#"{"type":"chat","content":{"a":1}}"#,
            "chat",
            json!({"content": {"a": 1}}),
        );
        check(r#"{"type":"task"}"#, "task", json!({"description": "", "data": null}));
        check(
            r#"{"type":"task","description":"d","data":0}"#,
            "task",
            json!({"description": "d", "data": 0}),
        );
        check(r#"{"type":"result","data":0}"#, "result", json!({"data": null}));
        check(
            r#"{"type":"file","name":"n","content":"c"}"#,
            "file",
            json!({"name": "n", "content": "c"}),
        );
        check(r#"{"type":"query","question":"q"}"#, "query", json!({"question": "q"}));
        check(r#"{"type":"odd","payload":[1]}"#, "odd", json!([1]));
        check(r#"{"type":"odd","a":1}"#, "odd", json!({"type": "odd", "a": 1}));
        check(r#"{"content":"hi"}"#, "chat", json!({"content": "hi"}));
    }

    #[test]
    fn members_keep_the_order_of_the_wire() {
        let text = r#"{"type":"file","content":"c","name":"n"}"#;
        let envelope = Envelope::from_shorthand(text, Shorthand::Bridge, &author()).expect("understood");
        let mut from = 0;
        for name in [
            "id", "type", "payload", "name", "content", "from", "replyTo", "priority", "ts",
        ] {
            let at = envelope.text().find(&format!("\"{name}\":")).expect("present");
            assert!(at >= from, "{name} in {}", envelope.text());
            from = at;
        }
    }

    #[test]
    fn an_object_with_an_id_is_sent_as_it_is() {
        let text = r#"{"type":"chat","z":1.0,"id":7,"a":18446744073709551616}"#;
        let envelope = Envelope::from_shorthand(text, Shorthand::JsonLines, &author()).expect("understood");
        assert_eq!(
            (envelope.text(), envelope.id(), envelope.kind()),
            (text, Some("7"), "chat")
        );
    }

    #[test]
    fn priorities_are_words_or_what_javascript_makes_a_number_of() {
        for (given, number) in [
            (r#""HIGH""#, json!(2)),
            (r#""low""#, json!(0)),
            (r#""2""#, json!(1)),
            ("null", json!(0)),
            ("true", json!(1)),
            ("1.5", json!(1.5)),
            ("[]", json!(0)),
            ("{}", json!(null)),
        ] {
            let text = format!(r#"{{"type":"query","priority":{given}}}"#);
            assert_eq!(envelope(&text, Shorthand::Bridge)["priority"], number, "{given}");
            assert_eq!(envelope(&text, Shorthand::JsonLines)["priority"], json!(1), "{given}");
        }
    }

    #[test]
    fn replies_name_what_they_answer() {
        for kind in ["result", "ack", "chat", "task", "query", "file"] {
            let text = format!(r#"{{"type":"{kind}","replyTo":"r"}}"#);
            assert_eq!(envelope(&text, Shorthand::JsonLines)["replyTo"], json!("r"), "{kind}");
        }
    }

    #[test]
    fn what_is_no_object_is_refused() {
        let refused = |text| Envelope::from_shorthand(text, Shorthand::JsonLines, &author());
        assert!(matches!(refused("garbage"), Err(EnvelopeError::NotJson)));
        assert!(matches!(refused("[1]"), Err(EnvelopeError::NotAnObject)));
    }
}
