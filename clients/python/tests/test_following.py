"""Following: nothing missed, nothing twice, and what cannot be had is said."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from scripted_server import AUTH_RESULT, FAST, KEY, Peer, Recorder, ScriptedServer, soon

from wardroom_client import (
    DirectItem,
    Items,
    MessageItem,
    Position,
    RemovalItem,
    ResetItem,
    RoomItem,
    RpcError,
    WardroomClient,
)

ROOM = "room-1"
EPOCH = "epoch-1"


def at(seq: int, epoch: str = EPOCH) -> Position:
    return {"epoch": epoch, "seq": seq}


async def say(peer: Peer, *seqs: int, sender: str = "agent-2") -> None:
    for seq in seqs:
        message = {"messageId": f"m{seq}", "senderId": sender, "senderName": "n", "content": str(seq), "timestamp": seq}
        await peer.event("message", roomId=ROOM, message={**message, "seq": seq})


async def answer_follow(peer: Peer, since: Position | None, head: int, **members: Any) -> None:
    request = await peer.expect("room.follow")
    expected: dict[str, Any] = {"roomId": ROOM}
    if since is not None:
        expected["since"] = since
    assert request["params"] == expected
    await peer.reply(request, {"epoch": EPOCH, "seq": head, **members})


async def take(items: Items[RoomItem], *seqs: int) -> None:
    for seq in seqs:
        item = await soon(anext(items))
        assert isinstance(item, MessageItem), item
        assert item.message["seq"] == seq


async def test_iteration_goes_on_across_a_lost_connection(server: ScriptedServer) -> None:
    client = server.client()
    async with server.meet(client) as peer:
        items = client.room(ROOM, since=at(2))
        first = asyncio.create_task(anext(items))
        await answer_follow(peer, at(2), 4)
        await say(peer, 3, 4)
        assert isinstance(item := await soon(first), MessageItem) and item.message["seq"] == 3
        assert client.positions == {"rooms": {ROOM: at(3)}}
        await take(items, 4)
        peer.abort()
        peer = await server.accept()
        request = await peer.expect("auth")
        # what was received counts here, read or not
        assert request["params"]["resume"] == {ROOM: at(4)}
        await peer.reply(request, {**AUTH_RESULT, "resumed": {ROOM: {"epoch": EPOCH, "seq": 6}}})
        await say(peer, 5, 6, 7)
        await take(items, 5, 6, 7)
        assert items.position == at(7)


async def test_repeats_are_dropped_and_a_gap_is_followed_again(server: ScriptedServer) -> None:
    client = server.client()
    async with server.meet(client) as peer:
        items = client.room(ROOM, since=0)
        first = asyncio.create_task(anext(items))
        await answer_follow(peer, at(0), 1)
        await say(peer, 1, 1, 3)
        await soon(first)
        await answer_follow(peer, at(1), 3)
        await say(peer, 2, 3)
        await take(items, 2, 3)


async def test_what_comes_right_behind_the_answer_is_not_missed(server: ScriptedServer) -> None:
    client = server.client()
    async with server.meet(client) as peer:
        entering = asyncio.create_task(client.room(ROOM).__aenter__())
        request = await peer.expect("room.follow")
        assert request["params"] == {"roomId": ROOM}
        await peer.reply(request, {"epoch": EPOCH, "seq": 8})
        await say(peer, 9)
        items = await soon(entering)
        await take(items, 9)


async def test_resets_are_items(server: ScriptedServer) -> None:
    client = server.client()
    async with server.meet(client) as peer:
        items = client.room(ROOM, since=at(3))
        first = asyncio.create_task(anext(items))
        reset = {"reason": "retention", "oldest": at(16), "resumesFrom": 16}
        await answer_follow(peer, at(3), 20, reset=reset)
        told = await soon(first)
        assert isinstance(told, ResetItem)
        assert told.reset == {
            "reason": "retention",
            "epoch": EPOCH,
            "missedFrom": 4,
            "resumesFrom": 16,
            "roomId": ROOM,
            "oldest": at(16),
        }
        await say(peer, 16)
        await take(items, 16)
        await peer.event("reset", roomId=ROOM, epoch=EPOCH, missedFrom=17, resumesFrom=30)
        told = await soon(anext(items))
        assert isinstance(told, ResetItem)
        assert (told.reset["missedFrom"], told.reset["resumesFrom"]) == (17, 30)
        await say(peer, 30)
        await take(items, 30)


async def test_another_database_is_told_on_reconnecting(server: ScriptedServer) -> None:
    client = server.client()
    async with server.meet(client) as peer:
        resets = client.on("reset", Recorder())
        messages = client.on("message", Recorder())
        following = asyncio.create_task(client.follow_room(ROOM, at(5)))
        await answer_follow(peer, at(5), 5)
        await soon(following)
        peer.abort()
        peer = await server.accept()
        request = await peer.expect("auth")
        assert request["params"]["resume"] == {ROOM: at(5)}
        reset = {"reason": "epoch", "oldest": at(1, "epoch-2"), "resumesFrom": 3}
        resumed = {ROOM: {"epoch": "epoch-2", "seq": 2, "reset": reset}}
        await peer.reply(request, {**AUTH_RESULT, "epoch": "epoch-2", "resumed": resumed})
        told = await resets.next()
        assert (told["reason"], told["epoch"], told["missedFrom"], told["resumesFrom"]) == ("epoch", "epoch-2", 6, 3)
        await say(peer, 3)
        assert (await messages.next())["message"]["seq"] == 3
        assert client.positions == {"rooms": {ROOM: at(3, "epoch-2")}}


async def test_a_slow_consumer_bounds_memory_and_misses_nothing(server: ScriptedServer) -> None:
    client = server.client(replace(FAST, iteration_buffer_size=4))
    async with server.meet(client) as peer:
        probe = client.on("presence", Recorder())
        items = client.room(ROOM, since=0)
        first = asyncio.create_task(anext(items))
        await answer_follow(peer, at(0), 0)
        await say(peer, 1)
        await soon(first)
        await say(peer, *range(2, 12))
        await peer.event("presence")
        await probe.next()
        taking = asyncio.create_task(take(items, *range(2, 12)))
        # four were kept; the rest is asked for once they were read
        await answer_follow(peer, at(5), 11)
        await say(peer, 6, 7, 8, 9, 10, 11)
        await answer_follow(peer, at(9), 11)
        await say(peer, 10, 11)
        await soon(taking)


async def test_slow_handlers_that_follow_miss_nothing(server: ScriptedServer) -> None:
    client = server.client(replace(FAST, event_queue_size=4))
    released = asyncio.Event()
    seen: list[int] = []
    everything = asyncio.Event()

    @client.on("message")
    async def slowly(params: dict[str, Any]) -> None:
        await released.wait()
        seen.append(params["message"]["seq"])
        if seen[-1] == 12:
            everything.set()

    async with server.meet(client) as peer:
        following = asyncio.create_task(client.follow_room(ROOM, at(0)))
        await answer_follow(peer, at(0), 0)
        await soon(following)
        await say(peer, *range(1, 13))
        barrier = asyncio.create_task(client.get_motd())
        await peer.reply(await peer.expect("lobby.getMotd"), {"motd": None})
        await soon(barrier)
        released.set()
        while True:
            request = await peer.receive()
            since = request["params"]["since"]["seq"]
            await peer.reply(request, {"epoch": EPOCH, "seq": 12})
            await say(peer, *range(since + 1, 13))
            if since >= 8:
                break
        await soon(everything.wait())
        assert seen == list(range(1, 13))


async def test_positions_are_handed_in_and_out(server: ScriptedServer) -> None:
    positions = {"rooms": {ROOM: at(7)}, "direct": at(2)}
    client = WardroomClient(server.url, KEY, options=FAST, positions=positions)  # type: ignore[arg-type]
    assert client.positions == positions
    messages = client.on("message", Recorder())
    connecting = asyncio.create_task(client.connect())
    peer = await server.accept()
    request = await peer.expect("auth")
    # nobody handles `dm`, so that direct messages wait for somebody who reads them
    assert request["params"] == {"apiKey": KEY, "resume": {ROOM: at(7)}}
    await peer.reply(request, {**AUTH_RESULT, "resumed": {ROOM: {"epoch": EPOCH, "seq": 8}}})
    await soon(connecting)
    await say(peer, 8)
    await messages.next()
    direct = asyncio.create_task(anext(client.direct()))
    request = await peer.expect("message.followDirect")
    assert request["params"] == {"since": at(2)}
    await peer.reply(request, {"epoch": EPOCH, "seq": 3})
    await peer.event("dm", fromAgentId="a", fromDisplayName="A", content="x", messageId="m", timestamp=1, seq=3)
    item = await soon(direct)
    assert isinstance(item, DirectItem) and item.message["content"] == "x"
    assert client.positions == {"rooms": {ROOM: at(8)}, "direct": at(3)}
    await soon(client.close())
    assert client.positions == {"rooms": {ROOM: at(8)}, "direct": at(3)}


async def test_an_iteration_does_not_show_plain_handlers_the_past_or_ones_own_words(server: ScriptedServer) -> None:
    client = server.client()
    async with server.meet(client) as peer:
        messages = client.on("message", Recorder())
        items = client.room(ROOM, since=0)
        first = asyncio.create_task(anext(items))
        await answer_follow(peer, at(0), 2)
        await say(peer, 1, 2)
        await say(peer, 3, sender="agent-1")
        await say(peer, 4)
        await soon(first)
        await take(items, 2, 3, 4)
        assert (await messages.next())["message"]["seq"] == 4
        assert messages.is_empty


async def test_removals_are_items(server: ScriptedServer) -> None:
    client = server.client()
    async with server.meet(client) as peer:
        items = client.room(ROOM, since=0)
        first = asyncio.create_task(anext(items))
        await answer_follow(peer, at(0), 0)
        await peer.event("message.removed", roomId="other", messageId="m0", removedBy="b", reason=None)
        await peer.event("message.removed", roomId=ROOM, messageId="m1", removedBy="b", reason="a slip")
        assert await soon(first) == RemovalItem(ROOM, "m1", "b", "a slip")


async def test_a_room_that_is_lost_ends_its_iteration_with_the_reason(server: ScriptedServer) -> None:
    client = server.client()
    async with server.meet(client) as peer:
        items = client.room(ROOM, since=0)
        first = asyncio.create_task(anext(items))
        await answer_follow(peer, at(0), 0)
        await peer.event("kicked", roomId=ROOM, reason=None)
        await peer.refuse(await peer.expect("room.follow"), 4011)
        with pytest.raises(RpcError) as caught:
            await soon(first)
        assert caught.value.code == 4011


async def test_a_room_that_cannot_be_resumed_is_told_to_handlers(server: ScriptedServer) -> None:
    client = server.client()
    async with server.meet(client) as peer:
        ended = client.on("follow_ended", Recorder())
        following = asyncio.create_task(client.follow_room(ROOM, at(5)))
        await answer_follow(peer, at(5), 5)
        await soon(following)
        peer.abort()
        await server.welcome(resumed={ROOM: {"error": {"code": 4010, "message": "gone", "data": {"retryable": False}}}})
        assert await ended.next() == {"roomId": ROOM, "code": 4010, "error": "gone (code 4010)"}


async def test_a_closed_iteration_takes_nothing_more_and_leaves_its_position(server: ScriptedServer) -> None:
    client = server.client()
    async with server.meet(client) as peer:
        entering = asyncio.create_task(client.room(ROOM, since=0).__aenter__())
        await answer_follow(peer, at(0), 0)
        items = await soon(entering)
        await say(peer, 1, 2)
        await take(items, 1)
        await items.aclose()
        with pytest.raises(StopAsyncIteration):
            await anext(items)
        again = asyncio.create_task(anext(client.room(ROOM)))
        await answer_follow(peer, at(1), 2)
        await say(peer, 2)
        assert isinstance(item := await soon(again), MessageItem) and item.message["seq"] == 2


async def test_iteration_ends_with_the_client(server: ScriptedServer) -> None:
    client = server.client()
    async with server.meet(client) as peer:
        waiting = asyncio.create_task(anext(client.room(ROOM, since=0)))
        await answer_follow(peer, at(0), 0)
        await soon(client.close())
        with pytest.raises(StopAsyncIteration):
            await soon(waiting)
