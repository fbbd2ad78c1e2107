//! A WebSocket of text frames, for protocols other than JSON-RPC.

use std::time::Duration;

use bytes::Bytes;
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::UnixStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

use super::connection::dial;
use super::{ClientError, Endpoint};

/// Both directions of a stream, whatever it is.
trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// One socket that carries texts. Pings are answered by it; dropping it cuts it.
pub(crate) struct TextSocket {
    socket: WebSocketStream<Box<dyn Stream>>,
}

impl TextSocket {
    /// Connects, within `patience`, and takes frames of at most `largest` bytes from then on.
    ///
    /// # Errors
    ///
    /// [`ClientError::Connect`] when nobody answers there, the handshake is refused or takes too long, and
    /// [`ClientError::Address`] for an address that cannot stand in a handshake.
    pub(crate) async fn open(endpoint: &Endpoint, largest: usize, patience: Duration) -> Result<Self, ClientError> {
        let connect = |problem: String| ClientError::Connect {
            address: endpoint.describe(),
            problem,
        };
        let connecting = async {
            let (stream, url): (Box<dyn Stream>, &str) = match endpoint {
                Endpoint::Tcp { url, authority } => {
                    let stream = dial(authority).await.map_err(|error| connect(error.to_string()))?;
                    (Box::new(stream), url)
                }
                Endpoint::Tls {
                    url,
                    authority,
                    host,
                    trust,
                } => {
                    let stream = dial(authority).await.map_err(|error| connect(error.to_string()))?;
                    let stream = trust.encrypt(host.clone(), stream);
                    (stream.await.map_err(|error| connect(error.to_string()))?, url)
                }
                Endpoint::Unix(path) => {
                    let stream = UnixStream::connect(path).await;
                    let stream = stream.map_err(|error| connect(error.to_string()))?;
                    (Box::new(stream), "ws://localhost/")
                }
            };
            let request = url.into_client_request().map_err(|_| ClientError::Address {
                address: endpoint.describe(),
                problem: "not an address",
            })?;
            let config = WebSocketConfig::default()
                .read_buffer_size(4 * 1024)
                .write_buffer_size(0)
                .max_write_buffer_size(4 * largest)
                .max_message_size(Some(largest))
                .max_frame_size(Some(largest));
            let opened = client_async_with_config(request, stream, Some(config)).await;
            opened.map_err(|error| connect(error.to_string()))
        };
        let opened = timeout(patience, connecting).await;
        let (socket, _) = opened.map_err(|_| connect(format!("no answer within {patience:?}")))??;
        Ok(Self { socket })
    }

    /// Sends a text.
    ///
    /// # Errors
    ///
    /// What broke.
    pub(crate) async fn send(&mut self, text: String) -> Result<(), String> {
        self.write(Message::text(text)).await
    }

    /// Asks for a sign of life.
    ///
    /// # Errors
    ///
    /// What broke.
    pub(crate) async fn ping(&mut self) -> Result<(), String> {
        self.write(Message::Ping(Bytes::new())).await
    }

    async fn write(&mut self, message: Message) -> Result<(), String> {
        self.socket.send(message).await.map_err(|error| error.to_string())
    }

    /// Waits for the next frame; nothing is lost when the wait is given up.
    ///
    /// # Errors
    ///
    /// Why there is none any more.
    pub(crate) async fn next(&mut self) -> Result<Heard, String> {
        match self.socket.next().await {
            Some(Ok(Message::Text(text))) => Ok(Heard::Text(text.to_string())),
            Some(Ok(Message::Binary(bytes))) => Ok(Heard::Text(String::from_utf8_lossy(&bytes).into_owned())),
            Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => Ok(Heard::Life),
            Some(Ok(Message::Close(Some(frame)))) if !frame.reason.is_empty() => {
                Err(format!("close code {}: {}", u16::from(frame.code), frame.reason))
            }
            Some(Ok(Message::Close(Some(frame)))) => Err(format!("close code {}", u16::from(frame.code))),
            Some(Ok(Message::Close(None)) | Err(Error::ConnectionClosed | Error::AlreadyClosed)) | None => {
                Err("the connection was closed".to_owned())
            }
            Some(Err(error)) => Err(error.to_string()),
        }
    }

    /// Says goodbye, for at most `patience`.
    pub(crate) async fn close(mut self, patience: Duration) {
        drop(timeout(patience, self.socket.close(None)).await);
    }
}

/// What came over a [`TextSocket`].
pub(crate) enum Heard {
    /// A text, or a binary frame read as one.
    Text(String),
    /// Something that only says that the other side is there.
    Life,
}
