//! The answer that a request will get: where it goes and in which form.

use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde::Serialize;
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::Outlet;
use super::audit::Watch;
use crate::domain::Refusal;
use crate::hub::{Caller, Flushes, Hub};
use crate::protocol::codes::{Code, error_of};
use crate::protocol::envelope::{self, Id};
use crate::protocol::methods::{MessageDm, MessageSend, Method};
use crate::runtime::metrics::RequestLabels;

/// Where an answer goes.
pub(super) enum ReplyTo {
    /// To the client.
    Client(Arc<dyn Outlet>),
    /// Into the answer to a batch.
    Batch(oneshot::Sender<Vec<u8>>),
}

/// Answers one request, once. A panic of the method answers for it, as long as the method has handed nothing to the room
/// model. After that, one that is dropped unanswered stays so: that happens only when nobody can say whether the change
/// was saved, and then no answer would be true.
pub(super) struct Responder {
    /// `None` for a notification, which is carried out and never answered.
    pub id: Option<Id>,
    /// `None` once it is answered.
    pub to: Option<ReplyTo>,
    /// The method as it is counted.
    pub method: &'static str,
    /// Set when the method governs, so that it leaves a line in the log: who asked.
    pub governor: Option<Caller>,
    pub hub: Hub,
    /// Who asked, for the audit log.
    pub watch: Watch,
    /// The place among the requests of the connection that wait for their commit; given back with the answer.
    pub place: Option<OwnedSemaphorePermit>,
    /// Set when a panic was answered. `None` once the request is in the hands of the room model.
    pub panicked: Option<Arc<AtomicBool>>,
}

impl Responder {
    /// Answers with what the method gave.
    pub(super) fn send<R: Serialize>(mut self, outcome: Result<R, Refusal>, flushes: &mut Flushes) {
        let written = outcome.and_then(|result| match &self.id {
            Some(id) => envelope::success(id, &result)
                .map(Some)
                .map_err(|error| Refusal::Internal(format!("a result could not be written: {error}"))),
            None => Ok(None),
        });
        match written {
            Ok(answer) => {
                self.count("ok".into());
                self.put(answer, flushes);
            }
            Err(refusal) => self.refuse(&refusal, flushes),
        }
    }

    /// Answers with a refusal.
    pub(super) fn refuse(mut self, refusal: &Refusal, flushes: &mut Flushes) {
        self.fail(refusal, flushes);
    }

    fn fail(&mut self, refusal: &Refusal, flushes: &mut Flushes) {
        if matches!(refusal, Refusal::SessionEnded) && self.has_ended() {
            // Why it ended, and the close, are on their way. A refusal before them would be taken for the last word on the
            // request, which may well be made again by the next session.
            self.to = None;
        }
        let request_id = match refusal {
            Refusal::Internal(reason) => {
                let mut bytes = [0; 8];
                // An id of zeros is still an id.
                let _ = self.hub.entropy().fill(&mut bytes);
                let request_id = hex::encode(bytes);
                tracing::error!(
                    request.id = request_id,
                    method = self.method,
                    reason,
                    "a request failed"
                );
                request_id
            }
            _ => String::new(),
        };
        self.count(Code::of(refusal).number().to_string());
        self.watch.tally.count(&self.watch, self.method, refusal);
        let answer = self
            .id
            .as_ref()
            .map(|id| envelope::failure(id, &error_of(refusal, &request_id)));
        self.put(answer, flushes);
    }

    /// Whether the session of the caller is gone.
    fn has_ended(&self) -> bool {
        match self.watch.caller {
            Caller::Session { session, .. } => self.hub.directory().session(session).is_none(),
            Caller::Stranger | Caller::Operator | Caller::Server => false,
        }
    }

    fn count(&self, outcome: String) {
        if let Some(caller) = self.governor {
            let who = match caller {
                Caller::Session { agent, .. } => self.hub.directory().agent(agent).map(|agent| agent.id.to_string()),
                _ => None,
            };
            let who = who.unwrap_or_else(|| "operator".to_owned());
            tracing::info!(
                method = self.method,
                outcome,
                agent.id = who,
                "a governing request was answered"
            );
        }
        // Who may see the metrics may not see from them when two agents write to each other.
        let method = match self.method {
            MessageDm::NAME => MessageSend::NAME,
            method => method,
        };
        self.hub
            .metrics()
            .requests
            .get_or_create(&RequestLabels { method, outcome })
            .inc();
    }

    fn put(&mut self, answer: Option<Vec<u8>>, flushes: &mut Flushes) {
        match (self.to.take(), answer) {
            (None, _) | (_, None) => {}
            (Some(ReplyTo::Client(outlet)), Some(answer)) => {
                if outlet.answer(answer) {
                    flushes.add(outlet);
                }
            }
            // Whoever collected the batch may be gone with its connection.
            (Some(ReplyTo::Batch(sender)), Some(answer)) => drop(sender.send(answer)),
        }
    }
}

impl Drop for Responder {
    fn drop(&mut self) {
        if self.to.is_none() || !std::thread::panicking() {
            return;
        }
        if let Some(panicked) = self.panicked.take() {
            let mut flushes = Flushes::default();
            self.fail(&Refusal::Internal("the method panicked".into()), &mut flushes);
            flushes.flush();
            panicked.store(true, Ordering::Relaxed);
        }
    }
}

/// A [`Responder`] that knows the type of the result.
pub(super) struct Reply<R> {
    responder: Responder,
    result: PhantomData<fn(R)>,
}

impl<R: Serialize> Reply<R> {
    pub(super) fn new(responder: Responder) -> Self {
        Self {
            responder,
            result: PhantomData,
        }
    }

    /// Leaves the answer to the room model.
    pub(super) fn hand_over(&mut self) {
        self.responder.panicked = None;
    }

    /// Answers, and leaves the flush to whoever answers more at the same time.
    pub(super) fn send_with(self, outcome: Result<R, Refusal>, flushes: &mut Flushes) {
        self.responder.send(outcome, flushes);
    }

    /// Answers at once.
    pub(super) fn send(self, outcome: Result<R, Refusal>) {
        let mut flushes = Flushes::default();
        self.send_with(outcome, &mut flushes);
        flushes.flush();
    }
}
