//! Two agents that know the name of a room find each other, in a hub and in a server for nothing else. The clients are
//! written from the fact sheet of the protocol and use none of our code.

mod expiry;
mod frames;
mod limits;
mod operation;
mod paths;
mod rooms;

use serde_json::{Value, json};

use crate::safety::raw::{CLOSE, FINAL, PING, PONG, Raw, TEXT, frame, status};
use crate::support::TestServer;

/// A description that may pass.
pub const OFFER: &str = r#"{"type":"offer","payload":"v=0\r\ns=offer\r\n"}"#;
pub const ANSWER: &str = r#"{"type":"answer","payload":"v=0\r\ns=answer\r\n"}"#;
pub const ICE: &str = r#"{"type":"ice","payload":{"candidate":"a=candidate:1 1 UDP 2122317823 192.0.2.2 43417 typ host","sdpMid":"0","sdpMLineIndex":0}}"#;

/// A hub, and a server that does signaling only, with the same configuration.
pub fn servers(config: &Value) -> [TestServer; 2] {
    let builder = || TestServer::builder().config(config.clone());
    [builder().start(), builder().signaling_only().start()]
}

/// The two with their defaults.
pub fn plain_servers() -> [TestServer; 2] {
    servers(&json!({}))
}

/// The head of a handshake.
pub fn handshake(path: &str, host: &str) -> String {
    format!(
        "GET {path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: \
         13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
}

/// A client of a signaling server.
pub struct Peer {
    raw: Raw,
    answers_pings: bool,
}

impl Peer {
    /// Connects; whether it is let in shows in what it is told.
    pub async fn open(server: &TestServer, path: &str) -> Self {
        Self::over(Raw::open(server).await, path).await
    }

    /// The same on a socket that is there.
    pub async fn over(mut raw: Raw, path: &str) -> Self {
        raw.send(handshake(path, "localhost").as_bytes()).await;
        assert_eq!(raw.head().await.as_deref().and_then(status), Some(101), "{path}");
        Self {
            raw,
            answers_pings: true,
        }
    }

    /// Enters a room and reads that it is in.
    pub async fn enter(server: &TestServer, path: &str) -> Self {
        let mut peer = Self::open(server, path).await;
        peer.ready().await;
        peer
    }

    /// Two that have entered one room and know of each other.
    pub async fn pair(server: &TestServer, path: &str) -> (Self, Self) {
        let (mut one, two) = (Self::enter(server, path).await, Self::enter(server, path).await);
        assert_eq!(one.hear().await, json!({ "type": "peer-joined" }));
        (one, two)
    }

    /// Answers no pings from now on.
    pub fn play_dead(&mut self) {
        self.answers_pings = false;
    }

    /// Sends a text frame.
    pub async fn send(&mut self, text: &str) {
        self.raw.send(&frame(FINAL | TEXT, text.as_bytes())).await;
    }

    /// Sends a frame of any kind.
    pub async fn send_frame(&mut self, first: u8, payload: &[u8]) {
        self.raw.send(&frame(first, payload)).await;
    }

    /// The next text frame as it is.
    pub async fn text(&mut self) -> String {
        loop {
            let frame = self.raw.frame().await.expect("a frame");
            match frame.opcode {
                PING => self.pong().await,
                PONG => {}
                _ => {
                    assert_eq!(frame.opcode, TEXT, "{frame:?}");
                    return String::from_utf8(frame.payload).expect("text");
                }
            }
        }
    }

    /// The next text frame, read.
    pub async fn hear(&mut self) -> Value {
        serde_json::from_str(&self.text().await).expect("JSON")
    }

    /// Reads that it was let in: its role and the room.
    pub async fn ready(&mut self) -> (String, String) {
        let told = self.hear().await;
        assert_eq!(told["type"], "ready", "{told}");
        let member = |name: &str| told["payload"][name].as_str().expect("a text").to_owned();
        (member("role"), member("roomId"))
    }

    /// Reads that it was not let in: what it was told and the code of the close behind it.
    pub async fn refusal(&mut self) -> (String, u16) {
        let told = self.hear().await;
        assert_eq!(told["type"], "error", "{told}");
        let (code, _) = self.ending().await.expect("a close frame");
        (told["payload"].as_str().expect("a text").to_owned(), code)
    }

    /// Reads to the end: the close frame that came before it, if one did.
    pub async fn ending(&mut self) -> Option<(u16, String)> {
        while let Some(frame) = self.raw.frame().await {
            match frame.opcode {
                PING => self.pong().await,
                PONG => {}
                TEXT => panic!("it was told {frame:?}"),
                _ => {
                    self.raw.finish().await;
                    return Some(frame.close());
                }
            }
        }
        None
    }

    /// Waits until everything that it has sent was dealt with.
    pub async fn settle(&mut self) {
        self.raw.send(&frame(FINAL | PING, b"settled")).await;
        loop {
            let frame = self.raw.frame().await.expect("a frame");
            match frame.opcode {
                PING => self.pong().await,
                PONG => return,
                // It may be told of what it has sent.
                _ => assert_eq!(frame.opcode, TEXT, "{frame:?}"),
            }
        }
    }

    /// Closes, and waits until the server has answered: the place is free then.
    pub async fn leave(&mut self) {
        self.raw.send(&frame(FINAL | CLOSE, &1000_u16.to_be_bytes())).await;
        while self.raw.frame().await.is_some() {}
    }

    /// Whether a frame of the other one arrives: nothing else was on its way.
    pub async fn assert_hears_next(&mut self, other: &mut Self) {
        other.send(ICE).await;
        assert_eq!(self.text().await, ICE);
    }

    async fn pong(&mut self) {
        if self.answers_pings {
            self.raw.send(&frame(FINAL | PONG, b"")).await;
        }
    }
}
