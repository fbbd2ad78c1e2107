"""One connection: authentication, answers, errors, time-outs, close."""

from __future__ import annotations

import asyncio
import logging
import socket
from typing import Any

import pytest
from scripted_server import AUTH_RESULT, FAST, KEY, ScriptedServer, soon

from wardroom_client import (
    AuthenticationError,
    ConnectFailed,
    ConnectionLost,
    NotConnected,
    Options,
    ProtocolError,
    RequestTimeout,
    RpcError,
    WardroomClient,
)
from wardroom_client.connection import Connection
from wardroom_client.options import Settings
from wardroom_client.types import ResumeRequest


async def test_auth_sends_key_and_name_and_fills_the_properties(server: ScriptedServer) -> None:
    client = WardroomClient(url=server.url, api_key=KEY, display_name="Scout", options=FAST)
    assert (client.role, client.agent_id, client.lobby_id, client.motd) == (None, None, None, None)
    assert not client.is_controller and not client.is_participant and not client.connected
    connecting = asyncio.create_task(client.connect())
    peer = await server.accept()
    assert await peer.authenticate(displayName="Scout") == {"apiKey": KEY, "displayName": "Scout"}
    await soon(connecting)
    assert client.connected
    assert (client.agent_id, client.display_name, client.role) == ("agent-1", "Scout", "participant")
    assert (client.lobby_id, client.lobby_name, client.motd) == ("room-lobby", "Lobby", "be kind")
    assert (client.epoch, client.durability, client.server_version) == ("epoch-1", "full", "0.1.0")
    assert client.is_participant and not client.is_controller
    await soon(client.close())
    assert not client.connected


async def test_without_a_name_none_is_sent(server: ScriptedServer) -> None:
    client = server.client()
    connecting = asyncio.create_task(client.connect())
    assert await (await server.accept()).authenticate() == {"apiKey": KEY}
    await soon(connecting)
    await soon(client.close())


async def test_a_server_that_sends_only_what_broodlink_sends_is_enough(server: ScriptedServer) -> None:
    client = server.client()
    bare = {"role": "controller", "epoch": None, "durability": None, "version": None, "motd": None}
    async with server.meet(client, **bare):
        assert client.is_controller and not client.is_participant
        assert (client.motd, client.epoch, client.server_version) == (None, None, None)


async def test_async_with_connects_and_closes(server: ScriptedServer) -> None:
    async def use() -> None:
        async with server.client() as client:
            assert client.connected

    using = asyncio.create_task(use())
    peer = await server.welcome()
    await soon(using)
    await soon(peer.socket.wait_closed())
    assert peer.socket.close_code == 1000


@pytest.mark.parametrize("code", [4002, 4004])
async def test_a_refused_key_is_an_authentication_error(server: ScriptedServer, code: int) -> None:
    connecting = asyncio.create_task(server.client().connect())
    peer = await server.accept()
    await peer.refuse(await peer.expect("auth"), code, "no", retryable=False)
    with pytest.raises(AuthenticationError, match=f"no \\(code {code}\\)") as caught:
        await soon(connecting)
    assert (caught.value.code, caught.value.message, caught.value.data) == (code, "no", {"retryable": False})
    await soon(peer.socket.wait_closed())


async def test_a_locked_server_is_an_ordinary_refusal(server: ScriptedServer) -> None:
    connecting = asyncio.create_task(server.client().connect())
    peer = await server.accept()
    await peer.refuse(await peer.expect("auth"), 4003, "locked")
    with pytest.raises(RpcError) as caught:
        await soon(connecting)
    assert caught.value.code == 4003 and not isinstance(caught.value, AuthenticationError)


@pytest.mark.parametrize("missing", ["agentId", "role", "displayName", "lobby"])
async def test_an_auth_result_without_a_promised_member_is_reported(server: ScriptedServer, missing: str) -> None:
    connecting = asyncio.create_task(server.client().connect())
    peer = await server.accept()
    result = {name: value for name, value in AUTH_RESULT.items() if name != missing}
    await peer.reply(await peer.expect("auth"), result)
    with pytest.raises(ProtocolError):
        await soon(connecting)


async def test_close_before_the_answer_to_auth(server: ScriptedServer) -> None:
    connecting = asyncio.create_task(server.client().connect())
    peer = await server.accept()
    await peer.expect("auth")
    await peer.close(1012, "restarting")
    with pytest.raises(ConnectFailed, match="1012, reason `restarting`"):
        await soon(connecting)


async def test_nobody_listens() -> None:
    with socket.socket() as reserved:
        # bound but not listening: connections are refused, and nobody else can take the port meanwhile
        reserved.bind(("127.0.0.1", 0))
        client = WardroomClient(url=f"ws://127.0.0.1:{reserved.getsockname()[1]}", api_key=KEY, options=FAST)
        with pytest.raises(ConnectFailed, match="127.0.0.1"):
            await soon(client.connect())
        with pytest.raises(NotConnected):
            await client.list_rooms()
        await soon(client.close())


