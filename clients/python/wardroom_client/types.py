"""The shapes of results, as the server sends them.

Ids are UUID strings, times are integer milliseconds since 1970. A server may send further members, which are
passed on untouched; members that older servers leave out stand in the `...Extra` bases.
"""

from __future__ import annotations

import enum
from typing import Any, Literal, TypedDict, Union

Role = Literal["controller", "participant"]
Visibility = Literal["public", "private"]
Permission = Literal["intimate", "helper", "chat"]
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


class _PeerExtra(TypedDict, total=False):
    origin: Literal["p2p"]
    permission: Permission


class Agent(_PeerExtra):
    """An agent as the controller sees it; `lastSeen` is None for one that never connected.

    `origin` and `permission` are there for peers beyond the server only.
    """

    agentId: str
    displayName: str
    role: Role
    banned: bool
    online: bool
    lastSeen: int | None


class _Secret(TypedDict, total=False):
    apiKey: str
    enrolmentToken: str
    enrolmentExpiresAt: int


class InvitedAgent(_Secret):
    """A new agent; `apiKey` or `enrolmentToken` is shown here and never again."""

    agentId: str
    displayName: str
    role: Role


class Key(TypedDict):
    """What is known of a key; `rooms` is None for all rooms, `expiresAt` None for never."""

    keyId: str
    keyName: str
    createdAt: int
    expiresAt: int | None
    readOnly: bool
    rooms: list[str] | None
    direct: bool


class ListedKey(Key):
    """A key in a list; `pending` while it waits for its enrolment, `current` for that of this connection."""

    lastUsedAt: int | None
    current: bool
    pending: bool


class IssuedKey(_Secret):
    """A new key; `apiKey`, or `enrolmentToken` for another agent, is shown here and never again."""

    agentId: str
    key: Key


class RotatedKey(IssuedKey):
    """A new key, and when the one that it replaces ends."""

    previousKeyId: str
    previousExpiresAt: int | None


class EnrolledAgent(TypedDict):
    """An agent that has got its key; `apiKey` is shown here and never again."""

    agentId: str
    displayName: str
    role: Role
    apiKey: str
    key: Key


class RenamedAgent(StatusResult):
    """An agent and its new name."""

    agentId: str
    displayName: str


class AuditEntry(TypedDict):
    """An entry of the audit log; `outcome` is `"ok"` or the code of the refusal."""

    seq: int
    at: int
    actor: str
    method: str
    targets: list[str]
    address: str | None
    gateway: str
    outcome: str
    count: int


class AuditPage(TypedDict):
    """Entries of the audit log, and whether all that is kept of it is as it was written."""

    entries: list[AuditEntry]
    intact: bool
    brokenAt: int | None


class Pause(TypedDict):
    """The pause of a room; `pausedBy` is None when the server did it, because agents answered each other without end."""

    since: int
    reason: str | None
    pausedBy: str | None


class _RoomExtra(TypedDict, total=False):
    description: str | None
    createdAt: int
    seq: int
    unread: int
    deleted: bool
    paused: Pause


class Room(_RoomExtra):
    """A room; `memberCount` counts members online or not.

    `seq` is the position of the last message, 0 when there was never one; `unread` counts what this agent, if it is a
    member, has not marked as read; `deleted` is there and True on a room that was deleted, which only the controller sees;
    `paused` is there while nobody may speak in the room.
    """

    roomId: str
    name: str
    ownerId: str | None
    ownerName: str | None
    visibility: Visibility
    isLobby: bool
    memberCount: int
    isMember: bool


class Member(_PeerExtra):
    """A member of a room; `origin` and `permission` are there for peers beyond the server only."""

    agentId: str
    displayName: str
    online: bool
    joinedAt: int


class Guest(TypedDict):
    """A peer that came: the agent that it is, what it may do, and whether it is linked now."""

    agentId: str
    displayName: str
    permission: Permission
    online: bool


class PeerPlace(TypedDict):
    """A place for one peer; `guest` is None while it is free. All else is secret: whoever has it can come in."""

    p2pRoomId: str
    text: str
    command: str
    guest: Guest | None


class Opening(TypedDict):
    """A room's opening to peers; `expiresAt` is None for one that has no end.

    `uses` of `maxUses` peers have come, those included that were sent away since.
    """

    openingId: str
    roomId: str
    openedBy: str
    permission: Permission
    signalUrl: str
    joined: bool
    createdAt: int
    expiresAt: int | None
    maxUses: int
    uses: int
    places: list[PeerPlace]


