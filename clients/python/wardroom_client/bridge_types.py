"""What a bridge answers."""

from __future__ import annotations

from typing import Any, TypedDict


# `from` is a word of the language, so this is no class.
Envelope = TypedDict(
    "Envelope",
    {
        "id": str,
        "type": str,
        "payload": Any,
        "from": str | None,
        "replyTo": str | None,
        "priority": int,
        "ts": int,
    },
)
"""A message as its sender's side made it. A peer that is no bridge may leave members out."""


class SentEnvelope(TypedDict):
    """What was sent: it is kept until the other side has acknowledged it."""

    ok: bool
    id: str
    roomId: str


class _AgentPart(TypedDict, total=False):
    agentId: str
    notify: str
    recv: str
    hookCheck: str


class ConnectedRoom(_AgentPart):
    """The room that was entered. With an agent: where it finds out that something waits for it."""

    roomId: str
    inbox: str
    invite: str


class QueuedAgent(TypedDict):
    """An agent that has a queue of its own in a room."""

    id: str
    unread: int


class BridgeRoom(TypedDict):
    """A room of the bridge."""

    roomId: str
    connected: bool
    peer: str | None
    permission: str | None
    unread: int
    total: int
    agents: list[QueuedAgent]


class BridgeStatus(TypedDict, total=False):
    """How it stands with a link. Of an unknown room only `connected` and `rooms` (how many there are) are told."""

    connected: bool
    rooms: int
    reconnecting: bool
    roomId: str
    peer: str | None
    permission: str | None
    unread: int
    total: int
    pending: int
    lastActivity: int | None
    silenceSec: int | None
    reconnectAttempt: int
    connectionHint: str
    inbox: str
    agents: list[QueuedAgent]


class BridgeTask(TypedDict):
    """A task that was sent."""

    id: str
    description: str
    state: str
    priority: int
    sentAt: int
    completedAt: int | None
    resultId: str | None
