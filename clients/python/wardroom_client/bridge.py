"""The local bridge: a place in rooms for agents that can make one request at a time."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlencode, urlsplit

from .bridge_http import exchange
from .bridge_types import BridgeRoom, BridgeStatus, BridgeTask, ConnectedRoom, Envelope, SentEnvelope
from .errors import BridgeError, BridgeUnreachable, ConfigurationError, ProtocolError

DEFAULT_BRIDGE_URL = "http://127.0.0.1:7654"

Level = Literal["intimate", "helper", "chat"]
Priority = Literal["high", "normal", "low"]

LONGEST_WAIT = 120
"""Seconds for which a bridge lets a request wait at most."""


class Bridge:
    """An agent at a local bridge (`wardroom bridge`), which keeps links to peers and seats in hub rooms for it.

    Every call is one HTTP request; nothing is kept open in between. What the bridge has for the agent stays there, on the
    disk, until the agent took it.

    Args:
        url: where the bridge listens. Default: `http://127.0.0.1:7654`.
        agent: the agent's own queue at the bridge. Default: `AGENTLINK_AGENT_ID`; without one, the shared queue.
        room: the room that calls are about. Default: the bridge's first room.
        token: the bridge's token, where it asks for one.
        token_file: a file that holds it.
        timeout: seconds that an answer may take, beside what a call waits on purpose.

    Raises:
        ConfigurationError: the address is not one of HTTP, or the token cannot be read.
    """

    def __init__(
        self,
        url: str = DEFAULT_BRIDGE_URL,
        *,
        agent: str | None = None,
        room: str | None = None,
        token: str | None = None,
        token_file: str | os.PathLike[str] | None = None,
        timeout: float = 30.0,
    ) -> None:
        parts = urlsplit(url)
        if parts.scheme != "http" or not parts.hostname:
            raise ConfigurationError(f"`{url}` is not the address of a bridge, such as {DEFAULT_BRIDGE_URL}")
        if token_file is not None:
            try:
                token = Path(token_file).read_text(encoding="utf-8").strip()
            except OSError as error:
                raise ConfigurationError(f"the bridge's token cannot be read: {error}") from error
        self._host, self._port = parts.hostname, parts.port or 80
        self._agent = agent if agent is not None else os.environ.get("AGENTLINK_AGENT_ID") or None
        self._room = room
        self._token = token
        self._timeout = timeout

    async def connect(
        self, room: str | None = None, *, hub: str | None = None, key_file: str | os.PathLike[str] | None = None
    ) -> ConnectedRoom:
        """Has the bridge enter a room, and registers the agent there.

        Args:
            room: a P2P room, or with `hub` a room of that hub. Without one, a new P2P room is made.
            hub: the WebSocket address of a wardroom server.
            key_file: a file that holds the agent's key for the hub. The bridge reads it.

        The room is the one that later calls are about, unless they name another.
        """
        body: dict[str, Any] = {}
        if room is not None:
            body["roomId"] = room
        if self._agent is not None:
            body["agentId"] = self._agent
        if hub is not None:
            body["hub"] = hub
        if key_file is not None:
            body["keyFile"] = str(Path(key_file).absolute())
        answer: ConnectedRoom = await self._post("/connect", body)
        self._room = answer["roomId"]
        return answer

    async def send_chat(
        self, content: str, *, reply_to: str | None = None, priority: Priority = "normal", room: str | None = None
    ) -> SentEnvelope:
        """Says something."""
        return await self._send("chat", {"content": content}, reply_to, priority, room)

    async def send_task(
        self, description: str, data: Any = None, *, priority: Priority = "normal", room: str | None = None
    ) -> SentEnvelope:
        """Asks for something to be done; `tasks` tells what became of it."""
        return await self._send("task", {"description": description, "data": data}, None, priority, room)

    async def send_result(
        self, data: Any, reply_to: str, *, priority: Priority = "normal", room: str | None = None
    ) -> SentEnvelope:
        """Answers the task `reply_to`."""
        return await self._send("result", {"data": data}, reply_to, priority, room)

    async def send_query(
        self, question: str, *, priority: Priority = "normal", room: str | None = None
    ) -> SentEnvelope:
        """Asks something."""
        return await self._send("query", {"question": question}, None, priority, room)

    async def send_file(
        self, name: str, content: str, *, priority: Priority = "normal", room: str | None = None
    ) -> SentEnvelope:
        """Sends a text as a file."""
        return await self._send("file", {"name": name, "content": content}, None, priority, room)

    async def send(self, body: Mapping[str, Any]) -> SentEnvelope:
        """Sends what has no call of its own: `body` goes to `/send` as it is."""
        answer: SentEnvelope = await self._post("/send", dict(body))
        return answer

    async def receive(self, *, wait: int = 0, limit: int = 0, room: str | None = None) -> list[Envelope]:
        """Takes what waits for the agent: what is urgent first, at most `limit` (0: all).

        Waits up to `wait` seconds (at most 120) while there is nothing. A call that is cancelled takes nothing: the bridge
        keeps what it could not hand over.
        """
        query = {"wait": wait, "limit": limit, "agent": self._agent, "room": room or self._room}
        answer: list[Envelope] = await self._get("/recv", query, self._timeout + min(max(wait, 0), LONGEST_WAIT))
        return answer

    async def messages(self, *, room: str | None = None) -> AsyncIterator[Envelope]:
        """Every message for the agent, as it comes, until the caller stops asking."""
        while True:
            for envelope in await self.receive(wait=30, room=room):
                yield envelope

    async def history(self, *, room: str | None = None) -> list[Envelope]:
        """Everything that ever came in for the room; takes nothing."""
        answer: list[Envelope] = await self._get("/recv", {"all": 1, "room": room or self._room})
        return answer

    async def status(self, *, room: str | None = None) -> BridgeStatus:
        """How it stands with a room's link."""
        answer: BridgeStatus = await self._get("/status", {"room": room or self._room})
        return answer

    async def rooms(self) -> list[BridgeRoom]:
        """All rooms of the bridge."""
        answer: list[BridgeRoom] = await self._get("/rooms", {})
        return answer

    async def tasks(self, *, state: str | None = None, room: str | None = None) -> list[BridgeTask]:
        """The tasks that were sent to a room, all or those in one state."""
        answer: list[BridgeTask] = await self._get("/tasks", {"room": room or self._room, "state": state})
        return answer

    async def set_permission(self, level: Level, *, room: str | None = None) -> None:
        """Changes what this side allows; what holds is the more restrictive of both sides."""
        await self._post("/perm", self._about(room) | {"level": level})

    async def close_room(self, *, room: str | None = None) -> None:
        """Leaves a room for good."""
        about = self._about(room)
        if not about:
            raise ConfigurationError("no room is named, and `connect` was not called: without one, all would be closed")
        await self._post("/close", about)

    def _about(self, room: str | None) -> dict[str, Any]:
        room = room or self._room
        return {} if room is None else {"roomId": room}

    async def _send(
        self, kind: str, fields: dict[str, Any], reply_to: str | None, priority: Priority, room: str | None
    ) -> SentEnvelope:
        body = self._about(room) | {"type": kind, **fields, "priority": priority}
        if reply_to is not None:
            body["replyTo"] = reply_to
        if self._agent is not None:
            body["agentId"] = self._agent
        return await self.send(body)

    async def _post(self, path: str, body: dict[str, Any]) -> Any:
        return await self._exchange("POST", path, json.dumps(body), self._timeout)

    async def _get(self, path: str, query: Mapping[str, Any], timeout: float | None = None) -> Any:
        given = {name: value for name, value in query.items() if value is not None}
        return await self._exchange("GET", f"{path}?{urlencode(given)}", None, timeout or self._timeout)

    async def _exchange(self, method: str, target: str, body: str | None, timeout: float) -> Any:
        request = exchange(self._host, self._port, method, target, body, self._token)
        try:
            status, text = await asyncio.wait_for(request, timeout)
        except asyncio.TimeoutError as error:
            raise BridgeUnreachable(f"the bridge did not answer within {timeout:g} s") from error
        except OSError as error:
            where = f"http://{self._host}:{self._port}"
            raise BridgeUnreachable(f"no bridge answers at {where} ({error}); start one with `wardroom bridge`") from error
        answer: Any = None
        with contextlib.suppress(ValueError):
            answer = json.loads(text)
        if status != 200:
            raise BridgeError.of(status, answer)
        if answer is None:
            raise ProtocolError("the bridge answered something that is not JSON")
        return answer
