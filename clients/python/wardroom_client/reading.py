"""What the client reads by itself and says again by itself: following, iterating, retrying."""

from __future__ import annotations

from abc import abstractmethod
from functools import partial
from typing import Any

from .connection import OnResult
from .errors import NotConnected, WardroomError
from .following import Following
from .iteration import BufferedReader, DirectStreamItem, Items, RoomItem
from .methods import ProtocolMethods, followed
from .options import Options
from .reconnect import Backoff
from .retry import new_key, until_answered
from .streams import Source, Stream
from .types import FollowResult, Position, StatusResult


class ReadingMethods(ProtocolMethods):
    """The calls that do more than one request: they go on across lost connections."""

    _options: Options
    _following: Following
    _error: WardroomError | None

    @property
    @abstractmethod
    def epoch(self) -> str | None:
        """Mark of the server's database."""

    @abstractmethod
    def _has_ended(self) -> bool:
        """Whether there is no connection and none is being made."""

    @abstractmethod
    async def _request(
        self, method: str, params: object, timeout: float | None = None, on_result: OnResult | None = None
    ) -> Any:
        """Make one request; `on_result` is called before any event behind its answer."""

    @abstractmethod
    async def _pause(self, seconds: float) -> bool:
        """Wait; returns at once, with False, when the client ends meanwhile."""

    async def _send(self, method: str, params: dict[str, object]) -> Any:
        seconds = self._options.retry_seconds
        # a server that says no epoch knows no keys: sending again might have it done twice
        if seconds == 0 or self.epoch is None:
            return await self.call(method, params)
        key = str(params.setdefault("idempotencyKey", new_key()))

        async def attempt(left: float) -> Any:
            return await self.call(method, params, timeout=min(left, self._options.request_timeout))

        backoff = Backoff(self._options.reconnect_base, self._options.reconnect_cap)
        return await until_answered(attempt, key=key, seconds=seconds, backoff=backoff, pause=self._pause)

    def room(self, room_id: str, since: Position | int | None = None) -> Items[RoomItem]:
        """Everything of a room after `since`, for `async for`: messages, one's own included, each once and in order,
        across lost connections; removals; and resets, where it does not go on at the position before (`ResetItem`).

        `since` is a position, or a number of the server's present epoch: 0 begins with the oldest message. Without it
        iteration begins at the position that the client was given for the room or that the last iteration over it
        came to, else now. Handlers go on as before. The room may be one that this agent is a member of.
        """
        return Items(partial(self._read, room_id, since), self._following.check)

    def direct(self, since: Position | int | None = None) -> Items[DirectStreamItem]:
        """The same for the direct messages that this agent sends and gets."""
        return Items(partial(self._read, None, since), self._following.check)

    async def follow_room(self, room_id: str, since: Position | None = None) -> FollowResult:
        async def send(since: object, begin: OnResult) -> Any:
            params = {"roomId": room_id} if since is None else {"roomId": room_id, "since": since}
            return await self._request("room.follow", params, on_result=begin)

        return followed(await self._following.follow(room_id, since, send))

    async def follow_direct(self, since: Position | None = None) -> FollowResult:
        async def send(since: object, begin: OnResult) -> Any:
            params = {} if since is None else {"since": since}
            return await self._request("message.followDirect", params, on_result=begin)

        return followed(await self._following.follow(None, since, send))

    async def leave_room(self, room_id: str) -> StatusResult:
        result = await super().leave_room(room_id)
        self._following.recheck(room_id)  # the server tells the others only
        return result

    async def delete_room(self, room_id: str) -> StatusResult:
        result = await super().delete_room(room_id)
        self._following.recheck(room_id, is_deleted=True)
        return result

    def _read(self, source: Source, since: Position | int | None) -> tuple[BufferedReader, Stream]:
        if self._has_ended():
            raise NotConnected("the client is not connected") from self._error
        stream = self._following.stream(source)
        if isinstance(since, int):
            since = {"epoch": self.epoch or "", "seq": since}
        reader = BufferedReader(since or stream.stored, self._options.iteration_buffer_size)
        stream.readers.append(reader)
        self._following.check(stream)
        return reader, stream
