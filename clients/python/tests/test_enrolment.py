"""Getting a first key, and what is known when the answer does not come."""

from __future__ import annotations

import asyncio

import pytest
from scripted_server import FAST, ScriptedServer, soon

from wardroom_client import ConfigurationError, ConnectFailed, ConnectionLost, RequestTimeout, connection, enrol

TOKEN = "bl_e_" + "7c" * 24


async def test_regression_a_lost_answer_is_not_taken_for_a_server_that_is_not_there(server: ScriptedServer) -> None:
    enrolling = asyncio.create_task(enrol(TOKEN, server.url, options=FAST))
    peer = await server.accept()
    await peer.expect("agent.enrol")
    peer.abort()
    with pytest.raises(ConnectionLost) as caught:
        await soon(enrolling)
    assert caught.value.outcome_unknown and TOKEN not in str(caught.value)


async def test_an_answer_that_does_not_come_leaves_the_outcome_unknown(
    server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def in_vain(*_: object) -> None:
        # as if the time were up while the answer is waited for, however long the rest takes on this machine
        raise asyncio.TimeoutError

    monkeypatch.setattr(connection, "_first_answer", in_vain)
    with pytest.raises(RequestTimeout) as caught:
        await soon(enrol(TOKEN, server.url, options=FAST))
    assert caught.value.outcome_unknown


async def test_a_server_that_is_not_there_was_sent_nothing(server: ScriptedServer) -> None:
    await server.shut()
    with pytest.raises(ConnectFailed):
        await soon(enrol(TOKEN, server.url, options=FAST))


async def test_regression_an_empty_token_is_refused_and_not_looked_up(
    server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WARDROOM_API_KEY", "bl_k_secret")
    with pytest.raises(ConfigurationError, match="no enrolment token"):
        await enrol("", server.url, options=FAST)
