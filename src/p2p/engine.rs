//! The task of a link: does what the machine decides.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::client::{ClientError, Endpoint, Heard, TextSocket};
use crate::domain::Permission;
use crate::runtime::clock::Entropy;
use crate::runtime::lifecycle::Lifecycle;
use crate::signaling::frame::{FRAME_BYTES, PeerBody, PeerFrame, ServerFrame};

use super::calls::{Call, Held};
use super::conversation::beat;
use super::machine::{Action, Machine, Pulse};
use super::shared::Shared;
use super::transport::{Setup, Transport, TransportError};
use super::wire::Report;
use super::{LinkEvent, LinkOptions};

/// Reports of the connection on their way to this task; the connection waits when there are more.
const REPORTS: usize = 32;

/// Time for saying goodbye to the signaling server.
const GOODBYE: Duration = Duration::from_millis(200);

/// Time for the last messages to reach the other side when the link is closed.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// The socket is boxed because it is large.
type Dialed = Result<Box<TextSocket>, ClientError>;

type Dialing = Pin<Box<dyn Future<Output = Dialed> + Send>>;

/// The task of one link.
pub(super) struct Engine {
    pub(super) options: LinkOptions,
    pub(super) setup: Setup,
    pub(super) shared: Arc<Shared>,
    pub(super) lifecycle: Lifecycle,
    pub(super) entropy: Arc<dyn Entropy>,
    pub(super) events: mpsc::Sender<LinkEvent>,
    pub(super) levels: mpsc::Receiver<Permission>,
    /// Ends the link.
    pub(super) closing: CancellationToken,
    pub(super) machine: Machine,
    pub(super) socket: Option<Box<TextSocket>>,
    pub(super) dialing: Option<Dialing>,
    pub(super) call: Option<Call>,
    pub(super) held: Option<Held>,
    pub(super) calls: u64,
    pub(super) room_told: bool,
}

/// What happened.
enum Happening {
    Dialed(Dialed),
    FromServer(Result<Heard, String>),
    FromCall(u64, Report),
    Level(Permission),
    Time,
    Closing,
}

impl Engine {
    /// Runs until the link is closed.
    pub(super) async fn run(mut self) {
        let (sender, mut reports) = mpsc::channel(REPORTS);
        while !self.closing.is_cancelled() {
            let happening = self.next(&mut reports).await;
            self.machine.stir(self.chance());
            let actions = match happening {
                Happening::Closing => break,
                Happening::Dialed(dialed) => self.dialed(dialed),
                Happening::FromServer(heard) => self.hear_server(heard).await,
                Happening::FromCall(number, report) => self.hear_call(number, report).await,
                Happening::Level(level) => {
                    self.set_level(level).await;
                    Vec::new()
                }
                Happening::Time => {
                    let (now, pulse) = (self.now(), self.pulse());
                    self.machine.tick(now, pulse)
                }
            };
            self.perform(actions, &sender).await;
        }
        self.end().await;
    }

