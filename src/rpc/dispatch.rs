//! From the text of a frame to answers: the checks that come before any method, in the order that the protocol fixes.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use futures_util::FutureExt;
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::audit::{self, Watch};
use super::reply::{ReplyTo, Responder};
use super::session::Session;
use super::table::Context;
use crate::domain::Refusal;
use crate::hub::{Caller, Flushes};
use crate::protocol::codes::{CloseCode, Code};
use crate::protocol::envelope::{self, Frame, Rejected, Request};
use crate::protocol::methods::{Access, AgentEnrol, Auth, Method, Order};
use crate::runtime::metrics::RequestLabels;

/// The name under which requests are counted that name no method.
const UNKNOWN: &str = "unknown";

/// What becomes of the connection.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Flow {
    /// It goes on.
    Continue,
    /// It is closed once everything answered so far was sent.
    Close(CloseCode, &'static str),
}

/// The answers to a batch, in the order of its requests.
#[derive(Default)]
struct Answers {
    collected: Vec<Vec<u8>>,
    /// Bytes of what is collected. What is outstanding are receipts of changes, which are small.
    bytes: usize,
    outstanding: Vec<oneshot::Receiver<Vec<u8>>>,
}

impl Answers {
    /// The place of the next answer.
    fn place(&mut self) -> oneshot::Sender<Vec<u8>> {
        let (sender, answer) = oneshot::channel();
        self.outstanding.push(answer);
        sender
    }

    fn add(&mut self, answer: Vec<u8>) {
        // The place has just been made, so the answer is taken.
        drop(self.place().send(answer));
    }

    /// Waits for everything that is outstanding. A notification drops its place, and so does what cannot be answered
    /// truly.
    async fn collect(&mut self) {
        for answer in self.outstanding.drain(..) {
            if let Ok(answer) = answer.await {
                self.bytes += answer.len();
                self.collected.push(answer);
            }
        }
    }
}

impl Session {
    /// Carries out what `text` asks for. Answers go to the outlet, some of them later.
    pub async fn receive(&mut self, text: &str) -> Flow {
        match envelope::read(text, self.rpc.limits.frame) {
            Frame::Single(request) => self.single(request).await,
            Frame::Batch(requests) => self.batch(requests).await,
        }
    }

    async fn single(&mut self, request: Result<Request<'_>, Rejected>) -> Flow {
        match request {
            Ok(request) => {
                let to = ReplyTo::Client(Arc::clone(&self.outlet));
                let flow = self.carry_out(request, to).await;
                self.outlet.release();
                flow
            }
            Err(rejected) => {
                let answer = self.rejection(&rejected);
                self.send(answer);
                Flow::Continue
            }
        }
    }

    /// Carries out the requests of a batch in their order. Its changes are handed on one behind the other, so that they
    /// share commits; a read waits for those before it.
    async fn batch(&mut self, requests: Vec<Result<Request<'_>, Rejected>>) -> Flow {
        let (mut answers, mut flow) = (Answers::default(), Flow::Continue);
        for request in requests {
            let request = match request {
                Ok(request) => request,
                Err(rejected) => {
                    answers.add(self.rejection(&rejected));
                    continue;
                }
            };
            let is_read = self.is_read(&request);
            if is_read {
                answers.collect().await;
            }
            if answers.bytes > self.rpc.limits.batch_answer_bytes {
                self.too_much(&request)
                    .into_iter()
                    .for_each(|answer| answers.add(answer));
                continue;
            }
            flow = self.carry_out(request, ReplyTo::Batch(answers.place())).await;
            if is_read {
                answers.collect().await;
            }
            if flow != Flow::Continue {
                break;
            }
        }
        answers.collect().await;
        if let Some(joined) = envelope::batch(&answers.collected) {
            self.send(joined);
        }
        self.outlet.release();
        flow
    }

    /// Whether it is answered from the state that the requests before it left. Such answers may be large.
    fn is_read(&self, request: &Request<'_>) -> bool {
        let route = self.rpc.routes.get(request.method.as_str());
        route.is_some_and(|route| route.spec.order == Order::Read)
    }

    fn send(&self, answer: Vec<u8>) {
        self.outlet.answer(answer);
        self.outlet.flush();
    }

    fn rejection(&self, (id, error): &Rejected) -> Vec<u8> {
        let labels = RequestLabels {
            method: UNKNOWN,
            outcome: error.code().to_string(),
        };
        self.rpc.hub.metrics().requests.get_or_create(&labels).inc();
        envelope::failure(id, error)
    }

