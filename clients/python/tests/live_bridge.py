"""The real bridge as a child process."""

from __future__ import annotations

import asyncio
import json
import os
from asyncio.subprocess import DEVNULL, PIPE, Process
from pathlib import Path

from live_server import PATIENCE, binary

from wardroom_client import Bridge

_SETTINGS = ("WARDROOM_", "BROODLINK_", "AGENTLINK_")


class LiveBridge:
    """`wardroom bridge` with a home directory of its own."""

    def __init__(self, home: Path, name: str, signal: str, process: Process, port: int) -> None:
        self.home = home
        self.name = name
        self.signal = signal
        self._process = process
        self._port = port

    @classmethod
    async def start(cls, home: Path, name: str, signal: str) -> LiveBridge:
        """Start and wait until it listens."""
        home.mkdir(exist_ok=True)
        # nobody else is asked for addresses
        (home / ".agentlinkrc").write_text(json.dumps({"iceServers": []}))
        environment = {key: value for key, value in os.environ.items() if not key.startswith(_SETTINGS)}
        with (home / "stderr.log").open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                binary(),
                *("bridge", "--foreground", "--port", "0", "--name", name, "--signal", signal),
                stdin=DEVNULL,
                stdout=PIPE,
                stderr=log,
                cwd=home,
                env={**environment, "HOME": str(home)},
            )
        assert process.stdout is not None
        line = await asyncio.wait_for(process.stdout.readline(), PATIENCE)
        return cls(home, name, signal, process, json.loads(line)["port"])

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._port}"

    def agent(self, name: str | None = None) -> Bridge:
        """An agent at the bridge."""
        return Bridge(self.url, agent=name, timeout=PATIENCE)

    async def stop(self) -> None:
        """Ask for an orderly end and wait for it."""
        if self._process.returncode is None:
            self._process.terminate()
            await asyncio.wait_for(self._process.communicate(), PATIENCE)
