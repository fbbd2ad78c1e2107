//! The guest that a peer is while one connection to it is up.

use std::collections::VecDeque;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::{BoxFuture, OptionFuture};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::inbound;
use super::outbound::Message;
use super::place::Served;
use super::shown::{Shown, texts};
use super::window::Window;
use crate::domain::{AgentId, AgentNumber, EndReason, MessageId, Name, Permission, Refusal, SessionId};
use crate::hub::acts::{AdmitGuest, CloseSession, GuestSays, RecordPosition, SetGuestLevel};
use crate::hub::{Caller, Feed, Hub, Position, Target};
use crate::p2p::{Envelope, Link, LinkEvent, SendError};
use crate::runtime::metrics::{Carried, CarriedLabels};

/// Acknowledgements that wait to be sent; at so many nothing more is read from the peer.
const MOST_ACKS: usize = 1024;

/// How long a position that the peer has reached may be known in memory only. After a crash it is sent again what it
/// acknowledged since, under the same ids.
const RECORD_AFTER: Duration = Duration::from_millis(250);

/// How long the first acknowledgement of a peer is waited for that has as many messages as the window holds.
const SILENCE: Duration = Duration::from_secs(5);

/// How long to wait before something is said again, after the disk refused.
const RETRY: Duration = Duration::from_secs(1);

/// The longest wait for a rate limit before it is asked again.
const LONGEST_LIMIT: Duration = Duration::from_secs(10);

/// How a connection ended.
pub(super) enum End {
    /// The peer is gone and may come back.
    Disconnected,
    /// The peer is there anew: what it calls itself, and its level.
    Connected(String, Permission),
    /// The guest was sent away for good.
    SentAway(AgentId),
    /// The gateway stops, or the place is gone.
    Stopped,
}

/// What there is to do next.
enum Step {
    Stopped,
    Ended(EndReason),
    Unreadable,
    Permission,
    Record,
    Silent,
    Event(Option<LinkEvent>),
    Piece(Option<Bytes>),
    Sent((Sending, Result<(), SendError>)),
}

/// What is on its way to the peer.
enum Sending {
    /// An acknowledgement.
    Ack,
    /// The first of the messages that wait, under this id.
    Message { id: String },
    /// What the peer is told instead of that, under the same id.
    Notice { id: String },
}

/// A guest and the connection to its peer.
pub(super) struct Talk {
    hub: Hub,
    link: Link,
    /// The number of the connection: nothing goes over a later one, at whose beginning all that is missing is sent again.
    connection: u64,
    /// What the peer calls itself.
    peer: String,
    name: Name,
    id: AgentId,
    number: AgentNumber,
    session: SessionId,
    shown: Arc<Shown>,
    feed: Arc<Feed>,
    window: Window,
    recorded: u64,
    record_at: Option<Instant>,
    /// Acknowledgements for the peer, the oldest first. They go before messages.
    acks: VecDeque<Envelope>,
    /// Messages of the piece that is being handed on.
    messages: VecDeque<Message>,
    /// What the peer is told instead of the first of them, and under which id.
    notice: Option<(Envelope, String)>,
    /// When a peer that has not acknowledged anything is taken to have no acknowledgements.
    silent_at: Option<Instant>,
    /// The connection takes nothing more.
    is_lost: bool,
}

