//! A room with one peer: what the link tells is stored and acknowledged, what is stored is sent.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use serde_json::Value;
use tokio::sync::{mpsc, watch};

use super::arriving::Incoming;
use super::leaving::Outcome;
use super::{Entered, Happening, Room};
use crate::bridge::store::outbox::Outgoing;
use crate::p2p::{Envelope, Link, LinkEvent};

/// Things that are stored in one transaction.
const MOST_AT_ONCE: usize = 256;

/// Acknowledgements on their way. One that does not fit is left out: the other side sends its message again after the next
/// connection, and is told then. To wait here instead would stop both sides when each waits for the other to read.
const ACKNOWLEDGEMENTS: usize = 4096;

/// Serves the room until its link is closed.
pub(super) fn run(room: &Arc<Room>, link: &Link, events: mpsc::Receiver<LinkEvent>) {
    let (acknowledge, acknowledged) = mpsc::channel(ACKNOWLEDGEMENTS);
    let lifecycle = room.lifecycle.clone();
    let (receiving, sending) = (Arc::clone(room), Arc::clone(room));
    let (ack_link, send_link) = (link.clone(), link.clone());
    lifecycle.spawn("bridge acknowledgements", acknowledging(ack_link, acknowledged));
    lifecycle.spawn("bridge sending", async move {
        let closing = sending.closing.clone();
        tokio::select! {
            () = pump(&sending, &send_link) => {}
            () = closing.cancelled() => {}
        }
        sending.outcomes.keep_all();
    });
    lifecycle.spawn("bridge room", receive(receiving, events, acknowledge));
}

async fn acknowledging(link: Link, mut acknowledged: mpsc::Receiver<Value>) {
    while let Some(id) = acknowledged.recv().await {
        if let Ok(envelope) = Envelope::ack(link.author(), &id) {
            // Lost with the connection, it is told again when the message comes again.
            let _ = link.send(&envelope).await;
        }
    }
}

async fn receive(room: Arc<Room>, mut events: mpsc::Receiver<LinkEvent>, acknowledge: mpsc::Sender<Value>) {
    let mut batch = Vec::new();
    while events.recv_many(&mut batch, MOST_AT_ONCE).await > 0 {
        let mut incoming = Vec::new();
        let mut ids = Vec::new();
        for event in batch.drain(..) {
            match event {
                LinkEvent::Received { text, value, refused } => {
                    let id = value.get("id").filter(|id| !id.is_null()).cloned();
                    let item = Incoming::of(&text, value);
                    if let (Incoming::Message(_), Some(id)) = (&item, id) {
                        ids.push(id);
                    }
                    match refused {
                        None => incoming.push(item),
                        Some(refusal) => {
                            let message = format!("a message was not delivered: {refusal}");
                            room.tell(Happening::Error { message }).await;
                        }
                    }
                }
                other => {
                    // In the order in which it happened.
                    settle(&room, &mut incoming, &mut ids, &acknowledge).await;
                    react(&room, other).await;
                }
            }
        }
        settle(&room, &mut incoming, &mut ids, &acknowledge).await;
    }
    room.closing.cancel();
}

/// Stores what came, and acknowledges it.
async fn settle(
    room: &Arc<Room>,
    incoming: &mut Vec<Incoming>,
    ids: &mut Vec<Value>,
    acknowledge: &mpsc::Sender<Value>,
) {
    let ids = std::mem::take(ids);
    let incoming = std::mem::take(incoming);
    if !incoming.is_empty()
        && let Err(error) = room.take_in(incoming, None).await
    {
        // Not acknowledged, so the other side sends it again after the next connection.
        tracing::error!(%error, "messages of a peer were not stored");
        return;
    }
    for id in ids {
        // See `ACKNOWLEDGEMENTS`.
        let _ = acknowledge.try_send(id);
    }
}

