"""The calls that find messages and tell what became of them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, cast

from .results import given, member, or_unset
from .types import MemberStatus, ReadMark, SearchPage


class ReceiptMethods(ABC):
    """Finding what was said, and knowing who got it and who read it."""

    @abstractmethod
    async def call(self, method: str, params: object = None, *, timeout: float | None = None) -> Any:
        """Call any method of the server and return its whole result."""

    async def search_messages(
        self,
        query: str,
        *,
        room_id: str | None = None,
        sender_id: str | None = None,
        from_: int | None = None,
        to: int | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> SearchPage:
        """Messages that have all words and "phrases" of `query`, the newest first, wherever this agent may read.

        `from_` and `to` are times in milliseconds since 1970, the latter excluded. `nextCursor` of a page is the
        `cursor` of the next. Refused with -32602 (no word in `query`, or a phrase without its end), 4010 (no such
        room), 4011 (not a member of it), 4020 (no such sender).
        """
        params = given(
            query=query,
            roomId=or_unset(room_id),
            senderId=or_unset(sender_id),
            to=or_unset(to),
            limit=or_unset(limit),
            cursor=or_unset(cursor),
            **{"from": or_unset(from_)},
        )
        result = await self.call("message.search", params)
        member(result, "found", list)
        return cast(SearchPage, result)

    async def message_status(self, message_id: str) -> list[MemberStatus]:
        """How far a message got with each of those it is for (its sender, the room's owner, the controller).

        `"delivered"` says that a socket of the agent took it, `"read"` that the agent said so. Refused with 4003, 4060.
        """
        return member(await self.call("message.status", {"messageId": message_id}), "members", list)

    async def mark_read(self, room_id: str, seq: int) -> ReadMark:
        """Say that a room was read up to position `seq`; that never goes back. Refused with 4010, 4011.

        Senders that asked for it with `want_read` get the event `message.read`.
        """
        return _mark(await self.call("room.markRead", {"roomId": room_id, "seq": seq}))

    async def mark_read_direct(self, seq: int) -> ReadMark:
        """Say that direct messages were read up to position `seq`, the rest as for `mark_read`."""
        return _mark(await self.call("message.markReadDirect", {"seq": seq}))


def _mark(result: object) -> ReadMark:
    member(result, "seq", int)
    return cast(ReadMark, result)
