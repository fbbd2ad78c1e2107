"""One HTTP request over a socket that is closed when the caller gives up.

The standard library's client would have to run in a thread, where it cannot be cancelled: it would go on to take messages
that nobody waits for any longer. Its parser serves here too.
"""

from __future__ import annotations

import asyncio
import io
import socket
from http.client import HTTPException, HTTPResponse
from typing import cast

MOST_BYTES = 64 * 1024 * 1024
"""Bytes of an answer."""


class _Bytes:
    """What was read, in the form that the standard library's parser takes."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def makefile(self, *_: object) -> io.BytesIO:
        return io.BytesIO(self._content)


async def exchange(
    host: str, port: int, method: str, target: str, body: str | None, token: str | None
) -> tuple[int, str]:
    """Sends a request and reads its answer: the status and the text.

    Raises:
        OSError: nobody listens there, or what came is no whole answer.
    """
    content = b"" if body is None else body.encode()
    authority = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    head = [f"{method} {target} HTTP/1.1", f"Host: {authority}", "Connection: close"]
    if body is not None:
        head += ["Content-Type: application/json", f"Content-Length: {len(content)}"]
    if token is not None:
        head.append(f"Authorization: Bearer {token}")
    reader, writer = await asyncio.open_connection(host, port)
    try:
        writer.write("\r\n".join([*head, "", ""]).encode("latin-1") + content)
        await writer.drain()
        answer = bytearray()
        while piece := await reader.read(65_536):
            answer += piece
            if len(answer) > MOST_BYTES:
                raise OSError(f"the answer is larger than {MOST_BYTES} bytes")
    finally:
        # Whoever is cancelled has closed the connection before anybody hears of it.
        writer.transport.abort()
    try:
        response = HTTPResponse(cast(socket.socket, _Bytes(bytes(answer))), method=method)
        response.begin()
        return response.status, response.read().decode()
    except (HTTPException, UnicodeDecodeError) as error:
        raise OSError(f"what came is no whole answer of HTTP: {error!r}") from error