async fn react(room: &Arc<Room>, event: LinkEvent) {
    let happening = match event {
        LinkEvent::Room { room_id } => {
            enter(&room.entered, Entered::In);
            Happening::Room { room_id }
        }
        LinkEvent::Connected { peer, permission } => {
            room.connected_once().await;
            room.tell(Happening::Connected {
                peer,
                permission: permission.to_string(),
            })
            .await;
            // Each connection begins with what was not acknowledged on the one before.
            room.connections.send_modify(|count| *count += 1);
            return;
        }
        LinkEvent::PermissionChanged { permission } => return room.tell_level(permission).await,
        LinkEvent::Disconnected { reason } => {
            room.outcomes.keep_all();
            enter(&room.entered, Entered::Not(reason.clone()));
            Happening::Disconnected { reason }
        }
        LinkEvent::Reconnecting { attempt } => Happening::Reconnecting { attempt },
        LinkEvent::TimedOut => Happening::Timeout,
        LinkEvent::Error { message } => {
            enter(&room.entered, Entered::Not(message.clone()));
            Happening::Error { message }
        }
        LinkEvent::GaveUp { attempts } => Happening::GaveUp { attempts },
        LinkEvent::Closed => {
            enter(&room.entered, Entered::Not("closed".to_owned()));
            Happening::Closed
        }
        LinkEvent::Role { .. } | LinkEvent::Received { .. } => return,
    };
    room.tell(happening).await;
}

/// The first word counts: whoever asked for the room is told it.
fn enter(entered: &watch::Sender<Entered>, how: Entered) {
    entered.send_if_modified(|now| {
        let is_first = *now == Entered::Waiting;
        if is_first {
            *now = how;
        }
        is_first
    });
}

/// Sends what is in the outbox, in order, once for each connection. A message is only ever sent on the connection that its
/// predecessors were sent on: one that went over a new connection before what was lost with the old one would overtake it.
async fn pump(room: &Arc<Room>, link: &Link) {
    let mut connections = room.connections.subscribe();
    let (mut connection, mut sent) = (0, 0);
    loop {
        connections.borrow_and_update();
        let status = link.status();
        if status.connections != connection {
            (connection, sent) = (status.connections, 0);
            room.sent.store(0, Ordering::Release);
            introduce(room, link).await;
        }
        let waiting = if status.connected {
            room.waiting_after(sent).await
        } else {
            Ok(Vec::new())
        };
        let waiting = waiting.unwrap_or_else(|error| {
            tracing::error!(%error, "the outbox of a room cannot be read");
            Vec::new()
        });
        let is_stuck = waiting.is_empty() || !send_all(room, link, connection, waiting, &mut sent).await;
        // What was put into the outbox meanwhile has left a permit, and a new connection a change.
        if is_stuck && link.status().connections == connection {
            tokio::select! {
                () = room.wants_sending.notified() => {}
                _ = connections.changed() => {}
            }
        }
    }
}

/// Sends messages over a connection. False when it is gone; then the rest is kept.
async fn send_all(room: &Arc<Room>, link: &Link, connection: u64, waiting: Vec<Outgoing>, sent: &mut i64) -> bool {
    for outgoing in waiting {
        let Ok(envelope) = Envelope::from_text(&outgoing.text) else {
            // Taken over from an original, which would not have sent it either.
            drop(room.give_up(&outgoing, "it is no message".to_owned()).await);
            continue;
        };
        // Before it leaves, since the acknowledgement may be faster than this task.
        room.sent.store(outgoing.number, Ordering::Release);
        match link.send_on(connection, &envelope).await {
            Ok(()) => room.outcomes.tell(outgoing.number, Outcome::Sent),
            Err(error) if error.is_final() => {
                if let Err(error) = room.give_up(&outgoing, error.to_string()).await {
                    tracing::error!(%error, "a message that cannot be sent stays in the outbox");
                }
            }
            Err(_) => {
                room.outcomes.keep_all();
                return false;
            }
        }
        *sent = outgoing.number;
    }
    true
}

/// Tells a peer who is here, once for each run of the bridge. Not kept: it is told anew when there is somebody new.
async fn introduce(room: &Room, link: &Link) {
    let Some(intro) = room.options.intro.as_deref().filter(|intro| !intro.is_empty()) else {
        return;
    };
    if !room.introduced.swap(true, Ordering::Relaxed)
        && let Ok(envelope) = Envelope::intro(link.author(), intro)
        && let Err(error) = link.send(&envelope).await
    {
        tracing::debug!(%error, "the introduction was not sent");
    }
}
