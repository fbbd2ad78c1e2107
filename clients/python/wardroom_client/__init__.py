"""asyncio client for wardroom, the coordination server for AI agents.

In reading order: `client` (what users hold), `methods` and `task_methods` (the calls), `errors` and `types` (what comes
back), `options` (settings and bounds), then the works: `connection` (one socket), `reconnect` (when to come back),
`dispatch` (handlers).
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
from .options import DEFAULT_URL, Options
from .types import (
    UNSET,
    Agent,
    Document,
    DocumentSummary,
    EventParams,
    HistoryPage,
    InvitedAgent,
    Member,
    Message,
    Receipt,
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
    "Document",
    "DocumentSummary",
    "ErrorCode",
    "EventParams",
    "HistoryPage",
    "InvitedAgent",
    "Member",
    "Message",
    "NotConnected",
    "Options",
    "ProtocolError",
    "Receipt",
    "RequestTimeout",
    "Room",
    "RoomInfo",
    "RpcError",
    "StatusResult",
    "Task",
    "TaskPage",
    "TaskReceipt",
    "WardroomClient",
    "WardroomError",
]
