//! What carries out each method: check the values, hand an act to the room model or read its state, shape the result.

mod agent;
mod docs;
pub(super) mod follow;
mod lobby;
mod message;
mod operator;
mod room;
mod session;

use crate::domain::{Name, Refusal, check_text};
use crate::hub::Hub;

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