impl Talk {
    /// Lets the peer in as the guest of its place, and has it shown everything after what it has.
    pub(super) async fn begin(served: &Served, link: &Link, peer: &str, level: Permission) -> Result<Self, String> {
        let connection = link.status().connections;
        let (hub, place) = (&served.hub, &served.place);
        let limit = hub.limits().name_length;
        let short: String = peer.trim().chars().take(limit as usize).collect();
        let name = Name::parse(&short, limit).or_else(|_| Name::parse("peer", limit));
        let name = name.map_err(|problem| problem.to_string())?;
        let shown = Arc::new(Shown::default());
        let feed = Feed::new(Arc::clone(&shown) as Arc<dyn crate::hub::Link>);
        let session = hub.next_session();
        // Held back before the session is live: what happens in between is neither missed nor shown twice.
        let prepared = hub.prepare(&feed, Target::Room(Some(place.room)));
        let prepared = prepared.ok_or_else(|| "the room is gone".to_owned())?;
        let admit = AdmitGuest {
            link: place.link,
            name,
            level,
            session,
            feed: Arc::clone(&feed),
        };
        let admitted = hub
            .perform(Caller::Server, admit)
            .await
            .map_err(|refusal| refusal.to_string())?;
        tracing::info!(agent.id = %admitted.id, room.id = %admitted.room, opening.id = %place.opening, "a peer came in");
        let talk = Self {
            hub: hub.clone(),
            link: link.clone(),
            connection,
            peer: peer.trim().to_owned(),
            name: admitted.name,
            id: admitted.id,
            number: admitted.number,
            session,
            shown,
            feed,
            window: Window::new(admitted.seq, served.settings.unacknowledged),
            recorded: admitted.seq,
            record_at: None,
            acks: VecDeque::new(),
            messages: VecDeque::new(),
            notice: None,
            silent_at: None,
            is_lost: false,
        };
        let since = Position {
            epoch: Some(hub.epoch()),
            seq: admitted.seq,
        };
        match hub.follow(talk.caller(), &talk.feed, prepared, Some(since)).await {
            Ok((_, beginning)) => hub.begin(&talk.feed, &beginning),
            Err(refusal) => {
                talk.leave(served).await;
                return Err(refusal.to_string());
            }
        }
        hub.metrics().p2p_guests.inc();
        Ok(talk)
    }

    fn caller(&self) -> Caller {
        Caller::Session {
            session: self.session,
            agent: self.number,
        }
    }

    /// Carries what is said in both directions until the connection or the guest is gone.
    pub(super) async fn run(
        mut self,
        served: &mut Served,
        events: &mut mpsc::Receiver<LinkEvent>,
    ) -> Result<End, String> {
        let end = self.carry(served, events).await;
        self.hub.metrics().p2p_guests.dec();
        self.leave(served).await;
        end
    }

    /// Notes how far the peer has got, and that its session is gone.
    async fn leave(&self, served: &Served) {
        self.record(served).await;
        let close = CloseSession { session: self.session };
        self.hub.submit(Caller::Server, close, Box::new(|_, _| {})).await;
    }

    async fn record(&self, served: &Served) {
        let seq = self.window.position();
        if seq > self.recorded {
            let record = RecordPosition {
                link: served.place.link,
                seq,
            };
            self.hub.submit(Caller::Server, record, Box::new(|_, _| {})).await;
        }
    }

    async fn carry(&mut self, served: &mut Served, events: &mut mpsc::Receiver<LinkEvent>) -> Result<End, String> {
        let (hub, feed, shown) = (self.hub.clone(), Arc::clone(&self.feed), Arc::clone(&self.shown));
        let mut keep_up = pin!(hub.keep_up(&feed));
        // Sent beside everything else: two that only send to each other would wait for each other.
        let mut sending: OptionFuture<BoxFuture<'static, _>> = None.into();
        let mut is_sending = false;
        loop {
            if !is_sending && let Some((envelope, what)) = self.next_to_send().await {
                let (link, connection) = (self.link.clone(), self.connection);
                let send: BoxFuture<'static, _> =
                    Box::pin(async move { (what, link.send_on(connection, &envelope).await) });
                (sending, is_sending) = (Some(send).into(), true);
            }
            let (record_at, silent_at) = (self.record_at, self.silence());
            let step = tokio::select! {
                () = served.stop.cancelled() => Step::Stopped,
                reason = shown.ended() => Step::Ended(reason),
                () = &mut keep_up => Step::Unreadable,
                changed = served.permission.changed() => if changed.is_ok() { Step::Permission } else { Step::Stopped },
                () = tokio::time::sleep_until(record_at.unwrap_or_else(Instant::now)), if record_at.is_some() => Step::Record,
                () = tokio::time::sleep_until(silent_at.unwrap_or_else(Instant::now)), if silent_at.is_some() => Step::Silent,
                event = events.recv(), if self.acks.len() < MOST_ACKS => Step::Event(event),
                piece = shown.next(), if self.messages.is_empty() && !self.is_lost => Step::Piece(piece),
                Some(sent) = &mut sending, if is_sending => Step::Sent(sent),
            };
            match step {
                Step::Stopped => return Ok(End::Stopped),
                Step::Ended(reason) => return self.ended(&reason),
                Step::Unreadable => return Err("history cannot be read".to_owned()),
                Step::Permission => {
                    let permission = *served.permission.borrow_and_update();
                    self.link.set_permission(permission).await;
                }
                Step::Record => {
                    self.record(served).await;
                    (self.recorded, self.record_at) = (self.window.position(), None);
                }
                Step::Silent => {
                    self.window.expect_no_acknowledgements();
                    self.note_position();
                }
                Step::Event(event) => {
                    if let Some(end) = self.hear(served, event).await? {
                        return Ok(end);
                    }
                }
                Step::Piece(None) => {}
                Step::Piece(Some(piece)) => {
                    self.messages.extend(texts(&piece).filter_map(Message::read));
                    if self.messages.is_empty() {
                        self.shown.done();
                    }
                }
                Step::Sent((what, outcome)) => {
                    (sending, is_sending) = (None.into(), false);
                    self.sent(what, outcome);
                }
            }
        }
    }

