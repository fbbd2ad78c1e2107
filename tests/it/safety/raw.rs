//! A socket on which a test writes whatever it likes, WebSocket frames or not.

use std::io;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

use crate::support::{TestServer, soon};

/// The final fragment of a message.
pub const FINAL: u8 = 0x80;
/// Opcodes.
pub const CONTINUATION: u8 = 0x0;
pub const TEXT: u8 = 0x1;
pub const BINARY: u8 = 0x2;
pub const CLOSE: u8 = 0x8;
pub const PING: u8 = 0x9;
pub const PONG: u8 = 0xA;

/// The head of a WebSocket handshake that is as it should be.
pub const HANDSHAKE: &str = "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

/// A frame as a client writes it, its first byte given.
pub fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    frame_of_length(first, payload.len() as u64, payload)
}

/// A frame that declares another length than it has.
pub fn frame_of_length(first: u8, length: u64, payload: &[u8]) -> Vec<u8> {
    const MASK: [u8; 4] = [0x5A, 0xC3, 0x17, 0x88];
    let mut bytes = vec![first];
    match length {
        0..=125 => bytes.push(0x80 | u8::try_from(length).expect("it is small")),
        126..=0xFFFF => {
            bytes.push(0x80 | 0x7E);
            bytes.extend(u16::try_from(length).expect("it is small").to_be_bytes());
        }
        _ => {
            bytes.push(0x80 | 0x7F);
            bytes.extend(length.to_be_bytes());
        }
    }
    bytes.extend(MASK);
    bytes.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    bytes
}

/// A request as text.
pub fn request(id: impl Into<Value>, method: &str, params: &Value) -> String {
    json!({ "jsonrpc": "2.0", "id": id.into(), "method": method, "params": params }).to_string()
}

/// What the server sends on a connection.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Frame {
    /// Its opcode.
    pub opcode: u8,
    /// What it holds.
    pub payload: Vec<u8>,
}

impl Frame {
    /// The code and the reason of a close frame.
    pub fn close(&self) -> (u16, String) {
        assert_eq!(self.opcode, CLOSE, "{self:?}");
        let code = u16::from_be_bytes([self.payload[0], self.payload[1]]);
        (code, String::from_utf8(self.payload[2..].to_vec()).expect("a reason"))
    }

    /// The JSON of a text frame.
    pub fn json(&self) -> Value {
        assert_eq!(self.opcode, TEXT, "{self:?}");
        serde_json::from_slice(&self.payload).expect("JSON")
    }
}

/// A socket to the server.
pub struct Raw {
    stream: TcpStream,
    unread: Vec<u8>,
}

/// A connection with hardly any room for what the server sends.
pub async fn narrow(server: &TestServer) -> TcpStream {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_recv_buffer_size(4096).expect("a smaller buffer");
    let address = server.authority().parse().expect("an address");
    soon("a connection", socket.connect(address))
        .await
        .expect("a connection")
}

impl Raw {
    /// Connects.
    pub async fn open(server: &TestServer) -> Self {
        let stream = soon("a connection", TcpStream::connect(server.authority()))
            .await
            .expect("a connection");
        Self {
            stream,
            unread: Vec::new(),
        }
    }

    /// Connects with hardly any room for what the server sends.
    pub async fn narrow(server: &TestServer) -> Self {
        Self {
            stream: narrow(server).await,
            unread: Vec::new(),
        }
    }

    /// Becomes a WebSocket.
    pub async fn upgrade(mut self) -> Self {
        self.send(HANDSHAKE.as_bytes()).await;
        assert_eq!(self.head().await.as_deref().and_then(status), Some(101));
        self
    }

    /// Becomes a WebSocket and authenticates.
    pub async fn enter(self, key: &str) -> Self {
        self.upgrade().await.enter_upgraded(key).await
    }

    /// Authenticates.
    pub async fn enter_upgraded(mut self, key: &str) -> Self {
        let answer = self.call("auth", &json!({ "apiKey": key })).await;
        assert_eq!(answer["result"]["status"], "ok", "{answer}");
        self
    }

