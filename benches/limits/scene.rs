//! A server with a sender and its receivers, in wardroom or in the reference.

use super::agents::{self, saying};
use super::load::{Clients, News};
use super::process::{Directory, Process};
use super::wire::{self, Kind};

/// The client that sends.
const SENDER: usize = 0;

/// One sender, and the others hear it.
pub struct Scene {
    server: Process,
    clients: Clients,
    /// What is sent, again and again.
    frame: Vec<u8>,
    /// Whether the sender gets answers.
    answers: bool,
    _directory: Option<Directory>,
}

impl Scene {
    /// `receivers` members of a room of wardroom, and one more who speaks.
    pub fn wardroom(receivers: usize, content: &str) -> anyhow::Result<Self> {
        let directory = Directory::new()?;
        let server = Process::wardroom(directory.path())?;
        let keys = agents::invite(&server, receivers + 1)?;
        let mut clients = agents::enter(&server, &keys)?;
        let room = agents::common_room(&mut clients)?;
        Ok(Self {
            server,
            clients,
            frame: saying(&room, content),
            answers: true,
            _directory: Some(directory),
        })
    }

    /// The same on the bare server, which sends events of `bytes` bytes.
    pub fn reference(receivers: usize, content: &str, bytes: usize) -> anyhow::Result<Self> {
        let server = Process::reference(&["broadcast", "--bytes", &bytes.to_string()])?;
        let clients = Clients::open(server.address(), receivers + 1)?;
        Ok(Self {
            server,
            clients,
            frame: saying("00000000-0000-4000-8000-000000000000", content),
            answers: false,
            _directory: None,
        })
    }

    /// The bytes of one event.
    pub fn event_bytes(&mut self) -> anyhow::Result<usize> {
        self.clients.send(SENDER, &self.frame)?;
        let (mut bytes, mut waiting) = (0, self.clients.len());
        while waiting > 0 {
            self.clients.turn(|_, news| {
                if let News::Text(text) = news {
                    waiting -= 1;
                    if wire::kind(text)? == Kind::Event {
                        bytes = text.len();
                    }
                }
                Ok(())
            })?;
        }
        Ok(bytes)
    }

    /// Sends `messages`, of which `in_flight` are on their way at one time: CPU time of the server for each delivery, in
    /// microseconds. A message is on its way until the last receiver has it.
    pub fn cost(&mut self, messages: usize, in_flight: usize) -> anyhow::Result<f64> {
        let receivers = self.clients.len() - 1;
        let burst = self.frame.repeat(in_flight);
        // How many receivers have not got the message, and which message each gets next.
        let mut missing = vec![receivers; messages];
        let mut next = vec![0_usize; receivers + 1];
        let (mut sent, mut done, mut answered) = (0, 0, 0);
        let before = self.server.cpu()?;
        while done < messages || self.answers && answered < messages {
            let count = (messages - sent).min(in_flight - (sent - done));
            if count > 0 {
                self.clients.send(SENDER, &burst[..count * self.frame.len()])?;
                sent += count;
            }
            self.clients.turn(|client, news| {
                let News::Text(text) = news else { return Ok(()) };
                if client == SENDER {
                    answered += usize::from(agents::is_done(text)?);
                    return Ok(());
                }
                let message = next[client];
                next[client] += 1;
                missing[message] -= 1;
                Ok(())
            })?;
            while missing.get(done) == Some(&0) {
                done += 1;
            }
        }
        let used = self.server.cpu()?.micros_since(&before);
        Ok(used / (messages * receivers) as f64)
    }
}
