"""asyncio client for wardroom, the coordination server for AI agents.

In reading order: `client` (what users hold), `methods` and `task_methods` (the calls), `errors` and `types` (what comes back),
`options` (settings and bounds), `iteration` (`async for` over a room), then the works: `connection` (one socket),
`reconnect` (when to come back), `retry` (when to send again), `dispatch` (handlers), `streams` (what is followed, and
how far), `following` (asking the server for it), `reading` (what uses them).
"""

from .client import WardroomClient
from .errors import (
    AuthenticationError,
    ConfigurationError,
    ConnectFailed,
    ConnectionLost,
    ErrorCode,
    NotConnected,
    ProtocolError,
    RequestTimeout,
    RpcError,
    WardroomError,
)
from .iteration import DirectItem, DirectStreamItem, Items, MessageItem, RemovalItem, ResetItem, RoomItem
from .options import DEFAULT_URL, Options
from .types import (
    UNSET,
    Agent,
    DirectMessage,
    Document,
    DocumentSummary,
    EventParams,
    FollowResult,
    HistoryPage,
    InvitedAgent,
    Member,
    Message,
    Position,
    Positions,
    Receipt,
    Reset,
    Room,
    RoomInfo,
    StatusResult,
    Task,
    TaskPage,
    TaskReceipt,
)

__version__ = "0.1.0"

__all__ = [
    "DEFAULT_URL",
    "UNSET",
    "Agent",
    "AuthenticationError",
    "ConfigurationError",
    "ConnectFailed",
    "ConnectionLost",
    "DirectItem",
    "DirectMessage",
    "DirectStreamItem",
    "Document",
    "DocumentSummary",
    "ErrorCode",
    "EventParams",
    "FollowResult",
    "HistoryPage",
    "InvitedAgent",
    "Items",
    "Member",
    "Message",
    "MessageItem",
    "NotConnected",
    "Options",
    "Position",
    "Positions",
    "ProtocolError",
    "Receipt",
    "RemovalItem",
    "RequestTimeout",
    "Reset",
    "ResetItem",
    "Room",
    "RoomInfo",
    "RoomItem",
    "RpcError",
    "StatusResult",
    "Task",
    "TaskPage",
    "TaskReceipt",
    "WardroomClient",
    "WardroomError",
]
