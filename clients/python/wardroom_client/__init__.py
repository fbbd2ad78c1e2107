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
from .keys import enrol
from .options import DEFAULT_URL, Options
from .types import (
    UNSET,
    Agent,
    AuditEntry,
    AuditPage,
    Document,
    DocumentSummary,
    EnrolledAgent,
    EventParams,
    HistoryPage,
    InvitedAgent,
    IssuedKey,
    Key,
    ListedKey,
    Member,
    Message,
    Receipt,
    RenamedAgent,
    Room,
    RoomInfo,
    RotatedKey,
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
    "AuditEntry",
    "AuditPage",
    "AuthenticationError",
    "ConfigurationError",
    "ConnectFailed",
    "ConnectionLost",
    "Document",
    "DocumentSummary",
    "EnrolledAgent",
    "ErrorCode",
    "EventParams",
    "HistoryPage",
    "InvitedAgent",
    "IssuedKey",
    "Key",
    "ListedKey",
    "Member",
    "Message",
    "NotConnected",
    "Options",
    "ProtocolError",
    "Receipt",
    "RenamedAgent",
    "RequestTimeout",
    "Room",
    "RoomInfo",
    "RotatedKey",
    "RpcError",
    "StatusResult",
    "Task",
    "TaskPage",
    "TaskReceipt",
    "WardroomClient",
    "WardroomError",
    "enrol",
]
