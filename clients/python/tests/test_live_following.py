"""Following and retrying with the real server, through lost connections and a server that is killed."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest_asyncio
from live_server import LiveServer
from scripted_server import FAST, Recorder, soon

from wardroom_client import DirectItem, MessageItem, ResetItem, WardroomClient

OPTIONS = replace(
    FAST, request_timeout=10, connect_timeout=20, reconnect_base=0.05, reconnect_cap=0.2, retry_seconds=60
)


@pytest_asyncio.fixture
async def live(tmp_path: Path) -> AsyncIterator[LiveServer]:
    server = LiveServer(tmp_path)
    try:
        await server.start()
        yield server
    finally:
        await server.remove()


async def enter(live: LiveServer, key: str, **changes: int) -> WardroomClient:
    client = WardroomClient(live.url, key, options=replace(OPTIONS, **changes))  # type: ignore[arg-type]
    await client.connect()
    return client


def cut(client: WardroomClient) -> None:
    """Break the client's connection under it."""
    connection = client._connection
    if connection is not None:
        connection._socket.transport.abort()


async def read(client: WardroomClient, room_id: str, count: int) -> list[str]:
    contents: list[str] = []
    async for item in client.room(room_id, since=0):
        assert isinstance(item, MessageItem), item
        assert item.message["seq"] == len(contents) + 1
        contents.append(item.message["content"])
        if len(contents) == count:
            return contents
    raise AssertionError("the iteration ended early")


async def test_each_message_once_and_in_order_through_disconnects_and_a_kill(live: LiveServer) -> None:
    controller = await enter(live, live.controller_key)
    ada = await enter(live, (await controller.invite_agent("Ada"))["apiKey"])
    ben = await enter(live, (await controller.invite_agent("Ben"))["apiKey"], iteration_buffer_size=16)
    room = (await ada.create_room("Ops"))["roomId"]
    await ben.join_room(room)
    count = 150
    reading = [asyncio.create_task(read(client, room, count)) for client in (ada, ben)]
    chance = random.Random(7)
    for number in range(count):
        if number == count // 2:
            await live.kill()
            starting = asyncio.create_task(live.start())
        if chance.random() < 0.1:
            cut(chance.choice([ada, ben]))
        await ada.send_message(room, str(number))
    await starting
    for contents in await soon(asyncio.gather(*reading)):
        assert contents == [str(number) for number in range(count)]
    for client in (controller, ada, ben):
        await client.close()


async def test_a_new_client_goes_on_where_the_old_one_was(live: LiveServer) -> None:
    controller = await enter(live, live.controller_key)
    key = (await controller.invite_agent("Ada"))["apiKey"]
    ada = await enter(live, key)
    lobby, agent_id = controller.lobby_id, ada.agent_id
    assert lobby is not None and agent_id is not None
    async with ada.room(lobby) as items, ada.direct() as direct:
        await controller.send_message(lobby, "one")
        await controller.send_dm(agent_id, "first")
        assert isinstance(await soon(anext(items)), MessageItem)
        assert isinstance(await soon(anext(direct)), DirectItem)
    positions = ada.positions
    await ada.close()
    await controller.send_message(lobby, "two")
    await controller.send_dm(agent_id, "second")
    again = WardroomClient(live.url, key, options=OPTIONS, positions=positions)
    async with again:
        item = await soon(anext(again.room(lobby)))
        assert isinstance(item, MessageItem) and item.message["content"] == "two"
        told = await soon(anext(again.direct()))
        assert isinstance(told, DirectItem) and told.message["content"] == "second"
        reset = await soon(anext(again.room(lobby, since={"epoch": "0198c0de-0000-7000-8000-000000000000", "seq": 1})))
        assert isinstance(reset, ResetItem) and reset.reset["reason"] == "epoch"
    await controller.close()


async def test_a_message_whose_answer_was_lost_is_stored_once(live: LiveServer) -> None:
    controller = await enter(live, live.controller_key)
    lobby = controller.lobby_id
    assert lobby is not None
    for number in range(20):
        sending = asyncio.create_task(controller.send_message(lobby, str(number)))
        # lets the request leave before the connection goes
        while controller._connection is None or not controller._connection._pending:
            await asyncio.sleep(0)
        await asyncio.sleep(0)
        cut(controller)
        assert (await soon(sending))["seq"] == number + 1
    history = await controller.room_history(lobby, after_seq=0)
    assert [message["content"] for message in history] == [str(number) for number in range(20)]
    assert [message["seq"] for message in await controller.room_history(lobby, before_seq=3)] == [1, 2]
    await controller.close()


async def test_a_change_of_a_task_whose_answer_was_lost_is_made_once(live: LiveServer) -> None:
    controller = await enter(live, live.controller_key)
    lobby = controller.lobby_id
    assert lobby is not None
    offered = await controller.create_task(lobby, "Count the sheep")
    task_id = offered["taskId"]
    live.passage.swallow_answers()
    claiming = asyncio.create_task(controller.claim_task(task_id))
    await soon(live.passage.swallowed())
    live.passage.cut()
    claimed = await soon(claiming)
    # of two claims the second would have been refused, because the first holds it
    assert (claimed["state"], claimed["generation"], claimed["revision"]) == ("accepted", 1, offered["revision"] + 1)
    live.passage.swallow_answers()
    completing = asyncio.create_task(controller.complete_task(task_id, 1, "Seven."))
    await soon(live.passage.swallowed())
    live.passage.cut()
    completed = await soon(completing)
    (result,) = await controller.room_history(lobby, reply_to=task_id)
    assert (completed["state"], completed["resultMessageId"]) == ("completed", result["messageId"])
    await controller.close()


async def test_after_a_restore_handlers_go_on_and_what_was_restored_can_be_read_again(
    live: LiveServer, tmp_path: Path
) -> None:
    controller = await enter(live, live.controller_key)
    ada = await enter(live, (await controller.invite_agent("Ada"))["apiKey"])
    room = (await ada.create_room("Ops"))["roomId"]
    await controller.join_room(room)
    for number in range(5):
        await controller.send_message(room, str(number))
    backup = str(tmp_path / "backup")
    await live.command("backup", backup)
    for number in range(5, 10):
        await controller.send_message(room, str(number))
    assert await soon(read(ada, room, 10)) == [str(number) for number in range(10)]
    messages, back = ada.on("message", Recorder()), ada.on("reconnected", Recorder())

    await live.stop()
    await live.command("restore", backup)
    await live.start()
    assert (await back.next())["epochChanged"]
    # a number that handlers were shown before the restore
    assert (await controller.send_message(room, "anew"))["seq"] == 6
    assert (await messages.next())["message"]["content"] == "anew"
    items = ada.room(room)
    told = await soon(anext(items))
    assert isinstance(told, ResetItem) and told.reset["reason"] == "epoch"
    oldest = told.reset["oldest"]
    again = ada.room(room, since={"epoch": oldest["epoch"], "seq": oldest["seq"] - 1})
    for content in ("0", "1", "2", "3", "4", "anew"):
        item = await soon(anext(again))
        assert isinstance(item, MessageItem) and item.message["content"] == content
    for client in (controller, ada):
        await client.close()
