//! Asking again for what may have been done already.

use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::domain::{AgentNumber, MessageId, Refusal, TaskReceipt};
use crate::hub::act::{Act, Desk, Me};
use crate::store::idempotency::{self, Receipt, Remembered};

/// How long a key is remembered.
const KEPT_MS: i64 = 24 * 60 * 60 * 1000;

/// The key under which something is asked for, and a digest of what that is.
#[derive(Clone, Debug)]
pub struct RetryKey {
    key: Arc<str>,
    request: [u8; 32],
}

impl RetryKey {
    /// `key` is what the sender chose; the parts are what a repeat must have in common with the first request, the method
    /// first. A part that is not there is empty.
    pub fn new(key: &str, parts: &[&str]) -> Self {
        let mut digest = Sha256::new();
        for part in parts {
            // With its length, so that no byte can move from one part to the next.
            digest.update((part.len() as u64).to_le_bytes());
            digest.update(part);
        }
        Self {
            key: key.into(),
            request: digest.finalize().into(),
        }
    }

    fn earlier(&self, desk: &Desk<'_>, sender: AgentNumber) -> Result<Option<Receipt>, Refusal> {
        let earlier = idempotency::get(desk.connection, sender, &self.key)?;
        match earlier.filter(|earlier| earlier.at_ms > desk.now_ms - KEPT_MS) {
            None => Ok(None),
            Some(earlier) if earlier.request == self.request => Ok(Some(earlier.receipt)),
            Some(_) => Err(Refusal::KeyReused),
        }
    }

    /// The message that was sent under this key before, if there is one. It needs no rights any more: it is only told
    /// again.
    pub(super) fn earlier_message(
        retry: Option<&Self>,
        desk: &Desk<'_>,
        sender: AgentNumber,
    ) -> Result<Option<MessageId>, Refusal> {
        match retry.map_or(Ok(None), |retry| retry.earlier(desk, sender))? {
            None => Ok(None),
            Some(Receipt::Message(id)) => Ok(Some(id)),
            Some(Receipt::Task(_)) => Err(Refusal::KeyReused),
        }
    }

    /// The receipt of the change of a task that was asked for under this key before, if there is one. It needs no rights any
    /// more either, but the session must be one for which there is such a task.
    pub(super) fn earlier_task(
        retry: Option<&Self>,
        desk: &Desk<'_>,
        me: &Me<'_>,
    ) -> Result<Option<TaskReceipt>, Refusal> {
        match retry.map_or(Ok(None), |retry| retry.earlier(desk, me.agent.number))? {
            None => Ok(None),
            Some(Receipt::Task(receipt)) => {
                let room = desk.state.room(receipt.task.row.stream());
                if room.is_none_or(|room| me.scope.admits_room(room.id)) {
                    Ok(Some(receipt))
                } else {
                    Err(Refusal::TaskNotFound)
                }
            }
            Some(Receipt::Message(_)) => Err(Refusal::KeyReused),
        }
    }

    /// Remembers the message.
    pub(super) fn remember(&self, desk: &Desk<'_>, sender: AgentNumber, message: MessageId) -> Result<(), Refusal> {
        self.put(desk, sender, message.at_ms, Receipt::Message(message))
    }

    /// Remembers the change of a task.
    pub(super) fn remember_task(
        &self,
        desk: &Desk<'_>,
        sender: AgentNumber,
        receipt: TaskReceipt,
    ) -> Result<(), Refusal> {
        self.put(desk, sender, receipt.at_ms, Receipt::Task(receipt))
    }

    fn put(&self, desk: &Desk<'_>, sender: AgentNumber, at_ms: i64, receipt: Receipt) -> Result<(), Refusal> {
        let remembered = Remembered {
            request: self.request,
            at_ms,
            receipt,
        };
        Ok(idempotency::put(desk.connection, sender, &self.key, &remembered)?)
    }
}

/// Keys that one act forgets at the most, so that nobody waits long behind it.
const FORGOTTEN_AT_ONCE: u32 = 1000;

/// Forgets some keys that are old enough; to be repeated until there are none.
#[derive(Clone, Copy, Debug)]
pub struct ForgetRetryKeys;

impl Act for ForgetRetryKeys {
    /// How many.
    type Receipt = usize;

    fn run(&self, desk: &mut Desk<'_>) -> Result<usize, Refusal> {
        desk.operator()?;
        Ok(idempotency::forget_before(
            desk.connection,
            desk.now_ms - KEPT_MS,
            FORGOTTEN_AT_ONCE,
        )?)
    }
}
