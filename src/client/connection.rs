//! One socket to a server.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::{Mutex, mpsc, oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_tungstenite::client_async_with_config;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::{HeaderName, HeaderValue};
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, WebSocketConfig};

use super::endpoint::without_secrets;
use super::methods::Methods;
use super::pump::{CALL_PREFIX, Channels, Command, Event, ORDERED_PREFIX, Patience, Waiting, pump};
use super::{ClientError, End, Endpoint};

/// Commands on their way to the socket; a caller waits when the queue is full.
const COMMAND_QUEUE: usize = 64;

/// Answers to raw text kept until they are read; more of them end the connection, as with events.
const FRAME_QUEUE: usize = 4096;

/// The largest message taken from a server, in bytes: well above the largest page of history.
const MAX_MESSAGE_BYTES: usize = 64 * 1024 * 1024;

/// Limits of one connection. Its `Debug` form shows no header's value, which may be a secret.
#[derive(Clone)]
pub struct ConnectOptions {
    /// Time allowed for connecting and for the opening handshake.
    pub connect_timeout: Duration,
    /// Time allowed for the answer to each call.
    pub request_timeout: Duration,
    /// Events kept until they are read. When they are more, a [`Connection`] ends, so that no gap goes unnoticed, and a
    /// [`super::Client`] tells where how many were dropped. 0: events are discarded as they arrive.
    pub event_capacity: usize,
    /// Further headers of the opening handshake, such as `Origin`.
    pub headers: Vec<(String, String)>,
}

impl Default for ConnectOptions {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(10),
            request_timeout: Duration::from_secs(30),
            event_capacity: 8192,
            headers: Vec::new(),
        }
    }
}

impl fmt::Debug for ConnectOptions {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.headers.iter().map(|(name, _)| name.as_str()).collect();
        formatter
            .debug_struct("ConnectOptions")
            .field("connect_timeout", &self.connect_timeout)
            .field("request_timeout", &self.request_timeout)
            .field("event_capacity", &self.event_capacity)
            .field("headers", &names)
            .finish()
    }
}

/// One socket to a server. It authenticates when told to and never reconnects; dropping it cuts the socket.
pub struct Connection {
    commands: mpsc::Sender<Command>,
    events: Mutex<mpsc::Receiver<Event>>,
    frames: Mutex<mpsc::Receiver<String>>,
    end: watch::Receiver<Option<End>>,
    next_id: AtomicU64,
    request_timeout: Duration,
    /// Holds the one task; dropping the set ends it.
    _task: JoinSet<()>,
}

impl fmt::Debug for Connection {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Connection")
            .field("end", &*self.end.borrow())
            .finish_non_exhaustive()
    }
}

impl Connection {
    /// Connects to a server with default limits.
    ///
    /// # Errors
    ///
    /// As [`Connection::open_with`].
    pub async fn open(endpoint: &Endpoint) -> Result<Self, ClientError> {
        Self::open_with(endpoint, &ConnectOptions::default()).await
    }

    /// Connects to the operator's socket of a running server. The connection needs no `auth`.
    ///
    /// # Errors
    ///
    /// As [`Connection::open_with`].
    pub async fn open_unix(path: &Path) -> Result<Self, ClientError> {
        Self::open(&Endpoint::Unix(path.to_owned())).await
    }

    /// Connects to a server.
    ///
    /// # Errors
    ///
    /// [`ClientError::Connect`] when nobody answers there, the handshake is refused or takes too long.
    pub async fn open_with(endpoint: &Endpoint, options: &ConnectOptions) -> Result<Self, ClientError> {
        let address = endpoint.describe();
        let failed = |problem: String| ClientError::Connect {
            address: address.clone(),
            problem,
        };
        let connecting = async {
            match endpoint {
                Endpoint::Tcp { url, authority } => {
                    let stream = dial(authority).await.map_err(|error| failed(error.to_string()))?;
                    Self::over(stream, url, options).await
                }
                Endpoint::Tls {
                    url,
                    authority,
                    host,
                    trust,
                } => {
                    let stream = dial(authority).await.map_err(|error| failed(error.to_string()))?;
                    let stream = trust.encrypt(host.clone(), stream);
                    let stream = stream.await.map_err(|error| failed(error.to_string()))?;
                    Self::over(stream, url, options).await
                }
                Endpoint::Unix(path) => {
                    let stream = UnixStream::connect(path)
                        .await
                        .map_err(|error| failed(error.to_string()))?;
                    Self::over(stream, "ws://localhost/", options).await
                }
            }
        };
        match timeout(options.connect_timeout, connecting).await {
            Ok(result) => result,
            Err(_) => Err(failed(format!("no answer within {:?}", options.connect_timeout))),
        }
    }

