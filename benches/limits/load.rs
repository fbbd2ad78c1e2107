//! Many clients in one thread, as cheap as they can be: they share the machine with what is measured.

use std::io::{ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, bail};
use mio::event::Event;
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Registry, Token};

use super::wire;

/// How long nothing may happen while something is waited for.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long nothing happens when nothing more is to come.
const SILENCE: Duration = Duration::from_millis(150);

/// Bytes of one read.
const READ_BYTES: usize = 256 * 1024;

/// What a client hears.
pub enum News<'a> {
    /// The connection is a WebSocket now.
    Open,
    /// A text came.
    Text(&'a [u8]),
}

/// Clients of one server.
pub struct Clients {
    poll: Poll,
    events: Events,
    address: SocketAddr,
    links: Vec<Link>,
    buffer: Vec<u8>,
}

struct Link {
    stream: TcpStream,
    state: State,
    /// The beginning of a frame whose end has not come.
    rest: Vec<u8>,
    /// What the socket has not taken yet.
    unsent: Vec<u8>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Connecting,
    Upgrading,
    Open,
}

impl Clients {
    /// No client yet.
    pub fn new(address: SocketAddr) -> anyhow::Result<Self> {
        Ok(Self {
            poll: Poll::new()?,
            events: Events::with_capacity(4096),
            address,
            links: Vec::new(),
            buffer: vec![0; READ_BYTES],
        })
    }

    /// Clients with a WebSocket each.
    pub fn open(address: SocketAddr, count: usize) -> anyhow::Result<Self> {
        let mut clients = Self::new(address)?;
        clients.connect(count)?;
        let mut open = 0;
        while open < count {
            clients.turn(|_, news| {
                open += usize::from(matches!(news, News::Open));
                Ok(())
            })?;
        }
        Ok(clients)
    }

    /// Begins to connect more clients; each becomes [`News::Open`] in some turn.
    pub fn connect(&mut self, count: usize) -> anyhow::Result<()> {
        for _ in 0..count {
            let token = Token(self.links.len());
            let link = Link::connect(self.poll.registry(), token, self.address)?;
            self.links.push(link);
        }
        Ok(())
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.links.len()
    }

    /// Sends bytes that are frames.
    pub fn send(&mut self, client: usize, frames: &[u8]) -> anyhow::Result<()> {
        self.links[client].send(frames)
    }

