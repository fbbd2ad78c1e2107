"""A way to the server that stays at one address wherever the server is, and that a test can break."""

from __future__ import annotations

import asyncio
import contextlib

CHUNK_BYTES = 64 * 1024


class Passage:
    """Lets connections through to a port of this machine. While nobody listens there, they end at once."""

    def __init__(self) -> None:
        self.url = ""
        self._server: asyncio.Server | None = None
        self._port = 0
        self._carriers: set[asyncio.Task[None]] = set()
        # towards the clients, and towards the server
        self._near: set[asyncio.StreamWriter] = set()
        self._far: set[asyncio.StreamWriter] = set()
        self._deaf: set[asyncio.StreamWriter] = set()
        self._swallowed = asyncio.Event()
        self._refused = asyncio.Semaphore(0)

    async def open(self) -> None:
        """Begin to listen, on a port that is free."""
        self._server = await asyncio.start_server(self._carry, "127.0.0.1", 0)
        self.url = f"ws://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    def lead_to(self, port: int) -> None:
        """Where new connections come out from now on; 0 is nowhere."""
        self._port = port

    def cut(self) -> None:
        """Cut every connection without a goodbye; new ones are let through again."""
        for writer in self._near | self._far:
            writer.transport.abort()

    def swallow_answers(self) -> None:
        """Let nothing more come back from the server on the connections that there are."""
        self._swallowed.clear()
        self._deaf |= self._near

    async def swallowed(self) -> None:
        """Wait until something was swallowed."""
        await self._swallowed.wait()

    async def refused(self) -> None:
        """Wait until one more connection was not let through."""
        await self._refused.acquire()

    async def close(self) -> None:
        """End everything."""
        if self._server is None:
            return
        self._server.close()
        self.cut()
        if self._carriers:
            await asyncio.wait(self._carriers)
        await self._server.wait_closed()

    async def _carry(self, near_reader: asyncio.StreamReader, near: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._carriers.add(task)
        task.add_done_callback(self._carriers.discard)
        self._near.add(near)
        far: asyncio.StreamWriter | None = None
        try:
            far_reader, far = await asyncio.open_connection("127.0.0.1", self._port)
            self._far.add(far)
            ways = [asyncio.create_task(self._pump(*way)) for way in ((near_reader, far), (far_reader, near))]
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            near.close()
            far.close()
            await asyncio.wait(ways)
        except OSError:
            self._refused.release()  # nobody listens
        finally:
            for writer in (near, far):
                if writer is not None:
                    for writers in (self._near, self._far, self._deaf):
                        writers.discard(writer)
                    writer.close()
                    with contextlib.suppress(OSError):
                        await writer.wait_closed()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Hand on what comes, until it ends."""
        with contextlib.suppress(OSError):
            while data := await reader.read(CHUNK_BYTES):
                if writer in self._deaf:
                    self._swallowed.set()
                    continue
                writer.write(data)
                await writer.drain()
