"""The client: what users hold in their hands."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from dataclasses import replace
from types import TracebackType
from typing import Any, TypeVar, overload

from .connection import Connection, Identity, OnResult
from .dispatch import EventDispatcher, Handler, HandlerT
from .errors import AuthenticationError, ConnectionLost, NotConnected, RequestTimeout, WardroomError
from .following import Following
from .options import Options, Settings
from .reading import ReadingMethods
from .reconnect import Backoff, is_final_close, is_replaced
from .types import EventParams, Positions, StatusResult

logger = logging.getLogger("wardroom_client")

CONNECTION_LOST = "connection_lost"
RECONNECTED = "reconnected"
CONNECTION_CLOSED = "connection_closed"

Self = TypeVar("Self", bound="WardroomClient")


class WardroomClient(ReadingMethods):
    """A member of a wardroom (or BroodLink) server.

    Args:
        url: WebSocket address. Default: `WARDROOM_URL`, `BROODLINK_URL`, then `ws://127.0.0.1:18800`.
        api_key: the agent's key. Default: `WARDROOM_API_KEY`, then `BROODLINK_API_KEY`.
        display_name: a name for this session instead of the registered one. Default: `WARDROOM_DISPLAY_NAME`, then
            `BROODLINK_DISPLAY_NAME`, then the registered name.
        options: time-outs and bounds.
        positions: up to where an earlier client of this agent had everything, as its `positions` said. Where there are
            handlers for it, they are shown what follows from the first connection on; other rooms are followed from
            there by `follow_room` and `room`, if they are told no position.

    Raises:
        ConfigurationError: no key was found, or the address is not a WebSocket address.

    A lost connection is opened again and authenticated by itself, with exponential back-off and full jitter;
    handlers stay. The client ends for good when the server says 4002 or 4004 to `auth`, when it closes the
    connection with a reason of banned or revoked, after `max_reconnect_attempts`, and on `close()`. What was missed
    in between is made up for in rooms that are followed (`follow_room`, `room`), and in `room_history` otherwise.

    Besides the server's events, handlers can be set for notices of the client itself, which come in order with them:

    - `connection_lost`: `{"code", "reason", "reconnecting"}`; requests in flight have failed. With `"replaced": True` the
      agent had too many sessions and this was its oldest: others use its key, and the client waits longest before it
      comes back, because coming back ends the session of another
    - `reconnected`: `{"attempts", "epoch", "epochChanged"}`; `epochChanged` says that the server's database is
      another one than before
    - `connection_closed`: `{"code", "reason"}` or `{"error"}`; the client has ended without `close()`
    - `events_dropped`: `{"dropped"}`; handlers were too slow for that many events, which would have stood here
      (never messages of what is followed: those are fetched again)
    - `follow_ended`: `{"roomId", "code", "error"}`; a room is not followed any longer
    """

    def __init__(
        self,
        url: str | None = None,
        api_key: str | None = None,
        display_name: str | None = None,
        *,
        options: Options | None = None,
        positions: Positions | None = None,
    ) -> None:
        self._settings = Settings.resolve(url, api_key, display_name, options)
        self._options = self._settings.options
        self._events = EventDispatcher(self._options.event_queue_size, self._handlers_have_room)
        self._following = Following(positions, self._events)
        self._identity: Identity | None = None
        self._connection: Connection | None = None
        self._connecting = asyncio.Lock()
        self._opening: asyncio.Task[Connection] | None = None
        self._supervisor: asyncio.Task[None] | None = None
        self._request_slots = asyncio.Semaphore(self._options.max_pending_requests)
        # set whenever a request need not wait for a connection: there is one, or there will be none
        self._settled = asyncio.Event()
        self._settled.set()
        self._ended = asyncio.Event()
        self._ended.set()
        self._closing = False
        # set when nothing will be sent any longer, before all else that belongs to an end
        self._ending = asyncio.Event()
        self._error: WardroomError | None = None

    def __repr__(self) -> str:
        state = "connected" if self.connected else "not connected" if self._ended.is_set() else "reconnecting"
        return f"<{type(self).__name__} {self._settings.printable_url} {state}>"

    # who we are

    @property
    def url(self) -> str:
        """The server's address, without user name, password and query."""
        return self._settings.printable_url

    @property
    def connected(self) -> bool:
        """Whether there is an authenticated connection at this moment."""
        return self._connection is not None and not self._connection.is_closed

    @property
    def agent_id(self) -> str | None:
        """This agent's id; None before the first connection, as with all properties that the server answers."""
        return self._identity.agent_id if self._identity else None

    @property
    def display_name(self) -> str | None:
        """The name others see; before the first connection the one that was asked for."""
        return self._identity.display_name if self._identity else self._settings.display_name

    @property
    def role(self) -> str | None:
        """`"controller"` or `"participant"`."""
        return self._identity.role if self._identity else None

    @property
    def is_controller(self) -> bool:
        return self.role == "controller"

    @property
    def is_participant(self) -> bool:
        return self.role == "participant"

    @property
    def lobby_id(self) -> str | None:
        """The room id of the lobby."""
        return self._identity.lobby_id if self._identity else None

    @property
    def lobby_name(self) -> str | None:
        return self._identity.lobby_name if self._identity else None

    @property
    def motd(self) -> str | None:
        """The message of the day as last heard of."""
        return self._identity.motd if self._identity else None

    @property
    def epoch(self) -> str | None:
        """Mark of the server's database: under another epoch, sequence numbers start anew."""
        return self._identity.epoch if self._identity else None

    @property
    def durability(self) -> str | None:
        """`"full"` if an answered message survives a power cut, `"relaxed"` if that is not promised."""
        return self._identity.durability if self._identity else None

    @property
    def server_version(self) -> str | None:
        return self._identity.server_version if self._identity else None

    @property
    def positions(self) -> Positions:
        """Up to where handlers were called and items handed out, for everything that was followed.

        Kept, and given to the next client of the agent, it goes on where this one stopped. Read it when what was
        handed out last is dealt with.
        """
        return self._following.positions

    @property
    def error(self) -> WardroomError | None:
        """Why the client ended; None while it runs and after `close()`."""
        return self._error

    # handlers

    @overload
    def on(self, event: str) -> Callable[[HandlerT], HandlerT]: ...

    @overload
    def on(self, event: str, handler: HandlerT) -> HandlerT: ...

    def on(self, event: str, handler: HandlerT | None = None) -> HandlerT | Callable[[HandlerT], HandlerT]:
        """Call a function, plain or async, with the params of every `event`.

        Used as `@client.on("message")` or as `client.on("message", function)`. Events are handled one at a time, in
        the order in which they came; several handlers of one event run in the order in which they were set. A handler
        that fails is reported through the logger `wardroom_client` and changes nothing else.
        """
        if not isinstance(event, str) or not event:
            raise TypeError('the event is named first, as in `@client.on("message")`')
        if handler is None:
            return lambda decorated: self.on(event, decorated)
        if not callable(handler):
            raise TypeError(f"the handler for `{event}` cannot be called")
        self._events.add(event, handler)
        return handler

    def off(self, event: str, handler: Handler) -> None:
        """Undo `on(event, handler)`; a pair that was never set is ignored."""
        self._events.remove(event, handler)

    # life

    async def __aenter__(self: Self) -> Self:
        await self.connect()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def connect(self) -> None:
        """Connect and authenticate once; from then on the connection is kept up until `close()`.

        Does nothing on a client that is connected or reconnecting; a closed one may be connected again.

        Raises:
            ConnectFailed: the server cannot be reached.
            AuthenticationError: the key is unknown or revoked (4002) or the agent banned (4004).
            RpcError: `auth` was refused otherwise: 4003 (locked), 4080 (too many failures), -32602 (display name).
            NotConnected: `close()` was called meanwhile.
        """
        async with self._connecting:
            if self._supervisor is not None and not self._supervisor.done():
                return
            self._closing = False
            self._ending.clear()
            self._error = None
            self._following.begin(self._options.request_timeout)
            resume = self._following.resume_request()
            opening = Connection.open(self._settings, resume)
            self._opening = asyncio.create_task(opening, name="wardroom-client-opening")
            try:
                connection = await self._opening
            except asyncio.CancelledError:
                if self._closing:
                    raise NotConnected("the client was closed while it was connecting") from None
                raise
            finally:
                self._opening = None
            if self._closing:
                await connection.close()
                raise NotConnected("the client was closed while it was connecting")
            self._ended.clear()
            self._following.adopt(connection, resume)
            self._adopt(connection)
            self._events.start()
            self._supervisor = asyncio.create_task(self._supervise(connection), name="wardroom-client-supervisor")

    async def close(self) -> None:
        """Say goodbye and end. Events not yet handled are dropped; a handler that is running may finish first.

        May be called at any time, from a handler too, and more than once.
        """
        self._closing = True
        self._ending.set()
        for task in (self._opening, self._supervisor):
            if task is not None and not task.done():
                task.cancel()
                await asyncio.wait({task})
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()
        self._settled.set()
        self._following.end(None)
        await self._events.stop(self._options.close_timeout)
        self._ended.set()

    async def wait_closed(self) -> None:
        """Wait until the client has ended, by `close()` or for good; `error` then says why. Losses that are being
        repaired do not count."""
        await self._ended.wait()

    async def run_forever(self) -> None:
        """Connect if need be and handle events until the client ends.

        Raises:
            WardroomError: whatever ended the client, if that was not `close()`; and all that `connect()` raises.
        """
        await self.connect()
        try:
            await self.wait_closed()
        finally:
            await self.close()
        if self._error is not None:
            raise self._error

    # requests

    async def call(self, method: str, params: object = None, *, timeout: float | None = None) -> Any:
        """Call any method of the server and return its whole result.

        While the client is reconnecting, the request waits for the new connection. `timeout` is in seconds, waiting
        included; None stands for `Options.request_timeout`. The request is never sent twice.

        Raises:
            RpcError: the server refused.
            RequestTimeout: there was no answer in time.
            ConnectionLost: the connection ended before the answer came.
            NotConnected: the client is not connected and is not going to be.
        """
        return await self._request(method, params, timeout)

    async def _request(
        self, method: str, params: object, timeout: float | None = None, on_result: OnResult | None = None
    ) -> Any:
        timeout = self._options.request_timeout if timeout is None else timeout
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout
        try:
            if self._request_slots.locked():
                await asyncio.wait_for(self._request_slots.acquire(), timeout)
            else:
                await self._request_slots.acquire()
        except asyncio.TimeoutError:
            raise RequestTimeout(method, timeout, outcome_unknown=False) from None
        try:
            # a connection that has come may be gone again before this task runs
            while not self._settled.is_set():
                await asyncio.wait_for(self._settled.wait(), deadline - loop.time())
            connection = self._connection
        except asyncio.TimeoutError:
            raise RequestTimeout(method, timeout, outcome_unknown=False) from None
        else:
            if connection is None:
                raise NotConnected(f"`{method}`: the client is not connected") from self._error
            return await connection.request(method, params, deadline=deadline, timeout=timeout, on_result=on_result)
        finally:
            self._request_slots.release()

    def _has_ended(self) -> bool:
        return self._ended.is_set()

    async def _pause(self, seconds: float) -> bool:
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._ending.wait(), seconds)
        return not self._ending.is_set()

    def _handlers_have_room(self) -> None:
        self._following.check_all()

    async def set_motd(self, content: str | None) -> StatusResult:
        result = await super().set_motd(content)
        self._note_motd(content)  # the server tells the others only
        return result

    # the connection's keeper

    def _adopt(self, connection: Connection) -> None:
        self._identity = connection.identity
        self._connection = connection
        self._settled.set()
        connection.start(self._on_event)
        self._following.started()

    def _on_event(self, event: str, params: EventParams) -> None:
        if event == "lobby.motd":
            self._note_motd(params.get("content"))
        if self._following.take(event, params, self.agent_id):
            self._events.put(event, params)

    def _note_motd(self, content: object) -> None:
        if self._identity is not None:
            self._identity = replace(self._identity, motd=content if isinstance(content, str) and content else None)

    async def _supervise(self, connection: Connection) -> None:
        """Stay with the connection and its successors until there can be no further one."""
        options = self._options
        backoff = Backoff(options.reconnect_base, options.reconnect_cap)
        loop = asyncio.get_running_loop()
        while True:
            close = await connection.wait_closed()
            self._settled.clear()
            self._connection = None
            if loop.time() - connection.opened_at >= options.reconnect_stable_after:
                backoff.reset()
            limit = options.max_reconnect_attempts
            final = is_final_close(close.reason) or (limit is not None and backoff.attempts >= limit)
            notice: EventParams = {"code": close.code, "reason": close.reason}
            replaced: EventParams = {}
            if is_replaced(close.code, close.reason):
                backoff.slow_down()
                replaced = {"replaced": True}
            self._events.put(CONNECTION_LOST, {**notice, "reconnecting": not final, **replaced})
            if final:
                logger.error("connection closed for good with code %d, reason `%s`", close.code, close.reason)
                return await self._end(ConnectionLost(close.code, close.reason, outcome_unknown=False), notice)
            logger.warning("connection lost with code %d, reason `%s`; reconnecting", close.code, close.reason)
            try:
                connection = await self._reopen(backoff)
            except WardroomError as error:
                logger.error("reconnecting is given up: %s", error)
                return await self._end(error, {"error": str(error)})

    async def _reopen(self, backoff: Backoff) -> Connection:
        """Try until there is a new connection; raises what makes further trying useless."""
        at_least = 0.0
        while True:
            await asyncio.sleep(backoff.next_delay(at_least))
            try:
                resume = self._following.resume_request()
                connection = await Connection.open(self._settings, resume)
            except AuthenticationError:
                raise
            except WardroomError as error:
                if backoff.attempts == self._options.max_reconnect_attempts:
                    raise
                logger.warning("reconnect attempt %d failed: %s", backoff.attempts, error)
                at_least = getattr(error, "retry_after", None) or 0.0
                continue
            logger.info("reconnected after %d attempts", backoff.attempts)
            previous, epoch = self.epoch, connection.identity.epoch
            self._events.put(
                RECONNECTED,
                {"attempts": backoff.attempts, "epoch": epoch, "epochChanged": epoch != previous},
            )
            # what they say is missing comes behind the notice
            self._following.adopt(connection, resume)
            self._adopt(connection)
            return connection

    async def _end(self, error: WardroomError, notice: EventParams) -> None:
        """There will be no further connection: fail who waits for one, let handlers see the last events."""
        self._error = error
        self._ending.set()
        self._settled.set()
        self._following.end(error)
        self._events.put(CONNECTION_CLOSED, notice)
        with contextlib.suppress(asyncio.CancelledError):
            await self._events.drain(self._options.close_timeout)
        self._ended.set()
