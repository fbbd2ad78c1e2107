//! What arrives on one connection.

use std::io::{self, Read, Write};

use bytes::Bytes;
use tokio_tungstenite::tungstenite::error::Error;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig, WebSocketContext};
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};

use super::outbox::Outbox;
use crate::hub::Link;
use crate::protocol::CloseCode;

/// The library's read buffer. Its default of 128 KiB would be most of what an idle connection costs.
const READ_BUFFER_BYTES: usize = 2048;

/// Bytes of one turn. The library works through what the socket holds without ever waiting, and a flood of empty fragments
/// never amounts to a message: without turns it would keep a thread, and with it everybody else, for as long as it lasts.
const TURN_BYTES: usize = 64 * 1024;

/// Why nothing more will come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum End {
    /// The other end closed, or the connection broke.
    Gone,
    /// The other end did something that cannot be answered otherwise.
    Violation(CloseCode, &'static str),
}

/// Something that arrived.
pub(super) enum Input {
    /// A text.
    Text(Utf8Bytes),
    /// A sign of life.
    Alive,
}

/// Reads the frames of a connection. Pings and closes are answered through the outbox.
pub(super) struct Incoming<'a> {
    outbox: &'a Outbox,
    context: WebSocketContext,
    /// Bytes left of this turn.
    turn: usize,
    /// The other end sent a close frame.
    closed: bool,
}

impl<'a> Incoming<'a> {
    /// `early` is what was read together with the request head.
    pub(super) fn new(outbox: &'a Outbox, early: &Bytes, frame_bytes: usize) -> Self {
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER_BYTES)
            .write_buffer_size(0)
            .max_message_size(Some(frame_bytes))
            .max_frame_size(Some(frame_bytes));
        Self {
            outbox,
            turn: TURN_BYTES,
            closed: false,
            context: WebSocketContext::from_partially_read(early.to_vec(), Role::Server, Some(config)),
        }
    }

    /// Admits larger frames, once the other end has authenticated.
    pub(super) fn raise_limit(&mut self, frame_bytes: usize) {
        self.context.set_config(|config| {
            config.max_message_size = Some(frame_bytes);
            config.max_frame_size = Some(frame_bytes);
        });
    }

    /// Whether the other end sent a close frame.
    pub(super) fn is_closed(&self) -> bool {
        self.closed
    }

    /// The next thing that arrives.
    pub(super) async fn next(&mut self) -> Result<Input, End> {
        loop {
            let mut channel = Channel {
                outbox: self.outbox,
                turn: &mut self.turn,
            };
            match self.context.read(&mut channel) {
                Ok(Message::Text(text)) => return Ok(Input::Text(text)),
                Ok(Message::Binary(bytes)) => {
                    let text = Utf8Bytes::try_from(bytes)
                        .map_err(|_| End::Violation(CloseCode::NotText, "binary frames must be UTF-8 text"))?;
                    return Ok(Input::Text(text));
                }
                // The reply to a close leaves with the next read, which then says that the connection is closed.
                Ok(Message::Close(_)) => {
                    self.closed = true;
                    return Ok(Input::Alive);
                }
                Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_)) => return Ok(Input::Alive),
                Err(Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => {
                    if self.turn == 0 {
                        tokio::task::yield_now().await;
                    } else {
                        self.outbox.socket.readable().await.map_err(|_| End::Gone)?;
                        tokio::task::consume_budget().await;
                    }
                    self.turn = TURN_BYTES;
                }
                Err(error) => return Err(end_of(&error)),
            }
        }
    }

    /// Reads on for the close of the other end, and forgets whatever else comes.
    pub(super) async fn linger(self) {
        let mut bytes = [0; 1024];
        loop {
            match self.outbox.socket.read(&mut bytes) {
                Ok(0) => return,
                Ok(_) => tokio::task::consume_budget().await,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    if self.outbox.socket.readable().await.is_err() {
                        return;
                    }
                }
                Err(_) => return,
            }
        }
    }
}

fn end_of(error: &Error) -> End {
    use tokio_tungstenite::tungstenite::error::ProtocolError;
    match error {
        Error::Capacity(_) => End::Violation(CloseCode::TooBig, "the frame is too large"),
        Error::Utf8(_) => End::Violation(CloseCode::NotUtf8, "text frames must be UTF-8"),
        Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => End::Gone,
        Error::Protocol(_) => End::Violation(CloseCode::Protocol, "the frame violates the WebSocket protocol"),
        _ => End::Gone,
    }
}

/// The socket as the library wants it: reading never waits, writing goes through the outbox.
struct Channel<'a> {
    outbox: &'a Outbox,
    turn: &'a mut usize,
}

impl Read for Channel<'_> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        if *self.turn == 0 {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let outcome = self.outbox.socket.read(bytes);
        if self.outbox.socket.needs_flush() {
            self.outbox.flush();
        }
        let count = outcome?;
        *self.turn = self.turn.saturating_sub(count);
        Ok(count)
    }
}

impl Write for Channel<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.outbox.push_raw(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.outbox.flush();
        Ok(())
    }
}
