//! One WebRTC connection, as the side that offers or the one that answers.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use futures_util::FutureExt as _;
use rtc::ice::mdns::MulticastDnsMode;
use rtc::peer_connection::configuration::setting_engine::SctpMaxMessageSize;
use tokio::sync::{mpsc, watch};
use webrtc::data_channel::DataChannel;
use webrtc::peer_connection::{
    PeerConnection, PeerConnectionBuilder, PeerConnectionEventHandler, RTCConfigurationBuilder, RTCIceCandidateInit,
    RTCIceGatheringState, RTCIceServer, RTCPeerConnectionIceEvent, RTCPeerConnectionState, RTCSessionDescription,
    RTCStatsReportEntry, SettingEngineBuilder, StatsSelector,
};
use webrtc::runtime::Runtime;

use crate::signaling::frame::check_sdp;

use super::addresses::{self, Gate};
use super::secret::{fingerprint_in, fingerprint_of};
use super::{IceDetails, IceServer, LinkLimits};

/// The label of the data channel.
const LABEL: &str = "agentlink";

/// Own candidates on their way to signaling; more than any machine has. Further ones are dropped.
const CANDIDATES: usize = 64;

/// Channels of a connection: one. A peer that opens more ends the connection, for what nobody reads would add up.
const CHANNELS: usize = 1;

/// Offers after the first that are answered on one connection. Some programs send a surplus one, and would for ever.
const RENEGOTIATIONS: u32 = 1;

/// How often a path is tried, and how often in all: for two seconds. The library's own interval would be a good part of the time
/// that connecting takes.
const CHECK_EVERY: Duration = Duration::from_millis(50);
const CHECKS: u16 = 40;

/// How long a better path than one through a translator is waited for.
const ACCEPT_AFTER: Duration = Duration::from_millis(200);

/// Without a sign of life for so long, a path counts as disturbed, and for so long more, as gone.
const DISTURBED_AFTER: Duration = Duration::from_secs(5);
const GONE_AFTER: Duration = Duration::from_secs(10);
const SIGN_OF_LIFE_EVERY: Duration = Duration::from_secs(2);

/// What every connection of a link is made with.
#[derive(Clone)]
pub(super) struct Setup {
    pub(super) runtime: Arc<dyn Runtime>,
    pub(super) ice_servers: Vec<IceServer>,
    pub(super) limits: LinkLimits,
}

/// One connection. It has to be closed: dropping it leaves its tasks running.
pub(super) struct Transport {
    connection: Arc<dyn PeerConnection>,
    gate: Gate,
    /// Who the other side is, by what its description says.
    remote: Option<Identity>,
    renegotiations: u32,
    /// Which side of DTLS this is, in the words of descriptions. Fixed by the first offer and answer; a later answer that
    /// says otherwise would be refused by the other side, and end link-agent's process.
    setup: Option<&'static str>,
}

/// What a connection tells on its own.
pub(super) struct Happenings {
    /// Own candidates, to be sent to the other side.
    pub(super) candidates: mpsc::Receiver<String>,
    /// The data channel.
    pub(super) channels: mpsc::Receiver<Arc<dyn DataChannel>>,
    /// The state of the whole.
    pub(super) state: watch::Receiver<RTCPeerConnectionState>,
    /// Whether all own candidates were found.
    pub(super) gathered: watch::Receiver<bool>,
}

/// What is wrong with a connection or with what the other side sent. It repeats nothing of that.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub(super) enum TransportError {
    #[error("the peer's session description is not usable: {0}")]
    Description(String),
    #[error("WebRTC does not start here: {0}")]
    Start(String),
    #[error("the WebRTC library failed on what the peer sent")]
    Panic,
}

/// What tells one session of the other side from another.
#[derive(Clone, PartialEq, Eq)]
struct Identity {
    ufrag: String,
    fingerprint: String,
}

impl Identity {
    fn of(description: &str) -> Self {
        let value = |name: &str| {
            let line = description.lines().find_map(|line| line.trim().strip_prefix(name));
            line.unwrap_or_default().to_owned()
        };
        Self {
            ufrag: value("a=ice-ufrag:"),
            fingerprint: value("a=fingerprint:"),
        }
    }
}

