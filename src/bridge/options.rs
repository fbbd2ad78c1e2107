//! What a bridge is told when it starts.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use crate::client::Trust;
use crate::domain::Permission;
use crate::notify::NotifyOptions;
use crate::p2p::{IceServer, Intervals, LinkLimits};

/// The settings of a bridge. The `Debug` form shows no secret: neither the token nor what rooms are called.
#[derive(Clone)]
pub struct BridgeOptions {
    /// The data root; made for its owner only.
    pub root: PathBuf,
    /// Where the links to the notification files are put: `/tmp`, as link-agent has it.
    pub public_notices: PathBuf,
    /// The signaling server, without a room.
    pub signal_url: String,
    /// Whether that is not the usual one, so that an invite has to name it.
    pub names_signal_url: bool,
    /// The name shown to peers.
    pub name: String,
    /// The most that peers are allowed.
    pub permission: Permission,
    /// Servers that help through address translation.
    pub ice_servers: Vec<IceServer>,
    /// Who must have signed the certificates of `wss://` servers.
    pub trust: Option<Trust>,
    /// What each peer is told when it is first connected.
    pub intro: Option<String>,
    /// Who is told what happens, beside agents.
    pub notify: NotifyOptions,
    /// Short names for rooms, in requests.
    pub aliases: BTreeMap<String, String>,
    /// What a request has to bear, as `Authorization: Bearer`, if it bears anything.
    pub token: String,
    /// Whether it has to bear it.
    pub require_token: bool,
    /// The times of links.
    pub intervals: Intervals,
    /// The bounds of links.
    pub limits: LinkLimits,
}

impl fmt::Debug for BridgeOptions {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("BridgeOptions")
            .field("root", &self.root)
            .field("name", &self.name)
            .field("permission", &self.permission)
            .field("require_token", &self.require_token)
            .finish_non_exhaustive()
    }
}
