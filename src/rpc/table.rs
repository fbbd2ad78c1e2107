//! From the name of a method to what carries it out, made of the one table.

use std::collections::HashMap;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use serde::Serialize;
use serde_json::value::RawValue;

use super::Rpc;
use super::reply::{Reply, Responder};
use crate::domain::Refusal;
use crate::hub::{Act, AuditNote, Caller, Feed, Flushes};
use crate::protocol::methods::{Method, MethodSpec, for_each_method, is_governing};

/// Carries out a method.
pub(super) trait Handler: Method {
    /// Answers `call`, at once or when its change is committed.
    fn handle(call: Call<Self::Params, Self::Result>) -> impl Future<Output = ()> + Send;
}

/// One call of a method.
pub(super) struct Call<P, R> {
    pub rpc: Arc<Rpc>,
    pub caller: Caller,
    /// What the caller's session is shown.
    pub feed: Arc<Feed>,
    pub params: P,
    pub reply: Reply<R>,
    /// What the audit log is told when the call governs and succeeds.
    pub note: Option<AuditNote>,
}

impl<P, R: Serialize + Send + 'static> Call<P, R> {
    /// Has `act` decided and answers with what `result` makes of its receipt.
    pub(super) async fn submit<A: Act>(self, act: A, result: impl FnOnce(A::Receipt) -> R + Send + 'static) {
        let mut reply = self.reply;
        reply.hand_over();
        if let Some(note) = self.note.clone().filter(|_| !A::STORES) {
            // The act has no transaction of its own, and it is done even while the disk takes nothing.
            let outcome = self.rpc.hub.perform(self.caller, act).await;
            if outcome.is_ok() {
                self.rpc.record_act(self.caller, note).await;
            }
            return reply.send(outcome.map(result));
        }
        let done = Box::new(move |outcome: Result<A::Receipt, Refusal>, flushes: &mut Flushes| {
            reply.send_with(outcome.map(result), flushes);
        });
        self.rpc.hub.submit_noted(self.caller, act, self.note, done).await;
    }
}

/// What a route needs to run.
pub(super) struct Context {
    pub rpc: Arc<Rpc>,
    pub caller: Caller,
    pub feed: Arc<Feed>,
    pub responder: Responder,
    pub note: Option<AuditNote>,
}

/// A row of the routing table.
pub(super) struct Route {
    pub spec: MethodSpec,
    /// Whether the audit log remembers its calls.
    pub is_governing: bool,
    pub run: fn(Context, Option<&RawValue>) -> BoxFuture<'static, ()>,
}

impl Route {
    fn of<M: Handler>() -> Self {
        let spec = MethodSpec::of::<M>();
        Self {
            is_governing: is_governing(&spec),
            spec,
            run: run::<M>,
        }
    }
}

fn run<M: Handler>(context: Context, params: Option<&RawValue>) -> BoxFuture<'static, ()> {
    let Context {
        rpc,
        caller,
        feed,
        responder,
        note,
    } = context;
    match read_params::<M::Params>(params) {
        Ok(params) => Box::pin(M::handle(Call {
            rpc,
            caller,
            feed,
            params,
            reply: Reply::new(responder),
            note,
        })),
        Err(refusal) => {
            let mut flushes = Flushes::default();
            responder.refuse(&refusal, &mut flushes);
            flushes.flush();
            Box::pin(std::future::ready(()))
        }
    }
}

/// Characters of the reason why parameters are refused.
const REASON_LENGTH: usize = 200;

/// Reads parameters by name; none at all are an empty object.
pub(super) fn read_params<P: serde::de::DeserializeOwned>(params: Option<&RawValue>) -> Result<P, Refusal> {
    let text = params.map_or("{}", RawValue::get);
    let text = if text == "null" { "{}" } else { text };
    if !text.starts_with('{') {
        return Err(Refusal::InvalidParams(
            "`params` must be an object: parameters are by name".into(),
        ));
    }
    if let Ok(params) = serde_json::from_str(text) {
        return Ok(params);
    }
    // Once more, to find out where the mistake is: keeping track of that costs more than reading.
    let mut deserializer = serde_json::Deserializer::from_str(text);
    serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let path = error.path().to_string();
        let reason = error.into_inner().to_string();
        // The place in the text says nothing to somebody who built the object by a library.
        let reason = reason.split(" at line ").next().unwrap_or(&reason).to_owned();
        // It may repeat what was sent, however long that is.
        let reason: String = reason.chars().take(REASON_LENGTH).collect();
        Refusal::InvalidParams(if path == "." {
            reason
        } else {
            format!("`{path}`: {reason}")
        })
    })
}

/// Every method with what carries it out.
pub(super) fn routes() -> HashMap<&'static str, Route> {
    macro_rules! routes {
        ($($method:ident),+) => { [$(Route::of::<crate::protocol::methods::$method>()),+] };
    }
    for_each_method!(routes)
        .into_iter()
        .map(|route| (route.spec.name, route))
        .collect()
}
