//! What keeps a client connected.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep};

use super::methods::Methods;
use super::reconnect::{DISCONNECTED, RECONNECTED};
use super::results::Authenticated;
use super::{ClientError, ClientOptions, Connection, End, Event};

/// Refusals of `auth` that no later attempt changes: an unknown or revoked key, and a banned agent.
const FINAL_CODES: [i64; 2] = [4002, 4004];

/// First words of the close reasons after which the server wants nobody back.
const FINAL_REASONS: [&str; 2] = ["banned", "revoked"];

/// What callers see of the connection.
pub(super) enum State {
    Connected {
        connection: Arc<Connection>,
        authenticated: Authenticated,
    },
    Waiting,
    Ended(ClientError),
}

pub(super) struct Supervisor {
    pub(super) options: ClientOptions,
    pub(super) state: watch::Sender<State>,
    pub(super) events: mpsc::Sender<Event>,
}

impl Supervisor {
    /// Keeps the client connected until its key is refused or the task is ended.
    pub(super) async fn run(self, first: Arc<Connection>) {
        let mut connection = first;
        let mut attempt = 0;
        loop {
            let since = Instant::now();
            let end = self.forward(&connection).await;
            if since.elapsed() >= self.options.settled_after {
                attempt = 0;
            }
            drop(connection);
            if is_final(&end) {
                self.state.send_replace(State::Ended(ClientError::Closed(end.clone())));
                self.tell(DISCONNECTED, json!({"code": end.code, "reason": end.reason}))
                    .await;
                return;
            }
            self.state.send_replace(State::Waiting);
            self.tell(DISCONNECTED, json!({"code": end.code, "reason": end.reason}))
                .await;
            match self.reconnect(&mut attempt).await {
                Ok((next, authenticated, raw)) => {
                    self.tell(RECONNECTED, raw).await;
                    self.state.send_replace(State::Connected {
                        connection: Arc::clone(&next),
                        authenticated,
                    });
                    connection = next;
                }
                Err(error) => {
                    self.state.send_replace(State::Ended(error));
                    return;
                }
            }
        }
    }

    /// Hands events on until the connection ends. A queue that nobody reads ends it too: going on would be a silent gap.
    async fn forward(&self, connection: &Connection) -> End {
        while let Some(event) = connection.next_event().await {
            match self.events.try_send(event) {
                Ok(()) => {}
                Err(TrySendError::Full(_)) => {
                    return End {
                        code: None,
                        reason: "events were not read in time".to_owned(),
                    };
                }
                Err(TrySendError::Closed(_)) => break,
            }
        }
        connection.ended().await
    }

    /// Puts an event of the client's own into the stream; waits while the stream is full, so that nobody who does not
    /// read is connected again and again.
    async fn tell(&self, method: &str, params: Value) {
        if self.options.connect.event_capacity > 0 {
            // The receiver goes only with the client, which ends this task.
            drop(
                self.events
                    .send(Event {
                        method: method.to_owned(),
                        params,
                    })
                    .await,
            );
        }
    }

    async fn reconnect(&self, attempt: &mut u32) -> Result<(Arc<Connection>, Authenticated, Value), ClientError> {
        let mut asked = Duration::ZERO;
        loop {
            // The server knows when it will listen again; an earlier attempt would be refused and counted.
            let wait = self.options.backoff.delay_at_least(asked, *attempt, rand::random());
            sleep(wait).await;
            *attempt = attempt.saturating_add(1);
            match connect(&self.options).await {
                Ok(connected) => return Ok(connected),
                Err(error) if error.code().is_some_and(|code| FINAL_CODES.contains(&code)) => return Err(error),
                Err(ClientError::Rpc(error)) => asked = error.retry_after().unwrap_or_default(),
                Err(_) => asked = Duration::ZERO,
            }
        }
    }
}

/// Connects and authenticates; gives the result of `auth` as understood and as received.
pub(super) async fn connect(options: &ClientOptions) -> Result<(Arc<Connection>, Authenticated, Value), ClientError> {
    let connection = Connection::open_with(&options.endpoint, &options.connect).await?;
    let mut params = json!({"apiKey": options.api_key.reveal()});
    if let Some(name) = &options.display_name {
        params["displayName"] = json!(name);
    }
    let raw = connection.call("auth", params).await?;
    let authenticated = serde_json::from_value(raw.clone()).map_err(|error| ClientError::Answer {
        method: "auth".to_owned(),
        problem: error.to_string(),
    })?;
    Ok((Arc::new(connection), authenticated, raw))
}

/// Whether the server said that this agent is not wanted back. Only the first word counts: what follows may be a reason
/// that somebody typed.
fn is_final(end: &End) -> bool {
    let first: String = end.reason.chars().take_while(char::is_ascii_alphabetic).collect();
    end.code == Some(1008) && FINAL_REASONS.iter().any(|reason| first.eq_ignore_ascii_case(reason))
}