async def test_a_server_that_never_answers_auth_runs_into_the_timeout(server: ScriptedServer) -> None:
    client = server.client(Options(connect_timeout=0.05, close_timeout=1))
    with pytest.raises(ConnectFailed, match="within 0.05 s"):
        await soon(client.connect())


async def test_answers_find_their_requests_in_any_order(server: ScriptedServer) -> None:
    client = server.client()
    async with server.meet(client) as peer:
        calls = [asyncio.create_task(client.call("echo", {"n": n})) for n in range(5)]
        requests = [await peer.expect("echo") for _ in calls]
        assert [request["params"]["n"] for request in requests] == [0, 1, 2, 3, 4]
        assert len({request["id"] for request in requests}) == 5
        for request in reversed(requests):
            await peer.reply(request, request["params"]["n"])
        assert await soon(asyncio.gather(*calls)) == [0, 1, 2, 3, 4]


async def test_errors_carry_code_message_and_data(server: ScriptedServer) -> None:
    client = server.client()
    async with server.meet(client) as peer:
        call = asyncio.create_task(client.send_message("room-1", "hello"))
        await peer.refuse(await peer.receive(), 4080, "slow down", retryable=True, retryAfterMs=1500)
        with pytest.raises(RpcError) as caught:
            await soon(call)
        error = caught.value
        assert (error.code, error.message, error.data) == (4080, "slow down", {"retryable": True, "retryAfterMs": 1500})
        assert error.retryable and error.retry_after == 1.5

        call = asyncio.create_task(client.send_message("room-1", "hello"))
        await peer.refuse(await peer.receive(), 4011)
        with pytest.raises(RpcError) as caught:
            await soon(call)
        assert (caught.value.data, caught.value.retryable, caught.value.retry_after) == (None, False, None)


@pytest.mark.parametrize("answer", [{}, {"error": 5}, {"error": {"message": "no code"}}, {"result": {"rooms": {}}}])
async def test_an_answer_that_makes_no_sense_is_a_protocol_error(
    server: ScriptedServer, answer: dict[str, Any]
) -> None:
    client = server.client()
    async with server.meet(client) as peer:
        call = asyncio.create_task(client.list_rooms())
        request = await peer.receive()
        await peer.send(id=request["id"], **answer)
        with pytest.raises(ProtocolError):
            await soon(call)


async def test_a_request_times_out_and_its_late_answer_disturbs_nobody(server: ScriptedServer) -> None:
    client = server.client()
    async with server.meet(client) as peer:
        with pytest.raises(RequestTimeout, match="`slow`: no answer within 0.01 s") as caught:
            await client.call("slow", timeout=0.01)
        assert caught.value.outcome_unknown and caught.value.method == "slow"
        assert isinstance(caught.value, TimeoutError)
        await peer.reply(await peer.expect("slow"), "late")
        call = asyncio.create_task(client.call("quick"))
        await peer.reply(await peer.expect("quick"), "in time")
        assert await soon(call) == "in time"
        # nothing is kept of requests that are over, however they ended
        assert client._connection is not None and not client._connection._pending


async def test_frames_that_make_no_sense_are_reported_and_skipped(
    server: ScriptedServer, caplog: pytest.LogCaptureFixture
) -> None:
    client = server.client()
    async with server.meet(client) as peer:
        call = asyncio.create_task(client.call("echo"))
        request = await peer.receive()
        unreadable: list[str | bytes] = ["not json: secret", "[]", "5", "[" * 200_000, b"\xff\xfe"]
        for frame in [*unreadable, '{"method": 5}', '{"method":"m","params":[1]}']:
            await peer.socket.send(frame)
        await peer.send(id=True, result="not ours")
        await peer.send(id="2", result="not ours")
        await peer.send(id=[2], result="not ours")
        await peer.send(id=None, error={"code": -32700, "message": "parse error"})
        await peer.reply(request, "answer")
        assert await soon(call) == "answer"
        assert client.connected
    warnings = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert len(warnings) == 7
    assert "secret" not in caplog.text


async def test_in_flight_requests_fail_when_the_connection_drops(server: ScriptedServer) -> None:
    client = server.client()
    async with server.meet(client) as peer:
        calls = [asyncio.create_task(client.send_message("room-1", text)) for text in "ab"]
        for _ in calls:
            await peer.expect("message.send")
        await peer.close(1012, "restarting")
        for call in calls:
            with pytest.raises(ConnectionLost) as caught:
                await soon(call)
            assert (caught.value.close_code, caught.value.close_reason) == (1012, "restarting")
            assert caught.value.outcome_unknown and isinstance(caught.value, ConnectionError)
        # the next connection begins with `auth` and nothing is sent again before this call
        peer = await server.welcome()
        call_after = asyncio.create_task(client.call("after"))
        await peer.reply(await peer.expect("after"), 1)
        assert await soon(call_after) == 1