impl Transport {
    /// Makes a connection with a data channel, and the offer for it.
    pub(super) async fn offer(setup: &Setup) -> Result<(Self, Happenings, String), TransportError> {
        let (transport, happenings, channels) = Box::pin(Self::new(setup)).await?;
        let offered = async {
            let channel = transport.connection.create_data_channel(LABEL, None).await?;
            // There is room for the first.
            drop(channels.try_send(channel));
            let offer = transport.connection.create_offer(None).await?;
            transport.connection.set_local_description(offer.clone()).await?;
            Ok::<_, webrtc::error::Error>(offer.sdp)
        };
        match offered.await {
            Ok(offer) => Ok((transport, happenings, trickled(&offer))),
            Err(error) => {
                transport.close().await;
                Err(TransportError::Start(error.to_string()))
            }
        }
    }

    /// Makes a connection for an offer, and the answer to it.
    pub(super) async fn answer(setup: &Setup, offer: &str) -> Result<(Self, Happenings, String), TransportError> {
        check(offer, setup)?;
        let (mut transport, happenings, _) = Box::pin(Self::new(setup)).await?;
        match transport.answer_to(offer).await {
            Ok(answer) => Ok((transport, happenings, answer)),
            Err(error) => {
                transport.close().await;
                Err(error)
            }
        }
    }

    async fn new(setup: &Setup) -> Result<(Self, Happenings, mpsc::Sender<Arc<dyn DataChannel>>), TransportError> {
        let limits = &setup.limits;
        let (candidate_sender, candidates) = mpsc::channel(CANDIDATES);
        let (channel_sender, channels) = mpsc::channel(CHANNELS);
        let (state_sender, state) = watch::channel(RTCPeerConnectionState::New);
        let (gathered_sender, gathered) = watch::channel(false);
        let handler = Handler {
            candidates: candidate_sender,
            channels: channel_sender.clone(),
            state: state_sender,
            gathered: gathered_sender,
        };
        let message_bytes = u32::try_from(limits.message_bytes).unwrap_or(u32::MAX);
        let settings = SettingEngineBuilder::new()
            .with_sctp_max_message_size(SctpMaxMessageSize::Bounded(message_bytes))
            .with_sctp_max_receive_buffer_size(message_bytes.saturating_mul(4))
            .with_multicast_dns_mode(MulticastDnsMode::Disabled)
            .with_include_loopback_candidate(true)
            .with_ice_connection_attempts(Some(CHECK_EVERY), Some(CHECKS))
            .with_prflx_acceptance_min_wait(Some(ACCEPT_AFTER))
            .with_srflx_acceptance_min_wait(Some(ACCEPT_AFTER))
            .with_ice_timeouts(Some(DISTURBED_AFTER), Some(GONE_AFTER), Some(SIGN_OF_LIFE_EVERY))
            .build();
        let servers = setup.ice_servers.iter().map(|server| RTCIceServer {
            urls: vec![server.url.clone()],
            username: server.username.clone(),
            credential: server.password.clone(),
        });
        let configuration = RTCConfigurationBuilder::new()
            .with_ice_servers(servers.collect())
            .build();
        let building = PeerConnectionBuilder::new()
            .with_configuration(configuration)
            .with_setting_engine(settings)
            .with_handler(Arc::new(handler))
            .with_runtime(Arc::clone(&setup.runtime))
            .with_udp_addrs(addresses::own())
            .with_data_channel_send_buffer_limit(limits.unsent_bytes)
            .build();
        // Boxed, because it is large.
        let connection = Box::pin(building)
            .await
            .map_err(|error| TransportError::Start(error.to_string()))?;
        let transport = Self {
            connection: Arc::new(connection),
            gate: Gate::new(limits.candidates),
            remote: None,
            renegotiations: 0,
            setup: None,
        };
        let happenings = Happenings {
            candidates,
            channels,
            state,
            gathered,
        };
        Ok((transport, happenings, channel_sender))
    }

