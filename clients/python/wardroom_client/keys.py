"""The calls about keys, names and the audit log, and getting a first key for an enrolment token."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, cast

from .results import given, member, or_unset
from .connection import Connection
from .errors import ConfigurationError
from .options import Options, Settings
from .types import AuditPage, EnrolledAgent, IssuedKey, ListedKey, RenamedAgent, RotatedKey, StatusResult


async def enrol(
    token: str, url: str | None = None, *, key_name: str | None = None, options: Options | None = None
) -> EnrolledAgent:
    """Get the API key that an enrolment token stands for; the token is void from then on.

    `url` and `options` are as for `WardroomClient`. The result holds the key, which is never shown again.

    Raises:
        ConfigurationError: the token is empty or the address is none.
        ConnectFailed: the server cannot be reached; nothing was sent, and the token is as good as before.
        ConnectionLost, RequestTimeout: the connection ended, or the time was up, before the answer came. The key may have
            been made and lost on the way; if the token is refused with 4110 now, it was, and another token is needed.
        RpcError: 4110 (unknown, used or expired), 4003 (locked), 4004 (banned), 4080 (too many failures).
    """
    if not token:
        raise ConfigurationError("there is no enrolment token")  # an empty key would be looked up in the environment
    settings = Settings.resolve(url, token, None, options)
    params = given(token=token, keyName=or_unset(key_name))
    result = await Connection.ask(settings, "agent.enrol", params)
    member(result, "apiKey", str)
    return cast(EnrolledAgent, result)


class KeyMethods(ABC):
    """The calls about keys, names and the audit log. `agent_id` is this agent when left out; the controller may name
    any. Others are refused with 4003, unknown agents with 4020, unknown keys with 4111."""

    @abstractmethod
    async def call(self, method: str, params: object = None, *, timeout: float | None = None) -> Any:
        """Call any method of the server and return its whole result."""

    async def create_key(
        self,
        key_name: str,
        agent_id: str | None = None,
        *,
        expires_at: int | None = None,
        read_only: bool | None = None,
        rooms: list[str] | None = None,
        direct: bool | None = None,
    ) -> IssuedKey:
        """Make a further key; for another agent the result holds an enrolment token in its place.

        `expires_at` is a time in milliseconds. With `read_only` the key may only look. `rooms` are the only rooms
        there are for it, and then it has direct messages only with `direct`. Refused with 4112 (too many keys).
        """
        params = given(
            agentId=or_unset(agent_id),
            keyName=key_name,
            expiresAt=or_unset(expires_at),
            readOnly=or_unset(read_only),
            rooms=or_unset(rooms),
            direct=or_unset(direct),
        )
        return cast(IssuedKey, _issued(await self.call("agent.createKey", params)))

    async def rotate_key(
        self,
        agent_id: str | None = None,
        *,
        key_id: str | None = None,
        overlap_ms: int | None = None,
        key_name: str | None = None,
        expires_at: int | None = None,
    ) -> RotatedKey:
        """Put another key in the place of one; for another agent the result holds an enrolment token.

        The former key goes on working for `overlap_ms` (a day, if the server has its defaults); 0 ends it at once.
        This connection goes on, but a client that reconnects needs the new key: make a new client with it.
        """
        params = given(
            agentId=or_unset(agent_id),
            keyId=or_unset(key_id),
            overlapMs=or_unset(overlap_ms),
            keyName=or_unset(key_name),
            expiresAt=or_unset(expires_at),
        )
        return cast(RotatedKey, _issued(await self.call("agent.rotateKey", params)))

    async def revoke_key(self, key_id: str, agent_id: str | None = None) -> StatusResult:
        """Void one key, or an enrolment token that was not used, and end its connections; not this one's own (4003)."""
        params = given(agentId=or_unset(agent_id), keyId=key_id)
        return cast(StatusResult, await self.call("agent.revokeKey", params))

    async def list_keys(self, agent_id: str | None = None) -> list[ListedKey]:
        """What is known of the keys of an agent; never the keys."""
        result = await self.call("agent.listKeys", given(agentId=or_unset(agent_id)))
        return member(result, "keys", list)

    async def rename_agent(self, display_name: str, agent_id: str | None = None) -> RenamedAgent:
        """Give an agent another registered name."""
        params = given(agentId=or_unset(agent_id), displayName=display_name)
        return cast(RenamedAgent, await self.call("agent.rename", params))

    async def list_audit(
        self,
        limit: int | None = None,
        before: int | None = None,
        agent_id: str | None = None,
        method: str | None = None,
    ) -> AuditPage:
        """Read the audit log, the newest entries first (controller).

        `limit` is 1 to 1000, 100 when left out; `before` is the `seq` of an entry.
        """
        params = given(
            limit=or_unset(limit), before=or_unset(before), agentId=or_unset(agent_id), method=or_unset(method)
        )
        result = await self.call("audit.list", params)
        member(result, "entries", list)
        member(result, "intact", bool)
        return cast(AuditPage, result)


def _issued(result: object) -> object:
    member(result, "key", dict)
    return result
