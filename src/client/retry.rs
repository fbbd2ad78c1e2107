//! Sending again by itself what may be lost, without ever saying it twice.

use std::future::Future;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::{Backoff, ClientError};

/// Refusals after which the same message may be sent again under its key: limited, storage unavailable, shutting down, and
/// a fault of the server.
const RETRIED_CODES: [i64; 4] = [4080, 4090, 4092, -32603];

/// An idempotency key that nobody else has.
pub(super) fn new_key() -> String {
    format!("{:032x}", rand::random::<u128>())
}

/// Attempts until it succeeds, fails for good or `limit` has passed; then the last failure is given, or that of an earlier
/// attempt which may have had an effect: a refusal afterwards does not undo it. An attempt is told how much of the time is
/// left, and must be safe to repeat; `is_over` says that the client will not connect again.
pub(super) async fn until_answered<T, F>(
    limit: Duration,
    backoff: Backoff,
    is_over: impl Fn() -> bool + Send,
    attempt: impl Fn(Duration) -> F + Send,
) -> Result<T, ClientError>
where
    F: Future<Output = Result<T, ClientError>> + Send,
    T: Send,
{
    let begin = Instant::now();
    let mut attempts = 0;
    let mut doubt = None;
    loop {
        let error = match attempt(limit.saturating_sub(begin.elapsed())).await {
            Ok(result) => return Ok(result),
            Err(error) => error,
        };
        let asked = match &error {
            ClientError::Rpc(refusal) => refusal.retry_after().unwrap_or_default(),
            _ => Duration::ZERO,
        };
        let delay = backoff.delay(attempts, rand::random()).max(asked);
        if !is_worth_another_try(&error) || is_over() || begin.elapsed() + delay >= limit {
            return Err(doubt.unwrap_or(error));
        }
        if matches!(error, ClientError::Closed(_) | ClientError::Timeout(_)) {
            doubt = Some(error);
        }
        attempts = attempts.saturating_add(1);
        sleep(delay).await;
    }
}

fn is_worth_another_try(error: &ClientError) -> bool {
    match error {
        ClientError::Rpc(refusal) => RETRIED_CODES.contains(&refusal.code),
        ClientError::Closed(_) | ClientError::Timeout(_) => true,
        ClientError::Address { .. }
        | ClientError::Connect { .. }
        | ClientError::Answer { .. }
        | ClientError::Trust { .. }
        | ClientError::Missing(_) => false,
    }
}