    async fn next(&mut self, reports: &mut mpsc::Receiver<(u64, Report)>) -> Happening {
        let wait = Duration::from_millis(self.machine.next_tick().saturating_sub(self.now()));
        let (socket, dialing) = (&mut self.socket, &mut self.dialing);
        let from_server = async {
            match socket {
                Some(socket) => socket.next().await,
                None => std::future::pending().await,
            }
        };
        let dialed = async {
            match dialing {
                Some(dialing) => dialing.await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = self.closing.cancelled() => Happening::Closing,
            // Nobody reads what happens any more.
            () = self.events.closed() => Happening::Closing,
            level = self.levels.recv() => level.map_or(Happening::Closing, Happening::Level),
            dialed = dialed => Happening::Dialed(dialed),
            heard = from_server => Happening::FromServer(heard),
            Some((number, report)) = reports.recv() => Happening::FromCall(number, report),
            () = tokio::time::sleep(wait) => Happening::Time,
        }
    }

    fn now(&self) -> u64 {
        self.shared.clock.steady_ms()
    }

    fn pulse(&self) -> Pulse {
        let now = self.now();
        let nobody = Pulse {
            heard: now,
            words: 0,
            beats: false,
        };
        self.call.as_ref().map_or(nobody, |call| call.signs.pulse(now))
    }

    /// A number from 0 to 1. Without random bytes the waits are the longest.
    fn chance(&self) -> f64 {
        let mut bytes = [0; 4];
        match self.entropy.fill(&mut bytes) {
            Ok(()) => f64::from(u32::from_le_bytes(bytes)) / f64::from(u32::MAX),
            Err(_) => 1.0,
        }
    }

    // What happened, and what the machine makes of it

    fn dialed(&mut self, dialed: Dialed) -> Vec<Action> {
        self.dialing = None;
        match dialed {
            Ok(socket) => {
                self.socket = Some(socket);
                Vec::new()
            }
            Err(error) => {
                let now = self.now();
                let problem = match error {
                    ClientError::Connect { problem, .. } => format!("Signaling: {problem}"),
                    other => format!("Signaling: {other}"),
                };
                self.machine.signal_lost(now, Some(problem))
            }
        }
    }

    async fn hear_server(&mut self, heard: Result<Heard, String>) -> Vec<Action> {
        let (now, pulse) = (self.now(), self.pulse());
        self.machine.heard_server(now);
        let text = match heard {
            Ok(Heard::Text(text)) => text,
            Ok(Heard::Life) => return Vec::new(),
            // The server has said why before, or there is no reason that would help.
            Err(_) => return self.machine.signal_lost(now, None),
        };
        match ServerFrame::parse(&text) {
            Ok(Some(ServerFrame::Ready { role, room })) => {
                let mut actions = Vec::new();
                if !self.room_told {
                    self.room_told = true;
                    let room_id = room.as_str().to_owned();
                    self.options.room = Some(room_id.clone());
                    actions.push(Action::Tell(LinkEvent::Room { room_id }));
                }
                actions.extend(self.machine.entered(now, role));
                actions
            }
            Ok(Some(ServerFrame::PeerJoined)) => self.machine.peer_joined(now, pulse),
            Ok(Some(ServerFrame::PeerLeft)) => self.machine.peer_left(now, pulse),
            Ok(Some(ServerFrame::Error(told))) => vec![error(format!("Server: {told}"))],
            Ok(Some(ServerFrame::Peer(frame))) => self.hear_peer(now, pulse, frame.body).await,
            Ok(None) => Vec::new(),
            Err(problem) => vec![error(format!("Signaling: {problem}"))],
        }
    }

    async fn hear_peer(&mut self, now: u64, pulse: Pulse, body: PeerBody) -> Vec<Action> {
        match body {
            PeerBody::Offer(offer) => {
                let call = self.call.as_ref().map(|call| &call.transport);
                let is_same = call.is_some_and(|transport| transport.is_with(&offer));
                let awaits_answer = call.is_some_and(Transport::awaits_answer);
                let actions = self.machine.offered(now, is_same, awaits_answer, pulse);
                if !actions.is_empty() {
                    self.held = Some(Held::new(offer, self.options.limits.candidates));
                }
                actions
            }
            PeerBody::Answer(answer) => match &mut self.call {
                Some(call) if call.transport.awaits_answer() => {
                    match call.transport.take_answer(&self.setup, &answer).await {
                        Ok(()) => Vec::new(),
                        // What was not understood may be followed by what is; if not, the time for the call runs out.
                        Err(problem) => vec![error(problem.to_string())],
                    }
                }
                // An answer that nobody waits for is late or made up.
                _ => Vec::new(),
            },
            PeerBody::Ice(candidate) => {
                match (&mut self.held, &mut self.call) {
                    (Some(held), _) => held.add(candidate.candidate),
                    (None, Some(call)) => call.transport.take_candidate(&candidate.candidate).await,
                    (None, None) => {}
                }
                Vec::new()
            }
        }
    }

    async fn hear_call(&mut self, number: u64, report: Report) -> Vec<Action> {
        if self.call.as_ref().is_none_or(|call| call.number != number) {
            // From a connection that was dropped meanwhile.
            return Vec::new();
        }
        let now = self.now();
        match report {
            Report::Candidate(candidate) => {
                self.send(&PeerFrame::ice(candidate)).await;
                Vec::new()
            }
            Report::Up => {
                self.machine.call_up(now);
                Vec::new()
            }
            Report::Disturbed => self.machine.disturbed(now),
            Report::Down { is_told } => self.machine.call_down(now, "datachannel-closed", is_told),
        }
    }

    async fn set_level(&mut self, level: Permission) {
        self.options.permission = level;
        match &self.call {
            // Read by a task that waits for nothing but its peer and its reader.
            Some(call) => drop(call.levels.send(level).await),
            None => self.shared.update(|status| status.permission = level),
        }
    }

    // What is to be done

    async fn perform(&mut self, actions: Vec<Action>, reports: &mpsc::Sender<(u64, Report)>) {
        let mut left: VecDeque<Action> = actions.into();
        while let Some(action) = left.pop_front() {
            match action {
                Action::Dial => self.dial(),
                Action::HangUp => {
                    self.dialing = None;
                    if let Some(socket) = self.socket.take() {
                        socket.close(GOODBYE).await;
                    }
                }
                Action::PingServer => {
                    if let Some(socket) = &mut self.socket {
                        drop(timeout(self.options.intervals.signaling, socket.ping()).await);
                    }
                }
                Action::Offer => left.extend(self.offer(reports).await),
                Action::Answer => left.extend(self.answer(reports).await),
                Action::Renegotiate => left.extend(self.renegotiate().await),
                // It was kept when it came.
                Action::Hold => {}
                Action::Release => self.held = None,
                Action::DropCall => self.drop_call().await,
                Action::Ping => {
                    if let Some(live) = self.shared.live() {
                        // A channel that is full will say in its own time whether anybody is there.
                        drop(
                            live.channel
                                .try_send_text(&beat("_ping", self.shared.author.now_ms()))
                                .await,
                        );
                    }
                }
                Action::Tell(event) => self.tell(event).await,
                Action::Close => self.closing.cancel(),
            }
        }
    }

    fn dial(&mut self) {
        let base = &self.options.signal_url;
        let url = match &self.options.room {
            Some(room) => format!("{}/{room}", base.trim_end_matches('/')),
            None => base.clone(),
        };
        let endpoint = match &self.options.trust {
            Some(trust) => Endpoint::parse_trusting(&url, trust),
            None => Endpoint::parse(&url),
        };
        let patience = self.options.intervals.signaling;
        self.dialing = Some(Box::pin(async move {
            TextSocket::open(&endpoint?, FRAME_BYTES, patience).await.map(Box::new)
        }));
    }

    async fn offer(&mut self, reports: &mpsc::Sender<(u64, Report)>) -> Vec<Action> {
        match Transport::offer(&self.setup).await {
            Ok((transport, happenings, offer)) => {
                self.begin(transport, happenings, reports);
                self.send(&PeerFrame::offer(offer)).await;
                Vec::new()
            }
            Err(problem) => self.failed(&problem),
        }
    }

    async fn answer(&mut self, reports: &mpsc::Sender<(u64, Report)>) -> Vec<Action> {
        let Some(held) = self.held.take() else {
            return Vec::new();
        };
        match Transport::answer(&self.setup, &held.offer).await {
            Ok((mut transport, happenings, answer)) => {
                for candidate in held.candidates {
                    transport.take_candidate(&candidate).await;
                }
                self.begin(transport, happenings, reports);
                self.send(&PeerFrame::answer(answer)).await;
                Vec::new()
            }
            Err(problem) => self.failed(&problem),
        }
    }

    async fn renegotiate(&mut self) -> Vec<Action> {
        let (Some(held), Some(call)) = (self.held.take(), &mut self.call) else {
            return Vec::new();
        };
        match call.transport.renegotiate(&self.setup, &held.offer).await {
            Ok(Some(answer)) => {
                self.send(&PeerFrame::answer(answer)).await;
                Vec::new()
            }
            Ok(None) => Vec::new(),
            Err(problem) => vec![error(problem.to_string())],
        }
    }

    fn failed(&mut self, problem: &TransportError) -> Vec<Action> {
        let now = self.now();
        self.machine.call_failed(now, problem.to_string())
    }

    async fn drop_call(&mut self) {
        if let Some(call) = self.call.take() {
            // Nothing more is told by it, so what is told next comes after all that it told.
            call.end().await;
        }
        self.shared.disconnected();
    }

    async fn send(&mut self, frame: &PeerFrame) {
        if let Some(socket) = &mut self.socket {
            // A socket that does not take it is broken, which the next read tells.
            drop(timeout(self.options.intervals.signaling, socket.send(frame.to_text())).await);
        }
    }

    /// Tells the user; waits until there is room for it, but not when the link is closing.
    async fn tell(&mut self, event: LinkEvent) {
        let attempt = self.machine.attempt();
        self.shared.update(|status| match &event {
            LinkEvent::Room { room_id } => status.room_id = Some(room_id.clone()),
            LinkEvent::Role { role } => status.role = Some(*role),
            LinkEvent::Reconnecting { .. } => {
                status.reconnecting = true;
                status.attempt = attempt;
            }
            _ => {}
        });
        tokio::select! {
            biased;
            told = self.events.send(event) => drop(told),
            () = self.closing.cancelled() => {}
        }
    }

    async fn end(mut self) {
        if let Some(live) = self.shared.live() {
            // What was sent before the link was closed is on its way; it should arrive.
            drop(timeout(LAST_WORDS, all_said(&*live.channel)).await);
        }
        self.drop_call().await;
        if let Some(socket) = self.socket.take() {
            socket.close(GOODBYE).await;
        }
        self.shared.close();
        drop(self.events.try_send(LinkEvent::Closed));
    }
}

/// Waits until the other side has acknowledged all that was sent to it.
async fn all_said(channel: &dyn webrtc::data_channel::DataChannel) {
    let mut look = tokio::time::interval(Duration::from_millis(5));
    while channel.outstanding_bytes().await.is_ok_and(|bytes| bytes > 0) {
        look.tick().await;
    }
}

fn error(message: String) -> Action {
    Action::Tell(LinkEvent::Error { message })
}
