//! Text in, text out: for tests of the protocol's own form.

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, client_async};
use wardroom::client::Connection;

use super::{TestServer, soon};

/// A connection on which a test writes frames itself.
pub struct Raw<'a>(pub &'a Connection);

impl Raw<'_> {
    /// Sends a text as it is.
    pub async fn send(&self, text: &str) {
        self.0.send_text(text).await.expect("the connection is open");
    }

    /// The next frame that is no event.
    pub async fn next(&self) -> Value {
        let frame = soon("an answer", self.0.next_frame())
            .await
            .expect("the connection is open");
        serde_json::from_str(&frame).unwrap_or_else(|error| panic!("{error}: {frame}"))
    }

    /// Sends a text and waits for the answer to it.
    pub async fn ask(&self, text: &str) -> Value {
        self.send(text).await;
        self.next().await
    }

    /// Sends a text that must not be answered: the answer to the request behind it is the next one.
    pub async fn say(&self, text: &str) {
        self.send(text).await;
        let next = self
            .ask(r#"{"jsonrpc":"2.0","method":"lobby.getMotd","id":"behind"}"#)
            .await;
        assert_eq!(next["id"], "behind", "`{text}` was answered: {next}");
    }

    /// Sends a text and compares the error that answers it.
    pub async fn assert_error(&self, text: &str, id: Value, code: i32) {
        let answer = self.ask(text).await;
        assert_error(&answer, &id, code, text);
    }
}

/// Compares an answer with an error under an id. It has the members of an error and no others.
pub fn assert_error(answer: &Value, id: &Value, code: i32, asked: &str) {
    assert_eq!(answer["error"]["code"], code, "`{asked}`: {answer}");
    assert!(answer["error"]["message"].is_string(), "`{asked}`: {answer}");
    assert!(answer["error"]["data"]["retryable"].is_boolean(), "`{asked}`: {answer}");
    let expected = json!({ "jsonrpc": "2.0", "error": answer["error"], "id": id });
    assert_eq!(*answer, expected, "`{asked}`");
}

/// A socket whose frames a test sees in the order of their arrival, answers and events alike.
pub struct Frames(WebSocketStream<TcpStream>);

impl Frames {
    /// Connects.
    pub async fn open(server: &TestServer) -> Self {
        let socket = TcpStream::connect(server.authority()).await.expect("a connection");
        let opening = client_async(server.url(), socket);
        let (socket, _) = soon("a handshake", opening).await.expect("a handshake");
        Self(socket)
    }

    /// Sends a request or a batch.
    pub async fn send(&mut self, value: &Value) {
        let text = Message::text(value.to_string());
        self.0.send(text).await.expect("the connection is open");
    }

    /// The next frame; `None` when the connection has been closed.
    pub async fn next(&mut self) -> Option<Value> {
        loop {
            match soon("a frame", self.0.next()).await {
                Some(Ok(Message::Text(text))) => return Some(serde_json::from_str(&text).expect("JSON")),
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                _ => return None,
            }
        }
    }

    /// Every frame up to the first that `last` accepts, this one included.
    pub async fn up_to(&mut self, last: impl Fn(&Value) -> bool) -> Vec<Value> {
        let mut frames = Vec::new();
        loop {
            let frame = self.next().await;
            frames.push(frame.unwrap_or_else(|| panic!("closed after {frames:?}")));
            if frames.last().is_some_and(&last) {
                return frames;
            }
        }
    }
}
