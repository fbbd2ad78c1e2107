//! The one table of methods. Dispatch, the check of who may call, `rpc.discover`, `docs/protocol.md` and the tests'
//! matrix of rights are all derived from it.

mod agent;
mod audit;
mod docs;
mod follow;
mod key;
mod lobby;
mod message;
mod operator;
mod p2p;
mod pause;
mod receipts;
mod room;
mod search;
mod session;
mod task;
mod upkeep;

pub use agent::*;
pub use audit::*;
pub use docs::*;
pub use follow::*;
pub use key::*;
pub use lobby::*;
pub use message::*;
pub use operator::*;
pub use p2p::*;
pub use pause::*;
pub use receipts::*;
pub use room::*;
pub use search::*;
pub use session::*;
pub use task::*;
pub use upkeep::*;

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::codes::Code;
use super::schema;

/// Who may call a method at all. What a caller may do with it beyond that, the room model decides.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Access {
    /// A connection that has not authenticated.
    Anyone,
    /// Any agent.
    Agent,
    /// The controller.
    Controller,
    /// The operator, through the socket in the data directory.
    Operator,
}

impl Access {
    /// The word for it in documents.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Anyone => "anyone",
            Self::Agent => "any agent",
            Self::Controller => "controller",
            Self::Operator => "operator",
        }
    }
}

/// How a method stands to the other requests of its connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Order {
    /// Takes its place in the one order of changes; the connection goes on to the next request without waiting.
    Change,
    /// Sees every change that the connection asked for before.
    Read,
}

/// A method of the protocol.
pub trait Method: 'static {
    /// Its name on the wire.
    const NAME: &'static str;
    /// What it does.
    const SUMMARY: &'static str;
    /// Who may call it.
    const ACCESS: Access;
    /// How it stands to other requests.
    const ORDER: Order;
    /// The errors it can answer with, besides those that every method has.
    const ERRORS: &'static [Code];
    /// The events it can cause.
    const EVENTS: &'static [&'static str];
    /// Its parameters, always by name.
    type Params: DeserializeOwned + JsonSchema + Send + 'static;
    /// Its result.
    type Result: Serialize + JsonSchema + Send + 'static;
}

/// A row of the table.
#[derive(Clone, Debug)]
pub struct MethodSpec {
    /// Its name on the wire.
    pub name: &'static str,
    /// What it does.
    pub summary: &'static str,
    /// Who may call it.
    pub access: Access,
    /// How it stands to other requests.
    pub order: Order,
    /// The errors it can answer with, besides those that every method has.
    pub errors: &'static [Code],
    /// The events it can cause.
    pub events: &'static [&'static str],
    /// The JSON Schema of its params.
    pub params: Value,
    /// The JSON Schema of its result.
    pub result: Value,
}

impl MethodSpec {
    /// The row of `M`.
    pub fn of<M: Method>() -> Self {
        Self {
            name: M::NAME,
            summary: M::SUMMARY,
            access: M::ACCESS,
            order: M::ORDER,
            errors: M::ERRORS,
            events: M::EVENTS,
            params: schema::of::<M::Params>(),
            result: schema::of::<M::Result>(),
        }
    }
}

/// Declares a method: its doc comment is its summary in every document.
macro_rules! method {
    (
        $(#[doc = $summary:literal])+
        $name:ident = $wire:literal, $access:ident, $order:ident, $params:ty => $result:ty,
        errors [$($error:ident),*], events [$($event:literal),*]
    ) => {
        $(#[doc = $summary])+
        #[derive(Clone, Copy, Debug)]
        pub struct $name;

        impl $crate::protocol::methods::Method for $name {
            const NAME: &'static str = $wire;
            const SUMMARY: &'static str = concat!($($summary),+).trim_ascii();
            const ACCESS: $crate::protocol::methods::Access = $crate::protocol::methods::Access::$access;
            const ORDER: $crate::protocol::methods::Order = $crate::protocol::methods::Order::$order;
            const ERRORS: &'static [$crate::protocol::codes::Code] = &[$($crate::protocol::codes::Code::$error),*];
            const EVENTS: &'static [&'static str] = &[$($event),*];
            type Params = $params;
            type Result = $result;
        }
    };
}
use method;

/// Hands the list of all methods to another macro, which is how every table is made of the one list.
macro_rules! for_each_method {
    ($table:ident) => {
        $table! {
            Auth, RpcDiscover,
            AgentInvite, AgentRevoke, AgentList, AgentKick, AgentBan, AgentUnban,
            AgentEnrol, AgentCreateKey, AgentRotateKey, AgentRevokeKey, AgentListKeys, AgentRename, AuditList,
            RoomCreate, RoomList, RoomJoin, RoomLeave, RoomInfo, RoomHistory, RoomFollow, RoomMarkRead, RoomInvite, RoomKick, RoomVisibility,
            RoomUpdate, RoomDelete, RoomTakeOwnership, RoomPause, RoomResume,
            MessageSend, MessageDm, MessageFollowDirect, MessageRemove, MessageSearch, MessageStatus,
            MessageMarkReadDirect,
            LobbySetMotd, LobbyGetMotd,
            DocsList, DocsGet, DocsUpdate,
            TaskCreate, TaskClaim, TaskRenew, TaskUpdate, TaskComplete, TaskFail, TaskCancel, TaskList, TaskGet,
            P2pOpen, P2pJoin, P2pList, P2pClose, P2pSetPermission,
            OperatorStatus, OperatorStop, OperatorLock, OperatorUnlock, OperatorKick, OperatorBackup, OperatorExport
        }
    };
}

pub(crate) use for_each_method;

/// The table.
pub fn all() -> Vec<MethodSpec> {
    macro_rules! specs {
        ($($method:ident),+) => { vec![$(MethodSpec::of::<$method>()),+] };
    }
    for_each_method!(specs)
}

/// Tells a member that is null from one that is absent, for optional parameters that null clears.
#[expect(
    clippy::option_option,
    reason = "absent, null and a value are three different wishes"
)]
fn present<'de, D, T>(deserializer: D) -> Result<Option<Option<T>>, D::Error>
where
    D: serde::Deserializer<'de>,
    T: serde::Deserialize<'de>,
{
    Option::<T>::deserialize(deserializer).map(Some)
}
