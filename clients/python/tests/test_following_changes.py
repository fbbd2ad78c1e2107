"""Following when the ground changes: another database, a lost room, a second connect, answers without a place."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from scripted_server import AUTH_RESULT, FAST, KEY, Peer, Recorder, ScriptedServer, soon
from test_following import EPOCH, ROOM, answer_follow, at, say, take

from wardroom_client import MessageItem, Positions, ProtocolError, ResetItem, RpcError, WardroomClient
from wardroom_client.following import RESUMED_ROOMS


async def read_and_leave(client: WardroomClient, peer: Peer, last: int) -> None:
    """Iterate over the room from its beginning up to its last position, and end that."""
    entering = asyncio.create_task(client.room(ROOM, since=0).__aenter__())
    await answer_follow(peer, at(0), last)
    items = await soon(entering)
    await say(peer, *range(1, last + 1))
    await take(items, *range(1, last + 1))
    await items.aclose()


async def test_regression_plain_handlers_are_shown_what_is_said_in_a_restored_database(server: ScriptedServer) -> None:
    client = server.client()
    messages = client.on("message", Recorder())
    async with server.meet(client) as peer:
        await read_and_leave(client, peer, 4)
        peer.abort()
        peer = await server.welcome(epoch="epoch-2")
        await say(peer, 2)
        assert (await messages.next())["message"]["seq"] == 2


async def test_regression_a_new_epoch_in_an_answer_counts_for_plain_handlers_too(server: ScriptedServer) -> None:
    client = server.client()
    messages = client.on("message", Recorder())
    async with server.meet(client) as peer:
        items = client.room(ROOM, since=at(40))
        first = asyncio.create_task(anext(items))
        await answer_follow(peer, at(40), 41)
        await say(peer, 41)
        await soon(first)
        peer.abort()
        peer = await server.accept()
        request = await peer.expect("auth")
        resumed = {ROOM: {"epoch": "epoch-2", "seq": 2, "reset": {"reason": "epoch", "resumesFrom": 3}}}
        await peer.reply(request, {**AUTH_RESULT, "epoch": "epoch-2", "resumed": resumed})
        await say(peer, 2, 3)
        assert (await messages.next())["message"]["seq"] == 3
        assert messages.is_empty


async def test_what_a_restored_database_holds_can_be_read_from_its_oldest_position(server: ScriptedServer) -> None:
    client = server.client()
    async with server.meet(client) as peer:
        items = client.room(ROOM, since=at(100))
        first = asyncio.create_task(anext(items))
        reset = {"reason": "epoch", "oldest": at(1, "epoch-2"), "resumesFrom": 4001}
        await peer.reply(await peer.expect("room.follow"), {"epoch": "epoch-2", "seq": 4000, "reset": reset})
        told = await soon(first)
        assert isinstance(told, ResetItem)
        await items.aclose()
        oldest = told.reset["oldest"]
        again = client.room(ROOM, since=at(oldest["seq"] - 1, oldest["epoch"]))
        reading = asyncio.create_task(anext(again))
        request = await peer.expect("room.follow")
        assert request["params"]["since"] == at(0, "epoch-2")
        await peer.reply(request, {"epoch": "epoch-2", "seq": 4000})
        await say(peer, 1)
        assert isinstance(item := await soon(reading), MessageItem) and item.message["seq"] == 1


async def test_regression_a_second_connect_does_not_show_handlers_what_iterations_read(server: ScriptedServer) -> None:
    client = server.client()
    messages = client.on("message", Recorder())
    async with server.meet(client) as peer:
        await read_and_leave(client, peer, 4)
    connecting = asyncio.create_task(client.connect())
    peer = await server.accept()
    assert await peer.authenticate() == {"apiKey": KEY}
    await soon(connecting)
    await say(peer, 5)
    assert (await messages.next())["message"]["seq"] == 5
    assert client.positions == {"rooms": {ROOM: at(4)}}
    await soon(client.close())


async def test_regression_a_room_that_is_gone_is_no_longer_among_the_positions(server: ScriptedServer) -> None:
    client = server.client()
    async with server.meet(client) as peer:
        first = asyncio.create_task(anext(client.room(ROOM, since=0)))
        await answer_follow(peer, at(0), 0)
        await peer.event("room.deleted", roomId=ROOM)
        await peer.refuse(await peer.expect("room.follow"), 4010)
        with pytest.raises(RpcError):
            await soon(first)
        assert client.positions == {"rooms": {}}


async def test_regression_deleted_rooms_that_nobody_reads_leave_nothing_behind(server: ScriptedServer) -> None:
    positions: Positions = {"rooms": {ROOM: at(7)}}
    client = WardroomClient(server.url, KEY, options=FAST, positions=positions)
    deleted = client.on("room.deleted", Recorder())
    async with server.meet(client) as peer:
        await peer.event("room.deleted", roomId=ROOM)
        await peer.event("room.deleted", roomId="room-2")
        assert [(await deleted.next())["roomId"], (await deleted.next())["roomId"]] == [ROOM, "room-2"]
        assert client.positions == {"rooms": {}}
        assert client._following._streams.find("room-2") is None


@pytest.mark.parametrize("answer", [{}, {"epoch": EPOCH}, {"epoch": 1, "seq": 1}, None])
async def test_regression_an_answer_without_a_place_ends_the_iteration(server: ScriptedServer, answer: Any) -> None:
    client = server.client()
    async with server.meet(client) as peer:
        first = asyncio.create_task(anext(client.room(ROOM, since=at(3))))
        await peer.reply(await peer.expect("room.follow"), answer)
        with pytest.raises(ProtocolError):
            await soon(first)
        # the next request is this one, so that the other was not made again
        following = asyncio.create_task(client.follow_direct())
        await peer.reply(await peer.expect("message.followDirect"), answer)
        with pytest.raises(ProtocolError):
            await soon(following)
        calling = asyncio.create_task(client.call("probe"))
        await peer.reply(await peer.expect("probe"), None)
        await soon(calling)


async def test_more_rooms_than_auth_can_name_are_all_followed(server: ScriptedServer) -> None:
    rooms = [f"018f6d2a-7c1b-7e42-9d0c-{number:012x}" for number in range(450)]
    since = {"epoch": "0198c0de-0000-7000-8000-000000000000", "seq": 1_000_000_000}
    positions: Positions = {"rooms": {room: since for room in rooms}}  # type: ignore[misc]
    client = WardroomClient(server.url, KEY, options=FAST, positions=positions)
    client.on("message", Recorder())
    connecting = asyncio.create_task(client.connect())
    peer = await server.accept()
    frame = await soon(peer.socket.recv())
    assert len(frame) < 64 * 1024
    request = peer.request_in(frame)
    resumed = request["params"]["resume"]
    assert len(resumed) == RESUMED_ROOMS
    answer = {"epoch": since["epoch"], "seq": since["seq"]}
    await peer.reply(
        request, {**AUTH_RESULT, "epoch": since["epoch"], "resumed": dict.fromkeys(resumed, answer)}
    )
    followed = set(resumed)
    while followed != set(rooms):
        request = await peer.expect("room.follow")
        assert request["params"]["since"] == since
        room = request["params"]["roomId"]
        assert room not in followed
        followed.add(room)
        await peer.reply(request, answer)
    await soon(connecting)
    await soon(client.close())
