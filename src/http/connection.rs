//! One WebSocket connection, from the upgrade to its end.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;
use tokio::time::Instant;

use super::incoming::{End, Incoming, Input};
use super::outbox::Outbox;
use super::stream::Stream;
use super::{App, Door};
use crate::domain::EndReason;
use crate::protocol::CloseCode;
use crate::rpc::{Flow, Outlet, Peer, Session};
use crate::runtime::metrics::CloseLabels;
use crate::runtime::turn;

/// How long the other end has to answer a close frame.
const LINGER: Duration = Duration::from_secs(1);

/// How long whoever is expelled has to read why.
const EXPULSION_LINGER: Duration = Duration::from_millis(500);

/// Bytes of answers that may wait for a connection that has not authenticated before it is heard again.
const STRANGER_BYTES: usize = 16 * 1024;

/// The code under which a connection is counted that the other end closed, whatever code it gave: there are thousands.
const CLOSED_BY_PEER: u16 = 1000;

/// The code under which a connection is counted that just broke.
const BROKEN: u16 = 1006;

/// Facts that the parts of a connection share.
struct Shared {
    /// See [`Session::entered`].
    entered: Arc<AtomicBool>,
    /// Pings since the last sign of life.
    unanswered: AtomicU32,
}

impl Shared {
    fn has_entered(&self) -> bool {
        self.entered.load(Ordering::Relaxed)
    }
}

/// Serves a connection until it ends, whoever ends it. It came in by a door at some time, with `early` behind its head.
pub(super) async fn run(app: Arc<App>, (door, since): (Door, Instant), stream: Stream, early: Bytes) {
    let metrics = app.front.metrics.clone();
    let outbox = Arc::new(Outbox::new(
        stream.into(),
        app.front.limits.queue_bytes,
        app.front.limits.slow_reader_timeout,
        metrics.clone(),
    ));
    let peer = match door {
        Door::Network(address) => Peer::Network(address),
        Door::Operator => Peer::Operator,
    };
    let mut session = Session::new(Arc::clone(&app.rpc), Arc::clone(&outbox) as Arc<dyn Outlet>, peer);
    let mut incoming = Incoming::new(&outbox, &early, app.front.limits.frame_bytes_before_auth);
    // It holds the whole buffer into which the request head was read.
    drop(early);
    let shared = Shared {
        entered: session.entered(),
        unanswered: AtomicU32::new(0),
    };

    let feed = session.feed();
    let life = async {
        tokio::select! {
            () = turn::take_part(converse(&app, &outbox, &mut session, &mut incoming, &shared)) => {}
            () = outbox.ending.cancelled() => {}
            () = outbox.pump() => {}
            () = app.rpc.hub().keep_up(&feed) => {
                outbox.close(CloseCode::TryAgainLater, "history cannot be read for the moment: reconnect and resume");
            }
            () = heartbeat(&app, &outbox, &shared) => {}
            () = patience(&app, (door, since), &outbox, &shared) => {}
        }
    };
    if AssertUnwindSafe(life).catch_unwind().await.is_err() {
        // The place is in the log already; what matters here is that the session does not stay.
        outbox.close(CloseCode::TryAgainLater, "internal error");
    }
    // From here on nothing of this connection is carried out.
    let reads_on = !matches!(outbox.close_code(), Some(CloseCode::Policy)) && !outbox.is_done();
    if !reads_on {
        session.close().await;
    }
    let is_stranger = !shared.has_entered();
    let is_cut_off = matches!(outbox.close_code(), Some(CloseCode::Policy));
    // Strangers and those who were cut off have nothing to catch up with.
    let grace = if is_stranger || is_cut_off {
        Duration::ZERO
    } else if app.front.stopping.is_cancelled() {
        app.front.limits.drain
    } else {
        app.front.limits.slow_reader_grace
    };
    let otherwise = if incoming.is_closed() { CLOSED_BY_PEER } else { BROKEN };
    let end = async {
        outbox.drain().await;
        let _ = tokio::time::timeout(LINGER, incoming.linger()).await;
    };
    let expulsion = async {
        outbox.expelled.cancelled().await;
        tokio::time::sleep(EXPULSION_LINGER).await;
    };
    tokio::select! {
        _ = tokio::time::timeout(grace + LINGER, end) => {}
        () = expulsion => {}
        () = app.front.lifecycle.hard_stop().cancelled_owned() => {}
    }
    if reads_on {
        // What it still read was shown to a session: whoever expels the agent meanwhile must find it.
        session.close().await;
    }
    let code = outbox.close_code().map_or(otherwise, CloseCode::number);
    metrics.closes.get_or_create(&CloseLabels { code }).inc();
}

/// Reads and carries out, one frame after the other.
async fn converse(app: &App, outbox: &Outbox, session: &mut Session, incoming: &mut Incoming<'_>, shared: &Shared) {
    let mut most = STRANGER_BYTES;
    loop {
        if most < usize::MAX && shared.has_entered() {
            most = usize::MAX;
            incoming.raise_limit(app.front.limits.frame_bytes);
        }
        // Whoever asks faster than it reads the answers is not heard until it has read some.
        outbox.has_room(most).await;
        // A flood of frames that need no waiting must not keep other connections from their turn.
        tokio::task::consume_budget().await;
        let input = match incoming.next().await {
            Ok(input) => input,
            Err(End::Gone) => return,
            Err(End::Violation(code, reason)) => return outbox.close(code, reason),
        };
        shared.unanswered.store(0, Ordering::Relaxed);
        let Input::Text(text) = input else { continue };
        // Boxed: a connection that is idle shall not keep room for a request.
        if let Flow::Close(code, reason) = Box::pin(session.receive(text.as_str())).await {
            return outbox.close(code, reason);
        }
    }
}

/// Asks for a sign of life now and then.
async fn heartbeat(app: &App, outbox: &Outbox, shared: &Shared) {
    loop {
        tokio::time::sleep(app.front.limits.ping_interval).await;
        // Pings lie behind a large answer, and while that is on its way nothing is read.
        if outbox.has_drained() {
            shared.unanswered.store(0, Ordering::Relaxed);
        }
        if shared.unanswered.fetch_add(1, Ordering::Relaxed) >= app.front.limits.missed_pongs {
            // Where nobody is, nobody minds; whoever merely stopped reading finds out why it was cut off.
            return outbox.close(CloseCode::TryAgainLater, "no answer to pings");
        }
        outbox.ping();
    }
}

/// Ends a connection that does not authenticate in time, and every one that is still there when the server stops.
async fn patience(app: &App, (door, since): (Door, Instant), outbox: &Outbox, shared: &Shared) {
    tokio::select! {
        () = tokio::time::sleep_until(since + app.front.limits.auth_timeout) => {
            if !shared.has_entered() {
                return outbox.close(CloseCode::Policy, "not authenticated in time");
            }
            app.front.stopping.cancelled().await;
        }
        () = app.front.stopping.cancelled() => {}
    }
    if door != Door::Operator && shared.has_entered() {
        // The room model tells its sessions; this is for one that came in just then.
        tokio::time::sleep(LINGER).await;
    }
    let reason = EndReason::of_stop(app.front.restarting.load(Ordering::Relaxed));
    outbox.close(CloseCode::of(&reason), &reason.close_text());
}
