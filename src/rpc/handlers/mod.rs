//! What carries out each method: check the values, hand an act to the room model or read its state, shape the result.

mod agent;
mod audit;
mod docs;
pub(super) mod follow;
pub(super) mod key;
mod lobby;
mod message;
mod operator;
mod p2p;
mod pause;
mod receipts;
mod room;
mod search;
mod session;
mod task;
mod upkeep;

use serde_json::value::RawValue;

use crate::domain::{JsonText, Name, Refusal, check_text};
use crate::hub::Hub;
use crate::hub::acts::RetryKey;

/// Unicode code points of an idempotency key.
const KEY_LENGTH: u32 = 128;

/// Entries of a page when the caller does not say.
const DEFAULT_PAGE: u64 = 50;

/// Checks a name that is given as parameter `field`.
fn name(hub: &Hub, field: &str, text: &str) -> Result<Name, Refusal> {
    Name::parse(text, hub.limits().name_length)
        .map_err(|problem| Refusal::InvalidParams(format!("`{field}` {problem}")))
}

/// Checks the length of a free text that is given as parameter `field`.
fn text(field: &str, text: &str, limit: u32) -> Result<(), Refusal> {
    check_text(text, limit).map_err(|problem| Refusal::InvalidParams(format!("`{field}` {problem}")))
}

/// Checks a reason; an empty one is none.
fn reason(hub: &Hub, reason: Option<String>) -> Result<Option<String>, Refusal> {
    let reason = reason.filter(|reason| !reason.is_empty());
    if let Some(reason) = &reason {
        text("reason", reason, hub.limits().reason_length)?;
    }
    Ok(reason)
}

/// Checks an idempotency key; the parts are what a repeat must have in common with the first request, the method first.
fn retry(key: Option<&str>, parts: &[&str]) -> Result<Option<RetryKey>, Refusal> {
    let Some(key) = key else { return Ok(None) };
    if key.is_empty() {
        return Err(Refusal::InvalidParams("`idempotencyKey` must not be empty".into()));
    }
    text("idempotencyKey", key, KEY_LENGTH)?;
    Ok(Some(RetryKey::new(key, parts)))
}

/// Checks the size of JSON that goes with a message or a task.
fn data(hub: &Hub, data: Option<&RawValue>) -> Result<Option<JsonText>, Refusal> {
    let Some(data) = data else { return Ok(None) };
    let (data, limit) = (JsonText::compact(data.get()), hub.limits().data_bytes);
    let length = data.as_str().len();
    if limit > 0 && length > limit as usize {
        return Err(Refusal::DataTooLarge { length, limit });
    }
    Ok(Some(data))
}

/// Checks the size of a page; `None` stands for the usual one.
fn page(limit: Option<u64>) -> Result<u64, Refusal> {
    match limit {
        Some(0) => Err(Refusal::InvalidParams("`limit` must be at least 1".into())),
        limit => Ok(limit.unwrap_or(DEFAULT_PAGE)),
    }
}

/// Carries on with a checked value, or answers with the refusal and returns.
macro_rules! checked {
    ($call:ident, $check:expr) => {
        match $check {
            Ok(value) => value,
            Err(refusal) => return $call.reply.send(Err(refusal)),
        }
    };
}
use checked;
