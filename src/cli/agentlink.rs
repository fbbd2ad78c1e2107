//! What link-agent's users have set up: the file `.agentlinkrc` and the variables beside it.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;

use super::exit::{Exit, Failure};
use super::output;
use crate::client::Trust;
use crate::domain::Permission;
use crate::p2p::IceServer;

/// The signaling server that link-agent uses unless it is told another.
pub(super) const SIGNAL_URL: &str = "wss://ginfo.cc/signal/";

/// The servers that link-agent asks for its address unless it is told others.
const ICE_SERVERS: [&str; 5] = [
    "stun:stun.qq.com:3478",
    "stun:stun.miwifi.com:3478",
    "stun:stun.alidns.com:3478",
    "stun:stun.l.google.com:19302",
    "stun:stun1.l.google.com:19302",
];

/// The name of the file.
const FILE_NAME: &str = ".agentlinkrc";

/// The file, as far as wardroom knows its keys. Others are left to whoever knows them.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct RcFile {
    pub(super) name: Option<String>,
    pub(super) permission: Option<String>,
    pub(super) signaling_url: Option<String>,
    pub(super) port: Option<u16>,
    pub(super) data_dir: Option<String>,
    pub(super) intro: Option<String>,
    pub(super) ice_servers: Option<Vec<String>>,
    pub(super) aliases: BTreeMap<String, String>,
    pub(super) tg_token: Option<String>,
    pub(super) tg_chat_id: Option<Value>,
    pub(super) notify: Option<Value>,
    pub(super) hooks: RcHooks,
}

/// Commands for what happens.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct RcHooks {
    #[serde(rename = "onConnect")]
    pub(super) connect: Option<String>,
    #[serde(rename = "onMessage")]
    pub(super) message: Option<String>,
    #[serde(rename = "onDisconnect")]
    pub(super) disconnect: Option<String>,
}

impl RcFile {
    /// Reads the file in the working directory, else the one in the home directory: the first that can be read as a whole.
    /// One that cannot is told of, and left out.
    pub(super) fn read() -> Self {
        let here = Some(PathBuf::from("."));
        for directory in here.into_iter().chain(home()) {
            let path = directory.join(FILE_NAME);
            match fs::read_to_string(&path) {
                Ok(text) => match serde_json::from_str(&text) {
                    Ok(file) => return file,
                    Err(error) => output::warning(format_args!("`{}` is left out: {error}", path.display())),
                },
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => output::warning(format_args!("`{}` is left out: {error}", path.display())),
            }
        }
        Self::default()
    }

    /// The level that is asked for: the flag's, else the file's, else `helper`. A word that is none counts as `chat`.
    pub(super) fn level(&self, flag: Option<Permission>) -> Permission {
        flag.unwrap_or_else(|| match &self.permission {
            None => Permission::Helper,
            Some(word) => Permission::requested(Some(word)),
        })
    }

    /// The servers that help through address translation: the flag's, else the variable's, else the file's, else link-agent's
    /// own. Only the file can say that there are none.
    pub(super) fn ice(&self, flag: Option<&str>) -> Result<Vec<IceServer>, Failure> {
        let usage = |problem| Failure::new(Exit::Usage, format!("the ICE servers are not understood: {problem}"));
        let variable = variable("AGENTLINK_ICE_SERVERS");
        let given = flag.filter(|list| !list.is_empty()).or(variable.as_deref());
        if let Some(list) = given {
            return IceServer::parse_list(list).map_err(usage);
        }
        let own = || ICE_SERVERS.map(str::to_owned).to_vec();
        let servers = self.ice_servers.clone().unwrap_or_else(own);
        servers.iter().map(|server| server.parse().map_err(usage)).collect()
    }
}

/// The home directory, if there is one.
pub(super) fn home() -> Option<PathBuf> {
    std::env::var_os("HOME")
        .filter(|home| !home.is_empty())
        .map(PathBuf::from)
}

/// Where link-agent keeps everything.
pub(super) fn directory() -> Result<PathBuf, Failure> {
    let home = home().ok_or_else(|| Failure::new(Exit::DataDirectory, "`HOME` is not set"))?;
    Ok(home.join(".agentlink"))
}

/// A path in which `~` means the home directory.
pub(super) fn expanded(path: &str) -> PathBuf {
    match (path.strip_prefix('~'), home()) {
        (Some(""), Some(home)) => home,
        (Some(rest), Some(home)) if rest.starts_with('/') => home.join(rest.trim_start_matches('/')),
        _ => PathBuf::from(path),
    }
}

/// A variable of the environment that is set to something.
pub(super) fn variable(name: &str) -> Option<String> {
    let value = std::env::var_os(name)?.into_string().ok()?;
    Some(value).filter(|value| !value.is_empty())
}

/// The authorities of `wss://` servers; none when the system has none, which matters only if such a server is used.
pub(super) fn trust() -> Option<Trust> {
    let file = variable("SSL_CERT_FILE");
    Trust::in_system(file.as_deref().map(Path::new)).ok()
}
