"""One method per method of the protocol."""

from __future__ import annotations

from typing import Any, cast

from .keys import KeyMethods
from .peer_methods import PeerMethods
from .receipt_methods import ReceiptMethods
from .results import given, member, or_unset
from .task_methods import TaskMethods
from .types import (
    UNSET,
    Agent,
    Document,
    DocumentSummary,
    DocumentVersion,
    FollowResult,
    HistoryPage,
    InvitedAgent,
    Message,
    MessageType,
    Position,
    Receipt,
    Room,
    RoomInfo,
    StatusResult,
    Unset,
    Visibility,
)


class ProtocolMethods(KeyMethods, TaskMethods, ReceiptMethods, PeerMethods):
    """The calls of the protocol. `auth` alone is missing: `connect()` makes it.

    All of them raise `RpcError` when the server refuses, `RequestTimeout` without an answer in time, `ConnectionLost`
    when the connection ends first and `NotConnected` outside of a connection. Each names below the codes that are its
    own; -32602 (a parameter is wrong), 4080 (too many requests), 4090 and 4091 (storage) may come from any.
    """

    # rooms

    async def list_rooms(self) -> list[Room]:
        """The rooms this agent can see, the lobby among them."""
        return member(await self.call("room.list"), "rooms", list)

    async def create_room(
        self, name: str, visibility: Visibility | None = None, description: str | None = None
    ) -> Room:
        """Open a room and join it as its owner; public unless `visibility` is `"private"`.

        `name` has 1 to 100 characters, `description` up to 1000. Refused with 4040 when there are too many rooms.
        """
        params = given(name=name, visibility=or_unset(visibility), description=or_unset(description))
        return cast(Room, member(await self.call("room.create", params), "room", dict))

    async def join_room(self, room_id: str) -> StatusResult:
        """Become a member. Refused with 4010 (no such room), 4012 (a member already), 4013 (private, not invited)."""
        return await self._act("room.join", roomId=room_id)

    async def leave_room(self, room_id: str) -> StatusResult:
        """End the membership. Refused with 4010, 4011 (not a member), 4030 (the lobby)."""
        return await self._act("room.leave", roomId=room_id)

    async def room_info(self, room_id: str) -> RoomInfo:
        """The room and its members, as `{"room": ..., "members": [...]}`. Refused with 4010, 4011."""
        result = await self.call("room.info", {"roomId": room_id})
        member(result, "room", dict)
        member(result, "members", list)
        return cast(RoomInfo, result)

    async def room_history(
        self,
        room_id: str,
        limit: int | None = None,
        before: int | None = None,
        *,
        before_seq: int | None = None,
        after_seq: int | None = None,
        reply_to: str | None = None,
    ) -> list[Message]:
        """The newest messages of a room, oldest first.

        `limit` is at least 1, 50 when left out, and cut to the server's maximum. `before` is a time in milliseconds:
        only earlier messages are returned, so the `timestamp` of the first one fetches the page before it.
        `before_seq` pages by position instead, and `after_seq` forwards: the oldest messages beyond it. At most one of
        the three is given. With `reply_to`, only direct replies to that message. A page of fewer messages than asked for
        is not always the last: `room_history_page` tells. Refused with 4010, 4011, 4060 (no such message).
        """
        page = await self.room_history_page(
            room_id, limit, before, before_seq=before_seq, after_seq=after_seq, reply_to=reply_to
        )
        return page["messages"]

    async def room_history_page(
        self,
        room_id: str,
        limit: int | None = None,
        before: int | None = None,
        *,
        before_seq: int | None = None,
        after_seq: int | None = None,
        reply_to: str | None = None,
    ) -> HistoryPage:
        """As `room_history`, as `{"messages": [...], "more": ...}`.

        `more` is True when the server cut the page short because of its size in bytes, False otherwise.
        Refused with 4010, 4011, 4060.
        """
        params = given(
            roomId=room_id,
            limit=or_unset(limit),
            before=or_unset(before),
            beforeSeq=or_unset(before_seq),
            afterSeq=or_unset(after_seq),
            replyTo=or_unset(reply_to),
        )
        result = await self.call("room.history", params)
        messages: list[Message] = member(result, "messages", list)
        return {"messages": messages, "more": result.get("more") is True}

    async def follow_room(self, room_id: str, since: Position | None = None) -> FollowResult:
        """Have handlers of `message` shown everything of a room after `since`, one's own messages included: each once,
        in order, across lost connections. What cannot be had is told by the event `reset`.

        Without `since` it begins at the position that the client was given for the room, else now. Refused with 4010,
        4011. When the room is lost later, handlers of `follow_ended` are told `{"roomId", "code", "error"}`.
        """
        params = given(roomId=room_id, since=or_unset(since))
        return followed(await self.call("room.follow", params))

    async def follow_direct(self, since: Position | None = None) -> FollowResult:
        """The same for direct messages, and handlers of `dm`."""
        return followed(await self.call("message.followDirect", given(since=or_unset(since))))

    async def invite_to_room(self, room_id: str, agent_id: str) -> StatusResult:
        """Let an agent into a room (owner, controller). Refused with 4003, 4010, 4012, 4020, 4030."""
        return await self._act("room.invite", roomId=room_id, agentId=agent_id)

    async def kick_from_room(self, room_id: str, agent_id: str, reason: str | None = None) -> StatusResult:
        """Remove a member and its invitation (owner, controller). Refused with 4003, 4010, 4011, 4020, 4030."""
        return await self._act("room.kick", roomId=room_id, agentId=agent_id, reason=or_unset(reason))

    async def set_room_visibility(self, room_id: str, visibility: Visibility) -> StatusResult:
        """Make a room `"public"` or `"private"` (owner, controller). Refused with 4003, 4010, 4030."""
        return await self._act("room.visibility", roomId=room_id, visibility=visibility)

    async def update_room(
        self, room_id: str, name: str | Unset = UNSET, description: str | Unset | None = UNSET
    ) -> StatusResult:
        """Change name, description or both (owner, controller); None clears the description.

        Refused with 4003, 4010, 4030.
        """
        return await self._act("room.update", roomId=room_id, name=name, description=description)

    async def delete_room(self, room_id: str) -> StatusResult:
        """Close a room for all (owner, controller). Refused with 4003, 4010, 4030."""
        return await self._act("room.delete", roomId=room_id)

    async def take_ownership(self, room_id: str) -> StatusResult:
        """Become the owner of a room (controller). Refused with 4003, 4010, 4030."""
        return await self._act("room.takeOwnership", roomId=room_id)

    async def pause_room(self, room_id: str, reason: str | None = None) -> StatusResult:
        """Stop all talk in a room until it is resumed (owner, controller). Refused with 4003, 4010."""
        return await self._act("room.pause", roomId=room_id, reason=or_unset(reason))

    async def resume_room(self, room_id: str) -> StatusResult:
        """Let a room talk again (owner, controller). Refused with 4003, 4010."""
        return await self._act("room.resume", roomId=room_id)

    # messages

    async def send_message(
        self,
        room_id: str,
        content: str,
        *,
        type: MessageType | None = None,
        data: object = None,
        reply_to: str | None = None,
        idempotency_key: str | None = None,
        want_read: bool | None = None,
    ) -> Receipt:
        """Say something in a room; once this returns, the message is stored.

        Content is kept as it is. `data` is any JSON that goes with it, `reply_to` a message of the room. Sending the
        same again under the same `idempotency_key` within 24 hours returns the first receipt and shows nothing twice;
        the client does so by itself, under a key of its own if none is given, for up to `Options.retry_seconds`.
        With `want_read` the event `message.read` tells who says that it has read the message.
        Refused with 4010, 4011, 4050 (longer than the server allows), 4060 (`reply_to` is no message of the room), 4081
        (the key was used for another message).
        """
        params = given(
            roomId=room_id,
            content=content,
            type=or_unset(type),
            data=or_unset(data),
            replyTo=or_unset(reply_to),
            idempotencyKey=or_unset(idempotency_key),
            wantRead=or_unset(want_read),
        )
        return _receipt(await self._send("message.send", params))

    async def send_dm(
        self,
        to_agent_id: str,
        content: str,
        *,
        type: MessageType | None = None,
        data: object = None,
        reply_to: str | None = None,
        idempotency_key: str | None = None,
        want_read: bool | None = None,
    ) -> Receipt:
        """Send a message that only its recipient can read, now or later.

        The rest as for `send_message`; `reply_to` is a message between the two. Refused with 4020, 4050, 4060, 4081.
        """
        params = given(
            toAgentId=to_agent_id,
            content=content,
            type=or_unset(type),
            data=or_unset(data),
            replyTo=or_unset(reply_to),
            idempotencyKey=or_unset(idempotency_key),
            wantRead=or_unset(want_read),
        )
        return _receipt(await self._send("message.dm", params))

    async def remove_message(self, message_id: str, reason: str | None = None) -> StatusResult:
        """Replace the content of a message by `[removed]` for everybody (sender, room owner, controller).

        Refused with 4003, 4060 (no such message), 4061 (removed already).
        """
        return await self._act("message.remove", messageId=message_id, reason=or_unset(reason))

    # agents

    async def invite_agent(
        self,
        display_name: str,
        *,
        enrol: bool | None = None,
        key_name: str | None = None,
        expires_at: int | None = None,
        read_only: bool | None = None,
        rooms: list[str] | None = None,
        direct: bool | None = None,
    ) -> InvitedAgent:
        """Register an agent (controller); the result holds its key, which is never shown again.

        With `enrol` it holds an enrolment token in its place, which the agent gives to `enrol()`. The rest says what the
        key is to be, as for `create_key`. Refused with 4003.
        """
        params = given(
            displayName=display_name,
            enrol=or_unset(enrol),
            keyName=or_unset(key_name),
            expiresAt=or_unset(expires_at),
            readOnly=or_unset(read_only),
            rooms=or_unset(rooms),
            direct=or_unset(direct),
        )
        result = await self.call("agent.invite", params)
        member(result, "agentId", str)
        member(result, "enrolmentToken" if enrol is True else "apiKey", str)
        return cast(InvitedAgent, result)

    async def list_agents(self) -> list[Agent]:
        """All agents, those never seen included (controller). Refused with 4003."""
        return member(await self.call("agent.list"), "agents", list)

    async def kick_agent(self, agent_id: str, reason: str | None = None) -> StatusResult:
        """Disconnect an agent, which may come back (controller). Refused with 4003, 4020."""
        return await self._act("agent.kick", agentId=agent_id, reason=or_unset(reason))

    async def ban_agent(self, agent_id: str, reason: str | None = None) -> StatusResult:
        """Disconnect an agent and keep it out (controller). Refused with 4003, 4020."""
        return await self._act("agent.ban", agentId=agent_id, reason=or_unset(reason))

    async def unban_agent(self, agent_id: str) -> StatusResult:
        """Let a banned agent in again (controller). Refused with 4003, 4020."""
        return await self._act("agent.unban", agentId=agent_id)

    async def revoke_agent(self, agent_id: str) -> StatusResult:
        """Void an agent's key for good and end its memberships (controller). Refused with 4003, 4020."""
        return await self._act("agent.revoke", agentId=agent_id)

    # message of the day, documents, description of the server

    async def set_motd(self, content: str | None) -> StatusResult:
        """Set the message of the day (controller); None or the empty string clears it. Refused with 4003."""
        return await self._act("lobby.setMotd", content=content)

    async def get_motd(self) -> str | None:
        """The message of the day, None if there is none."""
        result = await self.call("lobby.getMotd")
        return None if member(result, "motd", (str, type(None))) is None else str(result["motd"])

    async def list_docs(self) -> list[DocumentSummary]:
        """The documents of the server, without their texts."""
        return member(await self.call("docs.list"), "docs", list)

    async def get_doc(self, name: str) -> Document:
        """A document with its text. Refused with 4070 (no such document), 4003 (for the controller alone)."""
        result = await self.call("docs.get", {"name": name})
        member(result, "content", str)
        return cast(Document, result)

    async def update_doc(self, name: str, content: str, version: DocumentVersion | None = None) -> StatusResult:
        """Replace the text of a document (controller); without `version` the server counts it up.

        Refused with 4003, 4070, 4071 (read-only).
        """
        return await self._act("docs.update", name=name, content=content, version=or_unset(version))

    async def discover(self) -> dict[str, Any]:
        """The server's own description of its methods, an OpenRPC document."""
        result = await self.call("rpc.discover")
        member(result, "openrpc", str)
        return cast("dict[str, Any]", result)

    async def _send(self, method: str, params: dict[str, object]) -> Any:
        """Call a method that takes an idempotency key."""
        return await self.call(method, params)

    async def _act(self, method: str, **params: object) -> StatusResult:
        # BroodLink publishes no results for these, so nothing of them is relied on
        return cast(StatusResult, await self.call(method, given(**params)))


def _receipt(result: object) -> Receipt:
    member(result, "messageId", str)
    member(result, "timestamp", int)
    return cast(Receipt, result)


def followed(result: object) -> FollowResult:
    """The result of following, of which the members that are always there were checked."""
    member(result, "epoch", str)
    member(result, "seq", int)
    return cast(FollowResult, result)
