//! What keeps a client connected.

use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Map, Value, json};
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use super::following::{Following, Sorted};
use super::methods::Methods;
use super::pump::ANSWERED;
use super::queue::EventQueue;
use super::reconnect::{DISCONNECTED, RECONNECTED};
use super::results::Authenticated;
use super::{ClientError, ClientOptions, ConnectOptions, Connection, End, Event, RpcError};

/// Refusals of `auth` that no later attempt changes: an unknown or revoked key, and a banned agent.
const FINAL_CODES: [i64; 2] = [4002, 4004];

/// First words of the close reasons after which the server wants nobody back.
const FINAL_REASONS: [&str; 2] = ["banned", "revoked"];

/// How the close reason of the oldest session begins when an agent has more than the server allows.
const REPLACED: &str = "replaced by a newer session";

/// An attempt for which the wait is as long as it gets.
const LONGEST_WAIT: u32 = 31;

/// What callers see of the connection.
pub(super) enum State {
    Connected {
        connection: Arc<Connection>,
        authenticated: Box<Authenticated>,
    },
    Waiting,
    Ended(ClientError),
}

pub(super) struct Supervisor {
    pub(super) options: ClientOptions,
    pub(super) state: watch::Sender<State>,
    pub(super) events: Arc<EventQueue>,
    pub(super) following: Arc<Following>,
}

impl Drop for Supervisor {
    /// However the task ends, whoever reads the events learns of it.
    fn drop(&mut self) {
        self.events.end();
    }
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
                self.following.end(Some(&ClientError::Closed(end.clone())));
                self.state.send_replace(State::Ended(ClientError::Closed(end.clone())));
                self.tell(DISCONNECTED, json!({"code": end.code, "reason": end.reason}));
                return;
            }
            self.state.send_replace(State::Waiting);
            let mut notice = json!({"code": end.code, "reason": end.reason});
            if is_replaced(&end) {
                // Coming back pushes out another one: programs that share an agent would do so to each other without end.
                attempt = LONGEST_WAIT;
                notice["replaced"] = json!(true);
            }
            self.tell(DISCONNECTED, notice);
            match self.reconnect(&mut attempt).await {
                Ok((next, authenticated, raw, asked)) => {
                    self.tell(RECONNECTED, raw);
                    // What it says is missing comes behind that event, and in front of those of the connection.
                    self.following.adopt(&authenticated, &asked);
                    self.state.send_replace(State::Connected {
                        connection: Arc::clone(&next),
                        authenticated: Box::new(authenticated),
                    });
                    connection = next;
                }
                Err(error) => {
                    self.following.end(Some(&error));
                    self.state.send_replace(State::Ended(error));
                    return;
                }
            }
        }
    }

    /// Hands events on until the connection ends. Never waits for whoever reads them.
    async fn forward(&self, connection: &Connection) -> End {
        loop {
            let event = tokio::select! {
                event = connection.next_event() => event,
                () = self.following.wanted() => {
                    for ask in self.following.asks() {
                        if connection.ask(&ask.id, ask.method, ask.params).await.is_err() {
                            return connection.ended().await;
                        }
                    }
                    continue;
                }
            };
            let Some(event) = event else { break };
            if event.method == ANSWERED {
                self.answered(event.params);
            } else if self.following.take(&event) == Sorted::ForAll {
                self.put(event);
            }
        }
        connection.ended().await
    }

    fn answered(&self, mut params: Value) {
        let answer = match params.get_mut("error").map(Value::take) {
            Some(error) => Err(RpcError::deserialize(error).unwrap_or_else(|problem| RpcError {
                code: -32603,
                message: problem.to_string(),
                data: None,
            })),
            None => Ok(params.get_mut("result").map(Value::take).unwrap_or_default()),
        };
        if let Some(id) = params.get("id").and_then(Value::as_str) {
            self.following.answered(id, answer);
        }
    }

    /// Puts an event of the client's own into the stream.
    fn tell(&self, method: &str, params: Value) {
        let method = method.to_owned();
        self.put(Event { method, params });
    }

    fn put(&self, event: Event) {
        if self.options.connect.event_capacity > 0 {
            self.events.put(event, None);
        }
    }

    async fn reconnect(&self, attempt: &mut u32) -> Result<Connected, ClientError> {
        let mut asked = Duration::ZERO;
        loop {
            // The server knows when it will listen again; an earlier attempt would be refused and counted.
            let wait = self.options.backoff.delay_at_least(asked, *attempt, rand::random());
            sleep(wait).await;
            *attempt = attempt.saturating_add(1);
            let resume = self.following.resume_params();
            match connect(&self.options, &resume).await {
                Ok((connection, authenticated, raw)) => return Ok((connection, authenticated, raw, resume)),
                Err(error) if error.code().is_some_and(|code| FINAL_CODES.contains(&code)) => return Err(error),
                Err(ClientError::Rpc(error)) => asked = error.retry_after().unwrap_or_default(),
                Err(_) => asked = Duration::ZERO,
            }
        }
    }
}

/// A connection, the result of `auth` as understood and as received, and what was to be resumed.
type Connected = (Arc<Connection>, Authenticated, Value, Map<String, Value>);

/// Connects, authenticates and goes on with what `resume` names; gives the result of `auth` as understood and as received.
pub(super) async fn connect(
    options: &ClientOptions,
    resume: &Map<String, Value>,
) -> Result<(Arc<Connection>, Authenticated, Value), ClientError> {
    // The connection's events are needed to follow, whether or not the program reads any, and wait only for the supervisor.
    let limits = ConnectOptions {
        event_capacity: ConnectOptions::default().event_capacity,
        ..options.connect.clone()
    };
    let connection = Connection::open_with(&options.endpoint, &limits).await?;
    let mut params = json!({"apiKey": options.api_key.reveal()});
    if let Some(name) = &options.display_name {
        params["displayName"] = json!(name);
    }
    for (name, value) in resume {
        params[name] = value.clone();
    }
    let raw = connection.call("auth", params).await?;
    let authenticated = serde_json::from_value(raw.clone()).map_err(|error| ClientError::Answer {
        method: "auth".to_owned(),
        problem: error.to_string(),
    })?;
    Ok((Arc::new(connection), authenticated, raw))
}

/// Whether the connection made room for a newer one of the same agent.
fn is_replaced(end: &End) -> bool {
    end.code == Some(1008) && end.reason.starts_with(REPLACED)
}

/// Whether the server said that this agent is not wanted back. Only the first word counts: what follows may be a reason
/// that somebody typed.
fn is_final(end: &End) -> bool {
    let first: String = end.reason.chars().take_while(char::is_ascii_alphabetic).collect();
    end.code == Some(1008) && FINAL_REASONS.iter().any(|reason| first.eq_ignore_ascii_case(reason))
}
