"""Iterating over a room or over direct messages: `async for item in client.room(room_id)`."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Generic, TypeVar, Union, cast

from .streams import Reader, Stream
from .types import DirectMessage, EventParams, Message, Position, Reset


@dataclass(frozen=True)
class MessageItem:
    """A message of a room; `message["removed"]` is True when its content was removed before it was read."""

    room_id: str
    message: Message


@dataclass(frozen=True)
class DirectItem:
    """A direct message that this agent got, or, with `toAgentId`, sent."""

    message: DirectMessage


@dataclass(frozen=True)
class RemovalItem:
    """The content of a message was removed.

    Removals have no position: those that happened while the client was away are told when it is back, and one may be
    told more than once. A message that is read afterwards says so itself. Removals of direct messages name the lobby,
    and come with those of the lobby's own.
    """

    room_id: str
    message_id: str
    removed_by: str
    reason: str | None


@dataclass(frozen=True)
class ResetItem:
    """Iteration does not go on at the position before. The members are those of the event `reset`.

    With the reason `"retention"` what lies between is not kept any longer. With `"epoch"` the server has another database,
    for instance one that was restored from a backup: iteration goes on with what is said from now on, and what is stored is
    shown by another iteration, from before `oldest`.
    """

    reset: Reset


RoomItem = Union[MessageItem, RemovalItem, ResetItem]
DirectStreamItem = Union[DirectItem, RemovalItem, ResetItem]
ItemT = TypeVar("ItemT")


class BufferedReader(Reader):
    """Keeps what was not yet asked for, up to `capacity` messages and as many removals."""

    def __init__(self, since: Position | None, capacity: int) -> None:
        super().__init__(since)
        self._capacity = capacity
        self._items: deque[tuple[object, Position | None]] = deque()
        self._is_waiting_to_drain = False
        self._done = since
        self._wakeup = asyncio.Event()
        self._ended = False
        self._error: Exception | None = None
        self.followed = asyncio.Event()

    @property
    def is_full(self) -> bool:
        return self._is_waiting_to_drain

    @property
    def done(self) -> Position | None:
        return self._done

    def answered(self) -> None:
        if self._done is None and self.next is not None and self.epoch is not None:
            self._done = {"epoch": self.epoch, "seq": self.next - 1}
        self.followed.set()

    def take(self, event: str, params: EventParams, position: Position) -> None:
        self._append(_item(event, params), position)
        # what does not fit is followed again once the buffer is empty: no gap, and no more memory than this
        self._is_waiting_to_drain = len(self._items) >= self._capacity

    def remove(self, item: RemovalItem) -> bool:
        """Take note of a removal; False when there is no room for it."""
        if len(self._items) >= 2 * self._capacity:
            return False
        self._append(item, None)
        return True

    def _append(self, item: object, position: Position | None) -> None:
        self._items.append((item, position))
        self._wakeup.set()

    def fail(self, error: Exception) -> None:
        self._error = error
        self.end()

    def end(self) -> None:
        """Nothing more comes; what is here can still be read."""
        self._ended = True
        self.followed.set()
        self._wakeup.set()

    async def next_item(self, drained: Callable[[], None]) -> object:
        """The next item; `drained` is called when there is room again.

        Raises:
            StopAsyncIteration: there is nothing more.
            Exception: what iteration failed with, behind the last item.
        """
        while not self._items:
            if self._is_waiting_to_drain:
                self._is_waiting_to_drain = False
                drained()
            if self._ended:
                if self._error is not None:
                    raise self._error
                raise StopAsyncIteration
            self._wakeup.clear()
            await self._wakeup.wait()
        item, position = self._items.popleft()
        self._done = position or self._done
        return item


class Items(Generic[ItemT]):
    """Everything of a room, or of the direct messages, from a position on: each message once and in order.

    Begins with the first item that is asked for, or, used with `async with`, at once. Ends when the client is closed;
    raises what ended the client otherwise, and `RpcError` when the room may not be followed, or not any longer.
    Leaving the `async with`, `aclose()`, or dropping it ends it on this side.
    """

    def __init__(self, begin: Callable[[], tuple[BufferedReader, Stream]], check: Callable[[Stream], None]) -> None:
        self._begin = begin
        self._check = check
        self._begun: tuple[BufferedReader, Stream] | None = None
        self._closed = False

    @property
    def position(self) -> Position | None:
        """The position of the last item handed out, from which `since` goes on; None before the server named one."""
        return self._begun[0].done if self._begun is not None else None

    def __aiter__(self) -> Items[ItemT]:
        return self

    async def __anext__(self) -> ItemT:
        if self._closed:
            raise StopAsyncIteration
        reader, stream = self._reading()
        return cast(ItemT, await reader.next_item(lambda: self._check(stream)))

    async def __aenter__(self) -> Items[ItemT]:
        reader, _ = self._reading()
        await reader.followed.wait()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """End the iteration; what follows is not kept for it any longer."""
        self._close()

    def __del__(self) -> None:
        self._close()

    def _close(self) -> None:
        self._closed = True
        if self._begun is not None:
            reader, stream = self._begun
            stream.remove(reader)
            reader.end()

    def _reading(self) -> tuple[BufferedReader, Stream]:
        if self._begun is None:
            self._begun = self._begin()
        return self._begun


def removal_of(params: EventParams) -> RemovalItem:
    """The item for the event `message.removed`."""
    return RemovalItem(
        room_id=str(params.get("roomId")),
        message_id=str(params.get("messageId")),
        removed_by=str(params.get("removedBy")),
        reason=params.get("reason"),
    )


def _item(event: str, params: EventParams) -> object:
    if event == "message":
        return MessageItem(params["roomId"], params["message"])
    if event == "dm":
        return DirectItem(cast(DirectMessage, params))
    return ResetItem(cast(Reset, params))
