//! Hub rooms opened to peers that come over WebRTC, with link-agent or wardroom at the other end.
//!
//! Every opening of a room has places, each with a P2P room of its own, because two ends meet in one and no more. This
//! gateway keeps a [`crate::p2p::Link`] in each of these P2P rooms. A peer that turns up there is let in as the *guest* of the
//! place: an agent of origin `p2p` with a session and a feed, for as long as the connection lasts. The next connection in the
//! same P2P room is the same guest, which is shown everything after the last position that its peer acknowledged. When the
//! guest is sent away, or the opening ends, the place is gone, and the agent with it.
//!
//! A message of the room goes out under its own id, and one that came in from another wardroom under the id that it was born
//! with. So when it comes back, over however many rooms and servers, it is known, and goes no further.

mod inbound;
mod outbound;
mod place;
mod shown;
mod talk;
mod window;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use tokio::sync::{oneshot, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{Gateway, GatewayError};
use crate::client::Trust;
use crate::domain::{LinkNumber, Permission, Refusal};
use crate::hub::acts::EndOpenings;
use crate::hub::{Caller, Hub, PeerPlace};
use crate::p2p::IceServer;
use crate::runtime::clock::{Clock, Entropy};
use crate::runtime::lifecycle::Lifecycle;
use place::{Outcome, Served};

/// What all links have in common.
pub struct Settings {
    /// The configured signaling server.
    pub signal_url: String,
    /// Servers that help through address translation.
    pub ice_servers: Vec<IceServer>,
    /// Who must have signed the certificates of signaling servers.
    pub trust: Option<Trust>,
    /// Messages that a peer is sent before it has acknowledged the first of them.
    pub unacknowledged: usize,
    /// Where tasks run.
    pub lifecycle: Lifecycle,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Where ids come from.
    pub entropy: Arc<dyn Entropy>,
}

/// The gateway to peers.
pub struct WebRtc {
    settings: Arc<Settings>,
}

impl WebRtc {
    /// A gateway that has not begun.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self {
            settings: Arc::new(settings),
        }
    }
}

/// The longest time between two looks for openings whose time is over: the clock may be set.
const EXPIRY_CHECK: Duration = Duration::from_secs(10);

/// The wait before a place is served again after a failure, doubled with each in a row.
const FIRST_WAIT: Duration = Duration::from_secs(1);

/// The longest such wait.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// How many failures in a row double the wait.
const DOUBLINGS: u32 = 6;

impl Gateway for WebRtc {
    fn name(&self) -> &'static str {
        "webrtc"
    }

    fn run<'a>(&'a self, hub: &'a Hub, stop: &'a CancellationToken) -> BoxFuture<'a, Result<(), GatewayError>> {
        Box::pin(async move {
            let mut places = Places {
                hub: hub.clone(),
                settings: Arc::clone(&self.settings),
                served: HashMap::new(),
                ends: FuturesUnordered::new(),
            };
            places.keep(stop).await;
            Ok(())
        })
    }
}

/// A place that is served.
struct Service {
    permission: watch::Sender<Permission>,
    /// Ends it when it is dropped.
    stop: CancellationToken,
    began: Instant,
    failures: u32,
}

impl Drop for Service {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// All places that are served.
struct Places {
    hub: Hub,
    settings: Arc<Settings>,
    served: HashMap<LinkNumber, Service>,
    ends: FuturesUnordered<BoxFuture<'static, (LinkNumber, Outcome)>>,
}

impl Drop for Places {
    fn drop(&mut self) {
        self.hub.metrics().p2p_places.set(0);
    }
}

impl Places {
    /// Serves every place there is until `stop`, then waits until none is served any more.
    async fn keep(&mut self, stop: &CancellationToken) {
        loop {
            self.reconcile();
            let hub = self.hub.clone();
            tokio::select! {
                () = hub.peer_places_change() => {}
                Some((link, outcome)) = self.ends.next() => self.ended(link, outcome),
                () = expire(&hub) => {}
                () = stop.cancelled() => break,
            }
        }
        self.served.clear();
        while self.ends.next().await.is_some() {}
    }

    /// Begins to serve what is new, and ends what is gone.
    fn reconcile(&mut self) {
        let places = self.hub.peer_places();
        let known: HashMap<LinkNumber, &PeerPlace> = places.iter().map(|place| (place.link, place)).collect();
        self.served.retain(|link, _| known.contains_key(link));
        for place in &places {
            match self.served.get(&place.link) {
                Some(service) => {
                    let permission = place.permission;
                    service.permission.send_if_modified(|known| {
                        let is_new = *known != permission;
                        *known = permission;
                        is_new
                    });
                }
                None => self.begin(place.clone(), 0),
            }
        }
        self.hub
            .metrics()
            .p2p_places
            .set(self.served.len().cast_signed() as i64);
    }

    fn begin(&mut self, place: PeerPlace, failures: u32) {
        let (link, stop) = (place.link, CancellationToken::new());
        let (permission, changes) = watch::channel(place.permission);
        let service = Service {
            permission,
            stop: stop.clone(),
            began: Instant::now(),
            failures,
        };
        self.served.insert(link, service);
        let served = Served {
            hub: self.hub.clone(),
            settings: Arc::clone(&self.settings),
            place,
            permission: changes,
            stop: stop.clone(),
        };
        let wait = (failures > 0).then(|| (FIRST_WAIT * 2_u32.pow(failures.min(DOUBLINGS) - 1)).min(LONGEST_WAIT));
        let (done, end) = oneshot::channel();
        self.settings.lifecycle.spawn("peer", async move {
            if let Some(wait) = wait {
                tokio::select! {
                    () = tokio::time::sleep(wait) => {}
                    () = stop.cancelled() => {}
                }
            }
            let outcome = served.serve().await;
            // Whoever waited may have been stopped.
            drop(done.send(outcome));
        });
        self.ends.push(Box::pin(async move {
            let panicked = || Outcome::Failed("it panicked".to_owned());
            (link, end.await.unwrap_or_else(|_| panicked()))
        }));
    }

    /// A service has ended: because its place is gone, or it is begun anew after a while.
    fn ended(&mut self, link: LinkNumber, outcome: Outcome) {
        let Some(service) = self.served.remove(&link) else {
            return;
        };
        let place = self.hub.peer_places().into_iter().find(|place| place.link == link);
        let Some(place) = place else { return };
        // What lasted is no failure in a row.
        let before = if service.began.elapsed() < LONGEST_WAIT {
            service.failures
        } else {
            0
        };
        let failures = before + 1;
        if let Outcome::Failed(reason) = outcome {
            tracing::warn!(opening.id = %place.opening, reason, failures, "a place for a peer is served anew after a while");
        }
        self.begin(place, failures);
    }
}

/// Ends what is over, when the time has come.
async fn expire(hub: &Hub) {
    let Some(ms) = hub.next_opening_end_ms() else {
        return std::future::pending().await;
    };
    tokio::time::sleep(Duration::from_millis(ms).min(EXPIRY_CHECK)).await;
    if hub.next_opening_end_ms() != Some(0) {
        return;
    }
    match hub.perform(Caller::Server, EndOpenings).await {
        Ok(count) => tracing::info!(count, "openings of rooms to peers have ended"),
        Err(Refusal::Stopping) => {}
        Err(reason) => {
            tracing::debug!(%reason, "openings that are over could not be ended yet");
            tokio::time::sleep(FIRST_WAIT).await;
        }
    }
}
