//! The `storage` section: how the database is written and read.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How the database is written and read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct Storage {
    /// What an acknowledgement promises. Clients are told in the answer to `auth`. Default `"full"`.
    pub durability: Durability,

    /// Connections that read the database beside the writer, so calls that can read at one time. Default `4`.
    #[schemars(range(min = 1, max = 64))]
    pub readers: u32,

    /// Most commands in one commit. More share the cost of reaching the disk, fewer shorten the wait. Default `1024`.
    #[schemars(range(min = 1, max = 65_536))]
    pub group_commit: u32,

    /// Most commands waiting for the writer; beyond it senders wait for a place. Default `4096`.
    #[schemars(range(min = 1, max = 1_048_576))]
    pub queue: u32,

    /// How much of the database is checked at each start. Whatever is chosen, every message is checked against its
    /// checksum whenever it is read. Default `"auto"`.
    pub integrity_check: IntegrityCheck,
}

impl Default for Storage {
    fn default() -> Self {
        Self {
            durability: Durability::Full,
            readers: 4,
            group_commit: 1024,
            queue: 4096,
            integrity_check: IntegrityCheck::Auto,
        }
    }
}

/// What an acknowledgement promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Durability {
    /// Acknowledged is on the disk: it survives a crash of the machine.
    Full,
    /// Acknowledged is handed to the operating system: it survives a crash of the server, but a power failure may take
    /// the last moments.
    Relaxed,
}

impl Durability {
    /// The name on the wire and in the configuration: `full` or `relaxed`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Relaxed => "relaxed",
        }
    }
}

impl fmt::Display for Durability {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// How much of the database is checked at start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum IntegrityCheck {
    /// The structure of the database; the tables of messages only while the file is below 64 MiB.
    Auto,
    /// Everything: every page, index and checksum, however long it takes.
    Full,
    /// Nothing; damage is still noticed where it is read.
    Off,
}