    /// Speaks over a stream that the caller has opened, for example through a proxy; `url` goes into the opening
    /// handshake. There is no time limit on the handshake.
    ///
    /// # Errors
    ///
    /// [`ClientError::Address`] for a bad address or header, [`ClientError::Connect`] when the handshake is refused.
    pub async fn over<S>(stream: S, url: &str, options: &ConnectOptions) -> Result<Self, ClientError>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        Self::over_with(stream, url, options, Patience::default()).await
    }

    /// The same, waiting on silence as long as it is told.
    pub(super) async fn over_with<S>(
        stream: S,
        url: &str,
        options: &ConnectOptions,
        patience: Patience,
    ) -> Result<Self, ClientError>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let refuse = |problem| ClientError::Address {
            address: without_secrets(url),
            problem,
        };
        let mut request = url.into_client_request().map_err(|_| refuse("not an address"))?;
        for (name, value) in &options.headers {
            let name: HeaderName = name.parse().map_err(|_| refuse("a header's name is not valid"))?;
            let value: HeaderValue = value.parse().map_err(|_| refuse("a header's value is not valid"))?;
            request.headers_mut().insert(name, value);
        }
        let config = WebSocketConfig::default()
            .read_buffer_size(16 * 1024)
            .write_buffer_size(16 * 1024)
            .max_message_size(Some(MAX_MESSAGE_BYTES))
            .max_frame_size(Some(MAX_MESSAGE_BYTES));
        let (socket, _) = client_async_with_config(request, stream, Some(config))
            .await
            .map_err(|error| ClientError::Connect {
                address: without_secrets(url),
                problem: error.to_string(),
            })?;

        let (commands, command_queue) = mpsc::channel(COMMAND_QUEUE);
        let (event_sender, events) = mpsc::channel(options.event_capacity.max(1));
        let (frame_sender, frames) = mpsc::channel(FRAME_QUEUE);
        let (ended, end) = watch::channel(None);
        let mut channels = Channels {
            commands: command_queue,
            events: (options.event_capacity > 0).then_some(event_sender),
            frames: frame_sender,
            patience,
        };
        let mut task = JoinSet::new();
        task.spawn(async move {
            let waiting = Arc::new(Waiting::default());
            let end = pump(socket, &mut channels, &waiting).await;
            // Before the channels and the waiting calls are dropped, so that whoever notices finds the reason.
            ended.send_replace(Some(end));
        });
        Ok(Self {
            commands,
            events: Mutex::new(events),
            frames: Mutex::new(frames),
            end,
            next_id: AtomicU64::new(1),
            request_timeout: options.request_timeout,
            _task: task,
        })
    }

    /// Sends text as it is, whatever it is. Answers to it come from [`Connection::next_frame`].
    ///
    /// # Errors
    ///
    /// [`ClientError::Closed`] after the end.
    pub async fn send_text(&self, text: impl Into<String>) -> Result<(), ClientError> {
        self.command(Command::Send(Message::text(text.into()))).await
    }

    /// Sends a binary frame.
    ///
    /// # Errors
    ///
    /// [`ClientError::Closed`] after the end.
    pub async fn send_binary(&self, bytes: Vec<u8>) -> Result<(), ClientError> {
        self.command(Command::Send(Message::binary(bytes))).await
    }

    /// The next event in the order of arrival; none when the connection has ended and every event was read. Safe to
    /// cancel.
    pub async fn next_event(&self) -> Option<Event> {
        self.events.lock().await.recv().await
    }

    /// The next event that has already arrived, if any.
    #[must_use]
    pub fn poll_event(&self) -> Option<Event> {
        self.events.try_lock().ok()?.try_recv().ok()
    }

    /// The next frame that is neither an event nor the answer to a call: answers to raw text. None after the end.
    pub async fn next_frame(&self) -> Option<String> {
        self.frames.lock().await.recv().await
    }

    /// Waits until the connection has ended and says how.
    pub async fn ended(&self) -> End {
        let mut end = self.end.clone();
        match end.wait_for(Option::is_some).await {
            Ok(found) => found.clone().unwrap_or_else(vanished),
            Err(_) => vanished(),
        }
    }

    /// How the connection ended, if it has.
    #[must_use]
    pub fn end(&self) -> Option<End> {
        self.end.borrow().clone()
    }

    /// Ends the connection with a closing handshake and says how the server answered it. The wait is bounded by the time
    /// limit of a call.
    pub async fn close(&self, code: u16, reason: &str) -> End {
        let frame = CloseFrame {
            code: CloseCode::from(code),
            reason: reason.to_owned().into(),
        };
        // Already ended is what was wanted.
        drop(self.command(Command::Send(Message::Close(Some(frame)))).await);
        timeout(self.request_timeout, self.ended())
            .await
            .unwrap_or_else(|_| End {
                code: None,
                reason: "the server did not answer the closing handshake".to_owned(),
            })
    }

    /// Makes a request whose answer comes in order with the events, as an [`super::pump::ANSWERED`] with this id.
    pub(super) async fn ask(&self, id: &str, method: &str, params: Value) -> Result<(), ClientError> {
        let id = format!("{ORDERED_PREFIX}{id}");
        let text = json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}).to_string();
        self.send_text(text).await
    }

    /// Calls `method`; the answer may take `limit` at the most.
    pub(super) async fn call_within(&self, method: &str, params: Value, limit: Duration) -> Result<Value, ClientError> {
        let id = format!("{CALL_PREFIX}{}", self.next_id.fetch_add(1, Ordering::Relaxed));
        let text = json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}).to_string();
        let (answer, answered) = oneshot::channel();
        let exchange = async {
            self.command(Command::Call { id, text, answer }).await?;
            match answered.await {
                Ok(answer) => answer.map_err(ClientError::Rpc),
                Err(_) => Err(ClientError::Closed(self.ended().await)),
            }
        };
        match timeout(limit, exchange).await {
            Ok(result) => result,
            Err(_) => Err(ClientError::Timeout(limit)),
        }
    }

    async fn command(&self, command: Command) -> Result<(), ClientError> {
        match self.commands.send(command).await {
            Ok(()) => Ok(()),
            Err(_) => Err(ClientError::Closed(self.ended().await)),
        }
    }
}

impl Methods for Connection {
    async fn call(&self, method: &str, params: Value) -> Result<Value, ClientError> {
        self.call_within(method, params, self.request_timeout).await
    }
}

pub(super) async fn dial(authority: &str) -> std::io::Result<TcpStream> {
    let stream = TcpStream::connect(authority).await?;
    // A request is one small frame: waiting to fill a packet would only delay it.
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// The end of a connection whose task was ended together with its runtime.
fn vanished() -> End {
    End {
        code: None,
        reason: "the connection was given up here".to_owned(),
    }
}
