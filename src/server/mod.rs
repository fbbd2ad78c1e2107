//! Puts the server together: database, room model, sessions, sockets, and their orderly end.

mod error;
mod gateways;
mod listen;
pub mod setup;
pub mod signaling;
pub mod upkeep;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;
use tokio_util::sync::CancellationToken;

pub use error::{StartError, StartErrorKind};

use crate::config::{Config, Durability};
use crate::domain::{EndReason, Event, Name};
use crate::http::{Admission, App, Front, HttpLimits};
use crate::hub::acts::{ForgetRetryKeys, KickEveryone, ProbeStorage};
use crate::hub::{self, Caller, ExchangeLimits, Guides, Hub, HubOptions, HubThreads, Limits};
use crate::protocol::envelope::FrameLimits;
use crate::protocol::{docs, encode};
use crate::rpc::{Control, Rpc, RpcLimits};
use crate::runtime::clock::{SystemClock, SystemEntropy};
use crate::runtime::lifecycle::Lifecycle;
use crate::runtime::metrics::Metrics;
use crate::store::WriterOptions;

/// Time between two rounds of housekeeping.
const HOUSEKEEPING: Duration = Duration::from_secs(5);

/// Rounds from one cleaning to the next: an hour.
const ROUNDS_BETWEEN_CLEANING: u32 = 720;

/// Time between two steps of one cleaning, which is nobody's hurry: what agents ask for comes in between.
const BETWEEN_CLEANINGS: Duration = Duration::from_millis(50);

/// A running server.
pub struct Server {
    addresses: Vec<SocketAddr>,
    scheme: &'static str,
    hub: Hub,
    threads: HubThreads,
}

impl Server {
    /// Opens the database and listens; `owned` is called when the data directory is this server's, before anything that
    /// may take long. The server stops when the soft token of `lifecycle` is cancelled; wait for `lifecycle`, then call
    /// [`Server::finish`].
    pub async fn start(
        config: Config,
        data_dir: &Path,
        lifecycle: &Lifecycle,
        owned: impl FnOnce(),
    ) -> Result<Self, StartError> {
        // Every connection needs a descriptor; a limit that cannot be raised is the operator's choice.
        let _ = rlimit::increase_nofile_limit(u64::MAX);
        let sockets = listen::bind(&config, data_dir).await?;
        let (settings, directory) = (config.clone(), data_dir.to_owned());
        let lock = blocking(move || setup::lock(&settings, &directory)).await?;
        owned();
        let (settings, directory) = (config.clone(), data_dir.to_owned());
        let database = blocking(move || setup::open(&settings, &directory, lock)).await?;

        let fatal = CancellationToken::new();
        let metrics = Metrics::default();
        let options = hub_options(&config, data_dir, metrics, fatal.clone())?;
        let path = config.database_path(data_dir);
        let (hub, threads) =
            blocking(move || hub::start(database, options).map_err(|error| StartError::from(error).about(&path)))
                .await?;

        let listeners = listen::listeners(sockets, data_dir)?;
        let control = Arc::new(ServerControl {
            addresses: listeners.addresses.clone(),
            scheme: listeners.scheme,
            began: Instant::now(),
            restarting: Arc::default(),
            lifecycle: lifecycle.clone(),
        });
        let peers = gateways::peer_settings(&config, listeners.scheme, &listeners.addresses);
        let rpc = Rpc::new(
            hub.clone(),
            rpc_limits(&config),
            peers.clone(),
            Arc::clone(&control) as Arc<dyn Control>,
        );
        lifecycle.spawn_core("audit", Arc::clone(&rpc).keep_audit(lifecycle.soft_stop()));
        let app = Arc::new(App {
            rpc,
            signaling: config
                .signaling
                .enabled
                .then(|| signaling::rooms(&config, hub.metrics())),
            front: front(
                &config,
                &listeners.addresses,
                lifecycle,
                &control.restarting,
                hub.metrics(),
            ),
        });
        crate::http::serve(&app, listeners.all);
        gateways::start((&config, data_dir), &peers, &hub, lifecycle).await?;
        lifecycle.spawn_core(
            "constitution",
            hub.clone().keep_constitution_file(lifecycle.soft_stop()),
        );
        lifecycle.spawn_core(
            "farewell",
            farewell(hub.clone(), Arc::clone(&control.restarting), lifecycle.soft_stop()),
        );
        lifecycle.spawn_core("keys", hub.clone().end_expired_keys(lifecycle.soft_stop()));
        lifecycle.spawn_core("housekeeping", housekeeping(hub.clone(), lifecycle.soft_stop()));
        lifecycle.spawn_core("leases", hub.clone().keep_leases(lifecycle.soft_stop()));
        lifecycle.spawn_core("search index", hub.clone().keep_index(lifecycle.soft_stop()));
        lifecycle.spawn_core("deliveries", hub.clone().keep_deliveries(lifecycle.soft_stop()));
        lifecycle.spawn_core("storage", watch_storage(fatal, lifecycle.clone()));
        tracing::info!(addresses = ?listeners.addresses, epoch = %hub.epoch(), "the server is ready");
        Ok(Self {
            addresses: listeners.addresses,
            scheme: listeners.scheme,
            hub,
            threads,
        })
    }

