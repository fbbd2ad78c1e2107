//! The task behind a connection: one half writes what callers ask for, the other sorts what arrives.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::time::error::Elapsed;
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{Error, Message};

use super::{End, RpcError};

/// Every id of a [`Command::Call`] begins so; other answers belong to whoever sent raw text.
pub(super) const CALL_PREFIX: &str = "call-";

/// Every id of a request so begins whose answer comes in order with the events, as an [`ANSWERED`].
pub(super) const ORDERED_PREFIX: &str = "follow-";

/// Every event of the client's own begins so. A server has none of that name.
const OWN_PREFIX: &str = "client.";

/// The event that stands where the answer to such a request came: `{id, result?, error?}`, `id` without the prefix.
pub(super) const ANSWERED: &str = "client.answered";

/// How long a closing handshake, or the close code behind a failed write, is waited for.
const LINGER: Duration = Duration::from_secs(2);

/// Calls waiting for answers beyond which those that nobody waits for any more are swept out.
const SWEEP_ABOVE: usize = 256;

/// When a connection on which nothing comes counts as dead. A link that broke without a word would otherwise be waited on
/// until the system gives up sending, and where nothing is sent for ever.
#[derive(Clone, Copy)]
pub(super) struct Patience {
    /// Silence after which the server is asked for a sign of life.
    pub(super) ask_after: Duration,
    /// Further silence after which it counts as gone.
    pub(super) end_after: Duration,
}

impl Default for Patience {
    /// A server that pings every 30 seconds, as is usual, is never asked.
    fn default() -> Self {
        Self {
            ask_after: Duration::from_secs(45),
            end_after: Duration::from_secs(30),
        }
    }
}

/// Something the server told without being asked.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// The event's name, such as `message`.
    pub method: String,
    /// Its parameters; null when it has none.
    pub params: Value,
}

/// What a handle asks of its task.
pub(super) enum Command {
    Call {
        id: String,
        text: String,
        answer: oneshot::Sender<Result<Value, RpcError>>,
    },
    Send(Message),
}

/// The task's ends of the channels to its handle.
pub(super) struct Channels {
    pub(super) commands: mpsc::Receiver<Command>,
    /// None: events are discarded.
    pub(super) events: Option<mpsc::Sender<Event>>,
    pub(super) frames: mpsc::Sender<String>,
    pub(super) patience: Patience,
}

/// The calls that have been written and not been answered.
#[derive(Default)]
pub(super) struct Waiting(Mutex<HashMap<String, oneshot::Sender<Result<Value, RpcError>>>>);

impl Waiting {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, oneshot::Sender<Result<Value, RpcError>>>> {
        // Nothing panics while the lock is held, and a map is whole after every operation.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, id: String, answer: oneshot::Sender<Result<Value, RpcError>>) {
        let mut calls = self.lock();
        if calls.len() >= SWEEP_ABOVE {
            calls.retain(|_, answer| !answer.is_closed());
        }
        calls.insert(id, answer);
    }

    fn take(&self, id: &str) -> Option<oneshot::Sender<Result<Value, RpcError>>> {
        self.lock().remove(id)
    }
}

/// Runs a connection until it ends. Callers in `waiting` and in the command queue learn of the end when the caller of
/// this function drops both.
pub(super) async fn pump<S>(socket: WebSocketStream<S>, channels: &mut Channels, waiting: &Waiting) -> End
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let (sink, stream) = socket.split();
    let silence = &Notify::new();
    let heard = Heard {
        stream,
        patience: channels.patience,
        silence,
    };
    let mut reader = std::pin::pin!(read(heard, channels.events.as_ref(), &channels.frames, waiting));
    tokio::select! {
        end = &mut reader => end,
        problem = write(sink, &mut channels.commands, waiting, silence) => {
            // The server's close code may be on its way although writing fails: it says more than the failure does.
            timeout(LINGER, reader).await.unwrap_or(End { code: None, reason: problem })
        }
    }
}

async fn write<S>(
    mut sink: SplitSink<WebSocketStream<S>, Message>,
    commands: &mut mpsc::Receiver<Command>,
    waiting: &Waiting,
    silence: &Notify,
) -> String
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    loop {
        let command = tokio::select! {
            command = commands.recv() => command,
            () = silence.notified() => Some(Command::Send(Message::Ping(Bytes::new()))),
        };
        let message = match command {
            Some(Command::Call { id, text, answer }) => {
                waiting.add(id, answer);
                Message::text(text)
            }
            Some(Command::Send(message)) => message,
            None => return "the connection was given up here".to_owned(),
        };
        if let Err(error) = sink.send(message).await {
            return error.to_string();
        }
    }
}

/// What arrives, and when nothing does.
struct Heard<'a, S> {
    stream: SplitStream<WebSocketStream<S>>,
    patience: Patience,
    /// Has the writing half ask for a sign of life.
    silence: &'a Notify,
}

