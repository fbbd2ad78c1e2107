//! The socket of a WebSocket connection, read and written without waiting, from any thread.
//!
//! Encryption is part of it: whoever writes encrypts. A task of its own for that would have to be woken for every frame,
//! and a whole commit's worth of events would wait in memory until it gets its turn.

use std::io::{self, IoSlice, Read, Write};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::net::{RecvFlags, Shutdown, recv, shutdown};
use tokio::io::Interest;
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::rustls::ServerConnection;

use super::stream::Stream;

/// Bytes that may be encrypted before the socket takes them: one full record.
const SEALED_BYTES: usize = 16 * 1024;

/// A connected socket.
pub(super) struct Socket {
    transport: Transport,
    /// Boxed: it is large, and most connections have none.
    encryption: Option<Box<Mutex<ServerConnection>>>,
}

enum Transport {
    Tcp(TcpStream),
    Unix(UnixStream),
}

macro_rules! each {
    ($transport:expr, $socket:ident => $call:expr) => {
        match $transport {
            Transport::Tcp($socket) => $call,
            Transport::Unix($socket) => $call,
        }
    };
}

impl From<Stream> for Socket {
    fn from(stream: Stream) -> Self {
        match stream {
            Stream::Tcp(socket) => Self {
                transport: Transport::Tcp(socket),
                encryption: None,
            },
            Stream::Unix(socket) => Self {
                transport: Transport::Unix(socket),
                encryption: None,
            },
            Stream::Tls(stream) => {
                let (socket, mut encryption) = stream.into_inner();
                encryption.set_buffer_limit(Some(SEALED_BYTES));
                Self {
                    transport: Transport::Tcp(socket),
                    encryption: Some(Box::new(Mutex::new(encryption))),
                }
            }
        }
    }
}

impl Socket {
    /// Waits until there may be something to read.
    pub(super) async fn readable(&self) -> io::Result<()> {
        each!(&self.transport, socket => socket.readable().await)
    }

    /// Waits until it may take more.
    pub(super) async fn writable(&self) -> io::Result<()> {
        each!(&self.transport, socket => socket.writable().await)
    }

    /// Reads what is there; 0 at the end.
    ///
    /// Reading an encrypted connection can make something to send: see [`Socket::flush`].
    pub(super) fn read(&self, bytes: &mut [u8]) -> io::Result<usize> {
        let Some(mut encryption) = self.encryption() else {
            return (&self.transport).read(bytes);
        };
        loop {
            match encryption.reader().read(bytes) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                // An end without the farewell of TLS is an end: what a message is, WebSocket frames say.
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(0),
                outcome => return outcome,
            }
            encryption.read_tls(&mut &self.transport)?;
            if let Err(error) = encryption.process_new_packets() {
                // The other end is told why, if it still listens.
                let _ = encryption.write_tls(&mut &self.transport);
                return Err(io::Error::new(io::ErrorKind::InvalidData, error));
            }
        }
    }

    /// Writes as much of `slices` as the socket takes, or as can be encrypted at once; what it took is not given back.
    pub(super) fn write(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        let Some(mut encryption) = self.encryption() else {
            return (&self.transport).write_vectored(slices);
        };
        self.write_sealed(&mut encryption)?;
        let count = encryption.writer().write_vectored(slices)?;
        match self.write_sealed(&mut encryption) {
            // It is encrypted, so it counts as sent; the next write or flush says that the socket is full.
            Err(error) if error.kind() != io::ErrorKind::WouldBlock => Err(error),
            _ => Ok(count),
        }
    }

    /// Sends what is encrypted and still waits.
    pub(super) fn flush(&self) -> io::Result<()> {
        match self.encryption() {
            Some(mut encryption) => self.write_sealed(&mut encryption),
            None => Ok(()),
        }
    }

    /// Whether something is encrypted that waits for a flush.
    pub(super) fn needs_flush(&self) -> bool {
        self.encryption().is_some_and(|encryption| encryption.wants_write())
    }

    /// Ends the direction towards the other end, which learns by this that nothing more comes.
    pub(super) fn shut(&self) {
        if let Some(mut encryption) = self.encryption() {
            encryption.send_close_notify();
            let _ = self.write_sealed(&mut encryption);
        }
        // Whether the other end is still there to learn it is its affair.
        let _ = each!(&self.transport, socket => shutdown(socket, Shutdown::Write));
    }

    fn encryption(&self) -> Option<MutexGuard<'_, ServerConnection>> {
        let encryption = self.encryption.as_ref()?;
        Some(encryption.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn write_sealed(&self, encryption: &mut ServerConnection) -> io::Result<()> {
        while encryption.wants_write() {
            encryption.write_tls(&mut &self.transport)?;
        }
        Ok(())
    }
}

impl Read for &Transport {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let mut last = None;
        let outcome = each!(self, socket => socket.try_io(Interest::READABLE, || {
            let count = recv(socket, &mut *bytes, RecvFlags::empty())?.0;
            if count == 0 || count == bytes.len() {
                return Ok(count);
            }
            // The socket is empty now. Said here, this saves the call that would find it out; what arrives meanwhile makes
            // it readable anew.
            last = Some(count);
            Err(io::ErrorKind::WouldBlock.into())
        }));
        last.map_or(outcome, Ok)
    }
}

impl Write for &Transport {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        each!(self, socket => socket.try_write(bytes))
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        match slices {
            // The common case: a gathering write costs the kernel more.
            [slice] => self.write(slice),
            _ => each!(self, socket => socket.try_write_vectored(slices)),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
