//! A link as the library gives it, beside two bare connections of the WebRTC library: an echo over the data channel.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use async_trait::async_trait;
use tokio::sync::mpsc;
use wardroom::domain::Permission;
use wardroom::p2p::{Envelope, Link, LinkEvent, LinkOptions};
use wardroom::runtime::clock::{SystemClock, SystemEntropy};
use wardroom::runtime::lifecycle::Lifecycle;
use webrtc::data_channel::{DataChannel, DataChannelEvent};
use webrtc::peer_connection::{
    PeerConnection, PeerConnectionBuilder, PeerConnectionEventHandler, RTCIceGatheringState, RTCSessionDescription,
    SettingEngineBuilder,
};

use super::process::{Directory, Process};
use super::table::{Row, Target, median};
use super::{Scale, progress};

/// The row of this measurement.
pub const ROWS: &[&str] = &["echo over a data channel"];

/// Bytes of what is said.
const CONTENT_BYTES: usize = 1024;

/// Messages that are on their way at one time.
const IN_FLIGHT: usize = 64;

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(120);

/// Measures.
pub fn measure(scale: Scale) -> anyhow::Result<Vec<Row>> {
    let messages = scale.of(20_000, 200);
    let directory = Directory::new()?;
    let server = Process::wardroom(directory.path())?;
    let signal = format!("ws://{}/signal/", server.address());
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    let (mut ours, mut bare) = (Vec::new(), Vec::new());
    for round in 0..scale.rounds() {
        let room = format!("echo-{round}");
        ours.push(runtime.block_on(within(link_echo(&signal, &room, messages)))?);
        bare.push(runtime.block_on(within(bare_echo(messages)))?);
    }
    progress(&format!("  echoes a second: links {ours:.0?}, bare {bare:.0?}"));
    Ok(vec![Row {
        name: ROWS[0],
        unit: "echoes a second",
        wardroom: median(&ours),
        reference: Some(median(&bare)),
        target: Target::RatioAtLeast(0.8),
    }])
}

async fn within(measurement: impl Future<Output = anyhow::Result<f64>>) -> anyhow::Result<f64> {
    tokio::time::timeout(PATIENCE, measurement)
        .await
        .context("it took too long")?
}

/// Echoes a second through two links of this process.
async fn link_echo(signal: &str, room: &str, messages: usize) -> anyhow::Result<f64> {
    let lifecycle = Lifecycle::new();
    let start = |name: &str| {
        let options = LinkOptions {
            room: Some(room.to_owned()),
            permission: Permission::Intimate,
            ice_servers: Vec::new(),
            ..LinkOptions::new(signal, name)
        };
        Link::start(
            options,
            &lifecycle,
            Arc::new(SystemClock::default()),
            Arc::new(SystemEntropy),
        )
    };
    let (near, mut near_events) = start("near");
    let (far, mut far_events) = start("far");
    connected(&mut near_events).await?;
    connected(&mut far_events).await?;
    let content = "x".repeat(CONTENT_BYTES);
    let say = async |link: &Link| {
        let envelope = Envelope::chat(link.author(), &content, None)?;
        link.send(&envelope).await.context("a message was not sent")
    };
    let near_side = async {
        let began = Instant::now();
        for _ in 0..IN_FLIGHT.min(messages) {
            say(&near).await?;
        }
        let mut sent = IN_FLIGHT.min(messages);
        for _ in 0..messages {
            received(&mut near_events).await?;
            if sent < messages {
                sent += 1;
                say(&near).await?;
            }
        }
        anyhow::Ok(messages as f64 / began.elapsed().as_secs_f64())
    };
    let far_side = async {
        for _ in 0..messages {
            received(&mut far_events).await?;
            say(&far).await?;
        }
        anyhow::Ok(())
    };
    let (rate, ()) = tokio::try_join!(near_side, far_side)?;
    near.close().await;
    far.close().await;
    Ok(rate)
}

async fn connected(events: &mut mpsc::Receiver<LinkEvent>) -> anyhow::Result<()> {
    loop {
        match events.recv().await.context("the link ended")? {
            LinkEvent::Connected { .. } => return Ok(()),
            LinkEvent::Error { message } => bail!("no link came up: {message}"),
            _ => {}
        }
    }
}