impl<S> Heard<'_, S>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    /// The next frame, pings and pongs among them; none at the end. The error is that nothing came for too long: a whole
    /// message counts, so one that takes longer to arrive than both spans together counts as silence too.
    async fn next(&mut self) -> Result<Option<Result<Message, Error>>, Elapsed> {
        if let Ok(frame) = timeout(self.patience.ask_after, self.stream.next()).await {
            return Ok(frame);
        }
        self.silence.notify_one();
        timeout(self.patience.end_after, self.stream.next()).await
    }
}

async fn read<S>(
    mut heard: Heard<'_, S>,
    events: Option<&mpsc::Sender<Event>>,
    frames: &mpsc::Sender<String>,
    waiting: &Waiting,
) -> End
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    loop {
        let Ok(frame) = heard.next().await else {
            let silence = heard.patience.ask_after + heard.patience.end_after;
            return End {
                code: None,
                reason: format!("nothing was heard for {silence:?}"),
            };
        };
        let text = match frame {
            Some(Ok(Message::Text(text))) => text.to_string(),
            Some(Ok(Message::Binary(bytes))) => String::from_utf8_lossy(&bytes).into_owned(),
            Some(Ok(Message::Close(frame))) => return finish(heard.stream, frame).await,
            Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => continue,
            Some(Err(Error::ConnectionClosed | Error::AlreadyClosed)) | None => {
                return End {
                    code: None,
                    reason: "the connection was closed".to_owned(),
                };
            }
            Some(Err(error)) => {
                return End {
                    code: None,
                    reason: error.to_string(),
                };
            }
        };
        if let Err(reason) = sort(text, events, frames, waiting) {
            return End { code: None, reason };
        }
    }
}

/// Reads on after the server's close frame so that the answer to it leaves, then reports the frame.
async fn finish<S>(mut stream: SplitStream<WebSocketStream<S>>, frame: Option<CloseFrame>) -> End
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let rest = async { while let Some(Ok(_)) = stream.next().await {} };
    // A server that never drops the socket changes nothing about what it said.
    drop(timeout(LINGER, rest).await);
    match frame {
        Some(frame) => End {
            code: Some(frame.code.into()),
            reason: frame.reason.to_string(),
        },
        None => End {
            code: Some(1005),
            reason: String::new(),
        },
    }
}

/// Hands one frame to whoever it belongs to. The error is why the connection cannot go on.
fn sort(
    text: String,
    events: Option<&mpsc::Sender<Event>>,
    frames: &mpsc::Sender<String>,
    waiting: &Waiting,
) -> Result<(), String> {
    let mut value: Value = serde_json::from_str(&text).unwrap_or(Value::Null);
    if value.get("id").is_none()
        && let Some(method) = value.get("method").and_then(Value::as_str)
    {
        // What this client says itself cannot come from a server.
        let Some(events) = events.filter(|_| !method.starts_with(OWN_PREFIX)) else {
            return Ok(());
        };
        let event = Event {
            method: method.to_owned(),
            params: value.get_mut("params").map(Value::take).unwrap_or_default(),
        };
        return hand_over(events, event, "events were not read in time");
    }
    if let Some(id) = value
        .get("id")
        .and_then(Value::as_str)
        .and_then(|id| id.strip_prefix(ORDERED_PREFIX))
    {
        let Some(events) = events else { return Ok(()) };
        let mut params = serde_json::json!({"id": id});
        for member in ["result", "error"] {
            if let Some(value) = value.get(member) {
                params[member] = value.clone();
            }
        }
        let method = ANSWERED.to_owned();
        return hand_over(events, Event { method, params }, "events were not read in time");
    }
    if let Some(id) = value
        .get("id")
        .and_then(Value::as_str)
        .filter(|id| id.starts_with(CALL_PREFIX))
    {
        // An answer that nobody waits for any more came after its time limit.
        if let Some(caller) = waiting.take(id) {
            let answer = match value.get_mut("error").map(Value::take) {
                Some(error) => Err(serde_json::from_value(error).map_err(|error| error.to_string())?),
                None => Ok(value.get_mut("result").map(Value::take).unwrap_or_default()),
            };
            drop(caller.send(answer));
        }
        return Ok(());
    }
    hand_over(frames, text, "frames were not read in time")
}

/// Puts an item into a bounded queue. A full queue ends the connection: dropping one item in silence would be a gap
/// nobody is told of, and waiting would keep back the answers behind it.
fn hand_over<T>(queue: &mpsc::Sender<T>, item: T, problem: &str) -> Result<(), String> {
    match queue.try_send(item) {
        // Closed: the handle is gone, and this task is about to be ended.
        Ok(()) | Err(TrySendError::Closed(_)) => Ok(()),
        Err(TrySendError::Full(_)) => Err(problem.to_owned()),
    }
}
