from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from scripted_server import ScriptedServer

from wardroom_client.options import ENVIRONMENT_PREFIXES


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings of the person who runs the tests must not reach the clients under test."""
    for prefix in ENVIRONMENT_PREFIXES:
        for name in ("URL", "API_KEY", "DISPLAY_NAME"):
            monkeypatch.delenv(prefix + name, raising=False)


@pytest_asyncio.fixture
async def server() -> AsyncIterator[ScriptedServer]:
    scripted = ScriptedServer()
    await scripted.listen()
    yield scripted
    await scripted.shut()
