"""What the client does to keep followed rooms and direct messages complete."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from functools import partial
from typing import Any

from .connection import Connection
from .dispatch import EventDispatcher
from .errors import (
    ConnectionLost,
    ErrorCode,
    NotConnected,
    ProtocolError,
    RequestTimeout,
    RpcError,
    WardroomError,
    error_from_wire,
)
from .iteration import BufferedReader, removal_of
from .streams import Reader, Source, Stream, Streams, is_number
from .types import EventParams, Position, Positions, ResumeRequest

logger = logging.getLogger("wardroom_client")

FOLLOW_ENDED = "follow_ended"

RESUMED_ROOMS = 400
"""Rooms that `auth` is asked to resume, so that it stays within what a server reads before it."""

PAUSE = 0.2
"""Seconds before a server that could not follow is asked again, if it does not say how long."""


class HandlerReader(Reader):
    """Hands what is followed to the handlers."""

    is_for_handlers = True

    def __init__(self, since: Position | None, events: EventDispatcher, ended: Callable[[Exception], None]) -> None:
        super().__init__(since)
        self._events = events
        self._ended = ended
        self._done = since

    @property
    def is_full(self) -> bool:
        return self._events.is_full

    @property
    def done(self) -> Position | None:
        return self._done

    def answered(self) -> None:
        if self._done is None and self.next is not None and self.epoch is not None:
            self._done = {"epoch": self.epoch, "seq": self.next - 1}

    def take(self, event: str, params: EventParams, position: Position) -> None:
        self._events.put(event, params, partial(self._handled, position))

    def _handled(self, position: Position) -> None:
        self._done = position

    def rewind(self) -> None:
        """Begin again behind what was handed out: what waited for handlers was dropped."""
        if self._done is not None:
            self.next, self.epoch = self._done["seq"] + 1, self._done["epoch"]

    def fail(self, error: Exception) -> None:
        self._ended(error)


class Following:
    """Follows on behalf of handlers and iterators, over one connection after the other."""

    def __init__(self, positions: Positions | None, events: EventDispatcher) -> None:
        self._events = events
        self._connection: Connection | None = None
        self._timeout = 0.0
        self._tasks: set[asyncio.Task[None]] = set()
        self._locks: dict[Source, asyncio.Lock] = {}
        self._streams = Streams(positions, self._ask)
        self.check = self._streams.check

    @property
    def positions(self) -> Positions:
        return self._streams.positions

    def stream(self, source: Source) -> Stream:
        return self._streams.stream(source)

    # connections

    def begin(self, timeout: float) -> None:
        """Before a connection that is asked for: handlers go on where they were, or where the positions that were
        handed in say, if there are any for it. Where iterations left off is for further iterations alone.
        """
        self._timeout = timeout
        for stream in self._streams:
            for reader in stream.readers:
                if isinstance(reader, HandlerReader):
                    reader.rewind()
            event = "dm" if stream.source is None else "message"
            if stream.handed_in and not stream.readers and self._events.has_handler(event):
                stream.readers.append(self._handler_reader(stream, stream.stored))

    def resume_request(self) -> ResumeRequest:
        """What `auth` is to go on with."""
        self._connection = None
        return self._streams.resume_request(RESUMED_ROOMS)

    def adopt(self, connection: Connection, request: ResumeRequest) -> None:
        """A new connection, before its first event."""
        self._connection = connection
        identity = connection.identity
        self._streams.enter(identity.epoch)
        for stream in self._streams:
            stream.handed_in = False  # handlers that are set from now on are shown what comes from now on
        for source, error in self._streams.resumed(request, identity.resumed, identity.resumed_direct).items():
            refusal = error_from_wire(error)
            if not (isinstance(refusal, RpcError) and refusal.retryable):
                self._fail(self.stream(source), refusal)

    def started(self) -> None:
        """The new connection is in use: what `auth` did not resume is followed."""
        self._streams.check_all()

    def end(self, error: WardroomError | None) -> None:
        """The client has ended, for good if there is an error."""
        self._connection = None
        for task in tuple(self._tasks):
            task.cancel()
        for stream in self._streams:
            stream.cursor, stream.asking = None, False
            for reader in tuple(stream.readers):
                if isinstance(reader, BufferedReader):
                    stream.remove(reader)
                    reader.fail(error) if error is not None else reader.end()

    # events

    def take(self, event: str, params: EventParams, own_id: str | None) -> bool:
        """Sort an event in; returns whether it is for the handlers at large, too."""
        room_id = params.get("roomId")
        if event == "message.removed" and isinstance(room_id, str):
            self._removed(params, room_id)
        elif event in {"kicked", "room.deleted"} and isinstance(room_id, str):
            self.recheck(room_id, is_deleted=event == "room.deleted")
        return self._streams.take(event, params, own_id)

    def _removed(self, params: EventParams, room_id: str) -> None:
        item = removal_of(params)
        for stream in self._streams:
            # a removed direct message is said to be in the lobby
            if stream.source != room_id and stream.source is not None:
                continue
            for reader in stream.readers:
                if isinstance(reader, BufferedReader) and not reader.remove(item):
                    logger.warning("an iteration is too slow: the removal of a message is not told")

    def recheck(self, room_id: str, *, is_deleted: bool = False) -> None:
        """The room may have been lost: the server knows."""
        stream = self._streams.find(room_id)
        if stream is None:
            return
        if stream.readers:
            stream.follow_again()
            self.check(stream)
        elif is_deleted:
            stream.forget()

    def check_all(self) -> None:
        self._streams.check_all()

    # following

    async def follow(
        self, source: Source, since: Position | None, send: Callable[[object, Callable[[Any], None]], Any]
    ) -> Any:
        """Follow for handlers: `send` makes the request for a position, which may be None, and returns its result."""
        stream = self.stream(source)
        followed_before = any(isinstance(reader, HandlerReader) for reader in stream.readers)
        since = since or (None if followed_before else stream.stored)

        def begin(result: Any) -> None:
            if not _says_where(result):
                return  # the caller is told so
            stream.readers = [reader for reader in stream.readers if not isinstance(reader, HandlerReader)]
            stream.readers.append(self._handler_reader(stream, since if _says_where(since) else None))
            stream.answered(since if _says_where(since) else None, result)

        async with self._locks.setdefault(source, asyncio.Lock()):
            stream.asking = True
            try:
                return await send(since, begin)
            finally:
                stream.asking = False
                self.check(stream)

    def _handler_reader(self, stream: Stream, since: Position | None) -> HandlerReader:
        def ended(error: Exception) -> None:
            params: EventParams = {"error": str(error)}
            if stream.source is not None:
                params["roomId"] = stream.source
            if isinstance(error, RpcError):
                params["code"] = error.code
            self._events.put(FOLLOW_ENDED, params)

        return HandlerReader(since, self._events, ended)

    def _ask(self, stream: Stream) -> None:
        if self._connection is None or self._connection.is_closed:
            return  # `auth` will resume
        stream.asking = True
        task = asyncio.get_running_loop().create_task(self._follow(stream, self._connection))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _follow(self, stream: Stream, connection: Connection) -> None:
        loop = asyncio.get_running_loop()
        async with self._locks.setdefault(stream.source, asyncio.Lock()):
            while connection is self._connection:
                since = stream.since()
                params: dict[str, object] = {} if stream.source is None else {"roomId": stream.source}
                if since is not None:
                    params["since"] = since
                method = "message.followDirect" if stream.source is None else "room.follow"
                stream.asking = True
                try:
                    await connection.request(
                        method,
                        params,
                        deadline=loop.time() + self._timeout,
                        timeout=self._timeout,
                        on_result=partial(self._answered, connection, stream, since),
                    )
                    break
                except RequestTimeout:
                    continue
                except (ConnectionLost, NotConnected):
                    return
                except WardroomError as error:
                    if not (isinstance(error, RpcError) and error.retryable):
                        self._fail(stream, error)
                        break
                    await asyncio.sleep(error.retry_after or PAUSE)
        if connection is self._connection:
            stream.asking = False
            self.check(stream)

    def _answered(self, connection: Connection, stream: Stream, since: Position | None, result: Any) -> None:
        if connection is self._connection and not stream.answered(since, result):
            # asked again, it would say the same
            self._fail(stream, ProtocolError("the server's answer does not say where the following begins"))

    def _fail(self, stream: Stream, error: Exception) -> None:
        for reader in tuple(stream.readers):
            stream.remove(reader)
            reader.fail(error)
        if isinstance(error, RpcError) and error.code == ErrorCode.ROOM_NOT_FOUND:
            stream.forget()


def _says_where(value: object) -> bool:
    """Whether it names an epoch and a number, as positions and answers to following do."""
    return isinstance(value, dict) and isinstance(value.get("epoch"), str) and is_number(value.get("seq"))
