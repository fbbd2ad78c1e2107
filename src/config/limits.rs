//! The `limits` section: what one client, one address and the whole server may use.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::check::Checks;

/// How much a client may ask of the server; every limit can be raised, and those with a documented 0 turned off.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct Limits {
    /// Most connections at one time, authenticated or not. One more is refused. Default `20000`.
    #[schemars(range(min = 1))]
    pub connections: u32,

    /// Most connections at one time from one address (of IPv6: from one /64 network). `0` turns the limit off, which suits agents behind one proxy.
    /// Default `0`.
    pub connections_per_address: u32,

    /// Most sessions one agent may have at one time. One more closes the oldest. Default `8`.
    #[schemars(range(min = 1))]
    pub sessions_per_agent: u32,

    /// Most rooms one agent may own at one time, the controller excepted. `0` turns the limit off. Default `100`.
    pub rooms_per_agent: u32,

    /// Milliseconds a new connection has to authenticate before it is closed. Default `10000`.
    #[schemars(range(min = 1, max = 86_400_000))]
    pub auth_timeout_ms: u64,

    /// Most keys one agent may have at one time, those that an enrolment token stands for included. Default `16`.
    #[schemars(range(min = 1, max = 10_000))]
    pub keys_per_agent: u32,

    /// Milliseconds that a replaced key goes on working beside its successor, where the caller does not say. `0` ends it at
    /// once. Default `86400000`.
    #[schemars(range(max = 2_592_000_000_u64))]
    pub key_overlap_ms: u64,

    /// Milliseconds after which an enrolment token that was not used ends. Default `3600000`.
    #[schemars(range(min = 1000, max = 2_592_000_000_u64))]
    pub enrolment_expiry_ms: u64,

    /// Most entries of the audit log that are kept of what the controller, the operator and the server did, and as many of
    /// what all others did and of refusals, so that nobody can push out what those did who govern; the oldest ones beyond
    /// it are deleted. Default `100000`.
    #[schemars(range(min = 100))]
    pub audit_rows: u32,

    /// Failed `auth` calls after which the connection is closed. Default `5`.
    #[schemars(range(min = 1))]
    pub auth_attempts: u32,

    /// Failed `auth` calls per second that one address may go on making; more are slowed or refused. A right key always
    /// passes. `0` turns the limit off. Default `1`.
    pub auth_failures_per_second: u32,

    /// Failed `auth` calls one address may make at once before `authFailuresPerSecond` applies. Default `10`.
    #[schemars(range(min = 1))]
    pub auth_failure_burst: u32,

    /// Milliseconds a client has to send the whole head of its HTTP request. Default `10000`.
    #[schemars(range(min = 1, max = 86_400_000))]
    pub request_head_timeout_ms: u64,

    /// Largest head of an HTTP request, in bytes. Default `32768`.
    #[schemars(range(min = 8192, max = 16_777_216))]
    pub request_head_bytes: u32,

    /// Largest frame of an authenticated connection, in bytes. A larger one closes the connection with 1009. Where
    /// `maxMessageLength` needs more, it is raised so that a full message written in escapes fits: the limit in force is
    /// the larger of this and 12 x `maxMessageLength` + 65536. Default `1048576`.
    #[schemars(range(min = 1_048_576, max = 1_073_741_824))]
    pub frame_bytes: u32,

    /// Largest frame before authentication, in bytes. A larger one closes the connection with 1009. Default `65536`.
    #[schemars(range(min = 1024, max = 1_073_741_824))]
    pub frame_bytes_before_auth: u32,

    /// Deepest nesting of arrays and objects in one frame, in levels. Default `64`.
    #[schemars(range(min = 8, max = 127))]
    pub nesting_depth: u32,

    /// Most requests in one JSON-RPC batch. Default `100`.
    #[schemars(range(min = 1))]
    pub batch_entries: u32,

    /// Most bytes of a request's `id`, quotes included: answers repeat it. Default `256`.
    #[schemars(range(min = 64))]
    pub id_bytes: u32,

    /// Most requests of one connection that wait for their turn; beyond it the server stops reading from that
    /// connection. Default `256`.
    #[schemars(range(min = 1))]
    pub in_flight_requests: u32,

    /// Messages per second that one agent may go on sending over all its connections; more are answered with 4080.
    /// `0` turns the limit off. Default `200`.
    pub messages_per_second: u32,

    /// Messages one agent may send at once before `messagesPerSecond` applies. Default `400`.
    #[schemars(range(min = 1))]
    pub message_burst: u32,

    /// Changes other than messages (rooms, members, agents, documents, logins) per second that one agent may go on making
    /// over all its connections; more are answered with 4080. `0` turns the limit off. Default `100`.
    pub changes_per_second: u32,

    /// Changes one agent may make at once before `changesPerSecond` applies. Default `1000`.
    #[schemars(range(min = 1))]
    pub change_burst: u32,

    /// Bytes of messages and tasks, `data` included, per second that one agent may go on sending over all its connections;
    /// more are answered with 4080. `0` turns the limit off. Default `1048576`.
    pub bytes_per_second: u32,

    /// Bytes of messages and tasks one agent may send at once before `bytesPerSecond` applies; a larger message counts as
    /// this many. Default `8388608`.
    #[schemars(range(min = 1))]
    pub byte_burst: u32,

    /// Rooms per second that one agent may go on joining over all its connections; more are answered with 4080. `0` turns
    /// the limit off. Default `20`.
    pub joins_per_second: u32,

    /// Rooms one agent may join at once before `joinsPerSecond` applies. Default `200`.
    #[schemars(range(min = 1))]
    pub join_burst: u32,

    /// Changes of which everybody is told (public rooms made, renamed or described, rooms opened or closed to all, agents
    /// renamed) per second that one agent may go on making over all its connections; more are answered with 4080. `0`
    /// turns the limit off. Default `5`.
    pub announcements_per_second: u32,

    /// Changes of which everybody is told that one agent may make at once before `announcementsPerSecond` applies.
    /// Default `200`.
    #[schemars(range(min = 1))]
    pub announcement_burst: u32,

    /// Answers of a few agents to each other (messages whose sender is not that of the message before) that pause a room
    /// when nobody else has spoken in it meanwhile; its owner or the controller resumes it. `0` turns the limit off.
    /// Default `2000`.
    pub loop_messages: u32,

    /// How many agents are a few: a word of one more begins the count of `loopMessages` anew. Default `2`.
    #[schemars(range(min = 2, max = 8))]
    pub loop_agents: u32,

    /// Milliseconds after which the count of `loopMessages` begins anew. Default `3600000`.
    #[schemars(range(min = 1, max = 86_400_000))]
    pub loop_window_ms: u64,

    /// Most bytes waiting to be sent to one connection. A reader that stays behind is closed with 1013 and resumes from
    /// its last position. Default `1048576`.
    #[schemars(range(min = 65_536, max = 1_073_741_824))]
    pub outgoing_queue_bytes: u32,

    /// Milliseconds that a reader for whom much waits may take nothing of it before it is closed with 1013; one that reads on,
    /// however slowly, is served from the store and stays. `0` turns the limit off. Default `8000`.
    #[schemars(range(max = 86_400_000))]
    pub slow_reader_timeout_ms: u64,

    /// Milliseconds that a connection whose queue has overflowed has to read what was queued before, and the close frame
    /// behind it; nothing more is queued. `0` cuts it at once. Default `8000`.
    #[schemars(range(max = 86_400_000))]
    pub slow_reader_grace_ms: u64,

    /// Milliseconds between two pings to a connection. Default `30000`.
    #[schemars(range(min = 1, max = 86_400_000))]
    pub ping_interval_ms: u64,

    /// Unanswered pings after which a connection counts as dead and is closed. Default `2`.
    #[schemars(range(min = 1, max = 1000))]
    pub missed_pongs: u32,

    /// Largest answer to one history call, in bytes. A page that would be larger ends earlier. Default `4194304`.
    #[schemars(range(min = 65_536, max = 1_073_741_824))]
    pub history_answer_bytes: u32,

    /// Longest name of an agent or a room, or title of a task, in code points. Default `100`.
    #[schemars(range(min = 1, max = 65_536))]
    pub name_length: u32,

    /// Longest description of a room, or note about a task, in code points. Default `1000`.
    #[schemars(range(min = 1, max = 1_048_576))]
    pub description_length: u32,

    /// Longest reason given with a kick, a ban or a canceled task, in code points. Default `1000`.
    #[schemars(range(min = 1, max = 1_048_576))]
    pub reason_length: u32,

    /// Longest document or message of the day, in code points. Default `65536`.
    #[schemars(range(min = 1024, max = 1_048_576))]
    pub document_length: u32,

    /// Most bytes of the JSON that goes with a message or a task as `data`, without the white space between its parts. `0`
    /// turns the limit off; what a frame can hold remains one. Default `65536`.
    #[schemars(range(max = 67_108_864))]
    pub message_data_bytes: u32,

    /// Most tasks of one room that are neither finished nor canceled. `0` turns the limit off. Default `1000`.
    pub tasks_per_room: u32,

    /// Milliseconds that an agent holds a task it has claimed, when it does not say for how long. Default `300000`.
    #[schemars(range(min = 1, max = 31_536_000_000_u64))]
    pub task_lease_ms: u64,

    /// Milliseconds that an agent may hold a task without renewing its claim, at the most. Default `86400000`.
    #[schemars(range(min = 1, max = 31_536_000_000_u64))]
    pub task_lease_max_ms: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 20_000,
            connections_per_address: 0,
            sessions_per_agent: 8,
            keys_per_agent: 16,
            key_overlap_ms: 86_400_000,
            enrolment_expiry_ms: 3_600_000,
            audit_rows: 100_000,
            rooms_per_agent: 100,
            auth_timeout_ms: 10_000,
            auth_attempts: 5,
            auth_failures_per_second: 1,
            auth_failure_burst: 10,
            request_head_timeout_ms: 10_000,
            request_head_bytes: 32_768,
            frame_bytes: 1_048_576,
            frame_bytes_before_auth: 65_536,
            nesting_depth: 64,
            batch_entries: 100,
            id_bytes: 256,
            in_flight_requests: 256,
            messages_per_second: 200,
            message_burst: 400,
            changes_per_second: 100,
            change_burst: 1000,
            bytes_per_second: 1_048_576,
            byte_burst: 8_388_608,
            joins_per_second: 20,
            join_burst: 200,
            announcements_per_second: 5,
            announcement_burst: 200,
            loop_messages: 2000,
            loop_agents: 2,
            loop_window_ms: 3_600_000,
            outgoing_queue_bytes: 1_048_576,
            slow_reader_timeout_ms: 8000,
            slow_reader_grace_ms: 8000,
            ping_interval_ms: 30_000,
            missed_pongs: 2,
            history_answer_bytes: 4_194_304,
            name_length: 100,
            description_length: 1000,
            reason_length: 1000,
            document_length: 65_536,
            message_data_bytes: 65_536,
            tasks_per_room: 1000,
            task_lease_ms: 300_000,
            task_lease_max_ms: 86_400_000,
        }
    }
}

impl Limits {
    /// Checks what the ranges of the single keys cannot say.
    pub(super) fn validate(&self, checks: &mut Checks) {
        if self.frame_bytes_before_auth > self.frame_bytes {
            checks.report(
                &["limits.frameBytesBeforeAuth", "limits.frameBytes"],
                format!("must not be more than `limits.frameBytes` ({})", self.frame_bytes),
            );
        }
        if self.task_lease_ms > self.task_lease_max_ms {
            checks.report(
                &["limits.taskLeaseMs", "limits.taskLeaseMaxMs"],
                format!(
                    "must not be more than `limits.taskLeaseMaxMs` ({})",
                    self.task_lease_max_ms
                ),
            );
        }
        if self.connections_per_address > self.connections {
            checks.report(
                &["limits.connectionsPerAddress", "limits.connections"],
                format!("must not be more than `limits.connections` ({})", self.connections),
            );
        }
    }
}
