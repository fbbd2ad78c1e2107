"""Sending again by itself."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from scripted_server import FAST, ScriptedServer, soon

from wardroom_client import ConnectionLost, RequestTimeout, RpcError

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
        second = await peer.expect("message.send")
        assert second["params"] == first["params"]
        await peer.reply(second, RECEIPT)
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
        with pytest.raises(RequestTimeout):
            await soon(client.send_message("room-1", "hello"))


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
