//! What goes out: stored first, then sent in order, and kept until it is acknowledged.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::Value;
use tokio::sync::oneshot;

use super::{Carrier, Room};
use crate::bridge::store::outbox::Outgoing;
use crate::bridge::store::tasks::{Task, state};
use crate::bridge::store::{Unavailable, outbox, tasks};
use crate::domain::JsonText;
use crate::notify::{Event, Message as Told};
use crate::p2p::Envelope;

/// How long a request waits to hear what became of its message; after that it is told that the message is kept.
const OUTCOME_LIMIT: Duration = Duration::from_secs(10);

/// Messages that are read from the outbox at a time.
pub(super) const PAGE: usize = 256;

/// What became of a message that was stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::bridge) enum Outcome {
    /// It is on its way, or there already.
    Sent,
    /// It is kept for when the other side is there.
    Kept,
    /// The other side will never take it; it is not kept.
    Refused(String),
}

/// The requests that wait to hear what became of their messages, by number in the outbox.
#[derive(Default)]
pub(super) struct Outcomes(Mutex<BTreeMap<i64, oneshot::Sender<Outcome>>>);

impl Outcomes {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<i64, oneshot::Sender<Outcome>>> {
        // Nothing panics while the lock is held.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells what became of a message.
    pub(super) fn tell(&self, number: i64, outcome: Outcome) {
        if let Some(waiting) = self.lock().remove(&number) {
            // Whoever has gone does not want to know.
            let _ = waiting.send(outcome);
        }
    }

    /// Nothing more is sent for now: what was asked for is kept.
    pub(super) fn keep_all(&self) {
        for waiting in std::mem::take(&mut *self.lock()).into_values() {
            let _ = waiting.send(Outcome::Kept);
        }
    }
}

impl Room {
    /// Whether something that is sent now reaches somebody, sooner or later: a peer is there, or was once.
    pub(in crate::bridge) fn has_addressee(&self) -> bool {
        self.had_peer() || self.is_connected()
    }

    /// Stores a message, has it sent, and tells what became of it.
    pub(in crate::bridge) async fn send(
        &self,
        envelope: &Envelope,
        agent: Option<String>,
    ) -> Result<Outcome, Unavailable> {
        let text = JsonText::compact(envelope.text()).as_str().to_owned();
        let id = envelope.id().unwrap_or_default().to_owned();
        let value: Value = serde_json::from_str(&text).unwrap_or_default();
        // Acknowledgements are not acknowledged, so one that is sent by hand would be kept for ever.
        if envelope.kind() == "ack" && !value["replyTo"].is_null() {
            return Ok(self.send_at_once(envelope).await);
        }
        let task = (envelope.kind() == "task").then(|| Task {
            id: id.clone(),
            description: value["payload"]["description"].clone(),
            state: state::SENT.to_owned(),
            priority: value.get("priority").cloned().unwrap_or(Value::Null),
            sent_at: value["ts"].as_i64().unwrap_or_else(|| self.clock.now_ms()),
            completed_at: None,
            result_id: None,
        });
        let room = self.number;
        let (outcome, told) = oneshot::channel();
        let outcomes = self.outcomes.clone();
        self.store
            .call_then(
                move |connection| {
                    let number = outbox::add(connection, room, &id, &text)?;
                    outbox::remember(connection, room, &id, agent.as_deref())?;
                    if let Some(task) = &task {
                        tasks::put(connection, room, task)?;
                    }
                    Ok(number)
                },
                // Before anybody can have read it from the outbox.
                move |number, _| drop(outcomes.lock().insert(number, outcome)),
            )
            .await?;
        self.wants_sending.notify_one();
        let outcome = if self.is_connected() {
            let told = tokio::time::timeout(OUTCOME_LIMIT, told).await;
            told.ok().and_then(Result::ok).unwrap_or(Outcome::Kept)
        } else {
            Outcome::Kept
        };
        if !matches!(outcome, Outcome::Refused(_)) {
            self.notifier.notify(Event::Message(Told {
                room: self.id.clone(),
                from: Some(format!("{} (me)", self.options.name)),
                envelope: value,
                is_outbound: true,
                agents: Vec::new(),
            }));
        }
        Ok(outcome)
    }

    async fn send_at_once(&self, envelope: &Envelope) -> Outcome {
        match &self.carrier {
            Carrier::P2p(link) => match link.send(envelope).await {
                Ok(()) => Outcome::Sent,
                Err(error) => Outcome::Refused(error.to_string()),
            },
            Carrier::Hub(_) => Outcome::Refused("a hub acknowledges by itself".to_owned()),
        }
    }

    /// What waits to be sent behind a number.
    pub(super) async fn waiting_after(&self, number: i64) -> Result<Vec<Outgoing>, Unavailable> {
        let room = self.number;
        self.store
            .call(move |connection| outbox::after(connection, room, number, PAGE))
            .await
    }

    /// Gives a message up that the other side will never take.
    pub(super) async fn give_up(&self, outgoing: &Outgoing, why: String) -> Result<(), Unavailable> {
        let (room, number, id) = (self.number, outgoing.number, outgoing.id.clone());
        self.store
            .call(move |connection| {
                outbox::remove(connection, number)?;
                tasks::advance(connection, room, &id, state::SENT, state::FAILED)
            })
            .await?;
        self.tell(super::Happening::Error { message: why.clone() }).await;
        self.outcomes.tell(number, Outcome::Refused(why));
        Ok(())
    }
}
