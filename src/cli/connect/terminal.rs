//! A person at a terminal. Nothing that a peer sends reaches the terminal but letters.

use std::io::{self, Write as _};

use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::input::{self, Line};
use super::invite::Invite;
use super::json::{Seen, acknowledge};
use super::session::{Outcome, Sessions};
use crate::cli::output::{Colour, Output};
use crate::domain::Permission;
use crate::p2p::{Envelope, Link, LinkEvent, plain};

const HELP: &str = "\
  TEXT                          say it
  /session start TEXT           ask for a session
  /session accept | end         take on the session that was asked for; end it
  /session reject REASON        do not take it on
  /perm [intimate|helper|chat]  change what you allow, or show what holds
  /quit                         end the link";

/// Runs until the person quits or the input ends. A peer that leaves may come back.
pub(super) async fn talk(
    link: &Link,
    mut events: mpsc::Receiver<LinkEvent>,
    invite: &Invite,
    output: Output,
) -> io::Result<()> {
    let mut person = Person {
        link,
        output,
        sessions: Sessions::default(),
        seen: Seen::default(),
    };
    let mut input = input::lines();
    loop {
        tokio::select! {
            event = events.recv() => match event {
                None | Some(LinkEvent::Closed) => return Ok(()),
                Some(event) => person.show(event, invite).await?,
            },
            read = input.recv() => match read {
                None => return Ok(()),
                Some(Line::TooLong) => person.notice("this is too long to be sent")?,
                Some(Line::Text(text)) => {
                    if !person.typed(text.trim()).await? {
                        return Ok(());
                    }
                }
            }
        }
    }
}

struct Person<'a> {
    link: &'a Link,
    output: Output,
    sessions: Sessions,
    seen: Seen,
}

