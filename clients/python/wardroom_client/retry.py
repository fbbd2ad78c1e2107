"""Sending again by itself what may be lost, without ever having it done twice."""

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
"""Refusals after which the same request may be sent again under its key."""


def new_key() -> str:
    """An idempotency key that nobody else has."""
    return uuid.uuid4().hex


async def until_answered(
    attempt: Callable[[float], Awaitable[Any]],
    *,
    key: str,
    seconds: float,
    backoff: Backoff,
    pause: Callable[[float], Awaitable[bool]],
) -> Any:
    """Call `attempt` with the seconds that are left until it succeeds, fails for good, or the time is up.

    `attempt` must be safe to repeat, which it is under the idempotency key `key`. `pause` waits for so many seconds and
    returns whether the client is still there then.

    The last failure is raised, unless it says that nothing was done while an earlier attempt may have been carried out:
    then that one's is, with the last failure as its cause. A refusal for good is always the last word, because a server
    looks for the key before anything that it refuses for.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    doubtful: ConnectionLost | RequestTimeout | None = None
    while True:
        try:
            return await attempt(deadline - loop.time())
        except WardroomError as error:
            if isinstance(error, (ConnectionLost, RequestTimeout)):
                error.idempotency_key = key
                if error.outcome_unknown:
                    doubtful = error
            elif isinstance(error, RpcError) and error.code not in RETRIED_CODES:
                raise
            delay = backoff.next_delay(getattr(error, "retry_after", None) or 0.0)
            may_go_on = _is_worth_another_try(error) and loop.time() + delay < deadline
            if may_go_on and await pause(delay):
                continue
            if doubtful is None or doubtful is error:
                raise
            raise doubtful from error


def _is_worth_another_try(error: WardroomError) -> bool:
    if isinstance(error, RpcError):
        return error.code in RETRIED_CODES
    return isinstance(error, (ConnectionLost, RequestTimeout))
