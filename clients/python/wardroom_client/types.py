"""The shapes of results, as the server sends them.

Ids are UUID strings, times are integer milliseconds since 1970. A server may send further members, which are
passed on untouched; members that older servers leave out stand in the `...Extra` bases.
"""

from __future__ import annotations

import enum
from typing import Any, Literal, TypedDict, Union

Role = Literal["controller", "participant"]
Visibility = Literal["public", "private"]
MessageType = Literal["chat", "task", "result", "query", "file", "ack"]
TaskState = Literal["submitted", "accepted", "working", "completed", "failed", "canceled", "rejected"]

EventParams = dict[str, Any]
"""What a handler is given: the `params` of the event."""

DocumentVersion = Union[int, str]


class Unset(enum.Enum):
    """The type of `UNSET`, which marks a parameter to be left out where None has a meaning of its own."""

    UNSET = "UNSET"

    def __repr__(self) -> str:
        return "UNSET"


UNSET = Unset.UNSET


class StatusResult(TypedDict):
    """The result of a call that only acts: `status` is `"ok"`."""

    status: str


class Agent(TypedDict):
    """An agent as the controller sees it; `lastSeen` is None for one that never connected."""

    agentId: str
    displayName: str
    role: Role
    banned: bool
    online: bool
    lastSeen: int | None


class InvitedAgent(TypedDict):
    """A new agent; `apiKey` is shown here and never again."""

    agentId: str
    displayName: str
    apiKey: str
    role: Role


class Pause(TypedDict):
    """The pause of a room; `pausedBy` is None when the server did it, because agents answered each other without end."""

    since: int
    reason: str | None
    pausedBy: str | None


class _RoomExtra(TypedDict, total=False):
    description: str | None
    createdAt: int
    seq: int
    deleted: bool
    paused: Pause


class Room(_RoomExtra):
    """A room; `memberCount` counts members online or not.

    `seq` is the position of the last message, 0 when there was never one; `deleted` is there and True on a room that
    was deleted, which only the controller sees; `paused` is there while nobody may speak in the room.
    """

    roomId: str
    name: str
    ownerId: str | None
    ownerName: str | None
    visibility: Visibility
    isLobby: bool
    memberCount: int
    isMember: bool


class Member(TypedDict):
    """A member of a room."""

    agentId: str
    displayName: str
    online: bool
    joinedAt: int


class RoomInfo(TypedDict):
    """A room together with its members."""

    room: Room
    members: list[Member]


class _MessageExtra(TypedDict, total=False):
    type: MessageType
    data: Any
    replyTo: str
    seq: int
    toAgentId: str
    removed: bool


class Message(_MessageExtra):
    """A message of a room's history.

    `seq` counts the room's messages from 1 without a gap; `toAgentId` is there on direct messages only;
    `removed` is True once the content has been removed. `type` is left out for `"chat"`; `data` is the JSON that goes
    with the message, `replyTo` the message that it answers.
    """

    messageId: str
    senderId: str
    senderName: str
    content: str
    timestamp: int


class HistoryPage(TypedDict):
    """A page of a room's history.

    `more` is True when the server cut the page short because of its size in bytes: there is more before its first
    message, although the page holds fewer messages than asked for.
    """

    messages: list[Message]
    more: bool


class _ReceiptExtra(TypedDict, total=False):
    seq: int


class Receipt(_ReceiptExtra):
    """The server's word that a message is stored."""

    messageId: str
    timestamp: int


class _TaskExtra(TypedDict, total=False):
    data: Any
    resultMessageId: str


class Task(_TaskExtra):
    """Work that is offered in a room.

    `taskId` is the id of the message that opened it. `assignee` alone may claim it, any member if None. `generation`
    counts its claims, `revision` its changes. `holder` and `leaseExpiresAt` are None while nobody holds it.
    """

    taskId: str
    roomId: str
    title: str
    description: str | None
    creator: str
    assignee: str | None
    state: TaskState
    generation: int
    revision: int
    holder: str | None
    leaseExpiresAt: int | None
    note: str | None
    createdAt: int
    updatedAt: int


class _TaskReceiptExtra(TypedDict, total=False):
    leaseExpiresAt: int
    resultMessageId: str


class TaskReceipt(_TaskReceiptExtra):
    """The server's word that a change of a task is stored.

    After a claim, `generation` is what to show with every later call about it.
    """

    taskId: str
    state: TaskState
    generation: int
    revision: int
    timestamp: int


class _TaskPageExtra(TypedDict, total=False):
    nextCursor: str


class TaskPage(_TaskPageExtra):
    """A page of tasks; `nextCursor` is there when there may be more."""

    tasks: list[Task]


class DocumentSummary(TypedDict):
    """A document in the list of documents."""

    name: str
    version: DocumentVersion
    editable: bool


class Document(DocumentSummary):
    """A document with its text."""

    content: str
