//! One place for a peer: the link to it, and the guest that it is while the link is up.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::Settings;
use super::talk::{End, Talk};
use crate::domain::{AgentId, Permission, Refusal};
use crate::hub::acts::DismissGuest;
use crate::hub::{Caller, Hub, PeerPlace};
use crate::p2p::{Link, LinkEvent, LinkOptions};

/// How long to wait before a guest is sent away again, after the disk refused.
const RETRY: Duration = Duration::from_secs(1);

/// Serves one place until its token is cancelled.
pub(super) struct Served {
    pub(super) hub: Hub,
    pub(super) settings: Arc<Settings>,
    pub(super) place: PeerPlace,
    /// The most that the peer may do.
    pub(super) permission: watch::Receiver<Permission>,
    pub(super) stop: CancellationToken,
}

/// How the service of a place ended.
pub(super) enum Outcome {
    /// It was asked to, or its guest was sent away for good.
    Done,
    /// It is to be tried again.
    Failed(String),
}

impl Served {
    /// Keeps a link in the P2P room of the place, and its peer in the hub room while it is up.
    pub(super) async fn serve(mut self) -> Outcome {
        let permission = *self.permission.borrow_and_update();
        let signal_url = self.place.signal_url.as_ref().unwrap_or(&self.settings.signal_url);
        let mut options = LinkOptions::new(signal_url, self.place.room_name.as_str());
        options.room = Some(self.place.p2p_room.reveal().to_owned());
        options.permission = permission;
        options.ice_servers.clone_from(&self.settings.ice_servers);
        options.trust.clone_from(&self.settings.trust);
        let settings = Arc::clone(&self.settings);
        let (clock, entropy) = (Arc::clone(&settings.clock), Arc::clone(&settings.entropy));
        let (link, mut events) = Link::start(options, &settings.lifecycle, clock, entropy);
        let ended = self.attend(&link, &mut events).await;
        // A link whose events nobody takes does not wait for them.
        drop(events);
        link.close().await;
        match ended {
            Ok(None) => Outcome::Done,
            Ok(Some(guest)) => {
                self.dismiss(guest).await;
                Outcome::Done
            }
            Err(reason) => Outcome::Failed(reason),
        }
    }

    /// Serves one connection after the other. Gives the guest if it was sent away.
    async fn attend(&mut self, link: &Link, events: &mut mpsc::Receiver<LinkEvent>) -> Result<Option<AgentId>, String> {
        let mut connected = None;
        loop {
            if connected.is_none() {
                connected = self.wait_for_peer(link, events).await?;
            }
            let Some((peer, level)) = connected.take() else {
                return Ok(None);
            };
            let talk = Talk::begin(self, link, &peer, level).await?;
            match talk.run(self, events).await? {
                End::Disconnected => {}
                End::Connected(peer, level) => connected = Some((peer, level)),
                End::Stopped => return Ok(None),
                End::SentAway(guest) => return Ok(Some(guest)),
            }
        }
    }

    /// Waits for a connection: what the peer calls itself, and its level. `None` when the place is not served any more.
    async fn wait_for_peer(
        &mut self,
        link: &Link,
        events: &mut mpsc::Receiver<LinkEvent>,
    ) -> Result<Option<(String, Permission)>, String> {
        loop {
            let event = tokio::select! {
                () = self.stop.cancelled() => return Ok(None),
                changed = self.permission.changed() => {
                    if changed.is_err() {
                        return Ok(None);
                    }
                    let permission = *self.permission.borrow_and_update();
                    link.set_permission(permission).await;
                    continue;
                }
                event = events.recv() => event,
            };
            match event {
                Some(LinkEvent::Connected { peer, permission }) => return Ok(Some((peer, permission))),
                Some(LinkEvent::GaveUp { .. } | LinkEvent::Closed) | None => {
                    return Err("the link closed by itself".to_owned());
                }
                Some(LinkEvent::Error { message }) => {
                    tracing::debug!(opening.id = %self.place.opening, message, "a link to a peer has trouble");
                }
                Some(_) => {}
            }
        }
    }

    /// Sends the guest away for good, as soon as the disk takes it.
    async fn dismiss(&self, guest: AgentId) {
        let dismiss = DismissGuest { agent: Some(guest) };
        while let Err(reason) = self.hub.perform(Caller::Server, dismiss).await {
            if reason == Refusal::Stopping {
                return;
            }
            tracing::debug!(%reason, "a peer that was sent away could not be removed yet");
            tokio::select! {
                () = tokio::time::sleep(RETRY) => {}
                () = self.stop.cancelled() => return,
            }
        }
    }
}
