//! Reference: a bare WebSocket server in one thread, which sends each text that it reads to everybody else.
//!
//! It writes ready-made frames, all that were read at once to one receiver in one write, and knows nothing: no rooms, no
//! rights, no JSON. With a database it commits what was read at once, before it sends it and answers the senders.

use std::io::{ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::ops::Range;

use anyhow::Context as _;
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::arguments::BroadcastOptions;
use super::log::Log;
use super::wire;

/// Connections that may wait to be accepted.
const BACKLOG: i32 = 4096;

const LISTENER: Token = Token(usize::MAX);

struct Guest {
    stream: TcpStream,
    is_open: bool,
    rest: Vec<u8>,
    unsent: Vec<u8>,
}

/// What was read at once, on its way out.
#[derive(Default)]
struct Batch {
    /// The senders, in order; with a database, what they said.
    said: Vec<(usize, String)>,
    /// All frames.
    frames: Vec<u8>,
    /// Whose frame lies where.
    places: Vec<(usize, Range<usize>)>,
    /// What goes to the senders alone.
    answers: Vec<(usize, Vec<u8>)>,
}

struct Hall {
    poll: Poll,
    listener: TcpListener,
    guests: Vec<Option<Guest>>,
    /// What everybody gets, where nothing is stored.
    frame: Vec<u8>,
    bytes: usize,
    log: Option<Log>,
    buffer: Vec<u8>,
}

/// Serves until it is killed. Prints its address first.
pub fn serve(options: BroadcastOptions) -> anyhow::Result<()> {
    rlimit::increase_nofile_limit(u64::MAX)?;
    let poll = Poll::new()?;
    let mut listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0)))?;
    // The default would drop some when a thousand connect at once.
    rustix::net::listen(&listener, BACKLOG)?;
    poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
    writeln!(std::io::stdout().lock(), "{}", listener.local_addr()?)?;
    let log = options.database.map(|path| Log::open(&path, 1)).transpose()?;
    Hall {
        poll,
        listener,
        guests: Vec::new(),
        frame: wire::plain(event(options.bytes, 1, "").as_bytes()),
        bytes: options.bytes,
        log,
        buffer: vec![0; 256 * 1024],
    }
    .run()
}