async def test_closing_fails_what_is_in_flight_and_what_comes_later(server: ScriptedServer) -> None:
    client = server.client()
    async with server.meet(client) as peer:
        call = asyncio.create_task(client.call("slow"))
        await peer.expect("slow")
        await soon(client.close())
        with pytest.raises(ConnectionLost):
            await soon(call)
        with pytest.raises(NotConnected):
            await client.call("late")
        assert client.error is None
        await soon(client.wait_closed())
        await soon(client.close())


async def test_a_cancelled_call_leaves_nothing_behind(server: ScriptedServer) -> None:
    client = server.client(Options(max_pending_requests=1, request_timeout=5, close_timeout=1))
    async with server.meet(client) as peer:
        call = asyncio.create_task(client.call("slow"))
        request = await peer.expect("slow")
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await soon(call)
        await peer.reply(request, "late")
        # the only slot is free again
        call = asyncio.create_task(client.call("next"))
        await peer.reply(await peer.expect("next"), 1)
        assert await soon(call) == 1


async def test_requests_beyond_the_limit_wait_their_turn(server: ScriptedServer) -> None:
    client = server.client(Options(max_pending_requests=2, request_timeout=5, close_timeout=1))
    async with server.meet(client) as peer:
        calls = [asyncio.create_task(client.call("echo", {"n": n})) for n in range(3)]
        first, second = await peer.expect("echo"), await peer.expect("echo")
        with pytest.raises(RequestTimeout) as caught:
            await client.call("too much", timeout=0.01)
        assert not caught.value.outcome_unknown
        await peer.reply(first, 0)
        third = await peer.expect("echo")
        assert third["params"] == {"n": 2}
        await peer.reply(second, 1)
        await peer.reply(third, 2)
        assert await soon(asyncio.gather(*calls)) == [0, 1, 2]


async def test_text_of_any_kind_arrives_as_it_was(server: ScriptedServer) -> None:
    client = server.client()
    text = " \u0000\n\u2028\"\\ \U0001f600 e\u0301 \ud800"
    async with server.meet(client) as peer:
        call = asyncio.create_task(client.call("echo", {"text": text}))
        request = await peer.receive()
        assert request["params"] == {"text": text}
        await peer.reply(request, text)
        assert await soon(call) == text


async def test_closing_while_connecting(server: ScriptedServer) -> None:
    client = server.client()
    connecting = asyncio.create_task(client.connect())
    peer = await server.accept()
    await peer.expect("auth")
    await soon(client.close())
    with pytest.raises(NotConnected):
        await soon(connecting)
    await soon(peer.socket.wait_closed())


async def test_closing_at_the_very_moment_of_connecting(
    server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = server.client()
    closing: list[asyncio.Task[None]] = []

    async def open_and_let_close_overtake(settings: Settings, resume: ResumeRequest | None = None) -> Connection:
        connection = await original(settings, resume)
        closing.append(asyncio.create_task(client.close()))
        return connection

    original = Connection.open
    monkeypatch.setattr(Connection, "open", open_and_let_close_overtake)
    connecting = asyncio.create_task(client.connect())
    peer = await server.welcome()
    with pytest.raises(NotConnected):
        await soon(connecting)
    await soon(closing[0])
    await soon(peer.socket.wait_closed())
    assert not client.connected


async def test_a_closed_client_can_connect_again_and_a_connected_one_stays(server: ScriptedServer) -> None:
    client = server.client()
    async with server.meet(client):
        await soon(client.connect())
    async with server.meet(client) as peer:
        call = asyncio.create_task(client.call("echo"))
        await peer.reply(await peer.expect("echo"), 1)
        assert await soon(call) == 1


async def test_a_frame_beyond_the_bound_ends_the_connection(server: ScriptedServer) -> None:
    client = server.client(Options(max_frame_bytes=1000, max_reconnect_attempts=0, request_timeout=5, close_timeout=1))
    async with server.meet(client) as peer:
        call = asyncio.create_task(client.call("echo"))
        await peer.reply(await peer.receive(), "x" * 2000)
        with pytest.raises(ConnectionLost) as caught:
            await soon(call)
        assert caught.value.close_code == 1009


async def test_the_key_stays_out_of_every_log(server: ScriptedServer, caplog: pytest.LogCaptureFixture) -> None:
    # the scripted server shares this process; what it logs is not the client's doing
    caplog.set_level(logging.INFO, logger="websockets.server")
    caplog.set_level(logging.DEBUG)
    client = server.client()
    async with server.meet(client) as peer:
        await peer.close(1012)
        peer = await server.accept()
        await peer.refuse(await peer.expect("auth"), 4002, "unknown key")
        await soon(client.wait_closed())
    assert "reconnecting is given up" in caplog.text
    assert KEY not in caplog.text and KEY not in repr(client) + str(client.error)
    assert "wardroom_client.socket" not in {record.name for record in caplog.records if record.levelno < logging.INFO}
