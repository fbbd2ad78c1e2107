"""The client with the real server, from the first invitation to the last ban."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import pytest_asyncio
from live_server import LiveServer
from scripted_server import FAST, Recorder, soon

from broodlink_client import BroodLinkClient
from wardroom_client import AuthenticationError, RpcError, WardroomClient, enrol

# the real server limits failed logins and needs a moment to start, so that tries come less thick here
OPTIONS = replace(FAST, request_timeout=20, connect_timeout=20, reconnect_base=0.05, reconnect_cap=0.5, retry_seconds=60)


@dataclass
class Cast:
    """A controller and two participants, all connected; Ben speaks through the published class."""

    controller: WardroomClient
    ada: WardroomClient
    ben: BroodLinkClient


@pytest_asyncio.fixture
async def live(tmp_path: Path) -> AsyncIterator[LiveServer]:
    server = LiveServer(tmp_path)
    try:
        await server.start()
        yield server
    finally:
        await server.remove()


@pytest_asyncio.fixture
async def cast(live: LiveServer) -> AsyncIterator[Cast]:
    controller = WardroomClient(url=live.url, api_key=live.controller_key, options=OPTIONS)
    async with controller:
        ada_invited = await controller.invite_agent("Ada")
        ben_invited = await controller.invite_agent("Ben")
        ada = WardroomClient(url=live.url, api_key=ada_invited["apiKey"], options=OPTIONS)
        ben = BroodLinkClient(url=live.url, api_key=ben_invited["apiKey"], options=OPTIONS)
        async with ada, ben:
            yield Cast(controller, ada, ben)


def listen(client: WardroomClient, event: str) -> Recorder:
    return client.on(event, Recorder())


def known(value: str | None) -> str:
    assert value is not None
    return value


async def refused(awaitable: object) -> int:
    with pytest.raises(RpcError) as caught:
        await soon(awaitable)  # type: ignore[arg-type]
    return caught.value.code


async def test_roles_and_presence(live: LiveServer) -> None:
    controller = WardroomClient(url=live.url, api_key=live.controller_key, options=OPTIONS)
    presence = listen(controller, "presence")
    async with controller:
        assert controller.is_controller and controller.motd is None and controller.durability == "full"
        invited = await controller.invite_agent("Ada")
        assert invited["role"] == "participant"
        async with WardroomClient(
            url=live.url, api_key=invited["apiKey"], display_name="Ada the second", options=OPTIONS
        ) as ada:
            assert ada.is_participant and ada.agent_id == invited["agentId"]
            assert (ada.display_name, ada.lobby_id) == ("Ada the second", controller.lobby_id)
            await presence.until(agentId=ada.agent_id, displayName="Ada the second", online=True)
            assert await refused(ada.list_agents()) == 4003
        await presence.until(agentId=invited["agentId"], online=False)
        agents = {agent["displayName"]: agent for agent in await controller.list_agents()}
        assert agents["Ada"]["online"] is False and agents["Ada"]["banned"] is False


async def test_the_example_of_the_readme_runs_as_it_stands(live: LiveServer) -> None:
    readme = Path(__file__).resolve().parents[1] / "README.md"
    example = re.search(r"```python\n(.*?)```", readme.read_text(encoding="utf-8"), re.DOTALL)
    assert example is not None
    async with WardroomClient(url=live.url, api_key=live.controller_key, options=OPTIONS) as controller:
        messages = listen(controller, "message")
        invited = await controller.invite_agent("Scout")
        environment = {
            **os.environ,
            "PYTHONPATH": str(readme.parent),
            "WARDROOM_URL": live.url,
            "WARDROOM_API_KEY": invited["apiKey"],
        }
        script = await asyncio.create_subprocess_exec(sys.executable, "-c", example[1], env=environment)
        try:
            assert (await messages.next())["message"]["content"] == "hello"
            await controller.send_message(known(controller.lobby_id), "ping")
            assert (await messages.next())["message"]["content"] == "pong"
            await controller.revoke_agent(invited["agentId"])
            assert await soon(script.wait()) == 0
        finally:
            if script.returncode is None:
                script.kill()
                await script.wait()


async def test_a_room_from_creation_to_removal(cast: Cast) -> None:
    ada, ben = cast.ada, cast.ben
    invited, messages, removed = listen(ben, "room.invited"), listen(ben, "message"), listen(ben, "message.removed")
    joined = listen(ada, "room.joined")

    room = await ada.create_room("Ops", "private", "where things run")
    room_id = room["roomId"]
    assert (room["name"], room["visibility"], room["ownerId"]) == ("Ops", "private", ada.agent_id)
    assert await refused(ben.join_room(room_id)) == 4013
    assert room_id not in [seen["roomId"] for seen in await ben.list_rooms()]
    await ada.invite_to_room(room_id, known(ben.agent_id))
    assert (await invited.next())["roomId"] == room_id
    await ben.join_room(room_id)
    assert (await joined.next())["agentId"] == ben.agent_id
    info = await ben.room_info(room_id)
    assert {member["displayName"] for member in info["members"]} == {"Ada", "Ben"}

    text = " first \n\U0001f600 "
    sent = await ada.send_message(room_id, text)
    assert sent["seq"] == 1
    message = (await messages.next())["message"]
    assert (message["content"], message["senderId"], message["senderName"]) == (text, ada.agent_id, "Ada")
    assert (message["messageId"], message["timestamp"], message["seq"]) == (sent["messageId"], sent["timestamp"], 1)
    second = await ben.send_message(room_id, "second")
    assert second["seq"] == 2

    history = await ben.room_history(room_id)
    assert [seen["content"] for seen in history] == [text, "second"]
    assert [seen["content"] for seen in await ben.room_history(room_id, limit=1)] == ["second"]
    assert [seen["content"] for seen in await ben.room_history(room_id, before=second["timestamp"])] == [text]

    await ada.remove_message(sent["messageId"], "mistake")
    event = await removed.next()
    assert (event["messageId"], event["roomId"]) == (sent["messageId"], room_id)
    assert (event["removedBy"], event["reason"]) == (ada.agent_id, "mistake")
    assert (await ada.room_history(room_id))[0]["content"] == "[removed]"
    assert await refused(ada.remove_message(sent["messageId"])) == 4061
    assert await refused(cast.controller.send_message(room_id, "hello")) == 4011


async def test_direct_messages_stay_between_two(cast: Cast) -> None:
    direct = listen(cast.ada, "dm")
    sent = await cast.ben.send_dm(known(cast.ada.agent_id), "between us")
    event = await direct.next()
    assert (event["fromAgentId"], event["content"]) == (cast.ben.agent_id, "between us")
    assert event["messageId"] == sent["messageId"]
    lobby = known(cast.ada.lobby_id)
    for client, expected in ((cast.ada, ["between us"]), (cast.ben, ["between us"]), (cast.controller, [])):
        assert [message["content"] for message in await client.room_history(lobby)] == expected


async def test_words_and_documents_of_the_place(cast: Cast) -> None:
    words, changed = listen(cast.ben, "lobby.motd"), listen(cast.ben, "docs.updated")
    await cast.controller.set_motd("be kind")
    assert (await words.next())["content"] == "be kind"
    assert await cast.ben.get_motd() == cast.ben.motd == cast.controller.motd == "be kind"
    before = await cast.ben.get_doc("constitution")
    await cast.controller.update_doc("constitution", "one rule")
    assert (await changed.next())["name"] == "constitution"
    after = await cast.ben.get_doc("constitution")
    assert after["content"] == "one rule" and after["version"] != before["version"]
    assert {"constitution", "participant", "protocol"} <= {document["name"] for document in await cast.ben.list_docs()}
    assert await refused(cast.ben.update_doc("constitution", "no rule")) == 4003
    assert "methods" in await cast.ben.discover()


async def test_a_restart_of_the_server_loses_nothing(live: LiveServer, cast: Cast) -> None:
    ada, ben = cast.ada, cast.ben
    lost = [listen(client, "connection_lost") for client in (ada, ben)]
    back = [listen(client, "reconnected") for client in (ada, ben)]
    messages = listen(ben, "message")
    room_id = (await ada.create_room("Ops"))["roomId"]
    await ben.join_room(room_id)
    await ada.send_message(room_id, "before")
    assert (await messages.next())["message"]["content"] == "before"

    await live.stop()
    for recorder in lost:
        notice = await recorder.next()
        assert notice["code"] in {1001, 1012} and notice["reconnecting"] is True
    await live.start()
    for recorder in back:
        assert (await recorder.next())["epochChanged"] is False

    assert (await ada.send_message(room_id, "after"))["seq"] == 2
    assert (await messages.next())["message"]["content"] == "after"
    assert [message["content"] for message in await ben.room_history(room_id)] == ["before", "after"]


async def test_a_key_from_the_token_to_its_end(live: LiveServer, cast: Cast) -> None:
    controller = cast.controller
    invited = await controller.invite_agent("Cid", enrol=True, read_only=True)
    token = invited["enrolmentToken"]
    enrolled = await soon(enrol(token, live.url, key_name="laptop", options=OPTIONS))
    assert (enrolled["agentId"], enrolled["key"]["keyName"]) == (invited["agentId"], "laptop")
    assert await refused(enrol(token, live.url, options=OPTIONS)) == 4110
    async with WardroomClient(url=live.url, api_key=enrolled["apiKey"], options=OPTIONS) as cid:
        assert await refused(cid.send_message(known(cid.lobby_id), "hello")) == 4003
        assert [key["current"] for key in await cid.list_keys()] == [True]

    renamed = listen(controller, "agent.renamed")
    await cast.ada.rename_agent("Adele")
    assert (await renamed.next())["displayName"] == "Adele"
    rotated = await cast.ada.rotate_key(overlap_ms=0)
    async with WardroomClient(url=live.url, api_key=rotated["apiKey"], options=OPTIONS) as again:
        assert again.agent_id == cast.ada.agent_id
        spare = await again.create_key("spare")
        await again.revoke_key(spare["key"]["keyId"])
    page = await controller.list_audit(method="agent.enrol")
    assert page["intact"] and [entry["outcome"] for entry in page["entries"]] == ["4110", "ok"]


async def test_kicked_comes_back_banned_and_revoked_do_not(live: LiveServer, cast: Cast) -> None:
    controller, ben = cast.controller, cast.ben
    ben_id = known(ben.agent_id)
    said, back = listen(ben, "disconnected"), listen(ben, "reconnected")
    await controller.kick_agent(ben_id)
    await said.next()
    await back.next()
    assert ben.connected

    await controller.ban_agent(ben_id)
    await said.next()
    await soon(ben.wait_closed())
    assert ben.error is not None
    with pytest.raises(AuthenticationError) as caught:
        await ben.connect()
    assert caught.value.code == 4004

    await controller.unban_agent(ben_id)
    await ben.connect()
    assert ben.connected and ben.error is None

    await controller.revoke_agent(ben_id)
    await soon(ben.wait_closed())
    with pytest.raises(AuthenticationError) as caught:
        await ben.connect()
    assert caught.value.code == 4002
    assert live.controller_key not in repr(controller)
