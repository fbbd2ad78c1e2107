//! The task of one connection: its candidates, its channel, and the conversation on it.

use std::sync::Arc;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use webrtc::data_channel::{DataChannel, DataChannelEvent};
use webrtc::peer_connection::{PeerConnection, RTCPeerConnectionState};

use crate::domain::Permission;

use super::conversation::{Conversation, Said};
use super::secret::Proof;
use super::shared::{Live, Shared, Signs, is_over};
use super::transport::{Happenings, fingerprints, largest_message};
use super::{LinkEvent, LinkLimits, RoomSecret};

/// What the task tells the task of the link, with the number of the connection.
pub(super) enum Report {
    /// An own candidate, for the other side.
    Candidate(String),
    /// The first handshake came.
    Up,
    /// The path is disturbed.
    Disturbed,
    /// The connection is over. `is_told` says that the user was told why.
    Down { is_told: bool },
}

/// All that the task of one connection needs.
pub(super) struct Wire {
    pub(super) number: u64,
    pub(super) shared: Arc<Shared>,
    pub(super) signs: Arc<Signs>,
    pub(super) limits: LinkLimits,
    pub(super) secret: Option<RoomSecret>,
    pub(super) has_refused: bool,
    pub(super) connection: Arc<dyn PeerConnection>,
    pub(super) happenings: Happenings,
    pub(super) conversation: Conversation,
    pub(super) events: mpsc::Sender<LinkEvent>,
    pub(super) reports: mpsc::Sender<(u64, Report)>,
    /// Levels that this side allows from now on.
    pub(super) levels: mpsc::Receiver<Permission>,
    /// Ends the task.
    pub(super) cancel: CancellationToken,
}

/// The connection is over, or nobody listens any more.
struct Over {
    is_told: bool,
}

/// The usual end.
const OVER: Over = Over { is_told: false };

impl Wire {
    /// Runs until the connection is over or the task is told to end. Nothing is told after it has ended.
    pub(super) async fn run(mut self) {
        let cancel = self.cancel.clone();
        // Whatever it waits for, being told to end ends it.
        let _ = cancel.run_until_cancelled(self.converse()).await;
    }

    async fn converse(&mut self) {
        let mut channel: Option<Arc<dyn DataChannel>> = None;
        loop {
            let went = match &channel {
                None => self.wait_for_channel(&mut channel).await,
                Some(channel) => {
                    let channel = Arc::clone(channel);
                    self.next(&channel).await
                }
            };
            if let Err(Over { is_told }) = went {
                break self.report(Report::Down { is_told }).await;
            }
        }
    }

    async fn wait_for_channel(&mut self, channel: &mut Option<Arc<dyn DataChannel>>) -> Result<(), Over> {
        tokio::select! {
            opened = self.happenings.channels.recv() => {
                *channel = Some(opened.ok_or(OVER)?);
                // One is all there is; see the handler.
                self.happenings.channels.close();
            }
            Some(candidate) = self.happenings.candidates.recv() => self.report(Report::Candidate(candidate)).await,
            changed = self.happenings.state.changed() => {
                changed.map_err(|_| OVER)?;
                self.look_at_state().await?;
            }
            Some(level) = self.levels.recv() => drop(self.conversation.set_wanted(level)),
        }
        Ok(())
    }

    async fn next(&mut self, channel: &Arc<dyn DataChannel>) -> Result<(), Over> {
        tokio::select! {
            event = channel.poll() => match event {
                Some(DataChannelEvent::OnOpen) => {
                    self.demand_proof().await?;
                    channel.send_text(&self.conversation.handshake()).await.map_err(|_| OVER)?;
                }
                Some(DataChannelEvent::OnMessage(message)) => {
                    self.hear(channel, message.data.to_vec()).await?;
                }
                Some(DataChannelEvent::OnClose) | None => return Err(OVER),
                Some(_) => {}
            },
            Some(candidate) = self.happenings.candidates.recv() => self.report(Report::Candidate(candidate)).await,
            changed = self.happenings.state.changed() => {
                changed.map_err(|_| OVER)?;
                self.look_at_state().await?;
            }
            Some(level) = self.levels.recv() => {
                let changed = self.conversation.set_wanted(level);
                // Before the channel is open, the first handshake will say it.
                drop(channel.send_text(&self.conversation.handshake()).await);
                if let Some(permission) = changed {
                    self.refresh(channel).await;
                    self.tell(LinkEvent::PermissionChanged { permission }).await?;
                }
            }
        }
        Ok(())
    }