    /// Takes the answer to the own offer.
    pub(super) async fn take_answer(&mut self, setup: &Setup, answer: &str) -> Result<(), TransportError> {
        check(answer, setup)?;
        let (description, candidates) = self.gate.part(answer);
        let remote = Identity::of(&description);
        let description = RTCSessionDescription::answer(description);
        let description = description.map_err(|error| TransportError::Description(error.to_string()))?;
        guarded(self.connection.set_remote_description(description)).await?;
        self.remote = Some(remote);
        self.setup = Some(if setup_in(answer) == Some("passive") {
            "active"
        } else {
            "passive"
        });
        self.add(candidates).await;
        Ok(())
    }

    /// Whether the answer to the own offer is still to come.
    pub(super) fn awaits_answer(&self) -> bool {
        self.remote.is_none()
    }

    /// Whether a description comes from the session that this connection is with.
    pub(super) fn is_with(&self, description: &str) -> bool {
        self.remote.as_ref() == Some(&Identity::of(description))
    }

    /// The answer to a further offer of the same session; none when there were enough of them.
    pub(super) async fn renegotiate(&mut self, setup: &Setup, offer: &str) -> Result<Option<String>, TransportError> {
        check(offer, setup)?;
        if self.renegotiations >= RENEGOTIATIONS {
            return Ok(None);
        }
        self.renegotiations += 1;
        self.answer_to(offer).await.map(Some)
    }

    async fn answer_to(&mut self, offer: &str) -> Result<String, TransportError> {
        let (description, candidates) = self.gate.part(offer);
        let remote = Identity::of(&description);
        let description = RTCSessionDescription::offer(description);
        let description = description.map_err(|error| TransportError::Description(error.to_string()))?;
        guarded(self.connection.set_remote_description(description)).await?;
        self.remote = Some(remote);
        let answering = async {
            let answer = self.connection.create_answer(None).await?;
            self.connection.set_local_description(answer.clone()).await?;
            Ok(answer.sdp)
        };
        let answer = trickled(&guarded(answering).await?);
        self.add(candidates).await;
        if let Some(setup) = self.setup {
            return Ok(with_setup(&answer, setup));
        }
        self.setup = setup_in(&answer).map(|setup| if setup == "passive" { "passive" } else { "active" });
        Ok(answer)
    }

    /// Takes a candidate of the other side. One that may not be tried, or cannot, is passed over: others may do.
    pub(super) async fn take_candidate(&mut self, candidate: &str) {
        let passed = self.gate.pass(candidate);
        self.add(passed).await;
    }

    async fn add(&self, candidates: impl IntoIterator<Item = String>) {
        for candidate in candidates {
            let candidate = RTCIceCandidateInit {
                candidate,
                sdp_mid: Some("0".to_owned()),
                sdp_mline_index: Some(0),
                ..RTCIceCandidateInit::default()
            };
            drop(guarded(self.connection.add_ice_candidate(candidate)).await);
        }
    }

    /// The connection itself, for asking it about its state.
    pub(super) fn connection(&self) -> Arc<dyn PeerConnection> {
        Arc::clone(&self.connection)
    }

    /// Ends the connection and its tasks.
    pub(super) async fn close(self) {
        drop(self.connection.close().await);
    }
}

/// Bytes of the largest message that the other side takes over a connection whose channel is open.
pub(super) async fn largest_message(connection: &dyn PeerConnection, limits: &LinkLimits) -> usize {
    // What every implementation takes.
    let least = 65_536.min(limits.message_bytes);
    let Some(sctp) = connection.sctp().await else {
        return least;
    };
    match sctp.max_message_size().await {
        Ok(bytes) => usize::try_from(bytes).map_or(least, |bytes| bytes.min(limits.message_bytes)),
        Err(_) => least,
    }
}

/// The fingerprints of the own and of the peer's certificate, on a connection whose channel is open.
pub(super) async fn fingerprints(connection: &dyn PeerConnection) -> Option<([u8; 32], [u8; 32])> {
    let own = fingerprint_in(&connection.local_description().await?.sdp)?;
    let certificates = connection
        .sctp()
        .await?
        .transport()
        .get_remote_certificates()
        .await
        .ok()?;
    Some((own, fingerprint_of(certificates.first()?)))
}