    /// Writes bytes. Whether the server still takes them shows when its answer is read.
    pub async fn send(&mut self, bytes: &[u8]) {
        let _ = self.try_send(bytes).await;
    }

    /// Writes bytes; the error when the server takes no more.
    pub async fn try_send(&mut self, bytes: &[u8]) -> io::Result<()> {
        soon("the server to read", self.stream.write_all(bytes)).await
    }

    /// Ends this direction: nothing more will be written.
    pub async fn finish(&mut self) {
        let _ = self.stream.shutdown().await;
    }

    /// Writes a request and reads up to its answer.
    pub async fn call(&mut self, method: &str, params: &Value) -> Value {
        let text = request("raw", method, params);
        self.send(&frame(FINAL | TEXT, text.as_bytes())).await;
        loop {
            let answer = self.frame().await.expect("an answer").json();
            if answer["id"] == "raw" {
                return answer;
            }
        }
    }

    /// Reads an HTTP head; none when the connection ends instead.
    pub async fn head(&mut self) -> Option<String> {
        loop {
            if let Some(end) = self.unread.windows(4).position(|window| window == b"\r\n\r\n") {
                let head = self.unread.drain(..end + 4).collect();
                return Some(String::from_utf8(head).expect("a head is text"));
            }
            if !self.fill().await {
                return None;
            }
        }
    }

    /// Reads a frame; none when the connection ends instead.
    pub async fn frame(&mut self) -> Option<Frame> {
        loop {
            if let Some((frame, length)) = parse(&self.unread) {
                self.unread.drain(..length);
                return Some(frame);
            }
            if !self.fill().await {
                return None;
            }
        }
    }

    /// Reads to the end: the close frame that came before it, if one did.
    pub async fn ending(&mut self) -> Option<(u16, String)> {
        let mut close = None;
        while let Some(frame) = self.frame().await {
            if frame.opcode == CLOSE {
                close = Some(frame.close());
                self.finish().await;
            }
        }
        close
    }

    /// Whether the connection has ended. Anything that arrives instead is a failure of the test.
    pub async fn is_at_end(&mut self) -> bool {
        !self.fill().await && self.unread.is_empty()
    }

    /// Waits for bytes and leaves them unread; whether some came before the end.
    pub async fn hears_something(&mut self) -> bool {
        !self.unread.is_empty() || self.fill().await
    }

    /// Takes so many bytes more, and keeps them for later; fewer when the connection ends.
    pub async fn take(&mut self, bytes: usize) {
        let enough = self.unread.len() + bytes;
        while self.unread.len() < enough && self.fill().await {}
    }

    async fn fill(&mut self) -> bool {
        let read = soon("something to read", self.stream.read_buf(&mut self.unread)).await;
        // A reset is an end like any other.
        read.unwrap_or(0) > 0
    }
}

/// The first frame in `bytes` and how long it is.
fn parse(bytes: &[u8]) -> Option<(Frame, usize)> {
    let (first, second) = (*bytes.first()?, *bytes.get(1)?);
    assert_eq!(first & 0x70, 0, "a reserved bit is set");
    assert_eq!(second & 0x80, 0, "a server does not mask");
    let number = |range: std::ops::Range<usize>| {
        let digits = bytes.get(range)?;
        Some(digits.iter().fold(0_usize, |sum, digit| sum << 8 | usize::from(*digit)))
    };
    let (length, begin) = match second {
        126 => (number(2..4)?, 4),
        127 => (number(2..10)?, 10),
        short => (usize::from(short), 2),
    };
    let payload = bytes.get(begin..begin + length)?.to_vec();
    let opcode = first & 0x0F;
    Some((Frame { opcode, payload }, begin + length))
}

/// The status of an HTTP head.
pub fn status(head: &str) -> Option<u16> {
    head.split_whitespace().nth(1)?.parse().ok()
}