    fn too_much(&self, request: &Request<'_>) -> Option<Vec<u8>> {
        let message = "the answers to this batch are too large; split it";
        let error = Code::Limited.error(message, &[("retryAfterMs", 0.into())]);
        request.id.clone().map(|id| self.rejection(&(id, error)))
    }

    /// Carries out one request. A panic ends the request and nothing else: whatever it held is gone with it, and what the
    /// room model was asked for is decided on another thread.
    async fn carry_out(&mut self, request: Request<'_>, to: ReplyTo) -> Flow {
        match AssertUnwindSafe(self.route(request, to)).catch_unwind().await {
            Ok(flow) => flow,
            Err(_) if self.panicked.swap(false, Ordering::Relaxed) && !self.is_entering() => Flow::Continue,
            Err(_) => {
                tracing::error!("a panic left a connection in doubt; it is closed");
                Flow::Close(CloseCode::TryAgainLater, "internal error")
            }
        }
    }

    /// 4001, does the method exist, may this role call it, and then the method itself.
    async fn route(&mut self, request: Request<'_>, to: ReplyTo) -> Flow {
        let rpc = Arc::clone(&self.rpc);
        let route = rpc.routes.get(request.method.as_str());
        let method = route.map_or(UNKNOWN, |route| route.spec.name);
        let hub = rpc.hub.clone();
        let mut responder = Responder {
            id: request.id,
            to: Some(to),
            method,
            hub,
            governor: None,
            watch: Watch {
                tally: Arc::clone(&rpc.tally),
                caller: self.caller().unwrap_or(Caller::Stranger),
                peer: self.peer,
                is_governing: route.is_some_and(|route| route.is_governing),
            },
            place: None,
            panicked: Some(Arc::clone(&self.panicked)),
        };
        let mut flushes = Flushes::default();

        let Some(caller) = self.caller() else {
            // What cannot be answered is not carried out for strangers, `auth` and `agent.enrol` included.
            if method == Auth::NAME && responder.id.is_some() {
                return self.authenticate(request.params, responder).await;
            }
            if method == AgentEnrol::NAME && responder.id.is_some() {
                return self.enrol(request.params, responder).await;
            }
            // A stranger's notification has nobody to be carried out for.
            responder.refuse(&Refusal::AuthRequired, &mut flushes);
            flushes.flush();
            return Flow::Continue;
        };
        let Some(route) = route else {
            let error = Code::MethodNotFound.error("there is no such method; `rpc.discover` lists all", &[]);
            if let Some(id) = responder.id.take() {
                let answer = self.rejection(&(id, error));
                match responder.to.take() {
                    Some(ReplyTo::Batch(sender)) => drop(sender.send(answer)),
                    Some(ReplyTo::Client(_)) | None => self.send(answer),
                }
            }
            return Flow::Continue;
        };
        let allowed = self.may_call(caller, route.spec.access);
        if let Err(refusal) = allowed.and_then(|()| self.check_scope(&route.spec, request.params)) {
            responder.refuse(&refusal, &mut flushes);
            flushes.flush();
            return Flow::Continue;
        }
        // A read waits for every change that the connection asked for before; a change only for a place.
        let places = match route.spec.order {
            Order::Change => 1,
            Order::Read => rpc.limits.in_flight,
        };
        responder.place = self.places(places).await;
        if matches!(route.spec.access, Access::Controller | Access::Operator) && route.spec.order == Order::Change {
            responder.governor = Some(caller);
        }
        let context = Context {
            rpc: Arc::clone(&rpc),
            caller,
            feed: self.feed(),
            responder,
            note: route
                .is_governing
                .then(|| audit::note(method, self.peer, request.params)),
        };
        let _turn = match route.spec.order {
            Order::Change => None,
            Order::Read => rpc.turns.wait(caller).await,
        };
        (route.run)(context, request.params).await;
        Flow::Continue
    }

    async fn places(&self, count: u32) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.in_flight).acquire_many_owned(count).await.ok()
    }

    fn may_call(&self, caller: Caller, access: Access) -> Result<(), Refusal> {
        let allowed = match (access, caller) {
            (Access::Anyone, _) | (Access::Operator, Caller::Operator) => true,
            (Access::Agent, Caller::Session { .. }) => true,
            (Access::Controller, Caller::Session { .. }) => self.is_controller(),
            (_, _) => false,
        };
        match access {
            _ if allowed => Ok(()),
            Access::Controller => Err(Refusal::Forbidden("only the controller may do this")),
            Access::Operator => Err(Refusal::Forbidden("only the operator may do this, on the command line")),
            Access::Agent | Access::Anyone => Err(Refusal::Forbidden("only an agent may do this")),
        }
    }
}
