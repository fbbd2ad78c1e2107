//! As much of an HTTP client as the bridges need: one connection that stays open, one request after the other.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

use anyhow::{Context as _, ensure};
use serde_json::Value;

/// A connection to a bridge.
pub struct Http {
    stream: BufReader<TcpStream>,
}

impl Http {
    /// Opens it.
    pub fn open(address: SocketAddr) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream: BufReader::new(stream),
        })
    }

    /// Asks for a path.
    pub fn get(&mut self, target: &str) -> anyhow::Result<Value> {
        self.exchange("GET", target, "")
    }

    /// Sends a body of JSON.
    pub fn post(&mut self, target: &str, body: &str) -> anyhow::Result<Value> {
        self.exchange("POST", target, body)
    }

    fn exchange(&mut self, method: &str, target: &str, body: &str) -> anyhow::Result<Value> {
        let length = body.len();
        let request = format!(
            "{method} {target} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
        );
        self.stream.get_mut().write_all(request.as_bytes())?;
        let status = self.line()?;
        let (mut length, mut is_chunked) = (0, false);
        loop {
            let line = self.line()?.to_ascii_lowercase();
            match line.split_once(": ") {
                Some(("content-length", value)) => length = value.parse()?,
                Some(("transfer-encoding", value)) => is_chunked = value == "chunked",
                Some(_) => {}
                None => break,
            }
        }
        let mut answer = Vec::new();
        if is_chunked {
            loop {
                let size = usize::from_str_radix(&self.line()?, 16)?;
                self.take(size, &mut answer)?;
                self.line()?;
                if size == 0 {
                    break;
                }
            }
        } else {
            self.take(length, &mut answer)?;
        }
        ensure!(
            status.starts_with("HTTP/1.1 200"),
            "`{target}` was answered `{status}`: {}",
            String::from_utf8_lossy(&answer)
        );
        Ok(serde_json::from_slice(&answer)?)
    }

    fn line(&mut self) -> anyhow::Result<String> {
        let mut line = String::new();
        self.stream.read_line(&mut line)?;
        let text = line.strip_suffix("\r\n").context("the connection ended")?;
        Ok(text.to_owned())
    }

    fn take(&mut self, count: usize, answer: &mut Vec<u8>) -> anyhow::Result<()> {
        let taken = self.stream.by_ref().take(count as u64).read_to_end(answer)?;
        ensure!(taken == count, "the connection ended");
        Ok(())
    }
}
