//! The WebSockets of clients that look for each other.

use std::net::IpAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use axum::Json;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{Method, Response, header};
use axum::response::IntoResponse;
use bytes::Bytes;
use futures_util::FutureExt;
use serde_json::json;
use tokio::sync::Notify;

use super::incoming::{End, Incoming, Input};
use super::outbox::Outbox;
use super::stream::Stream;
use super::{Door, Front, frame, router};
use crate::domain::EndReason;
use crate::hub::Link;
use crate::protocol::CloseCode;
use crate::runtime::metrics::CloseLabels;
use crate::signaling::frame::{FRAME_BYTES, ServerFrame};
use crate::signaling::{BadRoomName, Expiry, Outlet, Refusal, RoomName, Rooms, Seat, room_of};

/// How long the other end has to answer a close frame, and to read what it was told before.
const LINGER: Duration = Duration::from_secs(1);

/// How long a client of a full room has to show that it is alive, when somebody else wants to enter.
const PROBE: Duration = Duration::from_secs(5);

/// The codes under which connections are counted that the other end closed, or that just broke.
const CLOSED_BY_PEER: u16 = 1000;
const BROKEN: u16 = 1006;

/// What the endpoint needs.
type Shared = State<(Arc<Front>, Arc<Rooms>)>;

/// The room that a path names.
type Named = Result<Option<RoomName>, BadRoomName>;

/// Lets a client into the room that the path names.
pub(super) async fn enter(State((front, rooms)): Shared, request: Request) -> Response<Body> {
    let named = room_of(request.uri().path());
    router::upgrade(&Arc::clone(&front), request, move |(door, _), stream, early| {
        run(front, rooms, (door, named), stream, early)
    })
}

/// The same where there is nothing but signaling, and pages for the operator beside it. A room may have the name of a page.
pub(super) async fn enter_or_show(shared: Shared, request: Request) -> Response<Body> {
    let is_page = !request.headers().contains_key(header::UPGRADE)
        && (request.method() == Method::GET || request.method() == Method::HEAD);
    let State((front, rooms)) = &shared;
    match request.uri().path() {
        "/health" if is_page => {
            let (all, full) = rooms.count();
            Json(json!({ "status": "ok", "rooms": all, "rooms_active": full })).into_response()
        }
        "/metrics" if is_page => router::metrics_page(front.metrics.signaling_page()),
        _ => enter(shared, request).await,
    }
}

/// The far end of a client.
struct Client {
    outbox: Outbox,
    /// Pings since the last sign of life.
    unanswered: AtomicU32,
    /// Somebody wants to know whether the client is alive.
    probed: Notify,
}

impl Outlet for Client {
    fn send(&self, text: &str) {
        self.outbox.push(&frame::text(text.as_bytes()));
        self.outbox.flush();
    }

    fn probe(&self) {
        self.probed.notify_one();
    }

    fn end(&self, why: Expiry) {
        self.outbox.close(CloseCode::GoingAway, why.text());
    }
}

/// Serves a client until its connection ends, whoever ends it.
async fn run(front: Arc<Front>, rooms: Arc<Rooms>, (door, named): (Door, Named), stream: Stream, early: Bytes) {
    let client = Arc::new(Client {
        outbox: Outbox::new(
            stream.into(),
            front.limits.queue_bytes,
            front.limits.slow_reader_timeout,
            front.metrics.clone(),
        ),
        unanswered: AtomicU32::new(0),
        probed: Notify::new(),
    });
    let mut incoming = Incoming::new(&client.outbox, &early, FRAME_BYTES);
    // It holds the whole buffer into which the request head was read.
    drop(early);
    match rooms.enter(named, address_of(door), Arc::clone(&client) as Arc<dyn Outlet>) {
        Err(refusal) => refuse(&client, refusal),
        Ok(seat) => {
            let life = async {
                tokio::select! {
                    () = converse(&client, &seat, &mut incoming) => {}
                    () = client.outbox.ending.cancelled() => {}
                    () = client.outbox.pump() => {}
                    () = seat.expire() => {}
                    () = heartbeat(&front, &client) => {}
                    () = front.stopping.cancelled() => {
                        rooms.stop();
                        let reason = EndReason::of_stop(front.restarting.load(Ordering::Relaxed));
                        client.outbox.close(CloseCode::of(&reason), &reason.close_text());
                    }
                }
            };
            if AssertUnwindSafe(life).catch_unwind().await.is_err() {
                // The place is in the log already.
                client.outbox.close(CloseCode::TryAgainLater, "internal error");
            }
            drop(seat);
        }
    }
    let otherwise = if incoming.is_closed() { CLOSED_BY_PEER } else { BROKEN };
    let end = async {
        client.outbox.drain().await;
        incoming.linger().await;
    };
    tokio::select! {
        _ = tokio::time::timeout(LINGER, end) => {}
        () = front.lifecycle.hard_stop().cancelled_owned() => {}
    }
    let code = client.outbox.close_code().map_or(otherwise, CloseCode::number);
    front.metrics.closes.get_or_create(&CloseLabels { code }).inc();
}

fn address_of(door: Door) -> Option<IpAddr> {
    match door {
        Door::Network(address) => Some(address),
        Door::Operator => None,
    }
}

/// Tells a client why it is not let in, as link-agent's servers do: it hears nothing else before the end.
fn refuse(client: &Client, refusal: Refusal) {
    client.send(&ServerFrame::Error(refusal.text().to_owned()).to_text());
    let code = if refusal.is_temporary() {
        CloseCode::TryAgainLater
    } else {
        CloseCode::Policy
    };
    client.outbox.close(code, refusal.text());
}

/// Reads and passes on, one frame after the other.
async fn converse(client: &Client, seat: &Seat, incoming: &mut Incoming<'_>) {
    loop {
        // A flood of frames that need no waiting must not keep other connections from their turn.
        tokio::task::consume_budget().await;
        let input = match incoming.next().await {
            Ok(input) => input,
            Err(End::Gone) => return,
            Err(End::Violation(code, reason)) => return client.outbox.close(code, reason),
        };
        client.unanswered.store(0, Ordering::Relaxed);
        let Input::Text(text) = input else { continue };
        seat.pace().await;
        seat.receive(text.as_str());
    }
}

/// Asks for a sign of life now and then, and when somebody waits for this client's place.
async fn heartbeat(front: &Front, client: &Client) {
    loop {
        let is_waited_for = tokio::select! {
            () = tokio::time::sleep(front.limits.ping_interval) => false,
            () = client.probed.notified() => true,
        };
        // Pings lie behind what the socket does not take yet; that it takes something is a sign of life too.
        if client.outbox.has_drained() {
            client.unanswered.store(0, Ordering::Relaxed);
        }
        let missed = client.unanswered.fetch_add(1, Ordering::Relaxed);
        let is_dead = if is_waited_for {
            client.outbox.ping();
            tokio::time::sleep(PROBE).await;
            client.unanswered.load(Ordering::Relaxed) > 0
        } else if missed < front.limits.missed_pongs {
            client.outbox.ping();
            false
        } else {
            true
        };
        if is_dead {
            return client.outbox.close(CloseCode::TryAgainLater, "no answer to pings");
        }
    }
}
