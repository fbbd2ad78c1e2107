"""How long the client waits, and what it takes for a final word."""

from __future__ import annotations

import pytest

from wardroom_client.reconnect import MAX_RETRY_AFTER, Backoff, is_final_close


def test_the_range_doubles_up_to_the_cap_and_starts_at_zero() -> None:
    ranges: list[tuple[float, float]] = []

    def lowest(low: float, high: float) -> float:
        ranges.append((low, high))
        return low

    backoff = Backoff(0.5, 30, uniform=lowest)
    assert [backoff.next_delay() for _ in range(9)] == [0.0] * 9
    assert ranges == [(0.0, ceiling) for ceiling in (0.5, 1, 2, 4, 8, 16, 30, 30, 30)]


def test_waits_spread_over_the_whole_range() -> None:
    delays = []
    for _ in range(2000):
        backoff = Backoff(8, 30)
        delays.append(backoff.next_delay())
    assert all(0 <= delay <= 8 for delay in delays)
    # each tenth of the range is hit: with 2000 draws one is missed once in 10**90 runs
    assert {int(delay / 0.8) for delay in delays} >= set(range(10))


def test_many_failures_neither_overflow_nor_pass_the_cap() -> None:
    backoff = Backoff(0.5, 30, uniform=lambda low, high: high)
    assert max(backoff.next_delay() for _ in range(5000)) == 30
    assert backoff.attempts == 5000


def test_a_good_connection_starts_the_count_again() -> None:
    backoff = Backoff(0.5, 30, uniform=lambda low, high: high)
    assert [backoff.next_delay(), backoff.next_delay()] == [0.5, 1]
    backoff.reset()
    assert (backoff.attempts, backoff.next_delay()) == (0, 0.5)


def test_slowing_down_counts_as_no_attempt_and_lasts_until_a_good_connection() -> None:
    backoff = Backoff(0.5, 30, uniform=lambda low, high: high)
    backoff.slow_down()
    assert (backoff.attempts, backoff.next_delay(), backoff.next_delay()) == (0, 30, 30)
    backoff.reset()
    assert backoff.next_delay() == 0.5


def test_the_servers_wish_is_honoured_within_reason() -> None:
    backoff = Backoff(0.5, 30, uniform=lambda low, high: high)
    assert backoff.next_delay(at_least=7) == 7
    assert backoff.next_delay(at_least=1e9) == MAX_RETRY_AFTER


@pytest.mark.parametrize("reason", ["banned", "Revoked", "banned: spam", "agent banned", "key revoked by controller"])
def test_ban_and_revocation_are_final(reason: str) -> None:
    assert is_final_close(reason)


@pytest.mark.parametrize("reason", ["", "kicked", "kicked: next time banned", "unbanned", "slow consumer", "bannedish"])
def test_other_reasons_are_not(reason: str) -> None:
    assert not is_final_close(reason)
