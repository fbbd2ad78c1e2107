"""The calls about tasks."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, Literal, cast

from .results import given, member, or_unset
from .types import Task, TaskPage, TaskReceipt, TaskState


class TaskMethods(ABC):
    """Offering work in a room, claiming it under a lease, and finishing it.

    All that change something may be repeated under the same `idempotency_key`, within 24 hours, and then return the
    first receipt; another request under it is refused with 4081. The client repeats them by itself, as it does messages,
    under a key of its own if none is given. Besides the codes named below, all are refused with
    4100 (no such task) and 4011 (not a member of its room).
    """

    @abstractmethod
    async def call(self, method: str, params: object = None, *, timeout: float | None = None) -> Any:
        """Call any method of the server and return its whole result."""

    @abstractmethod
    async def _send(self, method: str, params: dict[str, object]) -> Any:
        """Call a method that takes an idempotency key, again if need be."""

    async def create_task(
        self,
        room_id: str,
        title: str,
        description: str | None = None,
        *,
        data: object = None,
        assignee: str | None = None,
        idempotency_key: str | None = None,
    ) -> TaskReceipt:
        """Offer a task in a room, to `assignee` alone or to every member.

        Refused with 4010 (no such room), 4020 (no such assignee), 4050 (too long), 4104 (too many open tasks).
        """
        return await self._change(
            "task.create",
            roomId=room_id,
            title=title,
            description=or_unset(description),
            data=or_unset(data),
            assignee=or_unset(assignee),
            idempotencyKey=or_unset(idempotency_key),
        )

    async def claim_task(
        self, task_id: str, lease_ms: int | None = None, *, idempotency_key: str | None = None
    ) -> TaskReceipt:
        """Take a task that nobody holds, for `lease_ms` milliseconds or as long as the server says.

        Refused with 4101 while somebody holds it, whom and until when `data` of the error says; 4003 (meant for another
        agent), 4103 (it is over).
        """
        return await self._change(
            "task.claim", taskId=task_id, leaseMs=or_unset(lease_ms), idempotencyKey=or_unset(idempotency_key)
        )

    async def renew_task(
        self, task_id: str, generation: int, lease_ms: int | None = None, *, idempotency_key: str | None = None
    ) -> TaskReceipt:
        """Keep a task for longer. Refused with 4102 (the lease has ended), 4103, 4003 (another agent's)."""
        return await self._change(
            "task.renew",
            taskId=task_id,
            generation=generation,
            leaseMs=or_unset(lease_ms),
            idempotencyKey=or_unset(idempotency_key),
        )

    async def update_task(
        self,
        task_id: str,
        generation: int | None = None,
        *,
        state: Literal["working", "submitted", "rejected"] | None = None,
        note: str | None = None,
        idempotency_key: str | None = None,
    ) -> TaskReceipt:
        """Say how the work goes: it has begun, it is given back (`"submitted"`), it is declined, or a note.

        Only an assignee who declines a task without claiming it leaves `generation` out. Refused with 4102, 4103, 4003.
        """
        return await self._change(
            "task.update",
            taskId=task_id,
            generation=or_unset(generation),
            state=or_unset(state),
            note=or_unset(note),
            idempotencyKey=or_unset(idempotency_key),
        )

    async def complete_task(
        self,
        task_id: str,
        generation: int,
        content: str | None = None,
        *,
        data: object = None,
        idempotency_key: str | None = None,
    ) -> TaskReceipt:
        """End a task with its result, a message that replies to it. Refused with 4102, 4103, 4003, 4050."""
        return await self._change(
            "task.complete",
            taskId=task_id,
            generation=generation,
            content=or_unset(content),
            data=or_unset(data),
            idempotencyKey=or_unset(idempotency_key),
        )

    async def fail_task(
        self,
        task_id: str,
        generation: int,
        content: str | None = None,
        *,
        data: object = None,
        idempotency_key: str | None = None,
    ) -> TaskReceipt:
        """End a task that cannot be done, with a message that says why. Refused with 4102, 4103, 4003, 4050."""
        return await self._change(
            "task.fail",
            taskId=task_id,
            generation=generation,
            content=or_unset(content),
            data=or_unset(data),
            idempotencyKey=or_unset(idempotency_key),
        )

    async def cancel_task(
        self, task_id: str, reason: str | None = None, *, idempotency_key: str | None = None
    ) -> TaskReceipt:
        """Call a task off (who offered it, room owner, controller). Refused with 4003, 4103."""
        return await self._change(
            "task.cancel", taskId=task_id, reason=or_unset(reason), idempotencyKey=or_unset(idempotency_key)
        )

    async def get_task(self, task_id: str) -> Task:
        """A task. What was said of it: `room_history` with its id as `reply_to`."""
        return cast(Task, member(await self.call("task.get", {"taskId": task_id}), "task", dict))

    async def list_tasks(
        self,
        room_id: str | None = None,
        *,
        state: TaskState | None = None,
        assignee: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> TaskPage:
        """Tasks of one room, or of all rooms this agent is in: room by room, in each the oldest first.

        `nextCursor` of a page is the `cursor` of the next. Refused with 4010 (no such room), 4020 (no such assignee).
        """
        params = given(
            roomId=or_unset(room_id),
            state=or_unset(state),
            assignee=or_unset(assignee),
            limit=or_unset(limit),
            cursor=or_unset(cursor),
        )
        result = await self.call("task.list", params)
        member(result, "tasks", list)
        return cast(TaskPage, result)

    async def _change(self, method: str, **params: object) -> TaskReceipt:
        result = await self._send(method, given(**params))
        member(result, "taskId", str)
        member(result, "generation", int)
        return cast(TaskReceipt, result)
