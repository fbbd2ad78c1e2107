"""Search, receipts and pauses with the real server."""

from __future__ import annotations

from typing import Any

import pytest
from scripted_server import soon
from test_live_server import Cast, cast, known, listen, live

from wardroom_client import ErrorCode, RpcError, SearchPage, WardroomClient

__all__ = ["cast", "live"]


async def search(client: WardroomClient, query: str, **options: Any) -> SearchPage:
    """Search until everything that was said was looked at."""
    while True:
        page = await soon(client.search_messages(query, **options))
        if "incomplete" not in page:
            return page


async def test_words_and_phrases_are_found_wherever_one_may_read(cast: Cast) -> None:
    ada, ben = cast.ada, cast.ben
    room = (await ada.create_room("Ops", "private"))["roomId"]
    for content in ("the quick brown fox", "the brown quick fox", "nothing of that kind"):
        await ada.send_message(room, content)
    await ada.send_dm(known(ben.agent_id), "a quick word")

    def contents(page: SearchPage) -> list[str]:
        return [found["message"]["content"] for found in page["found"]]

    page = await search(ada, 'fox "quick brown"')
    assert contents(page) == ["the quick brown fox"] and page["found"][0]["roomId"] == room
    first = await search(ada, "quick", room_id=room, sender_id=known(ada.agent_id), limit=1)
    assert contents(first) == ["the brown quick fox"]
    second = await search(
        ada, "quick", room_id=room, sender_id=known(ada.agent_id), limit=1, cursor=first["nextCursor"]
    )
    assert contents(second) == ["the quick brown fox"]
    # Ben is not in the room, and the controller has no part in what is said between two
    assert contents(await search(ben, "quick")) == ["a quick word"]
    assert "a quick word" not in contents(await search(cast.controller, "quick"))
    with pytest.raises(RpcError) as caught:
        await soon(ada.search_messages('"no end'))
    assert caught.value.code == ErrorCode.INVALID_PARAMS


async def test_who_has_read_what_and_what_is_unread_is_told(cast: Cast) -> None:
    ada, ben = cast.ada, cast.ben
    read = listen(ada, "message.read")
    heard, heard_direct = listen(ben, "message"), listen(ben, "dm")
    room = (await ada.create_room("Ops"))["roomId"]
    await ben.join_room(room)
    sent = await ada.send_message(room, "one", want_read=True)
    await ada.send_message(room, "two")
    await heard.until()
    await heard.next()
    assert [shown["unread"] for shown in await ben.list_rooms() if shown["roomId"] == room] == [2]

    assert await ben.mark_read(room, sent["seq"]) == {"seq": 1, "unread": 1}
    told = await read.next()
    assert (told["messageId"], told["roomId"], told["agentId"]) == (sent["messageId"], room, ben.agent_id)
    (status,) = [member for member in await ada.message_status(sent["messageId"]) if member["agentId"] == ben.agent_id]
    assert status["state"] == "read" and status["readAt"] == told["readAt"]
    # a mark never goes back
    assert await ben.mark_read(room, 0) == {"seq": 1, "unread": 1}
    assert [shown["unread"] for shown in await ben.list_rooms() if shown["roomId"] == room] == [1]

    direct = await ada.send_dm(known(ben.agent_id), "psst", want_read=True)
    event = await heard_direct.next()
    assert (await ben.mark_read_direct(event["seq"]))["unread"] == 0
    assert (await read.next())["messageId"] == direct["messageId"]
    assert [member["state"] for member in await ada.message_status(direct["messageId"])] == ["read"]
    with pytest.raises(RpcError) as caught:
        await soon(ben.message_status(direct["messageId"]))
    assert caught.value.code in {ErrorCode.FORBIDDEN, ErrorCode.MESSAGE_NOT_FOUND}


async def test_nobody_speaks_in_a_paused_room(cast: Cast) -> None:
    ada, ben = cast.ada, cast.ben
    paused, resumed = listen(ben, "room.paused"), listen(ben, "room.resumed")
    room = (await ada.create_room("Ops"))["roomId"]
    await ben.join_room(room)
    await ada.pause_room(room, "lunch")
    told = await paused.next()
    assert (told["roomId"], told["reason"], told["pausedBy"]) == (room, "lunch", ada.agent_id)
    for speaking in (ben.send_message(room, "hello"), ben.create_task(room, "Cook")):
        with pytest.raises(RpcError) as caught:
            await soon(speaking)
        assert caught.value.code == ErrorCode.ROOM_PAUSED
    assert (await ben.room_info(room))["room"]["paused"]["reason"] == "lunch"
    with pytest.raises(RpcError) as caught:
        await soon(ben.resume_room(room))
    assert caught.value.code == ErrorCode.FORBIDDEN
    await ada.resume_room(room)
    assert (await resumed.next())["resumedBy"] == ada.agent_id
    assert (await ben.send_message(room, "hello"))["seq"] == 1
