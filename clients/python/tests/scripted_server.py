"""A server that does exactly what a test tells it to, one frame at a time."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable
from typing import Any, TypeVar

from websockets.asyncio.server import Server, ServerConnection, serve

from wardroom_client import Options, WardroomClient

KEY = "bl_k_" + "5e" * 24
PATIENCE = 30.0
"""Seconds after which a test that waits for something gives up; nothing ever waits this long in a passing run."""

FAST = Options(
    connect_timeout=5,
    request_timeout=5,
    close_timeout=1,
    reconnect_base=0.001,
    reconnect_cap=0.002,
    # without it requests are as the fixtures show them; retrying has tests of its own
    retry_seconds=0,
)

AUTH_RESULT: dict[str, Any] = {
    "status": "ok",
    "agentId": "agent-1",
    "role": "participant",
    "displayName": "Scout",
    "lobby": {"roomId": "room-lobby", "name": "Lobby"},
    "motd": "be kind",
    "epoch": "epoch-1",
    "durability": "full",
    "version": "0.1.0",
}

Result = TypeVar("Result")


async def soon(awaitable: Awaitable[Result]) -> Result:
    """Wait for something that must happen."""
    return await asyncio.wait_for(awaitable, PATIENCE)


class Peer:
    """The server's end of one connection."""

    def __init__(self, socket: ServerConnection) -> None:
        self.socket = socket

    async def receive(self) -> dict[str, Any]:
        return self.request_in(await soon(self.socket.recv()))

    def request_in(self, frame: str | bytes) -> dict[str, Any]:
        request = json.loads(frame)
        assert isinstance(request, dict) and request["jsonrpc"] == "2.0"
        return request

    async def expect(self, method: str) -> dict[str, Any]:
        request = await self.receive()
        assert request["method"] == method
        return request

    async def send(self, **frame: Any) -> None:
        await self.socket.send(json.dumps({"jsonrpc": "2.0", **frame}))

    async def reply(self, request: dict[str, Any], result: Any) -> None:
        await self.send(id=request["id"], result=result)

    async def refuse(self, request: dict[str, Any], code: int, message: str = "refused", **data: Any) -> None:
        await self.send(id=request["id"], error={"code": code, "message": message, **({"data": data} if data else {})})

    async def event(self, method: str, **params: Any) -> None:
        await self.send(method=method, params=params)

    async def authenticate(self, **changes: Any) -> dict[str, Any]:
        """Answer `auth` and return the params it came with."""
        request = await self.expect("auth")
        await self.reply(request, {**AUTH_RESULT, **changes})
        params = request["params"]
        assert isinstance(params, dict)
        return params

    async def close(self, code: int = 1001, reason: str = "") -> None:
        await soon(self.socket.close(code, reason))

    def abort(self) -> None:
        """Cut the connection without a goodbye."""
        self.socket.transport.abort()


class ScriptedServer:
    """Listens on a free port of the loopback and hands every connection to the test."""

    def __init__(self) -> None:
        self.port = 0
        self._server: Server | None = None
        self._arrivals: asyncio.Queue[Peer] = asyncio.Queue()

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}"

    async def listen(self) -> None:
        """Start, on a port that is free."""
        self._server = await serve(self._arrive, "127.0.0.1", 0, compression=None)
        self.port = next(iter(self._server.sockets)).getsockname()[1]

    async def shut(self) -> None:
        """Close every connection with 1001 and stop listening."""
        if self._server is not None:
            self._server.close()
            await soon(self._server.wait_closed())

    async def _arrive(self, socket: ServerConnection) -> None:
        self._arrivals.put_nowait(Peer(socket))
        await socket.wait_closed()

    async def accept(self) -> Peer:
        """The next connection, not yet authenticated."""
        return await soon(self._arrivals.get())

    async def welcome(self, **changes: Any) -> Peer:
        """The next connection, authenticated."""
        peer = await self.accept()
        await peer.authenticate(**changes)
        return peer

    def client(self, options: Options = FAST) -> WardroomClient:
        return WardroomClient(url=self.url, api_key=KEY, options=options)

    @contextlib.asynccontextmanager
    async def meet(self, client: WardroomClient, **changes: Any) -> AsyncIterator[Peer]:
        """Connect the client, hand out the server's end, close the client in the end."""
        peer, _ = await asyncio.gather(self.welcome(**changes), soon(client.connect()))
        try:
            yield peer
        finally:
            await soon(client.close())


class Recorder:
    """Handler that keeps the params it was given and lets a test wait for them."""

    def __init__(self) -> None:
        self._seen: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    def __call__(self, params: dict[str, Any]) -> None:
        self._seen.put_nowait(params)

    async def next(self) -> dict[str, Any]:
        return await soon(self._seen.get())

    async def until(self, **expected: Any) -> dict[str, Any]:
        """Skip to the first params that hold these members."""
        while True:
            params = await self.next()
            if expected.items() <= params.items():
                return params

    @property
    def is_empty(self) -> bool:
        return self._seen.empty()
