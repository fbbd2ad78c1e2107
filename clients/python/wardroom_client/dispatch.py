"""Handlers, and the one queue through which events reach them in order."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections import deque
from collections.abc import Callable
from typing import Any, TypeVar

from .types import EventParams

logger = logging.getLogger("wardroom_client")

EVENTS_DROPPED = "events_dropped"

Handler = Callable[[EventParams], object]
HandlerT = TypeVar("HandlerT", bound=Handler)
OnHandled = Callable[[], None]


class EventDispatcher:
    """Runs handlers one event after another, in the order in which the events came in.

    The reader of the connection must never wait for a handler, because a handler may itself be waiting for an answer
    that only the reader can bring. So events go through a queue, and the queue has a limit: at the limit the newest
    events are dropped and counted in an `events_dropped` notice that stands where they would have stood.
    """

    def __init__(self, queue_size: int, on_room: Callable[[], None] = lambda: None) -> None:
        self._queue_size = queue_size
        self._on_room = on_room
        self._was_full = False
        self._queue: deque[tuple[str, EventParams, OnHandled | None]] = deque()
        self._handlers: dict[str, list[Handler]] = {}
        self._wakeup = asyncio.Event()
        self._finishing = False
        self._task: asyncio.Task[None] | None = None
        self._handling: asyncio.Future[object] | None = None

    def add(self, event: str, handler: Handler) -> None:
        """Call `handler` with the params of every further `event`, after the handlers it already has."""
        self._handlers.setdefault(event, []).append(handler)

    def remove(self, event: str, handler: Handler) -> None:
        """Undo one `add`; unknown pairs are ignored."""
        handlers = self._handlers.get(event, [])
        if handler in handlers:
            handlers.remove(handler)
        if not handlers:
            self._handlers.pop(event, None)

    @property
    def is_full(self) -> bool:
        """Whether the next event would be dropped. `on_room` is called when there is room again."""
        self._was_full = self._was_full or len(self._queue) >= self._queue_size
        return self._was_full

    def has_handler(self, event: str) -> bool:
        return event in self._handlers

    def put(self, event: str, params: EventParams, on_handled: OnHandled | None = None) -> None:
        """Queue an event for its handlers; without a handler it is forgotten at once.

        `on_handled` is called when the handlers are about to be.
        """
        if event not in self._handlers:
            if on_handled is not None:
                on_handled()
            return
        if len(self._queue) < self._queue_size:
            self._queue.append((event, params, on_handled))
        elif self._queue[-1][0] == EVENTS_DROPPED:
            self._queue[-1][1]["dropped"] += 1
        else:
            # the notice itself may take one place more than the limit
            self._queue.append((EVENTS_DROPPED, {"dropped": 1}, None))
            logger.warning("handlers are too slow: events are being dropped, beginning with `%s`", event)
        self._wakeup.set()

    def start(self) -> None:
        """Begin delivering; events queued before are delivered first."""
        self._finishing = False
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._run(), name="wardroom-client-events")

    async def drain(self, timeout: float) -> None:
        """Deliver what is queued and end, waiting for that no longer than `timeout` seconds."""
        self._finishing = True
        self._wakeup.set()
        if self._task is not None and not self._is_called_by_handler():
            await asyncio.wait({self._task}, timeout=timeout)

    async def stop(self, timeout: float) -> None:
        """Forget what is queued, let a running handler finish within `timeout` seconds, then cancel it.

        A handler that stops its own dispatcher is neither waited for nor cancelled.
        """
        self._queue.clear()
        self._was_full = False
        await self.drain(timeout)
        task, handling = self._task, self._handling
        if task is None or task.done() or self._is_called_by_handler():
            return
        logger.warning("a handler was still running and is cancelled")
        task.cancel()
        waited_for: list[asyncio.Future[Any]] = [task] if handling is None else [task, handling]
        await asyncio.wait(waited_for, timeout=timeout)

    def _is_called_by_handler(self) -> bool:
        return self._handling is not None and asyncio.current_task() is self._handling

    async def _run(self) -> None:
        while True:
            while not self._queue:
                if self._finishing:
                    return
                self._wakeup.clear()
                await self._wakeup.wait()
            event, params, on_handled = self._queue.popleft()
            if on_handled is not None:
                on_handled()
            if self._was_full and 2 * len(self._queue) <= self._queue_size:
                self._was_full = False
                self._on_room()
            for handler in tuple(self._handlers.get(event, ())):
                await self._deliver(event, handler, params)

    async def _deliver(self, event: str, handler: Handler, params: EventParams) -> None:
        """Run one handler to its end; its failure is reported and goes no further."""
        try:
            outcome = handler(params)
            if not inspect.isawaitable(outcome):
                return
            # a task of its own, so that a handler which is cancelled cannot be taken for this loop being cancelled
            self._handling = asyncio.ensure_future(outcome)
        except Exception:
            logger.exception("a handler for `%s` failed", event)
            return
        handling = self._handling
        try:
            await asyncio.wait({handling})
        except asyncio.CancelledError:
            handling.cancel()
            raise
        finally:
            self._handling = None
        if handling.cancelled():
            logger.error("a handler for `%s` was cancelled", event)
        elif (failure := handling.exception()) is not None:
            logger.error("a handler for `%s` failed", event, exc_info=failure)