impl Person<'_> {
    async fn show(&mut self, event: LinkEvent, invite: &Invite) -> io::Result<()> {
        match event {
            LinkEvent::Room { room_id } => {
                self.notice(format_args!("in room {room_id}; waiting for the other side"))?;
                self.notice(format_args!("it types: {}", invite.command(&room_id)))
            }
            LinkEvent::Connected { peer, permission } => {
                let peer = self.output.paint(&plain(&peer), Colour::Green);
                self.notice(format_args!(
                    "linked to {peer} at level {permission}; /help tells what you can type"
                ))?;
                prompt()
            }
            LinkEvent::Received { value, refused, .. } => {
                if self.seen.is_new(&value) {
                    match refused {
                        None => self.message(&value).await?,
                        Some(refused) => self.notice(format_args!("kept back: {refused}"))?,
                    }
                    prompt()?;
                }
                acknowledge(self.link, &value).await;
                Ok(())
            }
            LinkEvent::PermissionChanged { permission } => self.notice(format_args!("the level is {permission} now")),
            LinkEvent::Disconnected { reason } => {
                self.sessions.forget();
                self.notice(format_args!("disconnected: {reason}"))
            }
            LinkEvent::Reconnecting { attempt } => self.notice(format_args!("trying again ({attempt})")),
            LinkEvent::TimedOut => self.notice("the other side did not connect in time"),
            LinkEvent::Error { message } => {
                let word = self.output.paint("error", Colour::Red);
                self.notice(format_args!("{word}: {}", plain(&message)))
            }
            LinkEvent::GaveUp { attempts } => self.notice(format_args!("gave up after {attempts} attempts")),
            LinkEvent::Role { .. } | LinkEvent::Closed => Ok(()),
        }
    }

    async fn message(&mut self, message: &Value) -> io::Result<()> {
        let from = message.get("from").and_then(Value::as_str);
        let peer = self.link.status().peer;
        let from = plain(from.or(peer.as_deref()).unwrap_or("peer"));
        if message["type"] == "session" {
            // The older form has no envelope.
            let content = message.get("content").or_else(|| message.get("payload"));
            let outcome = self.sessions.heard(content.unwrap_or(&Value::Null));
            return self.carry_out(outcome, &from).await;
        }
        if message["type"] == "ack" {
            return Ok(());
        }
        let from = self.output.paint(&from, Colour::Green);
        self.notice(format_args!("{from}: {}", text_of(message)))
    }

    /// Whether to go on.
    async fn typed(&mut self, line: &str) -> io::Result<bool> {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        match word {
            "" => {}
            "/quit" | "/exit" => return Ok(false),
            "/help" => self.notice(HELP)?,
            "/perm" if rest.is_empty() => {
                let level = self.link.status().permission;
                self.notice(format_args!("the level is {level}"))?;
            }
            "/perm" => match rest.trim().parse::<Permission>() {
                Ok(level) => self.link.set_permission(level).await,
                Err(problem) => self.notice(problem)?,
            },
            "/session" if self.link.status().permission == Permission::Chat => {
                self.notice("sessions are not allowed at level chat")?;
            }
            "/session" => {
                let (action, rest) = rest.split_once(' ').unwrap_or((rest, ""));
                let mut id = self.link.author().new_id()?;
                // As long as link-agent's.
                id.truncate(8);
                let outcome = self.sessions.command(action, rest, &id);
                self.carry_out(outcome, "you").await?;
            }
            _ if word.starts_with('/') => self.notice(format_args!("`{word}` is not known; /help tells what is"))?,
            _ => {
                let sent = match Envelope::chat(self.link.author(), line, None) {
                    Ok(envelope) => self.link.send(&envelope).await.map_err(|error| error.to_string()),
                    Err(error) => Err(error.to_string()),
                };
                if let Err(problem) = sent {
                    self.notice(format_args!("not sent: {problem}"))?;
                }
            }
        }
        prompt()?;
        Ok(true)
    }

    async fn carry_out(&mut self, outcome: Outcome, from: &str) -> io::Result<()> {
        if let Some(content) = outcome.sent {
            let author = self.link.author();
            // The form that every version of link-agent understands.
            let frame = json!({ "type": "session", "from": author.name(), "ts": author.now_ms(), "content": content });
            let sent = match Envelope::from_text(&frame.to_string()) {
                Ok(envelope) => self.link.send(&envelope).await.map_err(|error| error.to_string()),
                Err(error) => Err(error.to_string()),
            };
            if let Err(problem) = sent {
                return self.notice(format_args!("not sent: {problem}"));
            }
        }
        match outcome.told {
            Some(told) => self.notice(format_args!("{from}: {told}")),
            None => Ok(()),
        }
    }

    /// A line of its own, over a prompt that may stand there.
    fn notice(&self, text: impl std::fmt::Display) -> io::Result<()> {
        self.output.line(format_args!("\r{text}"))
    }
}

fn prompt() -> io::Result<()> {
    let mut output = io::stdout().lock();
    write!(output, "> ")?;
    output.flush()
}

/// What a message says, in one line of letters.
fn text_of(message: &Value) -> String {
    let payload = message.get("payload").unwrap_or(&Value::Null);
    let member = |name: &str| match payload.get(name) {
        Some(Value::String(text)) => plain(text),
        Some(value) => plain(&value.to_string()),
        None => String::new(),
    };
    match message.get("type").and_then(Value::as_str) {
        Some("chat") => member("content"),
        Some("task") => format!("task: {} {}", member("description"), member("data")),
        Some("result") => format!("result: {}", member("data")),
        Some("query") => format!("question: {}", member("question")),
        Some("file") => format!("file {}: {}", member("name"), member("content")),
        Some("intro") => plain(message.get("text").and_then(Value::as_str).unwrap_or_default()),
        _ => plain(&message.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_peer_sends_is_letters_on_one_line() {
        for (message, expected) in [
            (
                json!({ "type": "chat", "payload": { "content": "\u{1b}[2Jhi\nthere" } }),
                "hi there",
            ),
            (
                json!({ "type": "task", "payload": { "description": "d", "data": [1] } }),
                "task: d [1]",
            ),
            (
                json!({ "type": "file", "payload": { "name": "../n", "content": "\u{7}c" } }),
                "file ../n: c",
            ),
            (json!({ "type": "query", "payload": { "question": 1 } }), "question: 1"),
            (json!({ "type": "intro", "text": "I\u{202e}" }), "I"),
            (json!("\u{1b}"), "\"\\u001b\""),
        ] {
            assert_eq!(text_of(&message), expected);
        }
    }
}