    /// The addresses that the server listens on.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// `ws`, or `wss` when the port is encrypted.
    pub fn scheme(&self) -> &'static str {
        self.scheme
    }

    /// Waits until everything is decided, told and folded into the database, and releases the data directory. False when
    /// that took longer than `deadline`: what was acknowledged is safe all the same.
    pub async fn finish(self, deadline: Duration) -> bool {
        let Self { hub, threads, .. } = self;
        drop(hub);
        let joined = tokio::task::spawn_blocking(move || threads.join());
        tokio::time::timeout(deadline, joined).await.is_ok()
    }
}

/// Runs blocking work of the start off the async threads.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StartError> + Send + 'static,
) -> Result<T, StartError> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|error| Err(StartError::Failed(error.to_string())))
}

/// Tells agents that the server goes, as soon as it does.
async fn farewell(hub: Hub, restarting: Arc<AtomicBool>, stop: CancellationToken) {
    stop.cancelled().await;
    let reason = EndReason::of_stop(restarting.load(Ordering::Relaxed));
    let told = hub
        .perform(
            Caller::Server,
            KickEveryone {
                reason,
                spare_controller: false,
            },
        )
        .await;
    tracing::info!(agents = told.unwrap_or(0), "the server is stopping; agents were told");
}

/// Looks after what nobody asks for: whether a disk that refused changes takes them again, and, now and then, what needs
/// not be remembered any longer.
async fn housekeeping(hub: Hub, stop: CancellationToken) {
    let (mut rounds, mut told) = (0_u32, 0);
    loop {
        if hub.metrics().writable.get() == 0 {
            // The outcome shows in the gauge.
            let _ = hub.perform(Caller::Server, ProbeStorage).await;
        }
        if rounds.is_multiple_of(ROUNDS_BETWEEN_CLEANING) {
            clean(&hub, &stop).await;
            let retired = hub.metrics().messages_retired.get();
            if retired > told {
                tracing::info!(count = retired - told, "messages beyond a history limit were deleted");
                told = retired;
            }
        }
        rounds = rounds.wrapping_add(1);
        tokio::select! {
            () = tokio::time::sleep(HOUSEKEEPING) => {}
            () = stop.cancelled() => return,
        }
    }
}

/// Forgets old idempotency keys, some at a time. What is left when the server stops is left to the next one.
async fn clean(hub: &Hub, stop: &CancellationToken) {
    while !stop.is_cancelled() {
        match hub.perform(Caller::Server, ForgetRetryKeys).await {
            Ok(0) => return,
            Ok(count) => tracing::debug!(count, "old idempotency keys were forgotten"),
            Err(reason) => return tracing::debug!(%reason, "old idempotency keys are kept for now"),
        }
        tokio::select! {
            () = tokio::time::sleep(BETWEEN_CLEANINGS) => {}
            () = stop.cancelled() => {}
        }
    }
}

/// Ends the process when the storage can no longer say what it has saved.
async fn watch_storage(fatal: CancellationToken, lifecycle: Lifecycle) {
    tokio::select! {
        () = fatal.cancelled() => lifecycle.fail(),
        () = lifecycle.soft_stop().cancelled_owned() => {}
    }
}

struct ServerControl {
    addresses: Vec<SocketAddr>,
    scheme: &'static str,
    began: Instant,
    restarting: Arc<AtomicBool>,
    lifecycle: Lifecycle,
}

impl Control for ServerControl {
    fn spawn(&self, name: &'static str, work: BoxFuture<'static, ()>) {
        self.lifecycle.spawn(name, work);
    }

    fn addresses(&self) -> Vec<String> {
        self.addresses
            .iter()
            .map(|address| format!("{}://{address}", self.scheme))
            .collect()
    }