    /// Waits until something comes, and hands over all of it.
    pub fn turn(&mut self, hear: impl FnMut(usize, News<'_>) -> anyhow::Result<()>) -> anyhow::Result<()> {
        if self.take(PATIENCE, hear)? {
            return Ok(());
        }
        bail!("nothing came for {PATIENCE:?}")
    }

    /// Forgets what comes until nothing comes any more.
    pub fn settle(&mut self) -> anyhow::Result<()> {
        while self.take(SILENCE, |_, _| Ok(()))? {}
        Ok(())
    }

    /// False when nothing came in that time.
    fn take(
        &mut self,
        patience: Duration,
        mut hear: impl FnMut(usize, News<'_>) -> anyhow::Result<()>,
    ) -> anyhow::Result<bool> {
        match self.poll.poll(&mut self.events, Some(patience)) {
            Err(error) if error.kind() == ErrorKind::Interrupted => return Ok(true),
            outcome => outcome?,
        }
        for event in &self.events {
            let client = event.token().0;
            let link = &mut self.links[client];
            let outcome = link.serve(event, self.address, &mut self.buffer, |news| hear(client, news));
            match outcome {
                // A server whose queue of connections was full has forgotten about this one.
                Err(error) if link.state != State::Open && is_reset(&error) => {
                    *link = Link::connect(self.poll.registry(), Token(client), self.address)?;
                }
                outcome => outcome.with_context(|| format!("client {client}"))?,
            }
        }
        Ok(!self.events.is_empty())
    }
}

/// Whether the other end let the connection drop.
fn is_reset(error: &anyhow::Error) -> bool {
    let kind = error.downcast_ref::<std::io::Error>().map(std::io::Error::kind);
    matches!(kind, Some(ErrorKind::ConnectionReset | ErrorKind::BrokenPipe))
}

impl Link {
    fn connect(registry: &Registry, token: Token, address: SocketAddr) -> anyhow::Result<Self> {
        let mut stream = TcpStream::connect(address)?;
        registry.register(&mut stream, token, Interest::READABLE | Interest::WRITABLE)?;
        Ok(Self {
            stream,
            state: State::Connecting,
            rest: Vec::new(),
            unsent: Vec::new(),
        })
    }

    fn serve(
        &mut self,
        event: &Event,
        address: SocketAddr,
        buffer: &mut [u8],
        hear: impl FnMut(News<'_>) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        if event.is_writable() {
            self.write_on(address)?;
        }
        if event.is_readable() {
            self.read(buffer, hear)?;
        }
        Ok(())
    }

    fn send(&mut self, bytes: &[u8]) -> anyhow::Result<()> {
        if !self.unsent.is_empty() {
            self.unsent.extend_from_slice(bytes);
            return Ok(());
        }
        let written = write(&mut self.stream, bytes)?;
        self.unsent.extend_from_slice(&bytes[written..]);
        Ok(())
    }

    fn write_on(&mut self, address: SocketAddr) -> anyhow::Result<()> {
        if self.state == State::Connecting {
            if let Some(error) = self.stream.take_error()? {
                return Err(error).context("no connection");
            }
            self.stream.set_nodelay(true)?;
            self.state = State::Upgrading;
            let request = format!(
                "GET / HTTP/1.1\r\nHost: {address}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                 Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
            );
            self.send(request.as_bytes())?;
        }
        if !self.unsent.is_empty() {
            let written = write(&mut self.stream, &self.unsent)?;
            self.unsent.drain(..written);
        }
        Ok(())
    }

    fn read(&mut self, buffer: &mut [u8], mut hear: impl FnMut(News<'_>) -> anyhow::Result<()>) -> anyhow::Result<()> {
        loop {
            match self.stream.read(buffer) {
                Ok(0) => bail!("the server closed the connection"),
                Ok(count) => {
                    self.hear_all(&buffer[..count], &mut hear)?;
                    // What comes after a short read is told by another event.
                    if count < buffer.len() {
                        return Ok(());
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn hear_all(&mut self, bytes: &[u8], hear: &mut impl FnMut(News<'_>) -> anyhow::Result<()>) -> anyhow::Result<()> {
        let mut joined = std::mem::take(&mut self.rest);
        let mut left = if joined.is_empty() {
            bytes
        } else {
            joined.extend_from_slice(bytes);
            &joined
        };
        if self.state == State::Upgrading
            && let Some(behind) = wire::behind(left, b"\r\n\r\n")
        {
            if !left.starts_with(b"HTTP/1.1 101") {
                bail!("no WebSocket: {}", String::from_utf8_lossy(left));
            }
            self.state = State::Open;
            left = behind;
            hear(News::Open)?;
        }
        if self.state == State::Open {
            while let Some(frame) = wire::first_frame(left) {
                match frame.opcode {
                    wire::TEXT_OPCODE => hear(News::Text(frame.payload))?,
                    wire::CLOSE => bail!(
                        "the server closed the connection: {}",
                        String::from_utf8_lossy(frame.payload.get(2..).unwrap_or_default())
                    ),
                    _ => {}
                }
                left = &left[frame.bytes..];
            }
        }
        self.rest = left.to_vec();
        Ok(())
    }
}

/// Writes as much as the socket takes.
fn write(stream: &mut TcpStream, mut bytes: &[u8]) -> std::io::Result<usize> {
    let whole = bytes.len();
    while !bytes.is_empty() {
        match stream.write(bytes) {
            Ok(count) => bytes = &bytes[count..],
            Err(error) if error.kind() == ErrorKind::WouldBlock => break,
            Err(error) => return Err(error),
        }
    }
    Ok(whole - bytes.len())
}
