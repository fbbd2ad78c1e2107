"""One authenticated WebSocket connection: requests out, answers and events in. Knows nothing of reconnecting."""

from __future__ import annotations

import asyncio
import itertools
import json
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.frames import Close

from .errors import (
    AuthenticationError,
    ConnectFailed,
    ConnectionLost,
    ErrorCode,
    ProtocolError,
    RequestTimeout,
    RpcError,
    error_from_wire,
)
from .options import Settings
from .types import EventParams, ResumeRequest

logger = logging.getLogger("wardroom_client")

USER_AGENT = "wardroom-client-python"

Result = TypeVar("Result")


if TYPE_CHECKING:
    _LoggerAdapter = logging.LoggerAdapter[logging.Logger]
else:  # no parameters at run time before Python 3.11
    _LoggerAdapter = logging.LoggerAdapter


class _SocketLogger(_LoggerAdapter):
    """Logger for the WebSocket library that never debugs: at that level it logs frames, the one with the key too."""

    def isEnabledFor(self, level: int) -> bool:
        return level > logging.DEBUG and super().isEnabledFor(level)


@dataclass(frozen=True)
class Identity:
    """Who the server says we are: the result of `auth`."""

    agent_id: str
    role: str
    display_name: str
    lobby_id: str
    lobby_name: str | None
    motd: str | None
    epoch: str | None
    durability: str | None
    server_version: str | None
    resumed: object
    resumed_direct: object

    @classmethod
    def from_result(cls, result: object) -> Identity:
        """Read the result of `auth`; members that BroodLink servers do not send may be missing."""
        if isinstance(result, dict) and isinstance(lobby := result.get("lobby"), dict):
            agent_id, role, display_name = result.get("agentId"), result.get("role"), result.get("displayName")
            lobby_id = lobby.get("roomId")
            if (
                isinstance(agent_id, str)
                and isinstance(role, str)
                and isinstance(display_name, str)
                and isinstance(lobby_id, str)
            ):
                return cls(
                    agent_id=agent_id,
                    role=role,
                    display_name=display_name,
                    lobby_id=lobby_id,
                    lobby_name=lobby.get("name"),
                    motd=result.get("motd"),
                    epoch=result.get("epoch"),
                    durability=result.get("durability"),
                    server_version=result.get("version"),
                    resumed=result.get("resumed"),
                    resumed_direct=result.get("resumedDirect"),
                )
        raise ProtocolError("the result of `auth` lacks a promised member")


OnResult = Callable[[Any], None]
"""Called with the result of a request before any event that came after it is handed on."""


