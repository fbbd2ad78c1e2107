//! The configuration: what the operator may decide, where it is read from, and what is refused.
//!
//! Flags beat `WARDROOM_*` environment variables, these beat the file, the file beats the defaults. Each section is a
//! file with a struct whose doc comments are the reference (`docs/config.md`), whose ranges are checked for every source,
//! and which has a `validate` where keys depend on each other. Nothing is ever silently replaced by a default: all
//! problems are collected and reported together.

mod check;
pub mod data_dir;
pub mod docs;
pub mod environment;
mod error;
mod file;
mod http;
mod keys;
mod limits;
mod lobby;
mod log;
mod nearest;
mod p2p;
mod settings;
mod shutdown;
mod signaling;
mod storage;
pub mod tailscale;
mod tls;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use self::error::{ConfigError, Origin, Problem};
pub use self::http::Http;
pub use self::limits::Limits;
pub use self::lobby::Lobby;
pub use self::log::{Log, LogFormat};
pub use self::p2p::{P2p, is_signal_url};
pub use self::shutdown::Shutdown;
pub use self::signaling::Signaling;
pub use self::storage::{Durability, IntegrityCheck, Storage};
pub use self::tailscale::{Tailscale, TailscaleError};
pub use self::tls::Tls;

use self::check::Checks;
use self::settings::{Setting, Settings};

/// The annotated file with all defaults, as it is written on the first run.
pub const DEFAULT_FILE: &str = include_str!("../../config/wardroom.json");

/// Everything the operator may decide.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct Config {
    /// Address or name to bind. `127.0.0.1` and `::1` are reached from this machine only, `0.0.0.0` and `::` from
    /// everywhere: put TLS before a server that others reach. Default `"127.0.0.1"`.
    pub host: String,

    /// TCP port to bind. `0` takes any free one. Default `18800`.
    pub port: u16,

    /// File of the database; a relative path is relative to the data directory. Default `"./wardroom.db"`.
    pub database: PathBuf,

    /// Serving on a Tailscale network only.
    pub tailscale: Tailscale,

    /// The room that every agent is in.
    pub lobby: Lobby,

    /// Most rooms at one time, without the lobby and the deleted ones. Default `100`.
    #[schemars(range(min = 1))]
    pub max_rooms: u32,

    /// Longest message, in code points. Default `8192`.
    #[schemars(range(min = 1, max = 16_777_216))]
    pub max_message_length: u32,

    /// Most messages in one answer to a history call; a call that asks for more gets so many. Default `1000`.
    #[schemars(range(min = 1))]
    pub max_history_per_room: u32,

    /// Messages kept in each room but the lobby; the newest stay. `0` keeps all. Default `0`.
    #[schemars(range(max = 9_007_199_254_740_991_u64))]
    pub room_history_limit: u64,

    /// Certificate and key for encrypted connections; both or neither.
    pub tls: Tls,

    /// Which web pages and host names are accepted; programs that send no `Origin` are not concerned.
    pub http: Http,

    /// How much a client may ask of the server. Every limit can be raised; where `0` turns one off, its key says so.
    pub limits: Limits,

    /// Opening rooms to peers that come over WebRTC, and what they find each other by.
    pub p2p: P2p,

    /// How agents find each other for direct links, at `/signal/` of this server or in `wardroom signal`.
    pub signaling: Signaling,

    /// How the database is written and read.
    pub storage: Storage,

    /// What is logged, in which form, and how much is kept.
    pub log: Log,

    /// How long an orderly stop may take.
    pub shutdown: Shutdown,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            host: "127.0.0.1".to_owned(),
            port: 18_800,
            database: PathBuf::from("./wardroom.db"),
            tailscale: Tailscale::default(),
            lobby: Lobby::default(),
            max_rooms: 100,
            max_message_length: 8192,
            max_history_per_room: 1000,
            room_history_limit: 0,
            tls: Tls::default(),
            http: Http::default(),
            limits: Limits::default(),
            p2p: P2p::default(),
            signaling: Signaling::default(),
            storage: Storage::default(),
            log: Log::default(),
            shutdown: Shutdown::default(),
        }
    }
}

/// What [`Config::load`] reads; it looks at nothing else.
#[derive(Clone, Debug, Default)]
pub struct LoadOptions {
    /// The file named by `--config`; it must exist.
    pub config_file: Option<PathBuf>,
    /// The data directory, in which the file is looked for when none is named.
    pub data_dir: PathBuf,
    /// The value of `--host`.
    pub host: Option<String>,
    /// The value of `--port`.
    pub port: Option<u16>,
    /// The environment, as [`environment::relevant`] gives it.
    pub environment: Vec<(String, String)>,
}

/// A configuration and the file it was read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loaded {
    /// The checked configuration.
    pub config: Config,
    /// The file that was read; `None` when there was none.
    pub source: Option<PathBuf>,
}