async fn received(events: &mut mpsc::Receiver<LinkEvent>) -> anyhow::Result<()> {
    loop {
        match events.recv().await.context("the link ended")? {
            LinkEvent::Received { .. } => return Ok(()),
            LinkEvent::Disconnected { reason } => bail!("the link broke: {reason}"),
            _ => {}
        }
    }
}

/// Hands on what a bare connection tells.
struct Handler {
    gathered: mpsc::Sender<()>,
    channels: mpsc::Sender<Arc<dyn DataChannel>>,
}

#[async_trait]
impl PeerConnectionEventHandler for Handler {
    async fn on_ice_gathering_state_change(&self, state: RTCIceGatheringState) {
        if state == RTCIceGatheringState::Complete {
            let _ = self.gathered.try_send(());
        }
    }

    async fn on_data_channel(&self, channel: Arc<dyn DataChannel>) {
        drop(self.channels.try_send(channel));
    }
}

/// A bare connection, and what it tells.
struct Bare {
    connection: Box<dyn PeerConnection>,
    gathered: mpsc::Receiver<()>,
    channels: mpsc::Receiver<Arc<dyn DataChannel>>,
}

impl Bare {
    async fn new() -> anyhow::Result<Self> {
        let (gathered_sender, gathered) = mpsc::channel(1);
        let (channel_sender, channels) = mpsc::channel(1);
        let handler = Handler {
            gathered: gathered_sender,
            channels: channel_sender,
        };
        let settings = SettingEngineBuilder::new()
            .with_include_loopback_candidate(true)
            .build();
        let building = PeerConnectionBuilder::new()
            .with_setting_engine(settings)
            .with_handler(Arc::new(handler))
            .with_udp_addrs(vec!["127.0.0.1:0"])
            .build();
        // What waits for it is as large as all that it makes.
        let connection = Box::pin(building).await?;
        Ok(Self {
            connection: Box::new(connection),
            gathered,
            channels,
        })
    }

    /// Takes `description` for its own, and gives it back with the addresses that were found.
    async fn described(&mut self, description: RTCSessionDescription) -> anyhow::Result<RTCSessionDescription> {
        self.connection.set_local_description(description).await?;
        self.gathered.recv().await.context("the connection ended")?;
        self.connection.local_description().await.context("no description")
    }
}

/// Echoes a second through two bare connections.
async fn bare_echo(messages: usize) -> anyhow::Result<f64> {
    let (mut near, mut far) = (Bare::new().await?, Bare::new().await?);
    let near_channel = near.connection.create_data_channel("echo", None).await?;
    let offer = near.connection.create_offer(None).await?;
    let offer = near.described(offer).await?;
    far.connection.set_remote_description(offer).await?;
    let answer = far.connection.create_answer(None).await?;
    let answer = far.described(answer).await?;
    near.connection.set_remote_description(answer).await?;
    let far_channel = far.channels.recv().await.context("no channel")?;
    opened(&near_channel).await?;
    let content = "x".repeat(CONTENT_BYTES);
    let near_side = async {
        let began = Instant::now();
        for _ in 0..IN_FLIGHT.min(messages) {
            near_channel.send_text(&content).await?;
        }
        let mut sent = IN_FLIGHT.min(messages);
        for _ in 0..messages {
            heard(&near_channel).await?;
            if sent < messages {
                sent += 1;
                near_channel.send_text(&content).await?;
            }
        }
        anyhow::Ok(messages as f64 / began.elapsed().as_secs_f64())
    };
    let far_side = async {
        for _ in 0..messages {
            heard(&far_channel).await?;
            far_channel.send_text(&content).await?;
        }
        anyhow::Ok(())
    };
    let (rate, ()) = tokio::try_join!(near_side, far_side)?;
    near.connection.close().await?;
    far.connection.close().await?;
    Ok(rate)
}

async fn opened(channel: &Arc<dyn DataChannel>) -> anyhow::Result<()> {
    loop {
        match channel.poll().await.context("the channel ended")? {
            DataChannelEvent::OnOpen => return Ok(()),
            DataChannelEvent::OnClose => bail!("the channel closed"),
            _ => {}
        }
    }
}

async fn heard(channel: &Arc<dyn DataChannel>) -> anyhow::Result<()> {
    loop {
        match channel.poll().await.context("the channel ended")? {
            DataChannelEvent::OnMessage(message) => {
                ensure!(message.data.len() == CONTENT_BYTES, "another message came");
                return Ok(());
            }
            DataChannelEvent::OnClose => bail!("the channel closed"),
            _ => {}
        }
    }
}