/// An event of `bytes` bytes, in the form of the product's.
fn event(bytes: usize, seq: i64, content: &str) -> String {
    let text = format!(r#"{{"jsonrpc":"2.0","method":"message","params":{{"seq":{seq},"content":"{content}","rest":""#);
    let missing = bytes.saturating_sub(text.len() + 3);
    format!("{text}{}\"}}}}", "x".repeat(missing))
}

impl Hall {
    fn run(&mut self) -> anyhow::Result<()> {
        let mut events = Events::with_capacity(4096);
        let mut batch = Batch::default();
        loop {
            match self.poll.poll(&mut events, None) {
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                outcome => outcome?,
            }
            for event in &events {
                if event.token() == LISTENER {
                    self.accept()?;
                    continue;
                }
                let number = event.token().0;
                let Some(Some(guest)) = self.guests.get_mut(number) else {
                    continue;
                };
                let is_here = (!event.is_writable() || guest.write(&[]).is_ok())
                    && (!event.is_readable() || guest.read(number, &mut self.buffer, &mut batch).is_ok());
                if !is_here {
                    self.guests[number] = None;
                }
            }
            if !batch.said.is_empty() {
                self.tell(&mut batch)?;
            }
        }
    }

    fn accept(&mut self) -> anyhow::Result<()> {
        loop {
            let mut stream = match self.listener.accept() {
                Ok((stream, _)) => stream,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error.into()),
            };
            stream.set_nodelay(true)?;
            let interest = Interest::READABLE | Interest::WRITABLE;
            self.poll
                .registry()
                .register(&mut stream, Token(self.guests.len()), interest)?;
            self.guests.push(Some(Guest {
                stream,
                is_open: false,
                rest: Vec::new(),
                unsent: Vec::new(),
            }));
        }
    }

    fn tell(&mut self, batch: &mut Batch) -> anyhow::Result<()> {
        if let Some(log) = &mut self.log {
            log.begin()?;
            for (sender, content) in &batch.said {
                let seq = log.append(0, content)?;
                let begin = batch.frames.len();
                batch
                    .frames
                    .extend(wire::plain(event(self.bytes, seq, content).as_bytes()));
                batch.places.push((*sender, begin..batch.frames.len()));
                let answer = format!(r#"{{"jsonrpc":"2.0","result":{{"seq":{seq}}},"id":1}}"#);
                batch.answers.push((*sender, wire::plain(answer.as_bytes())));
            }
            log.commit()?;
        } else {
            for (sender, _) in &batch.said {
                let begin = batch.frames.len();
                batch.frames.extend_from_slice(&self.frame);
                batch.places.push((*sender, begin..batch.frames.len()));
            }
        }
        for (number, guest) in self.guests.iter_mut().enumerate() {
            let Some(present) = guest else { continue };
            let has_spoken = batch.said.iter().any(|(sender, _)| *sender == number);
            let outcome = if has_spoken {
                present.write(&batch.without(number))
            } else {
                present.write(&batch.frames)
            };
            if outcome.is_err() {
                *guest = None;
            }
        }
        batch.said.clear();
        batch.frames.clear();
        batch.places.clear();
        batch.answers.clear();
        Ok(())
    }
}

impl Batch {
    /// What a sender gets: the answers to it, and what others said.
    fn without(&self, number: usize) -> Vec<u8> {
        let answers = self.answers.iter().filter(|(sender, _)| *sender == number);
        let mut bytes: Vec<u8> = answers.flat_map(|(_, answer)| answer).copied().collect();
        for (sender, place) in &self.places {
            if *sender != number {
                bytes.extend_from_slice(&self.frames[place.clone()]);
            }
        }
        bytes
    }
}

impl Guest {
    /// Writes what waits and then `bytes`; what the socket does not take waits.
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        if !self.unsent.is_empty() {
            self.unsent.extend_from_slice(bytes);
            let unsent = std::mem::take(&mut self.unsent);
            return self.write(&unsent);
        }
        let mut left = bytes;
        while !left.is_empty() {
            match self.stream.write(left) {
                Ok(count) => left = &left[count..],
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    self.unsent.extend_from_slice(left);
                    break;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn read(&mut self, number: usize, buffer: &mut [u8], batch: &mut Batch) -> anyhow::Result<()> {
        loop {
            match self.stream.read(buffer) {
                Ok(0) => anyhow::bail!("gone"),
                Ok(count) => {
                    self.rest.extend_from_slice(&buffer[..count]);
                    if count < buffer.len() {
                        break;
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return Err(error.into()),
            }
        }
        let mut used = 0;
        if !self.is_open {
            let Some(behind) = wire::behind(&self.rest, b"\r\n\r\n") else {
                return Ok(());
            };
            used = self.rest.len() - behind.len();
            let answer = upgrade(&self.rest)?;
            self.is_open = true;
            self.write(answer.as_bytes())?;
        }
        while let Some(frame) = wire::first_frame(&self.rest[used..]) {
            used += frame.bytes;
            let content = wire::behind(frame.payload, br#""content":""#).unwrap_or_default();
            let end = content.iter().position(|byte| *byte == b'"').unwrap_or_default();
            let content = String::from_utf8_lossy(&content[..end]).into_owned();
            batch.said.push((number, content));
        }
        self.rest.drain(..used);
        Ok(())
    }
}

/// The answer to a request to become a WebSocket.
fn upgrade(request: &[u8]) -> anyhow::Result<String> {
    let key = wire::behind(request, b"Sec-WebSocket-Key: ").context("no key")?;
    let end = key.iter().position(|byte| *byte == b'\r').context("no end")?;
    let accept = derive_accept_key(&key[..end]);
    Ok(format!(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Accept: {accept}\r\n\r\n"
    ))
}
