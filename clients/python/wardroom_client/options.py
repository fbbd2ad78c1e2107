"""Where the client's settings come from, and the bounds it keeps."""

from __future__ import annotations

import math
import os
import ssl as tls
from dataclasses import dataclass, field, fields
from urllib.parse import SplitResult, urlsplit

from .errors import ConfigurationError

DEFAULT_URL = "ws://127.0.0.1:18800"

ENVIRONMENT_PREFIXES = ("WARDROOM_", "BROODLINK_")
"""Prefixes of the environment variables `URL`, `API_KEY` and `DISPLAY_NAME`; the first one set wins."""


@dataclass(frozen=True)
class Options:
    """Bounds and waiting times of a client; times are seconds.

    Attributes:
        connect_timeout: for opening a connection and authenticating on it, together. Default 10.
        request_timeout: for the answer to a request, waiting for a reconnect included. Default 30.
        close_timeout: how long `close()` waits for the server's goodbye, and then for a handler that is still
            running before cancelling it. Default 5.
        reconnect_base: ceiling of the wait before the first reconnect; it doubles with every failure. Default 0.5.
        reconnect_cap: the ceiling never grows above this. Default 30.
        reconnect_stable_after: a connection that lasted this long counts as good, and the next loss starts again
            at `reconnect_base`. Default 10.
        max_reconnect_attempts: failures in a row after which the client gives up; None (the default) for no limit,
            0 for no reconnecting at all.
        event_queue_size: events that may wait for slow handlers, default 4096. Beyond that the newest are dropped,
            and an `events_dropped` notice takes their place in the order.
        max_pending_requests: requests that may wait for answers at once, default 1024; further ones wait their
            turn within their own timeout.
        iteration_buffer_size: messages that may wait for each iteration over a room, default 1024. What comes beyond is
            fetched again when they were read.
        retry_seconds: how long `send_message`, `send_dm` and the changes of tasks try by themselves, default 60; 0: one
            try. They retry under one idempotency key after a lost connection, a time-out and the errors 4080, 4090, 4092 and -32603,
            against servers that know such keys.
        max_frame_bytes: largest frame taken from the server, default 64 MiB (a full history page of long messages
            fits). A larger one ends the connection with close code 1009.
        keepalive_interval: pause between pings to the server, default 20.
        keepalive_timeout: a ping unanswered for this long ends the connection, default 20.
        ssl: TLS settings for a `wss://` address, for instance with a private certificate authority.
    """

    connect_timeout: float = 10.0
    request_timeout: float = 30.0
    close_timeout: float = 5.0
    reconnect_base: float = 0.5
    reconnect_cap: float = 30.0
    reconnect_stable_after: float = 10.0
    max_reconnect_attempts: int | None = None
    event_queue_size: int = 4096
    max_pending_requests: int = 1024
    iteration_buffer_size: int = 1024
    retry_seconds: float = 60.0
    max_frame_bytes: int = 64 * 1024 * 1024
    keepalive_interval: float = 20.0
    keepalive_timeout: float = 20.0
    ssl: tls.SSLContext | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        for option in fields(self):
            value = getattr(self, option.name)
            if option.name == "ssl" or (option.name == "max_reconnect_attempts" and value is None):
                continue
            lowest_is_zero = option.name in {"reconnect_stable_after", "max_reconnect_attempts", "retry_seconds"}
            if not math.isfinite(value) or value < 0 or (value == 0 and not lowest_is_zero):
                raise ConfigurationError(f"option `{option.name}` is out of range: {value}")


@dataclass(frozen=True)
class Settings:
    """Where to connect and as whom. The key is kept out of `repr`."""

    url: str = field(repr=False)
    api_key: str = field(repr=False)
    display_name: str | None
    options: Options

    @classmethod
    def resolve(
        cls, url: str | None, api_key: str | None, display_name: str | None, options: Options | None
    ) -> Settings:
        """Fill what was not given from the environment, then from the defaults.

        Raises:
            ConfigurationError: there is no key, or the address is not a WebSocket address.
        """
        url = url or _environment("URL") or DEFAULT_URL
        api_key = api_key or _environment("API_KEY")
        if not api_key:
            raise ConfigurationError("no API key: pass `api_key` or set `WARDROOM_API_KEY`")
        options = options or Options()
        parts = _split(url)
        if options.ssl is not None and parts.scheme != "wss":
            raise ConfigurationError("option `ssl` needs an address that begins with `wss://`")
        return cls(url, api_key, display_name or _environment("DISPLAY_NAME"), options)

    @property
    def printable_url(self) -> str:
        """The address without user name, password and query, any of which may be a secret."""
        parts = _split(self.url)
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"

    @property
    def is_loopback(self) -> bool:
        """Whether the server is on this machine, where no proxy can reach it."""
        host = _split(self.url).hostname or ""
        return host in {"localhost", "::1"} or host.startswith("127.")


def _split(url: str) -> SplitResult:
    """Take a WebSocket address apart, naming nothing of it when it is none."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"ws", "wss"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise ConfigurationError("the address must be like `ws://host:port` or `wss://host:port`")
    return parts


def _environment(name: str) -> str | None:
    """The first of the variables of this name that is set and not empty."""
    for prefix in ENVIRONMENT_PREFIXES:
        value = os.environ.get(prefix + name)
        if value:
            return value
    return None