    async fn look_at_state(&mut self) -> Result<(), Over> {
        let state = *self.happenings.state.borrow_and_update();
        if is_over(state) {
            return Err(OVER);
        }
        if state == RTCPeerConnectionState::Disconnected {
            self.report(Report::Disturbed).await;
        }
        Ok(())
    }

    async fn hear(&mut self, channel: &Arc<dyn DataChannel>, bytes: Vec<u8>) -> Result<(), Over> {
        let said = match String::from_utf8(bytes) {
            Ok(text) => self.conversation.take(text),
            Err(_) => Said::Problem("the peer sent something that is not text".to_owned()),
        };
        let has_pulse = self.conversation.peer().is_some_and(|peer| peer.has_pulse);
        self.signs.heard(self.shared.clock.steady_ms(), has_pulse);
        self.shared.heard();
        match said {
            Said::Handshake {
                reply,
                is_first,
                changed,
            } => {
                if let Some(reply) = reply {
                    channel.send_text(&reply).await.map_err(|_| OVER)?;
                }
                self.refresh(channel).await;
                if is_first {
                    self.report(Report::Up).await;
                    let peer = self.conversation.peer().map(|peer| peer.name.clone());
                    self.tell(LinkEvent::Connected {
                        peer: peer.unwrap_or_default(),
                        permission: self.conversation.permission(),
                    })
                    .await?;
                } else if let Some(permission) = changed {
                    self.tell(LinkEvent::PermissionChanged { permission }).await?;
                }
            }
            Said::Ping(reply) => channel.send_text(&reply).await.map_err(|_| OVER)?,
            Said::Pong | Said::Piece => {}
            Said::Message { text, value, refused } => {
                if refused.is_some() {
                    self.log_refusal("the level does not allow it");
                }
                self.tell(LinkEvent::Received { text, value, refused }).await?;
            }
            Said::Problem(message) => {
                self.log_refusal(&message);
                self.tell(LinkEvent::Error { message }).await?;
            }
            Said::Stranger => {
                let message = "the peer has not proven that it knows the secret".to_owned();
                self.log_refusal(&message);
                self.tell(LinkEvent::Error { message }).await?;
                return Err(Over { is_told: true });
            }
        }
        Ok(())
    }

    /// With a secret, nothing is said to or taken from whoever does not prove that it knows it.
    async fn demand_proof(&mut self) -> Result<(), Over> {
        let Some(secret) = self.secret.clone() else {
            return Ok(());
        };
        let (own, peer) = fingerprints(&*self.connection).await.ok_or(OVER)?;
        self.conversation.demand(Proof::new(secret, own, peer));
        Ok(())
    }

    /// The first of a connection only: a peer could fill the disk otherwise.
    fn log_refusal(&mut self, reason: &str) {
        if !std::mem::replace(&mut self.has_refused, true) {
            tracing::warn!(
                reason,
                "a link refuses what its peer sends; further refusals are not logged"
            );
        }
    }

    /// Lets everybody see what holds on this connection now.
    async fn refresh(&self, channel: &Arc<dyn DataChannel>) {
        let Some(peer) = self.conversation.peer() else { return };
        let live = Live {
            channel: Arc::clone(channel),
            connection: Arc::clone(&self.connection),
            permission: self.conversation.permission(),
            largest: largest_message(&*self.connection, &self.limits).await,
            joins_bytes: peer.joins_bytes,
            proven: self.conversation.is_proven(),
        };
        self.shared.connected(live, &peer.name);
    }

    /// Tells the user, and waits until there is room for it; meanwhile nothing more is read from the peer.
    async fn tell(&self, event: LinkEvent) -> Result<(), Over> {
        let event = match self.events.try_send(event) {
            Ok(()) => return Ok(()),
            Err(mpsc::error::TrySendError::Full(event)) => event,
            Err(mpsc::error::TrySendError::Closed(_)) => return Err(OVER),
        };
        self.signs.waits(true);
        let told = self.events.send(event).await;
        self.signs.waits(false);
        self.signs.heard(
            self.shared.clock.steady_ms(),
            self.conversation.peer().is_some_and(|peer| peer.has_pulse),
        );
        told.map_err(|_| OVER)
    }

    async fn report(&self, report: Report) {
        // The task of the link is there as long as this one, or it cancels it.
        drop(self.reports.send((self.number, report)).await);
    }
}
