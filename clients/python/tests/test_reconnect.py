"""Coming back after a loss, and knowing when not to."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from passage import Passage
from scripted_server import AUTH_RESULT, FAST, KEY, Recorder, ScriptedServer, soon

from wardroom_client import (
    AuthenticationError,
    ConnectFailed,
    ConnectionLost,
    NotConnected,
    RequestTimeout,
    RpcError,
    WardroomClient,
)
from wardroom_client import client as client_module
from wardroom_client.reconnect import Backoff

CONTROLLED_LOSSES = [(1001, "shutdown"), (1012, "restarting"), (1013, "slow consumer"), (1008, "kicked: banned soon")]


@pytest.mark.parametrize(("code", "reason"), CONTROLLED_LOSSES)
async def test_a_lost_connection_comes_back_and_handlers_stay(server: ScriptedServer, code: int, reason: str) -> None:
    client = WardroomClient(url=server.url, api_key=KEY, display_name="Scout", options=FAST)
    messages, lost, back = Recorder(), Recorder(), Recorder()
    client.on("message", messages)
    client.on("connection_lost", lost)
    client.on("reconnected", back)
    async with server.meet(client) as peer:
        await peer.event("message", n=1)
        assert await messages.next() == {"n": 1}
        await peer.close(code, reason)
        assert await lost.next() == {"code": code, "reason": reason, "reconnecting": True}
        peer = await server.accept()
        assert await peer.authenticate(motd="new words") == {"apiKey": KEY, "displayName": "Scout"}
        assert await back.next() == {"attempts": 1, "epoch": "epoch-1", "epochChanged": False}
        await peer.event("message", n=2)
        assert await messages.next() == {"n": 2}
        assert client.motd == "new words" and client.connected
    assert lost.is_empty and back.is_empty


async def test_a_cut_without_goodbye_is_repaired_too(server: ScriptedServer) -> None:
    client = server.client()
    lost = Recorder()
    client.on("connection_lost", lost)
    async with server.meet(client) as peer:
        peer.abort()
        assert await lost.next() == {"code": 1006, "reason": "", "reconnecting": True}
        await server.welcome()


async def test_notices_and_events_come_in_order(server: ScriptedServer) -> None:
    client = server.client()
    seen: list[str] = []
    all_seen = asyncio.Event()

    def note(name: str) -> None:
        def handler(params: dict[str, Any]) -> None:
            seen.append(f"{name} {params.get('n', '')}".strip())
            if params.get("n") == 4:
                all_seen.set()

        client.on(name, handler)

    for name in ("message", "connection_lost", "reconnected"):
        note(name)
    async with server.meet(client) as peer:
        for n in (1, 2):
            await peer.event("message", n=n)
        await peer.close(1012)
        peer = await server.accept()
        request = await peer.expect("auth")
        # answer and events leave together, so that they may well arrive together
        await asyncio.gather(
            peer.reply(request, AUTH_RESULT), peer.event("message", n=3), peer.event("message", n=4)
        )
        await soon(all_seen.wait())
    assert seen == ["message 1", "message 2", "connection_lost", "reconnected", "message 3", "message 4"]


async def test_another_database_is_told(server: ScriptedServer) -> None:
    client = server.client()
    back = Recorder()
    client.on("reconnected", back)
    async with server.meet(client) as peer:
        await peer.close(1012)
        await server.welcome(epoch="epoch-2")
        assert await back.next() == {"attempts": 1, "epoch": "epoch-2", "epochChanged": True}
        assert client.epoch == "epoch-2"


async def test_the_client_tries_until_the_server_is_back(server: ScriptedServer) -> None:
    passage = Passage()
    await passage.open()
    passage.lead_to(server.port)
    client = WardroomClient(passage.url, KEY, options=FAST)
    lost, back = Recorder(), Recorder()
    client.on("connection_lost", lost)
    client.on("reconnected", back)
    async with server.meet(client):
        passage.lead_to(0)
        await server.shut()
        await lost.next()
        # waits for the new connection instead of failing, since nothing of it has been sent
        call = asyncio.create_task(client.call("echo", {"n": 1}))
        with pytest.raises(RequestTimeout, match="no connection to send it on") as caught:
            await client.call("impatient", timeout=0.02)
        assert not caught.value.outcome_unknown
        for _ in range(2):
            await soon(passage.refused())
        await server.listen()
        passage.lead_to(server.port)
        peer = await server.welcome()
        await peer.reply(await peer.expect("echo"), 1)
        assert await soon(call) == 1
        assert (await back.next())["attempts"] > 1
    await soon(passage.close())


@pytest.mark.parametrize("code", [4002, 4004])
async def test_a_refused_key_ends_the_client(server: ScriptedServer, code: int) -> None:
    client = server.client()
    closed = Recorder()
    client.on("connection_closed", closed)
    async with server.meet(client) as peer:
        await peer.close(1012)
        peer = await server.accept()
        auth = await peer.expect("auth")
        waiting = asyncio.create_task(client.call("echo"))
        await peer.refuse(auth, code, "no entry")
        await soon(client.wait_closed())
        assert isinstance(client.error, AuthenticationError) and client.error.code == code
        with pytest.raises(NotConnected) as caught:
            await soon(waiting)
        assert caught.value.__cause__ is client.error
        assert await closed.next() == {"error": f"no entry (code {code})"}
    await assert_nobody_comes(server)


@pytest.mark.parametrize("reason", ["banned", "revoked"])
async def test_a_close_for_good_ends_the_client(server: ScriptedServer, reason: str) -> None:
    client = server.client()
    said, lost, closed = Recorder(), Recorder(), Recorder()
    client.on("disconnected", said)
    client.on("connection_lost", lost)
    client.on("connection_closed", closed)
    running: asyncio.Task[None]
    async with server.meet(client) as peer:
        running = asyncio.create_task(client.run_forever())
        await peer.event("disconnected", reason=reason)
        await peer.close(1008, reason)
        with pytest.raises(ConnectionLost) as caught:
            await soon(running)
        assert caught.value is client.error and caught.value.close_reason == reason
        assert await said.next() == {"reason": reason}
        assert await lost.next() == {"code": 1008, "reason": reason, "reconnecting": False}
        assert await closed.next() == {"code": 1008, "reason": reason}
    await assert_nobody_comes(server)


async def test_other_refusals_of_auth_are_tried_again_after_the_wait_asked_for(
    server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[float] = []

    class Noting(Backoff):
        def next_delay(self, at_least: float = 0.0) -> float:
            asked.append(at_least)
            return super().next_delay()

    monkeypatch.setattr(client_module, "Backoff", Noting)
    client = server.client()
    async with server.meet(client) as peer:
        await peer.close(1012)
        peer = await server.accept()
        await peer.refuse(await peer.expect("auth"), 4003, "locked")
        peer = await server.accept()
        await peer.refuse(await peer.expect("auth"), 4080, "limited", retryAfterMs=2500)
        await server.welcome()
    assert asked == [0.0, 0.0, 2.5]


async def test_the_wait_grows_while_connections_do_not_hold_and_starts_again_when_one_did(
    server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    ceilings: list[float] = []

    def highest(low: float, high: float) -> float:
        ceilings.append(high)
        return low

    class Noting(Backoff):
        def __init__(self, base: float, cap: float) -> None:
            super().__init__(base, cap, uniform=highest)

    monkeypatch.setattr(client_module, "Backoff", Noting)
    options = replace(FAST, reconnect_base=1, reconnect_cap=8)
    for stable_after, expected in ((1000.0, [1, 2, 4, 8, 8]), (0.0, [1, 1, 1, 1, 1])):
        ceilings.clear()
        client = server.client(replace(options, reconnect_stable_after=stable_after))
        async with server.meet(client) as peer:
            for _ in expected:
                await peer.close(1013)
                peer = await server.welcome()
        assert ceilings == expected


async def test_an_agent_with_too_many_sessions_waits_longest_and_is_told(
    server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    ceilings: list[float] = []

    def highest(low: float, high: float) -> float:
        ceilings.append(high)
        return low

    monkeypatch.setattr(client_module, "Backoff", lambda base, cap: Backoff(base, cap, uniform=highest))
    client = server.client(replace(FAST, reconnect_base=1, reconnect_cap=8, reconnect_stable_after=0))
    lost = client.on("connection_lost", Recorder())
    async with server.meet(client) as peer:
        for reason, is_replaced in [("restarting", False), ("replaced by a newer session", True), ("restarting", False)]:
            await peer.close(1008, reason)
            told = {"code": 1008, "reason": reason, "reconnecting": True}
            assert await lost.next() == ({**told, "replaced": True} if is_replaced else told)
            peer = await server.welcome()
    assert ceilings == [1, 8, 1]


async def test_a_limit_of_attempts_is_kept(server: ScriptedServer) -> None:
    client = server.client(replace(FAST, max_reconnect_attempts=2))
    async with server.meet(client) as peer:
        await peer.close(1012)
        for _ in range(2):
            peer = await server.accept()
            await peer.refuse(await peer.expect("auth"), 4003, "locked")
        await soon(client.wait_closed())
        assert isinstance(client.error, RpcError) and client.error.code == 4003
    await assert_nobody_comes(server)


async def test_connections_that_do_not_hold_count_against_the_limit(server: ScriptedServer) -> None:
    client = server.client(replace(FAST, max_reconnect_attempts=2))
    async with server.meet(client) as peer:
        for _ in range(2):
            await peer.close(1013)
            peer = await server.welcome()
        await peer.close(1013)
        await soon(client.wait_closed())
        assert isinstance(client.error, ConnectionLost)
    await assert_nobody_comes(server)


async def test_no_attempts_means_no_reconnecting(server: ScriptedServer) -> None:
    client = server.client(replace(FAST, max_reconnect_attempts=0))
    async with server.meet(client) as peer:
        await peer.close(1012, "restarting")
        await soon(client.wait_closed())
        assert isinstance(client.error, ConnectionLost)
    await assert_nobody_comes(server)


async def test_unreachable_for_good(server: ScriptedServer) -> None:
    client = server.client(replace(FAST, max_reconnect_attempts=3))
    async with server.meet(client):
        await server.shut()
        await soon(client.wait_closed())
        assert isinstance(client.error, ConnectFailed)


async def test_closing_during_the_wait_for_a_reconnect(server: ScriptedServer) -> None:
    client = server.client(replace(FAST, reconnect_base=1000, reconnect_cap=1000))
    lost = Recorder()
    client.on("connection_lost", lost)
    async with server.meet(client) as peer:
        await peer.close(1012)
        await lost.next()
        waiting = asyncio.create_task(client.call("echo"))
        connecting = asyncio.create_task(client.connect())
        await soon(connecting)
        assert not client.connected and "reconnecting" in repr(client)
        await soon(client.close())
        with pytest.raises(NotConnected):
            await soon(waiting)
        assert client.error is None
    await assert_nobody_comes(server)


async def test_run_forever_connects_and_ends_with_close(server: ScriptedServer) -> None:
    client = server.client()
    running = asyncio.create_task(client.run_forever())
    peer = await server.welcome()
    closer = Recorder()

    @client.on("message")
    async def stop(params: dict[str, Any]) -> None:
        await client.close()
        closer(params)

    await peer.event("message", n=1)
    assert await closer.next() == {"n": 1}
    await soon(running)
    await soon(peer.socket.wait_closed())


async def test_cancelling_run_forever_closes_the_connection(server: ScriptedServer) -> None:
    client = server.client()
    running = asyncio.create_task(client.run_forever())
    peer = await server.welcome()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await soon(running)
    await soon(peer.socket.wait_closed())
    assert not client.connected


async def assert_nobody_comes(server: ScriptedServer) -> None:
    """An ended client has no task left that could open a connection, and none has been opened."""
    names = {task.get_name() for task in asyncio.all_tasks()}
    assert not {name for name in names if name.startswith("wardroom-client")}
    assert server._arrivals.empty()