/// The state of a connection for people.
pub(super) async fn details(connection: &dyn PeerConnection) -> IceDetails {
    let mut details = IceDetails::default();
    if let Some(sctp) = connection.sctp().await {
        let dtls = sctp.transport();
        if let Ok(state) = dtls.state().await {
            details.state = state.to_string();
        }
        let ice = dtls.ice_transport();
        if let Ok(state) = ice.state().await {
            details.ice_state = state.to_string();
        }
        if let Ok(state) = ice.gathering_state().await {
            details.gathering_state = state.to_string();
        }
        if let Ok(Some(pair)) = ice.get_selected_candidate_pair().await {
            details.selected_pair = Some(pair.to_string());
        }
    }
    details.signaling_state = match connection.pending_local_description().await {
        Some(_) => "have-local-offer".to_owned(),
        None => "stable".to_owned(),
    };
    let report = connection.get_stats(Instant::now(), StatsSelector::None).await;
    for entry in report.iter() {
        match entry {
            RTCStatsReportEntry::Transport(transport) => {
                details.bytes_sent = transport.bytes_sent;
                details.bytes_received = transport.bytes_received;
            }
            RTCStatsReportEntry::IceCandidatePair(pair) if pair.current_round_trip_time > 0.0 => {
                details.round_trip_ms = Some(pair.current_round_trip_time * 1000.0);
            }
            _ => {}
        }
    }
    details
}

fn check(description: &str, setup: &Setup) -> Result<(), TransportError> {
    if description.len() > setup.limits.description_bytes {
        return Err(TransportError::Description("it is too large".to_owned()));
    }
    check_sdp(description).map_err(|problem| TransportError::Description(problem.to_string()))
}

/// A description as it is sent: candidates follow one by one.
fn trickled(description: &str) -> String {
    // The gate would count them; here all simply go.
    let lines = description.split_inclusive('\n');
    lines
        .filter(|line| !line.starts_with("a=candidate:") && !line.starts_with("a=end-of-candidates"))
        .collect()
}

/// The side of DTLS in a description.
fn setup_in(description: &str) -> Option<&str> {
    description
        .lines()
        .find_map(|line| line.trim().strip_prefix("a=setup:"))
}

/// The description with another side of DTLS.
fn with_setup(description: &str, setup: &str) -> String {
    let lines = description.split_inclusive('\n').map(|line| {
        if line.starts_with("a=setup:") {
            format!("a=setup:{setup}\r\n")
        } else {
            line.to_owned()
        }
    });
    lines.collect()
}

/// Waits for the library to take something that the other side made up. A panic there ends the connection, not the link.
async fn guarded<T>(future: impl Future<Output = webrtc::error::Result<T>>) -> Result<T, TransportError> {
    match AssertUnwindSafe(future).catch_unwind().await {
        Ok(result) => result.map_err(|error| TransportError::Description(error.to_string())),
        Err(_) => Err(TransportError::Panic),
    }
}

/// Hands on what the library tells. Never waits: the library could not go on meanwhile.
struct Handler {
    candidates: mpsc::Sender<String>,
    channels: mpsc::Sender<Arc<dyn DataChannel>>,
    state: watch::Sender<RTCPeerConnectionState>,
    gathered: watch::Sender<bool>,
}

#[async_trait]
impl PeerConnectionEventHandler for Handler {
    async fn on_ice_candidate(&self, event: RTCPeerConnectionIceEvent) {
        if let Ok(candidate) = event.candidate.to_json() {
            drop(self.candidates.try_send(format!("a={}", candidate.candidate)));
        }
    }

    async fn on_ice_gathering_state_change(&self, state: RTCIceGatheringState) {
        self.gathered.send_replace(state == RTCIceGatheringState::Complete);
    }

    async fn on_connection_state_change(&self, state: RTCPeerConnectionState) {
        self.state.send_replace(state);
    }

    async fn on_data_channel(&self, channel: Arc<dyn DataChannel>) {
        if self.channels.try_send(channel).is_err() {
            self.state.send_replace(RTCPeerConnectionState::Failed);
        }
    }
}
