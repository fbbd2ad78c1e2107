//! The `signaling` section: where agents find each other for direct links.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How agents find each other for direct links, at `/signal/` of this server or in `wardroom signal`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct Signaling {
    /// Whether `wardroom serve` answers at `/signal/`. `wardroom signal` answers in any case. Default `true`.
    pub enabled: bool,

    /// Most signaling rooms at one time. Default `1000`.
    #[schemars(range(min = 1))]
    pub rooms: u32,

    /// Most signaling connections at one time from one address (of IPv6: from one /64 network). `0` turns the limit off.
    /// Default `32`.
    pub connections_per_address: u32,

    /// Frames per second that one client may go on sending; whoever sends faster is read more slowly. `0` turns the limit
    /// off. Default `30`.
    pub frames_per_second: u32,

    /// Frames one client may send at once before `framesPerSecond` applies. Default `120`.
    #[schemars(range(min = 1))]
    pub frame_burst: u32,

    /// Entries per second that may go on failing for one address; beyond it the answer no longer tells why. `0` turns the
    /// limit off. Default `1`.
    pub failed_entries_per_second: u32,

    /// Entries that may fail at once for one address before `failedEntriesPerSecond` applies. Default `10`.
    #[schemars(range(min = 1))]
    pub failed_entry_burst: u32,

    /// Milliseconds that an address has to wait whose client left a room within this time of entering it. `0` turns the
    /// limit off. Default `1000`.
    #[schemars(range(max = 86_400_000))]
    pub cooldown_ms: u64,

    /// Whether the limits of one address (connections, failed entries, waiting) hold for clients on this machine too: all
    /// of them behind a proxy on it count as one. Default `false`.
    pub limit_loopback: bool,

    /// Milliseconds that a client may wait alone in a room before it is closed with 1001. Default `3600000`.
    #[schemars(range(min = 1, max = 31_536_000_000_u64))]
    pub wait_timeout_ms: u64,

    /// Milliseconds after which two clients that send each other nothing are closed with 1001. A link between them goes on.
    /// Default `86400000`.
    #[schemars(range(min = 1, max = 31_536_000_000_u64))]
    pub idle_timeout_ms: u64,

    /// Milliseconds that a client may stay whose partner has left, before it is closed with 1001; it is in no room any
    /// more, and enters again if it wants to. Default `15000`.
    #[schemars(range(min = 1, max = 31_536_000_000_u64))]
    pub stranded_timeout_ms: u64,
}

impl Default for Signaling {
    fn default() -> Self {
        Self {
            enabled: true,
            rooms: 1000,
            connections_per_address: 32,
            frames_per_second: 30,
            frame_burst: 120,
            failed_entries_per_second: 1,
            failed_entry_burst: 10,
            cooldown_ms: 1000,
            limit_loopback: false,
            wait_timeout_ms: 3_600_000,
            idle_timeout_ms: 86_400_000,
            stranded_timeout_ms: 15_000,
        }
    }
}
