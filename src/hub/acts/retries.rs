//! Sending again what may have been sent already.

use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::domain::{AgentNumber, MessageId, Refusal};
use crate::hub::act::{Act, Desk};
use crate::store::idempotency::{self, Remembered};

/// How long a key is remembered.
const KEPT_MS: i64 = 24 * 60 * 60 * 1000;

/// The key under which a message is sent, and a digest of what is sent.
#[derive(Clone, Debug)]
pub struct RetryKey {
    key: Arc<str>,
    request: [u8; 32],
}

impl RetryKey {
    /// `key` is what the sender chose; the other parts are what a repeat must have in common with the first request.
    pub fn new(key: &str, method: &str, target: &str, content: &str) -> Self {
        let mut digest = Sha256::new();
        for part in [method, target, content] {
            // With its length, so that no byte can move from one part to the next.
            digest.update((part.len() as u64).to_le_bytes());
            digest.update(part);
        }
        Self {
            key: key.into(),
            request: digest.finalize().into(),
        }
    }

    /// The message that was sent under this key before, if there is one.
    pub(super) fn earlier(&self, desk: &Desk<'_>, sender: AgentNumber) -> Result<Option<MessageId>, Refusal> {
        let earlier = idempotency::get(desk.connection, sender, &self.key)?;
        match earlier.filter(|earlier| earlier.message.at_ms > desk.now_ms - KEPT_MS) {
            None => Ok(None),
            Some(earlier) if earlier.request == self.request => Ok(Some(earlier.message)),
            Some(_) => Err(Refusal::KeyReused),
        }
    }

    /// Remembers the message.
    pub(super) fn remember(&self, desk: &Desk<'_>, sender: AgentNumber, message: MessageId) -> Result<(), Refusal> {
        idempotency::put(
            desk.connection,
            sender,
            &self.key,
            &Remembered {
                request: self.request,
                message,
            },
        )?;
        Ok(())
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
