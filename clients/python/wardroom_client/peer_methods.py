"""The calls that open rooms to peers beyond the server."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, cast

from .results import given, member, or_unset
from .types import OpenedRoom, Opening, Permission, StatusResult


class PeerMethods(ABC):
    """Opening rooms to peers that come over WebRTC, for the owner of a room and the controller.

    All are refused with 4003 for everybody else, and while the operator has turned it off.
    """

    @abstractmethod
    async def call(self, method: str, params: object = None, *, timeout: float | None = None) -> Any:
        """Call any method of the server and return its whole result."""

    async def open_to_peers(
        self,
        room_id: str,
        permission: Permission,
        *,
        expires_at: int | None = None,
        max_uses: int | None = None,
    ) -> OpenedRoom:
        """Make places for peers in a room, one unless `max_uses` says more.

        The ids of the P2P rooms in the result are secrets: whoever has one can come in. `expires_at` is a time in
        milliseconds since 1970. Refused with 4010 (no such room), 4030 (the lobby), 4121 (too many places).
        """
        params = given(
            roomId=room_id,
            permission=permission,
            expiresAt=or_unset(expires_at),
            maxUses=or_unset(max_uses),
        )
        result = await self.call("p2p.open", params)
        member(result, "p2pRoomId", str)
        return cast(OpenedRoom, result)

    async def join_peer(
        self,
        room_id: str,
        p2p_room_id: str,
        *,
        signal_url: str | None = None,
        permission: Permission | None = None,
        expires_at: int | None = None,
    ) -> Opening:
        """Take a room into a P2P room that somebody else opened; `"helper"` unless `permission` says otherwise.

        Only the controller may name another signaling server. Refused with 4010, 4030, 4121 as `open_to_peers`, and
        with 4122 (the server is in that P2P room already).
        """
        params = given(
            roomId=room_id,
            p2pRoomId=p2p_room_id,
            signalUrl=or_unset(signal_url),
            permission=or_unset(permission),
            expiresAt=or_unset(expires_at),
        )
        result = await self.call("p2p.join", params)
        member(result, "openingId", str)
        return cast(Opening, result)

    async def list_openings(self, room_id: str | None = None) -> list[Opening]:
        """The openings of a room, or of all rooms that this agent governs. Refused with 4010."""
        return member(await self.call("p2p.list", given(roomId=or_unset(room_id))), "openings", list)

    async def close_opening(self, opening_id: str) -> StatusResult:
        """End an opening and send its peers away. Refused with 4120 (no such opening)."""
        return cast(StatusResult, await self.call("p2p.close", {"openingId": opening_id}))

    async def set_peer_permission(self, opening_id: str, permission: Permission) -> StatusResult:
        """Change the most that the peers of an opening may do. Refused with 4120 (no such opening)."""
        params = {"openingId": opening_id, "permission": permission}
        return cast(StatusResult, await self.call("p2p.setPermission", params))