impl Config {
    /// Reads flags, environment and file, the stronger first, and checks the result.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Missing`] or [`ConfigError::Unreadable`] for the file, else [`ConfigError::Problems`] with
    /// everything that is wrong in any source.
    pub fn load(options: &LoadOptions) -> Result<Loaded, ConfigError> {
        let source = file::locate(options.config_file.as_deref(), &options.data_dir)?;
        let mut settings = Settings::default();
        if let Some(path) = &source {
            file::parse(path, &file::read(path)?, &mut settings);
        }
        environment::parse(&options.environment, &mut settings);
        if let Some(host) = &options.host {
            let value = Value::from(host.as_str());
            settings.add(Setting {
                key: "host".to_owned(),
                value,
                origin: Origin::Flag("--host"),
            });
        }
        if let Some(port) = options.port {
            let value = Value::from(port);
            settings.add(Setting {
                key: "port".to_owned(),
                value,
                origin: Origin::Flag("--port"),
            });
        }
        let (values, origins, problems) = settings.finish();
        let config = Self::from_values(values, &origins, problems)?;
        Ok(Loaded { config, source })
    }

    /// Writes the annotated file with all defaults into the data directory, readable by its owner only.
    ///
    /// A configuration that is there, `broodlink.json` included, is left alone. Returns the path of the new file, or
    /// `None` when there was one.
    ///
    /// # Errors
    ///
    /// What the operating system said when the file could not be written; nothing is left behind then.
    pub fn write_default(data_dir: &Path) -> io::Result<Option<PathBuf>> {
        if data_dir.join(file::ALIAS).try_exists()? {
            return Ok(None);
        }
        let path = data_dir.join(file::NAME);
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = match options.open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(None),
            Err(error) => return Err(error),
        };
        let written = file.write_all(DEFAULT_FILE.as_bytes()).and_then(|()| file.sync_all());
        if let Err(error) = written {
            // An empty or half file would refuse the next start; the first error is the one to tell.
            let _ = std::fs::remove_file(&path);
            return Err(error);
        }
        Ok(Some(path))
    }

    /// Checks a configuration that was put together in code by the rules that hold for a file.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Problems`] with everything that is wrong.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let mut settings = Settings::default();
        let values = serde_json::to_value(self).unwrap_or_default();
        for key in &keys::KEYS.keys {
            let pointer = format!("/{}", key.path.replace('.', "/"));
            let value = values.pointer(&pointer).cloned().unwrap_or_default();
            settings.add(Setting {
                key: key.path.clone(),
                value,
                origin: Origin::Default,
            });
        }
        let (_, origins, problems) = settings.finish();
        self.check(&origins, problems)
    }

    /// The largest frame of an authenticated connection, in bytes: `limits.frameBytes`, raised where a full message
    /// written in escapes, with full data, would not fit.
    #[must_use]
    pub fn frame_bytes(&self) -> usize {
        let escaped = u64::from(self.max_message_length) * 12 + u64::from(self.limits.message_data_bytes) + 65_536;
        let bytes = u64::from(self.limits.frame_bytes).max(1_048_576).max(escaped);
        usize::try_from(bytes).unwrap_or(usize::MAX)
    }

    /// The file of the database, resolved against the data directory.
    #[must_use]
    pub fn database_path(&self, data_dir: &Path) -> PathBuf {
        data_dir.join(self.database.strip_prefix(".").unwrap_or(&self.database))
    }

    /// Builds the configuration from checked `values`; `problems` are those already found.
    fn from_values(
        values: Value,
        origins: &BTreeMap<String, Origin>,
        mut problems: Vec<Problem>,
    ) -> Result<Self, ConfigError> {
        match serde_path_to_error::deserialize::<_, Self>(values) {
            Ok(config) => config.check(origins, problems).map(|()| config),
            Err(error) => {
                let key = error.path().to_string();
                let origin = origins.get(&key).cloned().unwrap_or(Origin::Default);
                problems.push(Problem {
                    origin,
                    key,
                    message: error.into_inner().to_string(),
                });
                Err(ConfigError::Problems(problems))
            }
        }
    }

    /// Checks what a single value cannot tell, section by section.
    fn check(&self, origins: &BTreeMap<String, Origin>, problems: Vec<Problem>) -> Result<(), ConfigError> {
        let mut checks = Checks::new(origins, problems);
        self.check_host(&mut checks);
        if self.database.as_os_str().is_empty() {
            checks.report(&["database"], "must name a file");
        }
        self.tailscale.validate(&mut checks);
        self.lobby.validate(self.limits.name_length, &mut checks);
        self.tls.validate(&mut checks);
        self.http.validate(&mut checks);
        self.limits.validate(&mut checks);
        self.p2p.validate(&mut checks);
        self.log.validate(&mut checks);
        let problems = checks.into_problems();
        if problems.is_empty() {
            Ok(())
        } else {
            Err(ConfigError::Problems(problems))
        }
    }

    /// Checks that `host` is an address or can be a name; whether it can be bound shows at start.
    fn check_host(&self, checks: &mut Checks<'_>) {
        let is_name = |text: &str| {
            text.chars()
                .all(|letter| letter.is_ascii_alphanumeric() || "-._".contains(letter))
        };
        let host = self.host.as_str();
        if host.is_empty() {
            checks.report(&["host"], "must not be empty");
        } else if host.parse::<std::net::IpAddr>().is_err() && !is_name(host) {
            let shown: String = host.escape_debug().take(100).collect();
            checks.report(
                &["host"],
                format!(
                    "must be an address such as `127.0.0.1` or `::1`, or a host name, without port and brackets, not \
                     `{shown}`"
                ),
            );
        }
    }
}