    /// The room model has ended the session.
    fn ended(&self, reason: &EndReason) -> Result<End, String> {
        match reason {
            EndReason::Kicked(_) | EndReason::Banned(_) | EndReason::Revoked => {
                tracing::info!(agent.id = %self.id, "a peer was sent away");
                Ok(End::SentAway(self.id))
            }
            EndReason::ShuttingDown | EndReason::Restarting => Ok(End::Stopped),
            _ => Err("the session was ended".to_owned()),
        }
    }

    fn count(&self, direction: Carried) {
        let labels = CarriedLabels { what: direction };
        self.hub.metrics().p2p_messages.get_or_create(&labels).inc();
    }
}

/// What comes from the peer.
impl Talk {
    async fn hear(&mut self, served: &Served, event: Option<LinkEvent>) -> Result<Option<End>, String> {
        match event {
            Some(LinkEvent::Received { text, refused, .. }) => self.listen(served, &text, refused.is_some()).await,
            Some(LinkEvent::PermissionChanged { permission }) => {
                let level = SetGuestLevel {
                    link: served.place.link,
                    level: permission,
                };
                self.hub.submit(Caller::Server, level, Box::new(|_, _| {})).await;
            }
            Some(LinkEvent::Disconnected { reason }) => {
                tracing::info!(agent.id = %self.id, reason, "a peer is gone");
                return Ok(Some(End::Disconnected));
            }
            Some(LinkEvent::Connected { peer, permission }) => return Ok(Some(End::Connected(peer, permission))),
            Some(LinkEvent::Error { message }) => {
                tracing::debug!(agent.id = %self.id, message, "a link to a peer has trouble");
            }
            Some(LinkEvent::GaveUp { .. } | LinkEvent::Closed) | None => {
                return Err("the link closed by itself".to_owned());
            }
            Some(
                LinkEvent::Room { .. } | LinkEvent::Role { .. } | LinkEvent::Reconnecting { .. } | LinkEvent::TimedOut,
            ) => {}
        }
        Ok(None)
    }

    /// Says in the room what the peer sent, and acknowledges it when it is stored or will never be.
    async fn listen(&mut self, served: &Served, text: &str, is_refused: bool) {
        let incoming = inbound::read(text, &self.peer, &self.name, self.hub.limits());
        if let Some(id) = &incoming.acknowledges {
            self.window.acknowledge(id);
            return self.note_position();
        }
        let settled = match incoming.says {
            _ if is_refused => {
                self.count(Carried::Refused);
                true
            }
            Some(says) => self.say(served, says).await,
            None => true,
        };
        if let Some(id) = incoming.id.filter(|_| settled)
            && let Ok(ack) = Envelope::ack(self.link.author(), &id)
        {
            self.acks.push_back(ack);
        }
    }

    /// Whether it is settled, one way or the other, so that the peer need not send it again.
    async fn say(&self, served: &Served, says: GuestSays) -> bool {
        loop {
            let wait = match self.hub.perform(self.caller(), says.clone()).await {
                Ok(_) => {
                    self.count(Carried::Received);
                    return true;
                }
                Err(Refusal::Limited { retry_after_ms, .. }) => {
                    Duration::from_millis(retry_after_ms.max(1)).min(LONGEST_LIMIT)
                }
                Err(Refusal::StorageUnavailable(_) | Refusal::StorageDamaged | Refusal::Internal(_)) => RETRY,
                // Sent again when the peer comes anew: the room may have been resumed by then.
                Err(Refusal::RoomPaused { .. } | Refusal::Stopping | Refusal::SessionEnded) => return false,
                Err(refusal) => {
                    tracing::info!(agent.id = %self.id, %refusal, "what a peer sent was refused");
                    self.count(Carried::Refused);
                    return true;
                }
            };
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                _ = self.shown.ended() => return false,
                () = served.stop.cancelled() => return false,
            }
        }
    }
}

