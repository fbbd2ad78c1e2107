"""Sending again by itself what may be lost, without ever saying it twice."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

from .errors import ConnectionLost, ErrorCode, RequestTimeout, RpcError, WardroomError
from .reconnect import Backoff

RETRIED_CODES = frozenset(
    {ErrorCode.LIMITED, ErrorCode.STORAGE_UNAVAILABLE, ErrorCode.SHUTTING_DOWN, ErrorCode.INTERNAL_ERROR}
)
"""Refusals after which the same message may be sent again under its key."""


def new_key() -> str:
    """An idempotency key that nobody else has."""
    return uuid.uuid4().hex


async def until_answered(attempt: Callable[[float], Awaitable[Any]], *, seconds: float, backoff: Backoff) -> Any:
    """Call `attempt` with the seconds that are left until it succeeds, fails for good, or the time is up.

    The last failure is raised when the time is up. `attempt` must be safe to repeat.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    while True:
        try:
            return await attempt(deadline - loop.time())
        except WardroomError as error:
            if not _is_worth_another_try(error):
                raise
            delay = backoff.next_delay(getattr(error, "retry_after", None) or 0.0)
            if loop.time() + delay >= deadline:
                raise
        await asyncio.sleep(delay)


def _is_worth_another_try(error: WardroomError) -> bool:
    if isinstance(error, RpcError):
        return error.code in RETRIED_CODES
    return isinstance(error, (ConnectionLost, RequestTimeout))