    fn uptime_ms(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn stop(&self, restart: bool) {
        self.restarting.store(restart, Ordering::Relaxed);
        self.lifecycle.stop();
    }
}

/// The texts that come with the program.
pub(crate) fn guides() -> Guides {
    Guides {
        constitution: include_str!("guides/constitution.md"),
        controller: include_str!("guides/controller.md"),
        participant: include_str!("guides/participant.md"),
        protocol: docs::markdown(),
    }
}

fn hub_options(
    config: &Config,
    data_dir: &Path,
    metrics: Metrics,
    fatal: CancellationToken,
) -> Result<HubOptions, StartError> {
    let limits = &config.limits;
    Ok(HubOptions {
        limits: Limits {
            rooms: config.max_rooms,
            rooms_per_agent: limits.rooms_per_agent,
            message_length: config.max_message_length,
            name_length: limits.name_length,
            description_length: limits.description_length,
            reason_length: limits.reason_length,
            document_length: limits.document_length,
            history_page: config.max_history_per_room,
            history_bytes: limits.history_answer_bytes as usize,
            lobby_history: config.lobby.history_limit,
            room_history: config.room_history_limit,
            peers_per_room: config.p2p.max_per_room,
            peers: config.p2p.max_peers,
            opening_ms: config.p2p.expiry_ms.cast_signed(),
            data_bytes: limits.message_data_bytes,
            tasks_per_room: limits.tasks_per_room,
            lease_ms: limits.task_lease_ms,
            longest_lease_ms: limits.task_lease_max_ms,
            sessions_per_agent: limits.sessions_per_agent,
            keys_per_agent: limits.keys_per_agent,
            key_overlap_ms: limits.key_overlap_ms.cast_signed(),
            enrolment_expiry_ms: limits.enrolment_expiry_ms.cast_signed(),
            audit_rows: limits.audit_rows,
            messages_per_second: limits.messages_per_second,
            message_burst: limits.message_burst,
            changes_per_second: limits.changes_per_second,
            change_burst: limits.change_burst,
            bytes_per_second: limits.bytes_per_second,
            byte_burst: limits.byte_burst,
            joins_per_second: limits.joins_per_second,
            join_burst: limits.join_burst,
            announcements_per_second: limits.announcements_per_second,
            announcement_burst: limits.announcement_burst,
            exchange: ExchangeLimits {
                answers: limits.loop_messages,
                agents: limits.loop_agents,
                window_ms: limits.loop_window_ms,
            },
        },
        lobby_name: lobby_name(config)?,
        writer: WriterOptions {
            queue: config.storage.queue as usize,
            group: config.storage.group_commit as usize,
        },
        durable: config.storage.durability == Durability::Full,
        documents: data_dir.join("docs"),
        guides: guides(),
        encode: Arc::new(|event: &Event| crate::http::text_frame(&encode(event))),
        clock: Arc::new(SystemClock::default()),
        entropy: Arc::new(SystemEntropy),
        metrics,
        fatal,
    })
}

fn lobby_name(config: &Config) -> Result<Name, StartError> {
    Name::parse(&config.lobby.name, config.limits.name_length)
        .map_err(|problem| StartError::Configuration(format!("`lobby.name` {problem}")))
}

fn rpc_limits(config: &Config) -> RpcLimits {
    let limits = &config.limits;
    RpcLimits {
        frame: FrameLimits {
            depth: limits.nesting_depth as usize,
            batch: limits.batch_entries as usize,
            id: limits.id_bytes as usize,
        },
        auth_attempts: limits.auth_attempts,
        auth_failures_per_second: limits.auth_failures_per_second,
        auth_failure_burst: limits.auth_failure_burst,
        in_flight: limits.in_flight_requests,
        batch_answer_bytes: limits.history_answer_bytes as usize,
    }
}

fn front(
    config: &Config,
    addresses: &[SocketAddr],
    lifecycle: &Lifecycle,
    restarting: &Arc<AtomicBool>,
    metrics: &Metrics,
) -> Arc<Front> {
    Arc::new(Front {
        limits: http_limits(config),
        admission: admission(config, addresses),
        lifecycle: lifecycle.clone(),
        stopping: lifecycle.soft_stop(),
        restarting: Arc::clone(restarting),
        metrics: metrics.clone(),
    })
}

fn http_limits(config: &Config) -> HttpLimits {
    let limits = &config.limits;
    HttpLimits {
        connections: limits.connections,
        connections_per_address: limits.connections_per_address,
        head_timeout: Duration::from_millis(limits.request_head_timeout_ms),
        head_bytes: limits.request_head_bytes as usize,
        auth_timeout: Duration::from_millis(limits.auth_timeout_ms),
        frame_bytes_before_auth: limits.frame_bytes_before_auth as usize,
        frame_bytes: config.frame_bytes(),
        queue_bytes: limits.outgoing_queue_bytes as usize,
        slow_reader_timeout: (limits.slow_reader_timeout_ms > 0)
            .then(|| Duration::from_millis(limits.slow_reader_timeout_ms)),
        slow_reader_grace: Duration::from_millis(limits.slow_reader_grace_ms),
        drain: Duration::from_millis(config.shutdown.drain_ms),
        ping_interval: Duration::from_millis(limits.ping_interval_ms),
        missed_pongs: limits.missed_pongs,
    }
}

fn admission(config: &Config, bound: &[SocketAddr]) -> Admission {
    let mut hosts = config.http.allowed_hosts.clone();
    // A server that is bound by name is meant to be reached by it, and one that is open to the network by its own.
    hosts.push(config.host.clone());
    hosts.push(rustix::system::uname().nodename().to_string_lossy().into_owned());
    Admission {
        origins: config.http.allowed_origins.clone(),
        hosts,
        bound: bound.to_vec(),
    }
}