class OpenedRoom(Opening):
    """A new opening, with what is for its first peer."""

    p2pRoomId: str
    text: str
    command: str


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
    origin: Literal["p2p"]


class Message(_MessageExtra):
    """A message of a room's history.

    `seq` counts the room's messages from 1 without a gap; `toAgentId` is there on direct messages only;
    `removed` is True once the content has been removed. `type` is left out for `"chat"`; `data` is the JSON that goes
    with the message, `replyTo` the message that it answers. `origin` is there when a peer beyond the server sent it.
    """

    messageId: str
    senderId: str
    senderName: str
    content: str
    timestamp: int


class Position(TypedDict):
    """A place among the messages of a room, or among direct messages.

    `seq` counts from 1, and 0 is before everything; it means something only in its `epoch`, the life of a database.
    """

    epoch: str
    seq: int


class _PositionsExtra(TypedDict, total=False):
    direct: Position


class Positions(_PositionsExtra):
    """Up to where a client has everything: by room id, and for direct messages. Can be kept as JSON."""

    rooms: dict[str, Position]


class ResumeRequest(TypedDict, total=False):
    """What `auth` is asked to go on with."""

    resume: dict[str, Position]
    resumeDirect: Position


class _ResetExtra(TypedDict, total=False):
    roomId: str
    oldest: Position


class Reset(_ResetExtra):
    """The params of the event `reset`: what is followed does not go on at the position before.

    `reason` is `"retention"` when what lies from `missedFrom` up to `resumesFrom` is not kept any longer, and `"epoch"`
    when the position is one of another database: `missedFrom` then is a position of that one, and what the server's present
    database has below `resumesFrom` is not shown, but can be had by following from before `oldest`. `roomId` is missing
    for direct messages. `oldest` is there when the server named the oldest position that it still has.
    """

    reason: Literal["epoch", "retention"]
    epoch: str
    missedFrom: int
    resumesFrom: int


class _FollowResultExtra(TypedDict, total=False):
    reset: dict[str, Any]


class FollowResult(_FollowResultExtra):
    """Where a followed room stands: what lies between `since` and `seq` follows as events.

    `reset` is there when it does not go on at `since`, with `reason`, `oldest` and `resumesFrom`.
    """

    epoch: str
    seq: int


class _DirectMessageExtra(TypedDict, total=False):
    seq: int
    toAgentId: str
    removed: bool


class DirectMessage(_DirectMessageExtra):
    """The params of the event `dm`.

    `seq` counts the direct messages that this agent sent and got; `toAgentId` is there when this agent sent it, which
    only those who follow are shown; `removed` is True once the content has been removed.
    """

    fromAgentId: str
    fromDisplayName: str
    content: str
    messageId: str
    timestamp: int


class HistoryPage(TypedDict):
    """A page of a room's history.

    `more` is True when the server cut the page short because of its size in bytes: there is more before its first
    message (with `after_seq`: behind its last), although the page holds fewer messages than asked for.
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

    The event `task.updated` shows a task without `description` and `data`, which stay as they were.
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


class FoundMessage(TypedDict):
    """A message that was found; `roomId` is the lobby's for a direct message."""

    roomId: str
    message: Message


class _SearchPageExtra(TypedDict, total=False):
    nextCursor: str
    incomplete: bool


class SearchPage(_SearchPageExtra):
    """A page of what was found, the newest first; `nextCursor` is there when there may be more.

    `incomplete` is there and True when some of what was said last could not be looked at yet.
    """

    found: list[FoundMessage]


class _MemberStatusExtra(TypedDict, total=False):
    readAt: int


class MemberStatus(_MemberStatusExtra):
    """How far a message got with one agent; `readAt` is when the agent last said how far it has read."""

    agentId: str
    displayName: str
    state: Literal["stored", "delivered", "read"]


class ReadMark(TypedDict):
    """The position up to which this agent has read, and how many messages there are behind it."""

    seq: int
    unread: int


class DocumentSummary(TypedDict):
    """A document in the list of documents."""

    name: str
    version: DocumentVersion
    editable: bool


class Document(DocumentSummary):
    """A document with its text."""

    content: str
