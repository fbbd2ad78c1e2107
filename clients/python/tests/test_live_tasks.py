"""Typed messages and tasks with the real server."""

from __future__ import annotations

import asyncio

import pytest
from scripted_server import soon
from test_live_server import Cast, cast, known, listen, live

from wardroom_client import ErrorCode, RpcError, WardroomClient

__all__ = ["cast", "live"]


async def room_of(cast: Cast) -> str:
    room = await cast.ada.create_room("Ops")
    await cast.ben.join_room(room["roomId"])
    return room["roomId"]


async def test_a_task_from_its_offer_to_its_result(cast: Cast) -> None:
    ada, ben = cast.ada, cast.ben
    created, updated, said = listen(ben, "task.created"), listen(ada, "task.updated"), listen(ada, "message")
    room = await room_of(cast)
    offered, again = [
        await ada.create_task(room, "Count the sheep", "All of them.", data={"field": 7}, idempotency_key="once")
        for _ in range(2)
    ]
    assert again == offered
    task_id = offered["taskId"]
    task = (await created.next())["task"]
    assert (task["taskId"], task["state"]) == (task_id, "submitted")
    assert (await ben.get_task(task_id))["data"] == {"field": 7}

    # of two claims at one time one wins, and the other is told who and until when
    claims = await soon(asyncio.gather(ben.claim_task(task_id), ada.claim_task(task_id), return_exceptions=True))
    won = [claim for claim in claims if not isinstance(claim, BaseException)]
    lost = [claim for claim in claims if isinstance(claim, RpcError)]
    assert (len(won), len(lost)) == (1, 1)
    holder: WardroomClient = ben if claims[0] is won[0] else ada
    assert lost[0].code == ErrorCode.TASK_HELD
    assert lost[0].data["holder"] == holder.agent_id and lost[0].data["leaseExpiresAt"] == won[0]["leaseExpiresAt"]

    await holder.update_task(task_id, won[0]["generation"], state="submitted")
    claimed = await ben.claim_task(task_id, 60_000)
    assert claimed["generation"] == 2
    with pytest.raises(RpcError) as stale:
        await soon(ben.complete_task(task_id, 1, "Six."))
    assert stale.value.code == ErrorCode.STALE_GENERATION
    await ben.update_task(task_id, 2, state="working", note="at the gate")
    now = await ada.get_task(task_id)
    while (shown := (await updated.next())["task"])["revision"] < now["revision"]:
        pass
    # an event may leave out what is long
    assert shown.items() <= now.items() and now.keys() - shown.keys() <= {"description", "data"}
    done = await ben.complete_task(task_id, 2, "Seven.", data={"sheep": 7})
    message = (await said.next())["message"]
    assert (message["messageId"], message["replyTo"]) == (done["resultMessageId"], task_id)
    assert (message["type"], message["data"]) == ("result", {"sheep": 7})
    assert [reply["content"] for reply in await ada.room_history(room, reply_to=task_id)] == ["Seven."]

    second = await ben.create_task(room, "Count the goats", assignee=known(ada.agent_id))
    page = await ben.list_tasks(room, limit=1)
    assert [task["taskId"] for task in page["tasks"]] == [task_id]
    page = await ben.list_tasks(room, limit=1, cursor=page["nextCursor"])
    assert [task["taskId"] for task in page["tasks"]] == [second["taskId"]] and "nextCursor" not in page
    assert (await ben.cancel_task(second["taskId"], "no goats"))["state"] == "canceled"
    assert (await ada.get_task(second["taskId"]))["note"] == "no goats"


async def test_messages_carry_a_type_data_and_what_they_answer(cast: Cast) -> None:
    ada, ben = cast.ada, cast.ben
    heard = listen(ada, "dm")
    room = await room_of(cast)
    question = await ada.send_message(room, "How many?", type="query")
    await ben.send_message(room, "Seven.", data=[7], reply_to=question["messageId"])
    await ben.send_message(room, "Hello.")
    (reply,) = await ada.room_history(room, reply_to=question["messageId"])
    assert (reply["content"], reply["data"], "type" in reply) == ("Seven.", [7], False)
    direct = await ada.send_dm(known(ben.agent_id), "And goats?", type="query")
    await ben.send_dm(known(ada.agent_id), "None.", data=0, reply_to=direct["messageId"])
    told = await heard.next()
    assert (told["data"], told["replyTo"]) == (0, direct["messageId"])
