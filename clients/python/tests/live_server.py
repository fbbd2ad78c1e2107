"""The real server as a child process."""

from __future__ import annotations

import asyncio
import os
import re
from asyncio.subprocess import DEVNULL, PIPE, STDOUT, Process
from collections.abc import Callable
from pathlib import Path

import pytest
from passage import Passage

from wardroom_client.options import ENVIRONMENT_PREFIXES

PATIENCE = 60.0
"""Seconds a start or stop of the server may take on a busy machine."""

_LISTENING = re.compile(r"listening on ws://\S+:(\d+)")
_CONTROLLER_KEY = re.compile(r"bl_k_ctrl_[0-9a-f]{48}")


def binary() -> Path:
    """The server under test; the test fails when there is none."""
    default = Path(__file__).resolve().parents[3] / "target" / "release" / "wardroom"
    path = Path(os.environ.get("WARDROOM_BIN") or default)
    if not path.is_file():
        pytest.fail(f"no server at `{path}`: build it with `cargo build --release` or name it in `WARDROOM_BIN`")
    return path


class LiveServer:
    """`wardroom serve` on one data directory, started as often as the test likes."""

    def __init__(self, folder: Path) -> None:
        self.passage = Passage()
        self.controller_key = ""
        self._program = binary()
        self._data_dir = folder / "data"
        self._log = folder / "stderr.log"
        self._process: Process | None = None
        self._reader: asyncio.Task[None] | None = None
        self._output: list[str] = []

    @property
    def url(self) -> str:
        """The address, which stays the same for every start."""
        return self.passage.url

    async def start(self) -> None:
        """Start and wait until it listens (and, on the first start, for the key)."""
        if not self.url:
            await self.passage.open()
        arguments = ["serve", "-f", "--port", "0", "--data-dir", str(self._data_dir)]
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                self._program, *arguments, stdin=DEVNULL, stdout=PIPE, stderr=log, env=_environment()
            )
        ready = asyncio.Event()
        self._output = []
        self._reader = asyncio.create_task(self._read(self._process, ready))
        waiting = asyncio.create_task(ready.wait())
        await asyncio.wait({waiting, self._reader}, timeout=PATIENCE, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if not ready.is_set():
            errors = self._log.read_text(errors="replace")
            pytest.fail(f"the server did not say where it listens; stdout: {self._output}, stderr: {errors[-4000:]}")

    async def _read(self, process: Process, ready: asyncio.Event) -> None:
        """Read to the end, so that the server never waits for a full pipe."""
        assert process.stdout is not None
        async for line in process.stdout:
            text = line.decode(errors="replace")
            self._output.append(text)
            if listening := _LISTENING.search(text):
                self.passage.lead_to(int(listening[1]))
            if key := _CONTROLLER_KEY.search(text):
                assert not self.controller_key, "the controller key was shown twice"
                self.controller_key = key[0]
            if self.controller_key and any(_LISTENING.search(seen) for seen in self._output):
                ready.set()

    async def stop(self) -> None:
        """Ask for an orderly end and wait for it."""
        await self._finish(Process.terminate)

    async def kill(self) -> None:
        """End at once, if it still runs."""
        if self._process is not None and self._process.returncode is None:
            await self._finish(Process.kill)

    async def command(self, *arguments: str) -> None:
        """Run a command of the program on the data directory, which must succeed."""
        process = await asyncio.create_subprocess_exec(
            self._program,
            *arguments,
            "--data-dir",
            str(self._data_dir),
            stdin=DEVNULL,
            stdout=PIPE,
            stderr=STDOUT,
            env=_environment(),
        )
        output, _ = await asyncio.wait_for(process.communicate(), PATIENCE)
        assert process.returncode == 0, output.decode(errors="replace")

    async def remove(self) -> None:
        """End it for good."""
        await self.kill()
        await self.passage.close()

    async def _finish(self, send: Callable[[Process], None]) -> None:
        assert self._process is not None and self._reader is not None
        send(self._process)
        await asyncio.wait_for(self._process.wait(), PATIENCE)
        self.passage.lead_to(0)  # somebody else may get the port now
        await asyncio.wait_for(self._reader, PATIENCE)


def _environment() -> dict[str, str]:
    """The environment without anything that the program would take as a setting."""
    return {name: value for name, value in os.environ.items() if not name.startswith(ENVIRONMENT_PREFIXES)}
