"""What can go wrong, one exception for each thing a caller would do next."""

from __future__ import annotations

from enum import IntEnum
from typing import Any


class ErrorCode(IntEnum):
    """The codes that the server uses in its errors."""

    PARSE_ERROR = -32700
    INVALID_REQUEST = -32600
    METHOD_NOT_FOUND = -32601
    INVALID_PARAMS = -32602
    INTERNAL_ERROR = -32603
    AUTH_REQUIRED = 4001
    AUTH_FAILED = 4002
    FORBIDDEN = 4003
    AGENT_BANNED = 4004
    ROOM_NOT_FOUND = 4010
    NOT_A_MEMBER = 4011
    ALREADY_A_MEMBER = 4012
    NOT_INVITED = 4013
    AGENT_NOT_FOUND = 4020
    CANNOT_MODIFY_LOBBY = 4030
    ROOM_LIMIT = 4040
    MESSAGE_TOO_LONG = 4050
    MESSAGE_NOT_FOUND = 4060
    ALREADY_REMOVED = 4061
    DOCUMENT_NOT_FOUND = 4070
    READ_ONLY_DOCUMENT = 4071
    LIMITED = 4080
    IDEMPOTENCY_KEY_REUSED = 4081
    ENROLMENT_FAILED = 4110
    KEY_NOT_FOUND = 4111
    KEY_LIMIT = 4112
    STORAGE_UNAVAILABLE = 4090
    STORAGE_DAMAGED = 4091
    SHUTTING_DOWN = 4092
    TASK_NOT_FOUND = 4100
    TASK_HELD = 4101
    STALE_GENERATION = 4102
    TASK_STATE = 4103
    TASK_LIMIT = 4104
    OPENING_NOT_FOUND = 4120
    OPENING_LIMIT = 4121
    P2P_ROOM_TAKEN = 4122
    ROOM_PAUSED = 4130


class WardroomError(Exception):
    """Base of every exception that this package raises on purpose."""


class ConfigurationError(WardroomError, ValueError):
    """The client was given an address, key or option that cannot work."""


class RpcError(WardroomError):
    """The server refused a request; nothing was changed.

    Attributes:
        code: one of `ErrorCode`, or a number that this version does not know.
        message: the server's text.
        data: further fields of the error, or None.
    """

    def __init__(self, code: int, message: str, data: Any = None) -> None:
        super().__init__(code, message, data)
        self.code = code
        self.message = message
        self.data = data

    def __str__(self) -> str:
        return f"{self.message} (code {self.code})"

    @property
    def retryable(self) -> bool:
        """Whether the server says that the same request may succeed later."""
        return isinstance(self.data, dict) and self.data.get("retryable") is True

    @property
    def retry_after(self) -> float | None:
        """Seconds the server asks to wait before another try; None when it named none."""
        milliseconds = self.data.get("retryAfterMs") if isinstance(self.data, dict) else None
        if isinstance(milliseconds, bool) or not isinstance(milliseconds, (int, float)):
            return None
        return max(0.0, milliseconds / 1000)


class AuthenticationError(RpcError):
    """The key is unknown or revoked (4002) or its agent is banned (4004): trying again is of no use."""


class ProtocolError(WardroomError):
    """The server sent something that is no answer to what was asked."""


class NotConnected(WardroomError):
    """A request was made before `connect()` or after the client had ended; nothing was sent."""


class ConnectFailed(WardroomError, ConnectionError):
    """No connection could be opened: nobody listens there, no WebSocket is spoken there, or it took too long."""


class ConnectionLost(WardroomError, ConnectionError):
    """The connection ended before the answer came.

    The client repeats by itself only what has an idempotency key (messages and changes of tasks), for up to
    `Options.retry_seconds`.

    Attributes:
        close_code: the WebSocket close code, 1006 when the connection ended without one.
        close_reason: the reason given with it, often empty.
        outcome_unknown: True when the request may have been carried out; False when it was never sent.
        idempotency_key: the key of the request, None if it had none. The same call with this key, within 24 hours, is
            carried out once, whatever became of this one.
    """

    idempotency_key: str | None = None

    def __init__(self, close_code: int, close_reason: str, *, outcome_unknown: bool) -> None:
        reason = f", reason `{close_reason}`" if close_reason else ""
        doubt = "the request may or may not have been carried out" if outcome_unknown else "nothing was sent"
        super().__init__(f"connection lost (close code {close_code}{reason}), {doubt}")
        self.close_code = close_code
        self.close_reason = close_reason
        self.outcome_unknown = outcome_unknown


class RequestTimeout(WardroomError, TimeoutError):
    """No answer came in time.

    Attributes:
        method: the protocol method that was called.
        outcome_unknown: True when the request may have been carried out; False when it was never sent.
        idempotency_key: as for `ConnectionLost`.
    """

    idempotency_key: str | None = None

    def __init__(self, method: str, timeout: float, *, outcome_unknown: bool) -> None:
        doubt = "no answer" if outcome_unknown else "no connection to send it on"
        super().__init__(f"`{method}`: {doubt} within {timeout:g} s")
        self.method = method
        self.outcome_unknown = outcome_unknown


class BridgeUnreachable(WardroomError, ConnectionError):
    """No bridge answered. A message that was being sent may have been taken: send it with an `id` to be sure of one."""


class BridgeError(WardroomError):
    """The bridge refused a request.

    Attributes:
        status: the HTTP status.
        message: what is wrong.
        hint: what to do about it, None where the bridge says nothing.
    """

    def __init__(self, status: int, message: str, hint: str | None = None) -> None:
        super().__init__(status, message, hint)
        self.status = status
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return self.message if self.hint is None else f"{self.message} ({self.hint})"

    @classmethod
    def of(cls, status: int, answer: object) -> BridgeError:
        """The exception for the body of an answer."""
        fields = answer if isinstance(answer, dict) else {}
        message, hint = fields.get("error"), fields.get("hint")
        return cls(
            status,
            message if isinstance(message, str) else f"the bridge answered with status {status}",
            hint if isinstance(hint, str) else None,
        )


def error_from_wire(error: object) -> WardroomError:
    """The exception for the `error` member of a JSON-RPC answer."""
    if not isinstance(error, dict):
        return ProtocolError("the server sent an error that is no object")
    code, message = error.get("code"), error.get("message")
    if isinstance(code, bool) or not isinstance(code, int):
        return ProtocolError("the server sent an error without a code")
    return RpcError(code, message if isinstance(message, str) else "", error.get("data"))
