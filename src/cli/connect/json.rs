//! Lines of JSON in both directions, as link-agent has them.

use std::collections::{HashSet, VecDeque};
use std::io::{self, Write as _};

use serde_json::value::RawValue;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::input::{self, Line};
use super::invite::Invite;
use crate::p2p::{Envelope, EnvelopeError, Link, LinkEvent, SendError, Shorthand, members, members_to_text};

/// Ids that are remembered, so that a message that comes again is shown once.
const REMEMBERED: usize = 1000;

/// Runs until the peer has left, the input has ended or nobody reads the output any more.
pub(super) async fn talk(link: &Link, mut events: mpsc::Receiver<LinkEvent>, invite: &Invite) -> io::Result<()> {
    let mut seen = Seen::default();
    // Lines wait where they are until there is somebody to send them to.
    let mut input: Option<mpsc::Receiver<Line>> = None;
    loop {
        let next_line = async {
            match &mut input {
                Some(input) => input.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            event = events.recv() => {
                let Some(event) = event else { return Ok(()) };
                if matches!(event, LinkEvent::Connected { .. }) && input.is_none() {
                    input = Some(input::lines());
                }
                if show(link, event, invite, &mut seen).await? {
                    return Ok(());
                }
            }
            read = next_line => match read {
                None => return Ok(()),
                Some(Line::TooLong) => print(&json_error("Message too large"))?,
                Some(Line::Text(text)) if text.trim().is_empty() => {}
                Some(Line::Text(text)) => {
                    if let Some(problem) = send(link, &text).await {
                        print(&json_error(&problem))?;
                    }
                }
            }
        }
    }
}

/// Prints what happened; whether it was the last thing.
async fn show(link: &Link, event: LinkEvent, invite: &Invite, seen: &mut Seen) -> io::Result<bool> {
    match event {
        LinkEvent::Room { room_id } => match invite.write(&room_id) {
            Ok(path) => print(&format!(
                r#"{{"event":"room","roomId":{},"invite":{}}}"#,
                json!(room_id),
                json!(path.display().to_string())
            ))?,
            Err(error) => {
                print(&format!(
                    r#"{{"event":"room","roomId":{},"invite":null}}"#,
                    json!(room_id)
                ))?;
                print(&json_error(&format!("the invite cannot be written: {error}")))?;
            }
        },
        LinkEvent::Role { role } => print(&format!(r#"{{"event":"role","role":"{role}"}}"#))?,
        LinkEvent::Connected { peer, permission } => print(&format!(
            r#"{{"event":"connected","peer":{},"permission":"{permission}"}}"#,
            json!(peer)
        ))?,
        LinkEvent::Received { text, value, refused } => {
            let is_new = seen.is_new(&value);
            if is_new {
                match &refused {
                    None => print(&as_message(&text))?,
                    Some(refused) => print(&json_error(&refused.to_string()))?,
                }
            }
            // After it was shown: what is acknowledged is not sent again.
            acknowledge(link, &value).await;
        }
        LinkEvent::PermissionChanged { permission } => {
            print(&format!(r#"{{"event":"perm-changed","level":"{permission}"}}"#))?;
        }
        LinkEvent::Disconnected { reason } => {
            print(&format!(r#"{{"event":"disconnected","reason":{}}}"#, json!(reason)))?;
            return Ok(true);
        }
        LinkEvent::TimedOut => print(r#"{"event":"timeout"}"#)?,
        LinkEvent::Error { message } => print(&json_error(&message))?,
        LinkEvent::Reconnecting { .. } => {}
        LinkEvent::GaveUp { .. } | LinkEvent::Closed => return Ok(true),
    }
    Ok(false)
}

/// Sends a line in short form; what is wrong with it, if it cannot be sent.
async fn send(link: &Link, text: &str) -> Option<String> {
    let envelope = match Envelope::from_shorthand(text, Shorthand::JsonLines, link.author()) {
        Ok(envelope) => envelope,
        Err(EnvelopeError::NotJson) => return Some("Invalid JSON on stdin".to_owned()),
        Err(problem) => return Some(problem.to_string()),
    };
    match link.send(&envelope).await {
        Ok(()) => None,
        Err(SendError::NotConnected | SendError::Closed) => Some("DataChannel not open".to_owned()),
        Err(problem) => Some(problem.to_string()),
    }
}

/// Answers a message that its sender would send again otherwise: every one with an id, but no acknowledgement.
pub(super) async fn acknowledge(link: &Link, message: &Value) {
    let Some(id) = message.get("id").filter(|id| !id.is_null()) else {
        return;
    };
    let is_ack = message["type"] == "ack" && message.get("replyTo").is_some_and(|id| !id.is_null());
    if is_ack {
        return;
    }
    if let Ok(ack) = Envelope::ack(link.author(), id) {
        // A peer that has gone meanwhile will send the message again.
        drop(link.send(&ack).await);
    }
}

/// The object of a peer as an event: its members as they came, without one that would pass for the name of the event. What
/// is no object stands in `value`.
fn as_message(text: &str) -> String {
    let name = RawValue::from_string(r#""message""#.to_owned());
    let (Ok(name), Ok(mut found)) = (name, members(text)) else {
        return format!(r#"{{"event":"message","value":{text}}}"#);
    };
    found.retain(|(member, _)| member != "event");
    found.insert(0, ("event".to_owned(), &name));
    members_to_text(&found).unwrap_or_else(|error| json_error(&error.to_string()))
}

fn json_error(message: &str) -> String {
    format!(r#"{{"event":"error","message":{}}}"#, json!(message))
}

fn print(line: &str) -> io::Result<()> {
    let mut output = io::stdout().lock();
    // One line is one object, however the peer has written its own.
    let line = line.replace(['\n', '\r'], " ");
    writeln!(output, "{line}")?;
    output.flush()
}

/// The ids that came last.
#[derive(Default)]
pub(super) struct Seen {
    order: VecDeque<String>,
    ids: HashSet<String>,
}

impl Seen {
    /// Whether this message did not come before. One without an id is always new.
    pub(super) fn is_new(&mut self, message: &Value) -> bool {
        let Some(id) = message.get("id").filter(|id| !id.is_null()) else {
            return true;
        };
        let id = id.to_string();
        if !self.ids.insert(id.clone()) {
            return false;
        }
        self.order.push_back(id);
        if self.order.len() > REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.ids.remove(&oldest);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_member_of_a_peer_passes_for_the_name_of_the_event() {
        for (text, expected) in [
            (
                r#"{"id":"1","type":"chat","payload":{"content":"x"}}"#,
                r#"{"event":"message","id":"1","type":"chat","payload":{"content":"x"}}"#,
            ),
            (
                r#"{"event":"connected","peer":"x"}"#,
                r#"{"event":"message","peer":"x"}"#,
            ),
            (
                r#"{"\u0065vent":"connected","a":1.0}"#,
                r#"{"event":"message","a":1.0}"#,
            ),
            ("5", r#"{"event":"message","value":5}"#),
            (r#"["event"]"#, r#"{"event":"message","value":["event"]}"#),
        ] {
            assert_eq!(as_message(text), expected);
        }
    }

    #[test]
    fn a_message_is_new_once_and_the_memory_is_bounded() {
        let mut seen = Seen::default();
        for number in 0..=REMEMBERED {
            assert!(seen.is_new(&json!({ "id": number })));
        }
        assert!(!seen.is_new(&json!({ "id": 1 })));
        assert!(seen.is_new(&json!({ "id": "1" })), "another id");
        assert!(seen.is_new(&json!({ "id": 0 })), "forgotten");
        assert_eq!(seen.ids.len(), REMEMBERED);
        assert!(seen.is_new(&json!({})) && seen.is_new(&json!({})) && seen.is_new(&json!(1)));
    }
}