class Connection:
    """An open connection on which `auth` has succeeded.

    `open` returns it with nothing read beyond the answer to `auth`; events flow once `start` is called, so that the
    owner can take note of the new connection before the first of them.
    """

    def __init__(self, socket: ClientConnection, identity: Identity) -> None:
        self.identity = identity
        loop = asyncio.get_running_loop()
        self.opened_at = loop.time()
        self._socket = socket
        self._ids = itertools.count(2)  # 1 was `auth`
        self._pending: dict[int, tuple[asyncio.Future[Any], OnResult | None]] = {}
        self._closed: asyncio.Future[Close] = loop.create_future()
        self._reader: asyncio.Task[None] | None = None

    @classmethod
    async def open(cls, settings: Settings, resume: ResumeRequest | None = None) -> Connection:
        """Connect and authenticate, going on with what `resume` names, all within `connect_timeout`.

        Raises:
            ConnectFailed: no WebSocket connection came about, or it ended before the answer to `auth`.
            AuthenticationError: the key is unknown or revoked, or its agent banned.
            RpcError: `auth` was refused for another reason, for instance because the server is locked.
            ProtocolError: the answer to `auth` makes no sense.
        """
        try:
            return await asyncio.wait_for(cls._open(settings, resume or {}), settings.options.connect_timeout)
        except asyncio.TimeoutError:
            seconds = settings.options.connect_timeout
            raise ConnectFailed(f"no connection to `{settings.printable_url}` within {seconds:g} s") from None

    @classmethod
    async def ask(cls, settings: Settings, method: str, params: object) -> Any:
        """Make one call on a connection that does not authenticate, and close it; all within `connect_timeout`.

        Raises:
            ConnectFailed: no WebSocket connection came about, so that nothing was sent.
            ConnectionLost: the connection ended before the answer; the outcome is unknown.
            RequestTimeout: the answer did not come in time; the outcome is unknown.
            RpcError: the server refused.
        """
        is_sent = False

        async def once(socket: ClientConnection) -> Any:
            nonlocal is_sent
            is_sent = True
            try:
                return await _first_answer(socket, method, params)
            except ConnectionClosed as error:
                close = _close_of(error)
                raise ConnectionLost(close.code, close.reason, outcome_unknown=True) from None
            finally:
                await socket.close()

        seconds = settings.options.connect_timeout
        try:
            return await asyncio.wait_for(_on_socket(settings, once), seconds)
        except asyncio.TimeoutError:
            if is_sent:
                raise RequestTimeout(method, seconds, outcome_unknown=True) from None
            raise ConnectFailed(f"no answer from `{settings.printable_url}` within {seconds:g} s") from None

    @classmethod
    async def _open(cls, settings: Settings, resume: ResumeRequest) -> Connection:
        async def welcome(socket: ClientConnection) -> Connection:
            return cls(socket, await _authenticate(socket, settings, resume))

        return await _on_socket(settings, welcome)

    @property
    def is_closed(self) -> bool:
        return self._closed.done()

    def start(self, on_event: Callable[[str, EventParams], None]) -> None:
        """Begin to read; `on_event` is called for every event and must neither block nor raise."""
        self._reader = asyncio.get_running_loop().create_task(self._read(on_event), name="wardroom-client-reader")

    async def request(
        self, method: str, params: object, *, deadline: float, timeout: float, on_result: OnResult | None = None
    ) -> Any:
        """Send one request and return the `result` of its answer.

        `deadline` is a time of the event loop; `timeout` is what the caller had asked for, to be named in the error.
        `on_result` must neither block nor raise.

        Raises:
            RpcError: the server refused.
            RequestTimeout: no answer before `deadline`.
            ConnectionLost: the connection ended first.
        """
        if self._closed.done():
            close = self._closed.result()
            raise ConnectionLost(close.code, close.reason, outcome_unknown=False)
        request_id = next(self._ids)
        frame = _encode(request_id, method, params)
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Any] = loop.create_future()
        self._pending[request_id] = answer, on_result
        try:
            return await asyncio.wait_for(self._exchange(frame, answer), deadline - loop.time())
        except asyncio.TimeoutError:
            raise RequestTimeout(method, timeout, outcome_unknown=True) from None
        finally:
            self._pending.pop(request_id, None)

    async def _exchange(self, frame: str, answer: asyncio.Future[Any]) -> Any:
        try:
            await self._socket.send(frame)
        except ConnectionClosed as error:
            close = _close_of(error)
            answer.cancel()
            # the frame may have left before the connection was found dead
            raise ConnectionLost(close.code, close.reason, outcome_unknown=True) from None
        return await answer

    async def wait_closed(self) -> Close:
        """Wait for the end of the connection, whoever brought it about."""
        return await asyncio.shield(self._closed)

    async def close(self) -> None:
        """Say goodbye and wait for the end; requests in flight fail with `ConnectionLost`."""
        await self._socket.close()
        if self._reader is not None:
            await asyncio.wait({self._reader})

    async def _read(self, on_event: Callable[[str, EventParams], None]) -> None:
        close = Close(1006, "")
        try:
            while True:
                self._take(await self._socket.recv(), on_event)
        except ConnectionClosed as error:
            close = _close_of(error)
        finally:
            self._closed.set_result(close)
            for answer, _ in self._pending.values():
                if not answer.done():
                    answer.set_exception(ConnectionLost(close.code, close.reason, outcome_unknown=True))

    def _take(self, frame: str | bytes, on_event: Callable[[str, EventParams], None]) -> None:
        """Hand one frame to whom it concerns. What makes no sense is reported, without its content, and skipped."""
        message = _decode(frame)
        if message is None:
            return
        if "id" not in message:
            method, params = message.get("method"), message.get("params")
            if not isinstance(method, str) or not isinstance(params, (dict, type(None))):
                logger.warning("the server sent an event that cannot be read")
                return
            on_event(method, params or {})
            return
        request_id = message["id"]
        answer, on_result = self._pending.get(request_id, (None, None)) if type(request_id) is int else (None, None)
        if answer is None or answer.done():
            # most often the answer to a request that has timed out meanwhile
            logger.debug("an answer came that nobody waits for")
        elif "error" in message:
            answer.set_exception(error_from_wire(message["error"]))
        elif "result" in message:
            if on_result is not None:
                on_result(message["result"])
            answer.set_result(message["result"])
        else:
            answer.set_exception(ProtocolError("the server sent an answer with neither result nor error"))