/// What goes to the peer.
impl Talk {
    /// What is to be sent next; messages that are not for the peer are passed over.
    async fn next_to_send(&mut self) -> Option<(Envelope, Sending)> {
        if self.is_lost {
            return None;
        }
        if let Some(ack) = self.acks.pop_front() {
            return Some((ack, Sending::Ack));
        }
        if let Some((notice, id)) = self.notice.take() {
            return Some((notice, Sending::Notice { id }));
        }
        while let Some(message) = self.messages.front().filter(|_| self.window.has_room()) {
            // Its own words the peer has.
            if message.sender_id != self.id.to_string() && message.is_for_peers() {
                let (id, reply_to) = self.known(message).await;
                match message.envelope(&id, reply_to.as_deref()) {
                    Ok(envelope) => {
                        // Noted before it is sent: its acknowledgement may be here before the link says that it is on its way.
                        self.window.sent(message.seq, id.clone());
                        return Some((envelope, Sending::Message { id }));
                    }
                    Err(error) => tracing::warn!(%error, "a message has no form for peers"),
                }
            }
            self.window.skip(message.seq);
            self.handed_on();
        }
        None
    }

    /// The ids by which the peer knows a message and what it answers.
    async fn known(&self, message: &Message) -> (String, Option<String>) {
        let as_here = || (message.id.clone(), message.reply_to.clone());
        if message.reply_to.is_none() && message.origin.is_none() {
            return as_here();
        }
        let ids = [Some(message.id.as_str()), message.reply_to.as_deref()];
        let ids = ids.into_iter().flatten().filter_map(MessageId::parse).collect();
        match self.hub.known_to_peer(self.number, ids).await {
            Ok(known) => {
                let mut known = known.into_iter();
                (known.next().unwrap_or_default(), known.next())
            }
            Err(reason) => {
                tracing::warn!(%reason, "the ids of a peer's messages cannot be read");
                as_here()
            }
        }
    }

    /// What became of what [`Talk::next_to_send`] gave last.
    fn sent(&mut self, what: Sending, outcome: Result<(), SendError>) {
        match (what, outcome) {
            (_, Err(SendError::NotConnected | SendError::Closed)) => self.is_lost = true,
            (Sending::Ack, _) => {}
            (Sending::Message { .. }, Ok(())) => {
                self.count(Carried::Sent);
                self.handed_on();
            }
            (Sending::Message { id }, Err(refused)) => {
                self.count(Carried::Withheld);
                let notice = self.messages.front().and_then(|message| message.notice(&id, &refused));
                match notice {
                    Some(notice) => self.notice = Some((notice, id)),
                    None => self.withheld(&id),
                }
            }
            (Sending::Notice { .. }, Ok(())) => self.handed_on(),
            (Sending::Notice { id }, Err(_)) => self.withheld(&id),
        }
    }

    /// The first of the messages is not for the peer after all.
    fn withheld(&mut self, id: &str) {
        self.window.settle(id);
        self.handed_on();
    }

    /// The first of the messages needs nothing more.
    fn handed_on(&mut self) {
        self.messages.pop_front();
        if self.messages.is_empty() {
            self.shown.done();
        }
        self.note_position();
    }

    /// When to go on without the acknowledgements of a peer that has not given one yet, while they are waited for.
    fn silence(&mut self) -> Option<Instant> {
        if self.window.has_room() || self.window.acknowledges() {
            self.silent_at = None;
        } else {
            self.silent_at.get_or_insert_with(|| Instant::now() + SILENCE);
        }
        self.silent_at
    }

    fn note_position(&mut self) {
        if self.window.position() > self.recorded && self.record_at.is_none() {
            self.record_at = Some(Instant::now() + RECORD_AFTER);
        }
    }
}
