"""Handlers: order, failures, slow ones, and the bound of the queue."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from typing import Any

import pytest
from scripted_server import FAST, Recorder, ScriptedServer, soon

Params = dict[str, Any]


async def test_all_ways_to_set_a_handler(server: ScriptedServer) -> None:
    client = server.client()
    plain, decorated, asynchronous = Recorder(), Recorder(), Recorder()
    assert client.on("dm", plain) is plain

    @client.on("dm")
    def handle(params: Params) -> None:
        decorated(params)

    @client.on("dm")
    async def handle_async(params: Params) -> None:
        asynchronous(params)

    handle({"called": "directly"})
    assert await decorated.next() == {"called": "directly"}
    async with server.meet(client) as peer:
        await peer.event("dm", content="hi")
        for recorder in (plain, decorated, asynchronous):
            assert await recorder.next() == {"content": "hi"}
        client.off("dm", plain)
        client.off("dm", plain)
        await peer.event("dm", content="again")
        assert await asynchronous.next() == {"content": "again"}
        assert plain.is_empty


def test_a_handler_without_an_event_name_is_refused(server: ScriptedServer) -> None:
    client = server.client()
    with pytest.raises(TypeError, match="named first"):
        client.on(print)  # type: ignore[call-overload]
    with pytest.raises(TypeError, match="named first"):
        client.on("")
    with pytest.raises(TypeError, match="`dm` cannot be called"):
        client.on("dm", 5)  # type: ignore[call-overload]


async def test_an_event_without_params_gives_an_empty_dict(server: ScriptedServer) -> None:
    client = server.client()
    seen = Recorder()
    client.on("future.event", seen)
    async with server.meet(client) as peer:
        await peer.send(method="future.event")
        assert await seen.next() == {}


async def test_events_are_handled_one_at_a_time_and_in_order(server: ScriptedServer) -> None:
    client = server.client()
    seen: list[str] = []
    first_entered, go_on, done = asyncio.Event(), asyncio.Event(), asyncio.Event()

    @client.on("message")
    async def slow(params: Params) -> None:
        seen.append(f"enter {params['n']}")
        first_entered.set()
        await go_on.wait()
        seen.append(f"leave {params['n']}")

    @client.on("message")
    def second(params: Params) -> None:
        seen.append(f"second {params['n']}")

    @client.on("room.left")
    def left(params: Params) -> None:
        seen.append("left")
        done.set()

    async with server.meet(client) as peer:
        await peer.event("message", n=1)
        await soon(first_entered.wait())
        await peer.event("message", n=2)
        await peer.event("room.left")
        # the answer shows that the reader went past both events while the handler still waits
        call = asyncio.create_task(client.call("echo"))
        await peer.reply(await peer.expect("echo"), 1)
        assert await soon(call) == 1
        assert seen == ["enter 1"]
        go_on.set()
        await soon(done.wait())
    assert seen == ["enter 1", "leave 1", "second 1", "enter 2", "leave 2", "second 2", "left"]


async def test_a_handler_may_call_the_server(server: ScriptedServer) -> None:
    client = server.client()
    answers = Recorder()

    @client.on("message")
    async def answer(params: Params) -> None:
        answers(dict(await client.send_message(params["roomId"], "pong")))

    async with server.meet(client) as peer:
        await peer.event("message", roomId="room-1")
        request = await peer.expect("message.send")
        assert request["params"] == {"roomId": "room-1", "content": "pong"}
        await peer.reply(request, {"messageId": "m-1", "timestamp": 1, "seq": 1})
        assert await answers.next() == {"messageId": "m-1", "timestamp": 1, "seq": 1}


async def test_failing_handlers_are_reported_and_end_nothing(
    server: ScriptedServer, caplog: pytest.LogCaptureFixture
) -> None:
    client = server.client()
    survivor = Recorder()

    @client.on("message")
    def plain(params: Params) -> None:
        raise ValueError("plain trouble")

    @client.on("message")
    async def asynchronous(params: Params) -> None:
        raise LookupError("async trouble")

    @client.on("message")
    async def cancelled(params: Params) -> None:
        raise asyncio.CancelledError

    @client.on("message")  # type: ignore[type-var]
    def wrong_arity() -> None:
        raise AssertionError("never called")

    client.on("message", survivor)
    async with server.meet(client) as peer:
        for n in (1, 2):
            await peer.event("message", n=n)
            assert await survivor.next() == {"n": n}
        assert client.connected
    errors = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert len(errors) == 8 and {record.name for record in errors} == {"wardroom_client"}
    assert all("`message`" in record.getMessage() for record in errors)
    for trouble in ("plain trouble", "async trouble", "wrong_arity"):
        assert caplog.text.count(trouble) >= 2


async def test_more_events_than_handlers_can_take(server: ScriptedServer, caplog: pytest.LogCaptureFixture) -> None:
    client = server.client(replace(FAST, event_queue_size=3))
    entered, go_on = asyncio.Event(), asyncio.Event()
    seen: asyncio.Queue[int | str] = asyncio.Queue()

    @client.on("message")
    async def slow(params: Params) -> None:
        entered.set()
        await go_on.wait()
        seen.put_nowait(params["n"])

    @client.on("events_dropped")
    def dropped(params: Params) -> None:
        seen.put_nowait(f"{params['dropped']} dropped")

    async with server.meet(client) as peer:
        await peer.event("message", n=0)
        await soon(entered.wait())
        for n in range(1, 8):
            await peer.event("message", n=n)
            await peer.event("nobody.listens")
        call = asyncio.create_task(client.call("echo"))
        await peer.reply(await peer.expect("echo"), 1)
        # answers still come through a full queue
        assert await soon(call) == 1
        go_on.set()
        assert [await soon(seen.get()) for _ in range(5)] == [0, 1, 2, 3, "4 dropped"]
        await peer.event("message", n=8)
        assert await soon(seen.get()) == 8
    assert caplog.text.count("handlers are too slow") == 1


async def test_close_waits_for_the_running_handler_and_drops_the_rest(server: ScriptedServer) -> None:
    client = server.client(replace(FAST, close_timeout=5))
    entered, go_on = asyncio.Event(), asyncio.Event()
    seen: list[int] = []

    @client.on("message")
    async def slow(params: Params) -> None:
        entered.set()
        await go_on.wait()
        seen.append(params["n"])

    async with server.meet(client) as peer:
        await peer.event("message", n=1)
        await peer.event("message", n=2)
        await soon(entered.wait())
        closing = asyncio.create_task(client.close())
        await soon(peer.socket.wait_closed())
        assert not closing.done()
        go_on.set()
        await soon(closing)
    assert seen == [1]


async def test_close_cancels_a_handler_that_does_not_end(
    server: ScriptedServer, caplog: pytest.LogCaptureFixture
) -> None:
    client = server.client(replace(FAST, close_timeout=0.05))
    entered, cancelled = asyncio.Event(), asyncio.Event()

    @client.on("message")
    async def endless(params: Params) -> None:
        entered.set()
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    async with server.meet(client) as peer:
        await peer.event("message")
        await soon(entered.wait())
        await soon(client.close())
        assert cancelled.is_set()
    assert "still running and is cancelled" in caplog.text


async def test_the_motd_follows_events_and_own_changes(server: ScriptedServer) -> None:
    client = server.client()
    seen = Recorder()
    client.on("lobby.motd", seen)
    async with server.meet(client, role="controller") as peer:
        assert client.motd == "be kind"
        await peer.event("lobby.motd", content="be quick", setBy="agent-2", setByName="Other")
        await seen.next()
        assert client.motd == "be quick"
        for content in ("mine", "", None):
            call = asyncio.create_task(client.set_motd(content))
            request = await peer.expect("lobby.setMotd")
            assert request["params"] == {"content": content}
            await peer.reply(request, {"status": "ok"})
            await soon(call)
            assert client.motd == (content or None)