async def _on_socket(settings: Settings, use: Callable[[ClientConnection], Awaitable[Result]]) -> Result:
    """Connect and hand the socket on; it is closed if that fails."""
    options = settings.options
    extra: dict[str, Any] = {}
    if options.ssl is not None:
        extra["ssl"] = options.ssl
    if settings.is_loopback:
        extra["proxy"] = None
    failure: str
    try:
        socket = await connect(
            settings.url,
            open_timeout=None,
            close_timeout=options.close_timeout,
            ping_interval=options.keepalive_interval,
            ping_timeout=options.keepalive_timeout,
            max_size=options.max_frame_bytes,
            compression=None,
            user_agent_header=USER_AGENT,
            logger=_SocketLogger(logging.getLogger("wardroom_client.socket"), {}),
            **extra,
        )
    except OSError as error:
        failure = str(error)
    except Exception as error:
        # no handshake, no such proxy, no such name: the text may repeat the address with a password in it
        failure = type(error).__name__
    else:
        try:
            return await use(socket)
        except ConnectionClosed as error:
            await socket.close()
            close = _close_of(error)
            failure = f"closed during `auth` with code {close.code}, reason `{close.reason}`"
        except BaseException:
            await socket.close()
            raise
    raise ConnectFailed(f"no connection to `{settings.printable_url}`: {failure}")


async def _authenticate(socket: ClientConnection, settings: Settings, resume: ResumeRequest) -> Identity:
    params: dict[str, object] = {"apiKey": settings.api_key, **resume}
    if settings.display_name is not None:
        params["displayName"] = settings.display_name
    try:
        return Identity.from_result(await _first_answer(socket, "auth", params))
    except RpcError as error:
        if error.code in {ErrorCode.AUTH_FAILED, ErrorCode.AGENT_BANNED}:
            raise AuthenticationError(error.code, error.message, error.data) from None
        raise


async def _first_answer(socket: ClientConnection, method: str, params: object) -> Any:
    """Send the first request of a connection and return the result of its answer."""
    await socket.send(_encode(1, method, params))
    while True:
        message = _decode(await socket.recv())
        # a server has nothing to say before this answer but, at most, a notice that it is about to close
        if message is not None and message.get("id") == 1:
            break
    if "error" in message:
        raise error_from_wire(message["error"])
    return message.get("result")


def _encode(request_id: int, method: str, params: object) -> str:
    request: dict[str, object] = {"jsonrpc": "2.0", "id": request_id, "method": method}
    if params is not None:
        request["params"] = params
    # written in ASCII, text that is no valid Unicode reaches the server, which refuses it, instead of breaking here
    return json.dumps(request, separators=(",", ":"), allow_nan=False)


def _decode(frame: str | bytes) -> dict[str, Any] | None:
    try:
        message = json.loads(frame)
    except (ValueError, RecursionError):
        message = None
    if not isinstance(message, dict):
        logger.warning("the server sent a frame that is no JSON object")
        return None
    return message


def _close_of(error: ConnectionClosed) -> Close:
    """What the server said on closing, else what we said, else 1006 as browsers report it."""
    return error.rcvd or error.sent or Close(1006, "")
