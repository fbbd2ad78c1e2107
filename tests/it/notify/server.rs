//! A small HTTP server that does what a test wants.

use std::net::SocketAddr;
use std::sync::Arc;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::support::soon;

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Request {
    pub path: String,
    headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Request {
    /// A header, which comes at most once.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut found = self.headers.iter().filter(|(found, _)| found == name);
        let value = found.next().map(|(_, value)| value.as_str());
        assert!(found.next().is_none(), "`{name}` came twice: {self:?}");
        value
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("JSON")
    }
}

/// What to answer.
pub enum Reply {
    /// A status, headers with their line ends, and a body.
    With(u16, &'static str, String),
    /// Nothing: the connection stays open.
    Nothing,
    /// A body without an end.
    Endless,
}

impl Reply {
    pub fn status(status: u16) -> Self {
        Self::With(status, "", String::new())
    }
}

/// A running server. It ends with the test.
pub struct Server {
    pub address: SocketAddr,
    requests: mpsc::Receiver<Request>,
    _tasks: JoinSet<()>,
}

impl Server {
    /// Answers each request as `reply` says, which is told its number.
    pub async fn start(reply: impl Fn(usize, &Request) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let (told, requests) = mpsc::channel(10_000);
        let reply = Arc::new(reply);
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut exchanges = JoinSet::new();
            for number in 0.. {
                let (stream, _) = listener.accept().await.expect("a connection");
                let (reply, told) = (Arc::clone(&reply), told.clone());
                exchanges.spawn(async move { serve(stream, number, &*reply, told).await });
            }
        });
        Self {
            address,
            requests,
            _tasks: tasks,
        }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The next request.
    pub async fn next(&mut self) -> Request {
        soon("a request", self.requests.recv())
            .await
            .expect("the server goes on")
    }

    /// Whether nothing came that was not taken.
    pub fn is_quiet(&mut self) -> bool {
        self.requests.try_recv().is_err()
    }
}

async fn serve(
    mut stream: TcpStream,
    number: usize,
    reply: &(dyn Fn(usize, &Request) -> Reply + Send + Sync),
    told: mpsc::Sender<Request>,
) {
    let Some(request) = read(&mut stream).await else { return };
    let answer = reply(number, &request);
    told.send(request).await.expect("the test goes on");
    match answer {
        Reply::With(status, headers, body) => {
            let head = format!("HTTP/1.1 {status} x\r\n{headers}Content-Length: {}\r\n\r\n", body.len());
            // Whoever does not read it has its reasons.
            let _ = stream.write_all((head + &body).as_bytes()).await;
        }
        Reply::Nothing => {
            let mut rest = Vec::new();
            let _ = stream.read_to_end(&mut rest).await;
        }
        Reply::Endless => {
            let _ = stream.write_all(b"HTTP/1.1 200 x\r\n\r\n").await;
            while stream.write_all(&[b'x'; 4096]).await.is_ok() {}
        }
    }
}

/// Reads a request with a body whose length it tells.
async fn read(stream: &mut TcpStream) -> Option<Request> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8(bytes[..end].to_vec()).expect("a head is text");
    let mut body = bytes.split_off(end + 4);
    let mut lines = head.lines();
    let mut first = lines.next()?.split(' ');
    assert_eq!(first.next(), Some("POST"), "{head}");
    let path = first.next()?.to_owned();
    let headers: Vec<_> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let length: usize = length.expect("a length").1.parse().expect("a number");
    while body.len() < length {
        if stream.read_buf(&mut body).await.ok()? == 0 {
            return None;
        }
    }
    Some(Request { path, headers, body })
}
