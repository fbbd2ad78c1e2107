"""Settings: arguments, then environment, then defaults; and nothing secret in what is printed."""

from __future__ import annotations

import math

import pytest
from scripted_server import KEY

from broodlink_client import BroodLinkClient, BroodLinkError
from wardroom_client import DEFAULT_URL, ConfigurationError, Options, RpcError, WardroomClient
from wardroom_client.options import Settings


def test_arguments_beat_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WARDROOM_URL", "ws://elsewhere:1")
    monkeypatch.setenv("WARDROOM_API_KEY", "bl_k_other")
    monkeypatch.setenv("WARDROOM_DISPLAY_NAME", "Other")
    settings = Settings.resolve("ws://here:2", KEY, "Scout", None)
    assert (settings.url, settings.api_key, settings.display_name) == ("ws://here:2", KEY, "Scout")


@pytest.mark.parametrize("prefix", ["WARDROOM_", "BROODLINK_"])
def test_the_environment_fills_what_is_not_given(monkeypatch: pytest.MonkeyPatch, prefix: str) -> None:
    monkeypatch.setenv(prefix + "URL", "wss://there:3/ws")
    monkeypatch.setenv(prefix + "API_KEY", KEY)
    monkeypatch.setenv(prefix + "DISPLAY_NAME", "Scout")
    settings = Settings.resolve(None, None, None, None)
    assert (settings.url, settings.api_key, settings.display_name) == ("wss://there:3/ws", KEY, "Scout")


def test_the_own_prefix_beats_the_published_one_and_empty_is_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BROODLINK_URL", "ws://published:1")
    monkeypatch.setenv("WARDROOM_URL", "ws://own:1")
    monkeypatch.setenv("BROODLINK_API_KEY", KEY)
    monkeypatch.setenv("WARDROOM_API_KEY", "")
    settings = Settings.resolve(None, None, None, None)
    assert (settings.url, settings.api_key, settings.display_name) == ("ws://own:1", KEY, None)


def test_the_address_has_a_default_and_the_key_has_none() -> None:
    assert Settings.resolve(None, KEY, None, None).url == DEFAULT_URL == "ws://127.0.0.1:18800"
    with pytest.raises(ConfigurationError, match="`WARDROOM_API_KEY`"):
        WardroomClient()


@pytest.mark.parametrize(
    "url", ["http://host", "host:18800", "ws://?secret", "ws://host:0", "ws://host:99999", "ws://[::1"]
)
def test_an_address_that_cannot_work_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        WardroomClient(url=url, api_key=KEY)
    assert url not in str(caught.value)


@pytest.mark.parametrize(
    "options",
    [
        {"request_timeout": 0},
        {"connect_timeout": -1},
        {"reconnect_cap": math.inf},
        {"event_queue_size": 0},
        {"max_reconnect_attempts": -1},
    ],
)
def test_options_out_of_range_are_refused(options: dict[str, float]) -> None:
    with pytest.raises(ConfigurationError, match=f"`{next(iter(options))}`"):
        Options(**options)  # type: ignore[arg-type]


def test_nothing_printed_holds_a_secret() -> None:
    client = WardroomClient(url="wss://user:pass-word@host:1/ws?token=query-secret", api_key=KEY)
    printed = f"{client!r} {client} {client.url} {client._settings!r}"
    assert "wss://host:1/ws" in printed
    for secret in (KEY, "pass-word", "query-secret", "user"):
        assert secret not in printed


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("ws://127.0.0.1:1", True),
        ("ws://127.8.8.8", True),
        ("ws://localhost:1/ws", True),
        ("ws://[::1]:1", True),
        ("ws://10.0.0.1:1", False),
        ("wss://host", False),
    ],
)
def test_a_server_on_this_machine_is_reached_without_a_proxy(url: str, expected: bool) -> None:
    assert Settings.resolve(url, KEY, None, None).is_loopback is expected


def test_the_published_names_are_the_same_class() -> None:
    assert BroodLinkClient is WardroomClient
    assert BroodLinkError is RpcError
    assert BroodLinkClient(url="ws://host:1", api_key=KEY, display_name="Scout").display_name == "Scout"
