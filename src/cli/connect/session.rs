//! Sessions of two people: one asks for a common piece of work, the other one takes it on or not, and one of them ends it.

use serde_json::{Value, json};

use crate::p2p::plain;

/// Where a session stands.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Stage {
    /// This side has asked.
    Asked,
    /// The other side has asked.
    Offered,
    Active,
}

/// The one session that there may be.
#[derive(Default, Debug)]
pub(super) struct Sessions {
    current: Option<(String, Stage)>,
}

/// What comes of a step.
#[derive(Default, PartialEq, Debug)]
pub(super) struct Outcome {
    /// To be shown.
    pub(super) told: Option<String>,
    /// To be sent, as the content of a session message.
    pub(super) sent: Option<Value>,
}

impl Outcome {
    fn told(text: impl Into<String>) -> Self {
        Self {
            told: Some(text.into()),
            sent: None,
        }
    }
}

impl Sessions {
    /// What this side asks for: `start`, `accept`, `reject` or `end`, with the rest of the line. `id` is for a new session.
    pub(super) fn command(&mut self, action: &str, rest: &str, id: &str) -> Outcome {
        match (action, self.current.clone()) {
            ("start", None) => {
                self.current = Some((id.to_owned(), Stage::Asked));
                Outcome {
                    told: Some("asked for a session".to_owned()),
                    sent: Some(json!({ "action": "start", "sessionId": id, "description": rest })),
                }
            }
            ("start", Some(_)) => Outcome::told("there is a session already; `/session end` ends it"),
            ("accept", Some((id, Stage::Offered))) => {
                self.current = Some((id.clone(), Stage::Active));
                Outcome {
                    told: Some("the session is open".to_owned()),
                    sent: Some(json!({ "action": "accept", "sessionId": id })),
                }
            }
            ("reject", Some((id, Stage::Offered))) => {
                self.current = None;
                Outcome {
                    told: Some("the session is rejected".to_owned()),
                    sent: Some(json!({ "action": "reject", "sessionId": id, "reason": rest })),
                }
            }
            ("end", Some((id, Stage::Active | Stage::Asked))) => {
                self.current = None;
                Outcome {
                    told: Some("the session is ended".to_owned()),
                    sent: Some(json!({ "action": "end", "sessionId": id })),
                }
            }
            ("accept" | "reject" | "end", _) => Outcome::told("there is no such session"),
            _ => Outcome::told("usage: /session start TEXT | accept | reject REASON | end"),
        }
    }

    /// What the other side says. Steps of a session that is not known are ignored.
    pub(super) fn heard(&mut self, content: &Value) -> Outcome {
        let word = |name: &str| content.get(name).and_then(Value::as_str).unwrap_or_default();
        let id = word("sessionId");
        let is_ours = |current: &Option<(String, Stage)>| current.as_ref().is_some_and(|(known, _)| known == id);
        match word("action") {
            "start" if id.is_empty() => Outcome::default(),
            "start" if self.current.is_some() => Outcome {
                told: None,
                sent: Some(json!({ "action": "reject", "sessionId": id, "reason": "Already in a session" })),
            },
            "start" => {
                self.current = Some((id.to_owned(), Stage::Offered));
                let asks = plain(word("description"));
                Outcome::told(format!(
                    "asks for a session: {asks} (`/session accept` or `/session reject`)"
                ))
            }
            "accept" if is_ours(&self.current) => {
                self.current = Some((id.to_owned(), Stage::Active));
                Outcome::told("the session is open")
            }
            "reject" if is_ours(&self.current) => {
                self.current = None;
                Outcome::told(format!("the session is rejected: {}", plain(word("reason"))))
            }
            "end" if is_ours(&self.current) => {
                self.current = None;
                Outcome::told("the session is ended")
            }
            _ => Outcome::default(),
        }
    }

    /// The peer is gone, and the session with it.
    pub(super) fn forget(&mut self) {
        self.current = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(outcome: Outcome) -> Value {
        outcome.sent.expect("something to send")
    }

    #[test]
    fn a_session_is_asked_for_taken_on_and_ended() {
        let (mut one, mut two) = (Sessions::default(), Sessions::default());
        let start = sent(one.command("start", "tidy up", "01234567"));
        assert_eq!(
            start,
            json!({ "action": "start", "sessionId": "01234567", "description": "tidy up" })
        );
        assert!(two.heard(&start).told.expect("told").contains("tidy up"));
        let accept = sent(two.command("accept", "", "x"));
        assert_eq!(one.heard(&accept).told.as_deref(), Some("the session is open"));
        let end = sent(one.command("end", "", "x"));
        assert_eq!(two.heard(&end).told.as_deref(), Some("the session is ended"));
        assert_eq!(two.command("end", "", "x").sent, None);
    }

    #[test]
    fn one_can_be_rejected_with_a_reason() {
        let (mut one, mut two) = (Sessions::default(), Sessions::default());
        two.heard(&sent(one.command("start", "", "1")));
        let reject = sent(two.command("reject", "no time", "x"));
        assert_eq!(
            one.heard(&reject).told.as_deref(),
            Some("the session is rejected: no time")
        );
        assert_eq!(sent(one.command("start", "", "2"))["sessionId"], "2");
    }

    #[test]
    fn a_second_one_is_rejected_by_itself_and_an_unknown_one_ignored() {
        let mut one = Sessions::default();
        one.command("start", "", "1");
        let second = one.heard(&json!({ "action": "start", "sessionId": "2" }));
        let reason = "Already in a session";
        assert_eq!(
            sent(second),
            json!({ "action": "reject", "sessionId": "2", "reason": reason })
        );
        for content in [
            json!({ "action": "accept", "sessionId": "2" }),
            json!({ "action": "end" }),
            json!({ "action": "odd", "sessionId": "1" }),
            json!(null),
        ] {
            assert_eq!(one.heard(&content), Outcome::default(), "{content}");
        }
    }
}
