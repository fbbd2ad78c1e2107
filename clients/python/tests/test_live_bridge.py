"""Agents at real bridges, in rooms of a real hub and linked to each other."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import pytest_asyncio
from live_bridge import LiveBridge
from live_server import PATIENCE, LiveServer

from wardroom_client import Bridge, BridgeError, BridgeUnreachable, ConfigurationError, WardroomClient


class Stage:
    """A hub, and bridges that find each other by its signaling."""

    def __init__(self, folder: Path, hub: LiveServer, stack: AsyncExitStack) -> None:
        self.hub = hub
        self._folder = folder
        self._stack = stack

    async def bridge(self, name: str) -> LiveBridge:
        """A bridge; it is gone with the stage."""
        bridge = await LiveBridge.start(self._folder / name, name, f"{self.hub.url}/signal/")
        self._stack.push_async_callback(bridge.stop)
        return bridge

    async def controller(self) -> WardroomClient:
        """The controller of the hub."""
        client = WardroomClient(self.hub.url, self.hub.controller_key)
        return await self._stack.enter_async_context(client)

    async def linked(self) -> tuple[Bridge, Bridge]:
        """An agent at each of two bridges, with a link between them."""
        first = (await self.bridge("Ada")).agent(unique("ada"))
        second = (await self.bridge("Bob")).agent(unique("bob"))
        room = (await first.connect())["roomId"]
        await second.connect(room)
        for agent in (first, second):
            await asyncio.wait_for(is_connected(agent), PATIENCE)
        return first, second


async def is_connected(agent: Bridge) -> None:
    while not (await agent.status())["connected"]:
        await asyncio.sleep(0)


async def has_level(agent: Bridge, level: str) -> None:
    while (await agent.status())["permission"] != level:
        await asyncio.sleep(0)


async def everything_up_to_a_file(agent: Bridge) -> list[object]:
    seen = []
    async for message in agent.messages():
        seen.append(message["payload"])
        if message["type"] == "file":
            return seen
    raise AssertionError("it ended")


def unique(name: str) -> str:
    """An agent's name that no other test on this machine uses: bridges leave notices for agents in one place."""
    return f"{name}-{uuid.uuid4().hex[:12]}"


@pytest_asyncio.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    async with AsyncExitStack() as stack:
        hub = LiveServer(tmp_path)
        stack.push_async_callback(hub.remove)
        await hub.start()
        yield Stage(tmp_path, hub, stack)


async def test_an_agent_takes_part_in_a_room_of_a_hub(stage: Stage) -> None:
    controller = await stage.controller()
    bridge = await stage.bridge("Bridge")
    key_file = bridge.home / "key"
    key_file.write_text((await controller.invite_agent("Scout"))["apiKey"])
    room = (await controller.create_room("Ops"))["roomId"]
    heard: asyncio.Queue[str] = asyncio.Queue()
    controller.on("message")(lambda event: heard.put_nowait(event["message"]["content"]))

    scout = bridge.agent(unique("scout"))
    connected = await scout.connect(room, hub=stage.hub.url, key_file=key_file)
    assert connected["roomId"] == room
    await scout.send_chat("on my way")
    assert await asyncio.wait_for(heard.get(), PATIENCE) == "on my way"

    await controller.send_message(room, "welcome")
    [came] = await scout.receive(wait=30)
    assert (came["type"], came["payload"]) == ("chat", {"content": "welcome"})


async def test_a_task_goes_over_a_link_and_its_result_comes_back(stage: Stage) -> None:
    ada, bob = await stage.linked()
    task = await ada.send_task("look", {"depth": 1}, priority="high")
    [came] = await bob.receive(wait=30)
    assert (came["type"], came["payload"], came["priority"]) == (
        "task",
        {"description": "look", "data": {"depth": 1}},
        2,
    )
    await bob.send_result({"found": 3}, came["id"])
    [result] = await ada.receive(wait=30)
    assert (result["payload"], result["replyTo"]) == ({"data": {"found": 3}}, task["id"])
    [kept] = await ada.tasks(state="completed")
    assert (kept["id"], kept["resultId"]) == (task["id"], result["id"])


async def test_messages_come_in_their_order_and_history_keeps_them(stage: Stage) -> None:
    ada, bob = await stage.linked()
    for number in range(5):
        await ada.send_chat(str(number))
    await ada.send_query("how many?")
    await ada.send_file("a.txt", "text")
    seen = await asyncio.wait_for(everything_up_to_a_file(bob), PATIENCE)
    said = [{"content": str(number)} for number in range(5)]
    assert seen == [*said, {"question": "how many?"}, {"name": "a.txt", "content": "text"}]
    assert [message["payload"] for message in await bob.history()] == seen
    assert await bob.receive() == []


async def test_a_call_that_is_cancelled_takes_nothing(stage: Stage) -> None:
    ada, bob = await stage.linked()
    for _ in range(5):
        waiting = asyncio.create_task(bob.receive(wait=30))
        await bob.status()  # The bridge has the request before this is answered, or never sees it.
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
    await ada.send_chat("still there")
    [came] = await bob.receive(wait=30)
    assert came["payload"] == {"content": "still there"}


async def test_a_level_is_changed_and_rooms_are_left(stage: Stage) -> None:
    ada, bob = await stage.linked()
    await ada.set_permission("chat")
    await asyncio.wait_for(has_level(bob, "chat"), PATIENCE)
    [room] = await ada.rooms()
    assert room["connected"]
    await ada.close_room()
    assert await ada.rooms() == []


async def test_refusals_say_what_to_do(stage: Stage) -> None:
    agent = (await stage.bridge("Bridge")).agent()
    with pytest.raises(BridgeError) as refusal:
        await agent.send_chat("hello")
    assert refusal.value.status == 404
    assert refusal.value.hint is not None and "connect" in refusal.value.hint
    with pytest.raises(ConfigurationError):
        await agent.close_room()


async def test_a_bridge_that_is_not_there_is_told_of(unused_tcp_port: int) -> None:
    agent = Bridge(f"http://127.0.0.1:{unused_tcp_port}")
    with pytest.raises(BridgeUnreachable, match="wardroom bridge"):
        await agent.rooms()


@pytest.mark.parametrize("url", ["ws://127.0.0.1:7654", "127.0.0.1:7654", "http://"])
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError):
        Bridge(url)


def test_a_token_comes_from_a_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="token"):
        Bridge(token_file=tmp_path / "none")
