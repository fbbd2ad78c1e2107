"""Sending again by itself."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any

import pytest
from scripted_server import FAST, ScriptedServer, soon

from wardroom_client import ConnectionLost, RequestTimeout, RpcError, TaskReceipt, WardroomClient

STUBBORN = replace(FAST, retry_seconds=30)
RECEIPT = {"messageId": "m", "timestamp": 1, "seq": 1}


async def test_a_lost_answer_is_asked_for_again_under_the_same_key(server: ScriptedServer) -> None:
    client = server.client(STUBBORN)
    async with server.meet(client) as peer:
        sending = asyncio.create_task(client.send_message("room-1", "hello"))
        first = await peer.expect("message.send")
        peer.abort()
        peer = await server.welcome()
        second = await peer.expect("message.send")
        assert second["params"] == first["params"]
        assert len(first["params"]["idempotencyKey"]) == 32
        await peer.reply(second, RECEIPT)
        assert await soon(sending) == RECEIPT


@pytest.mark.parametrize("code", [4080, 4090, 4092, -32603])
async def test_passing_refusals_are_retried(server: ScriptedServer, code: int) -> None:
    client = server.client(STUBBORN)
    async with server.meet(client) as peer:
        sending = asyncio.create_task(client.send_dm("agent-2", "hello", idempotency_key="mine"))
        first = await peer.expect("message.dm")
        await peer.refuse(first, code, retryable=True, retryAfterMs=1)
        second = await peer.expect("message.dm")
        assert second["params"] == {"toAgentId": "agent-2", "content": "hello", "idempotencyKey": "mine"}
        await peer.reply(second, RECEIPT)
        assert await soon(sending) == RECEIPT


async def test_a_time_out_is_retried(server: ScriptedServer) -> None:
    client = server.client(replace(STUBBORN, request_timeout=0.05))
    async with server.meet(client) as peer:
        sending = asyncio.create_task(client.send_message("room-1", "hello"))
        first = await peer.expect("message.send")

        async def answer_what_follows() -> None:
            # on a busy machine more than one request may run out of time
            while True:
                request = await peer.expect("message.send")
                assert request["params"] == first["params"]
                await peer.reply(request, RECEIPT)

        answering = asyncio.create_task(answer_what_follows())
        await asyncio.wait({sending, answering}, return_when=asyncio.FIRST_COMPLETED)
        answering.cancel()
        assert await soon(sending) == RECEIPT


async def test_other_refusals_are_final(server: ScriptedServer) -> None:
    client = server.client(STUBBORN)
    async with server.meet(client) as peer:
        sending = asyncio.create_task(client.send_message("room-1", "hello"))
        await peer.refuse(await peer.expect("message.send"), 4011)
        with pytest.raises(RpcError):
            await soon(sending)


async def test_the_last_failure_is_raised_when_the_time_is_up(server: ScriptedServer) -> None:
    client = server.client(replace(STUBBORN, request_timeout=0.02, retry_seconds=0.1))
    async with server.meet(client):
        with pytest.raises(RequestTimeout) as caught:
            await soon(client.send_message("room-1", "hello", idempotency_key="mine"))
        assert caught.value.idempotency_key == "mine"


async def test_a_wait_beyond_the_time_allowed_is_not_begun(server: ScriptedServer) -> None:
    client = server.client(STUBBORN)
    async with server.meet(client) as peer:
        sending = asyncio.create_task(client.send_message("room-1", "hello"))
        await peer.refuse(await peer.expect("message.send"), 4080, retryAfterMs=60_000)
        with pytest.raises(RpcError) as caught:
            await soon(sending)
        assert caught.value.code == 4080


async def test_a_server_without_keys_is_not_sent_anything_twice(server: ScriptedServer) -> None:
    client = server.client(STUBBORN)
    async with server.meet(client, epoch=None) as peer:
        sending = asyncio.create_task(client.send_message("room-1", "hello"))
        request = await peer.expect("message.send")
        assert request["params"] == {"roomId": "room-1", "content": "hello"}
        peer.abort()
        with pytest.raises(ConnectionLost):
            await soon(sending)


async def test_regression_a_message_that_may_be_stored_is_not_said_to_be_unsent(server: ScriptedServer) -> None:
    client = server.client(replace(STUBBORN, reconnect_base=30, reconnect_cap=30))
    async with server.meet(client) as peer:
        sending = asyncio.create_task(client.send_message("room-1", "hello"))
        first = await peer.expect("message.send")
        # it is not answered, and the request that repeats it is never made
        await peer.close(1008, "banned")
        await soon(client.wait_closed())
        with pytest.raises(ConnectionLost) as caught:
            await soon(sending)
        assert caught.value.outcome_unknown
        assert caught.value.idempotency_key == first["params"]["idempotencyKey"]


@pytest.mark.parametrize("code", [4080, -32603])
async def test_regression_a_passing_refusal_does_not_hide_an_earlier_loss(server: ScriptedServer, code: int) -> None:
    client = server.client(STUBBORN)
    async with server.meet(client) as peer:
        sending = asyncio.create_task(client.send_message("room-1", "hello", idempotency_key="mine"))
        await peer.expect("message.send")
        peer.abort()
        peer = await server.welcome()
        await peer.refuse(await peer.expect("message.send"), code, retryAfterMs=60_000)
        with pytest.raises(ConnectionLost) as caught:
            await soon(sending)
        assert caught.value.outcome_unknown and caught.value.idempotency_key == "mine"
        cause = caught.value.__cause__
        assert isinstance(cause, RpcError) and cause.code == code


async def test_a_refusal_for_good_is_the_last_word(server: ScriptedServer) -> None:
    client = server.client(STUBBORN)
    async with server.meet(client) as peer:
        sending = asyncio.create_task(client.send_message("room-1", "hello"))
        await peer.expect("message.send")
        peer.abort()
        peer = await server.welcome()
        await peer.refuse(await peer.expect("message.send"), 4011)
        with pytest.raises(RpcError):
            await soon(sending)


async def test_regression_closing_ends_the_wait_for_another_try(server: ScriptedServer) -> None:
    client = server.client(replace(STUBBORN, retry_seconds=1000))
    async with server.meet(client) as peer:
        sending = asyncio.create_task(client.send_message("room-1", "hello"))
        await peer.refuse(await peer.expect("message.send"), 4080, retryAfterMs=299_000)
        await soon(client.close())
        with pytest.raises(RpcError):
            await soon(sending)


TASK = {"taskId": "t", "state": "accepted", "generation": 1, "revision": 2, "timestamp": 1}


@pytest.mark.parametrize(
    ("method", "change"),
    [
        ("task.create", lambda client: client.create_task("room-1", "Count")),
        ("task.claim", lambda client: client.claim_task("t")),
        ("task.renew", lambda client: client.renew_task("t", 1)),
        ("task.update", lambda client: client.update_task("t", 1, note="on it")),
        ("task.complete", lambda client: client.complete_task("t", 1, "seven")),
        ("task.fail", lambda client: client.fail_task("t", 1, "lost")),
        ("task.cancel", lambda client: client.cancel_task("t")),
    ],
)
async def test_changes_of_tasks_are_asked_for_again(
    server: ScriptedServer, method: str, change: Callable[[WardroomClient], Coroutine[Any, Any, TaskReceipt]]
) -> None:
    client = server.client(STUBBORN)
    async with server.meet(client) as peer:
        changing = asyncio.create_task(change(client))
        first = await peer.expect(method)
        peer.abort()
        peer = await server.welcome()
        second = await peer.expect(method)
        assert second["params"] == first["params"] and len(first["params"]["idempotencyKey"]) == 32
        await peer.reply(second, TASK)
        assert await soon(changing) == TASK
