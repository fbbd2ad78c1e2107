//! What comes in: stored, routed, and only then acknowledged.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use serde_json::Value;

use super::Room;
use crate::bridge::mailboxes::QueueKey;
use crate::bridge::store::inbox::{Arrival, Routed};
use crate::bridge::store::tasks::state;
use crate::bridge::store::{Unavailable, files, inbox, outbox, rooms, tasks};
use crate::domain::JsonText;
use crate::notify::{Event, Message as Told};

/// One thing that came in.
#[derive(Clone, Debug)]
pub(in crate::bridge) enum Incoming {
    /// The other side has a message of ours.
    Acknowledged(String),
    /// A message.
    Message(Message),
}

/// A message that came in.
#[derive(Clone, Debug)]
pub(in crate::bridge) struct Message {
    arrival: Arrival,
    from: String,
    kind: String,
    id: String,
    result_id: Option<String>,
    value: Value,
}

impl Incoming {
    /// Reads what a peer sent; `text` and `value` are the same.
    pub(in crate::bridge) fn of(text: &str, value: Value) -> Self {
        let kind = value.get("type").and_then(Value::as_str).unwrap_or_default().to_owned();
        let reply_to = value.get("replyTo").filter(|id| !id.is_null()).map(id_text);
        if kind == "ack"
            && let Some(id) = reply_to
        {
            return Self::Acknowledged(id);
        }
        let id = value.get("id").filter(|id| !id.is_null());
        let rank = value
            .get("priority")
            .and_then(Value::as_f64)
            .filter(|rank| *rank != 0.0);
        Self::Message(Message {
            arrival: Arrival {
                // On one line, as files and answers need it.
                text: JsonText::compact(text).as_str().to_owned(),
                has_id: id.is_some(),
                reply_to,
                rank: rank.unwrap_or(1.0),
            },
            from: value.get("from").and_then(Value::as_str).unwrap_or_default().to_owned(),
            kind,
            id: id.map(id_text).unwrap_or_default(),
            result_id: id.map(Value::to_string),
            value,
        })
    }
}

/// An id as our own messages have it: a string. What is none stands as JSON.
fn id_text(id: &Value) -> String {
    id.as_str().map_or_else(|| id.to_string(), str::to_owned)
}

impl Room {
    /// Stores what came in, in one transaction, together with the position of a hub's room behind it; then shows it to
    /// those who wait. When this returns, it may be acknowledged.
    pub(in crate::bridge) async fn take_in(
        self: &Arc<Self>,
        incoming: Vec<Incoming>,
        position: Option<(String, u64)>,
    ) -> Result<(), Unavailable> {
        let (number, now_ms) = (self.number, self.clock.now_ms());
        let sent = self.sent.load(Ordering::Acquire);
        let incoming = Arc::new(incoming);
        let all = Arc::clone(&incoming);
        let room = Arc::clone(self);
        let act = move |connection: &_| {
            let mut routed = Vec::with_capacity(all.len());
            for item in all.iter() {
                routed.push(match item {
                    Incoming::Acknowledged(id) => {
                        outbox::acknowledge(connection, number, id, sent)?;
                        tasks::advance(connection, number, id, state::SENT, state::ACKED)?;
                        None
                    }
                    Incoming::Message(message) => {
                        let new = inbox::receive(connection, number, &message.arrival)?;
                        if new.is_some()
                            && message.kind == "result"
                            && let Some(task) = &message.arrival.reply_to
                        {
                            tasks::complete(connection, number, task, now_ms, message.result_id.as_deref())?;
                        }
                        new
                    }
                });
            }
            if let Some((epoch, seq)) = &position {
                rooms::set_position(connection, number, epoch, *seq)?;
            }
            Ok(routed)
        };
        let new = self.store.call_then(act, move |routed, beside| {
            let mut new = Vec::new();
            for (item, routed) in incoming.iter().zip(routed) {
                if let (Incoming::Message(message), Some(routed)) = (item, routed) {
                    room.show(message, &routed, beside);
                    let agents = routed.agents.into_iter().map(|agent| agent.name).collect();
                    new.push(event_of(&room.id, message, agents));
                }
            }
            new
        });
        for event in new.await? {
            self.notifier.notify(event);
        }
        Ok(())
    }

    /// Makes a stored message known. Runs on the thread of the database.
    fn show(&self, message: &Message, routed: &Routed, beside: &mut files::Files) {
        self.total.fetch_add(1, Ordering::Relaxed);
        beside.append(&self.id, files::INBOX, &message.arrival.text);
        let text: Arc<str> = message.arrival.text.as_str().into();
        let shared = routed.agents.is_empty().then_some(0);
        for agent in shared.into_iter().chain(routed.agents.iter().map(|agent| agent.number)) {
            let key = QueueKey {
                room: self.number,
                agent,
            };
            beside.arrive(key, routed.place, &text);
        }
        for agent in &routed.agents {
            beside
                .notices
                .tell(&agent.name, &message.from, &message.kind, &message.id);
        }
    }
}

/// What those are told of a message who are not agents.
fn event_of(room: &str, message: &Message, agents: Vec<String>) -> Event {
    Event::Message(Told {
        room: room.to_owned(),
        from: Some(message.from.clone()),
        envelope: message.value.clone(),
        is_outbound: false,
        agents,
    })
}
