"""When to come back after a lost connection, and when not to."""

from __future__ import annotations

import random
import re
from collections.abc import Callable

MAX_RETRY_AFTER = 300.0
"""Longest wait, in seconds, that a server can ask for before the next attempt."""

_MOST_DOUBLINGS = 64

_NO_RETURN = re.compile(r"(?:agent |key )?(?:banned|revoked)\b", re.IGNORECASE)


def is_final_close(reason: str) -> bool:
    """Whether a close reason says that this agent may not come back.

    Only the beginning of the text counts: a kick may carry any words of the controller behind its own, and an agent
    that was merely warned of a ban may return. Missing a form is harmless, since the next `auth` is refused then.
    """
    return _NO_RETURN.match(reason) is not None


def is_replaced(code: int, reason: str) -> bool:
    """Whether the session was closed in favour of a newer one of the same agent, which had too many."""
    return code == 1008 and reason.startswith("replaced by a newer session")


class Backoff:
    """Exponential back-off with full jitter.

    The n-th wait (from 0) is drawn evenly from 0 to `base * 2**n`, and from 0 to `cap` once that is more. Drawing
    from the whole range spreads a crowd of agents that lost the same server.
    """

    def __init__(
        self, base: float, cap: float, *, uniform: Callable[[float, float], float] = random.uniform
    ) -> None:
        self._base = base
        self._cap = cap
        self._uniform = uniform
        self._doublings = 0
        self.attempts = 0

    def next_delay(self, at_least: float = 0.0) -> float:
        """Count one more attempt and return the seconds to wait before it.

        `at_least` is the wait that the server asked for, honoured up to `MAX_RETRY_AFTER`.
        """
        ceiling = min(self._cap, self._base * 2.0**self._doublings)
        # bounded because the attempts are not
        self._doublings = min(self._doublings + 1, _MOST_DOUBLINGS)
        self.attempts += 1
        return max(self._uniform(0.0, ceiling), min(at_least, MAX_RETRY_AFTER))

    def reset(self) -> None:
        """Start again at the base, after a connection that held."""
        self._doublings = 0
        self.attempts = 0

    def slow_down(self) -> None:
        """Draw from the whole range up to `cap` from now on, as after many failures."""
        self._doublings = _MOST_DOUBLINGS
