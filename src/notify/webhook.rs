//! Events as POST requests, signed and tried again.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use hyper::header::{
    CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderName, HeaderValue, TRANSFER_ENCODING, UPGRADE,
};
use ring::hmac;

use super::event::Event;
use super::http::{Answer, Failure, Reach, Target};
use super::sink::Teller;
use super::{NotifyProblem, WebhookOptions};

/// Attempts in all.
const ATTEMPTS: u32 = 4;

/// Most bytes of an answer, which nobody reads.
const ANSWER_BYTES: usize = 64 * 1024;

/// Most bytes of a request.
const REQUEST_BYTES: usize = 64 * 1024;

/// Headers that are ours to set.
const OURS: [HeaderName; 6] = [
    CONNECTION,
    CONTENT_LENGTH,
    CONTENT_TYPE,
    HOST,
    TRANSFER_ENCODING,
    UPGRADE,
];

/// Sends requests to one address.
pub(super) struct Webhook {
    target: Target,
    headers: Vec<(HeaderName, HeaderValue)>,
    key: Option<hmac::Key>,
    timeout: Duration,
    backoff: Duration,
    next: AtomicU64,
}

impl Webhook {
    pub(super) fn new(options: WebhookOptions) -> Result<Self, NotifyProblem> {
        let reach = if options.allow_private {
            Reach::Private
        } else {
            Reach::Public
        };
        let header = |(name, value): (String, String)| {
            let problem =
                |text: &str| NotifyProblem(format!("the header `{}` of a webhook {text}", name.escape_debug()));
            let read = HeaderName::from_bytes(name.as_bytes()).map_err(|_| problem("is none"))?;
            if OURS.contains(&read) {
                return Err(problem("cannot be chosen"));
            }
            let value = HeaderValue::from_str(&value).map_err(|_| problem("has a value that cannot be sent"))?;
            Ok((read, value))
        };
        Ok(Self {
            target: Target::parse(&options.url, reach)?,
            headers: options.headers.into_iter().map(header).collect::<Result<_, _>>()?,
            key: options
                .secret
                .map(|secret| hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes())),
            timeout: options.timeout,
            backoff: options.backoff,
            next: AtomicU64::new(0),
        })
    }

    async fn deliver(&self, at_ms: i64, event: &Event) -> Result<(), String> {
        let body = serde_json::to_vec(&event.payload(at_ms)).unwrap_or_default();
        if body.len() > REQUEST_BYTES {
            return Err("it is too large".to_owned());
        }
        let mut headers = self.headers.clone();
        // The same for every attempt, so that a receiver knows a repetition.
        let delivery = format!("{at_ms}-{}", self.next.fetch_add(1, Ordering::Relaxed));
        let signature = self.key.as_ref().map(|key| {
            let signature = hmac::sign(key, &body);
            format!("sha256={}", hex::encode(signature.as_ref()))
        });
        let ours = [
            ("x-wardroom-delivery", Some(delivery)),
            ("x-webhook-signature", signature),
        ];
        for (name, value) in ours {
            if let Some(value) = value.and_then(|value| HeaderValue::try_from(value).ok()) {
                headers.push((HeaderName::from_static(name), value));
            }
        }
        let body = Bytes::from(body);
        let mut wait = self.backoff;
        for attempt in 1.. {
            let outcome = self
                .target
                .post("", &headers, body.clone(), (self.timeout, ANSWER_BYTES))
                .await;
            let (reason, may_pass) = match outcome {
                Ok(Answer { status: 200..300, .. }) => return Ok(()),
                Ok(Answer { status, .. }) => (
                    format!("it was answered with {status}"),
                    status >= 500 || status == 408 || status == 429,
                ),
                Err(failure) => (failure.to_string(), failure != Failure::Forbidden),
            };
            if !may_pass || attempt >= ATTEMPTS {
                return Err(reason);
            }
            tokio::time::sleep(wait).await;
            wait *= 2;
        }
        Ok(())
    }
}

impl Teller for Webhook {
    fn tell<'a>(&'a self, at_ms: i64, event: &'a Event) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            if let Err(reason) = self.deliver(at_ms, event).await {
                tracing::warn!(event = event.name(), reason, "a webhook was not delivered");
            }
        })
    }
}
