"""Which events of followed rooms and direct messages are next, and from where to follow when they are not.

No socket, no waiting: the client tells what came, and is told what to ask for.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from typing import Any, Optional, TypeGuard, Union

from .types import EventParams, Position, Positions, Reset, ResumeRequest

Source = Optional[str]
"""What is followed: a room by its id, or direct messages, which are None."""

SKIP_ABOVE = 1000
"""A backlog that nobody has room for is left by following anew when it is longer than this; a shorter one is let pass."""


class Reader(ABC):
    """Somebody who takes what is followed, one position after the other.

    Attributes:
        next: the position that comes next; None until the server has said where "from now on" is.
        epoch: the epoch of that position.
        is_for_handlers: whether it hands on to handlers, which then are shown nothing else of the stream.
    """

    is_for_handlers = False

    def __init__(self, since: Position | None) -> None:
        self.next: int | None = None if since is None else since["seq"] + 1
        self.epoch: str | None = None if since is None else since["epoch"]

    @property
    @abstractmethod
    def is_full(self) -> bool:
        """Whether nothing more is taken for now."""

    @property
    @abstractmethod
    def done(self) -> Position | None:
        """The last position whose event was handed out; None when there is none yet."""

    @abstractmethod
    def take(self, event: str, params: EventParams, position: Position) -> None:
        """The next event, after which the reader stands at `position`. Called only when it is not full."""

    @abstractmethod
    def answered(self) -> None:
        """The server follows, and `next` is known."""

    @abstractmethod
    def fail(self, error: Exception) -> None:
        """There will be nothing more."""


class Stream:
    """One thing that is followed, on behalf of all who read it.

    Attributes:
        stored: where a reader begins that names no position: as handed in, or as the last reader left it.
        handed_in: whether `stored` is what the client was given, and nobody has read from there yet.
        asking: whether the server was asked to follow and has not answered.
        again: whether to ask anew when the answer has come.
    """

    def __init__(self, source: Source) -> None:
        self.source = source
        self.readers: list[Reader] = []
        self.stored: Position | None = None
        self.handed_in = False
        self.asking = False
        self.again = False
        self.epoch: str | None = None
        # the last position that this connection was shown; None while it does not follow
        self.cursor: int | None = None
        # the last position there was when the server answered
        self.head = 0
        # plain handlers are shown only what is beyond; None before the stream was ever followed
        self.plain_after: int | None = None

    @property
    def position(self) -> Position | None:
        """The position up to which everybody who reads has everything."""
        known = [done for reader in self.readers if (done := reader.done) is not None]
        return min(known, key=lambda position: position["seq"]) if known else self.stored

    @property
    def needs_to_follow(self) -> bool:
        """Whether a reader that has room lacks something that this connection will not show by itself."""
        if self.asking or not self.readers:
            return False
        if self.cursor is None:
            return True
        hungry = [reader for reader in self.readers if not reader.is_full]
        if not hungry:
            return self.head - self.cursor > SKIP_ABOVE
        return any(self._lacks_something(reader, self.cursor) for reader in hungry)

    def _lacks_something(self, reader: Reader, cursor: int) -> bool:
        return reader.next is None or reader.epoch != self.epoch or reader.next <= cursor

    def since(self) -> Position | None:
        """The position to follow from; None for "from now on"."""
        hungry = [reader for reader in self.readers if not reader.is_full]
        if not hungry and self.cursor is not None and self.epoch is not None:
            return {"epoch": self.epoch, "seq": self.head}
        return _earliest(hungry or self.readers)

    def enter(self, epoch: object) -> None:
        """A new connection, to a server of this epoch: under another one, numbers begin anew and mean something else."""
        if self.epoch != epoch:
            self.epoch, self.plain_after = None, None

    def answered(self, since: Position | None, result: object) -> bool:
        """The server follows; `result` is what it said, before the first event that it shows.

        Returns False when that does not say where the stream stands.
        """
        self.asking = False
        if not isinstance(result, dict):
            return False
        epoch, head, reset = result.get("epoch"), result.get("seq"), result.get("reset")
        if not isinstance(epoch, str) or not is_number(head):
            return False
        reset = reset if isinstance(reset, dict) else None
        resumes_from = reset.get("resumesFrom") if reset else None
        is_retention = reset is not None and reset.get("reason") == "retention"
        if isinstance(resumes_from, int):
            self.cursor = resumes_from - 1
        else:
            self.cursor = head if since is None else since["seq"]
        if self.plain_after is None or self.epoch != epoch:
            self.plain_after = head
        self.epoch, self.head = epoch, head
        for reader in tuple(self.readers):
            if reader.next is None:
                reader.next, reader.epoch = head + 1, epoch
            elif reader.epoch != epoch or reader.next > head + 1:
                self._reset(reader, "epoch", head + 1, reset)
            elif is_retention and isinstance(resumes_from, int) and reader.next < resumes_from:
                self._reset(reader, "retention", resumes_from, reset)
            reader.answered()
        if self.again:
            self.follow_again()
        return True

    def follow_again(self) -> None:
        """Follow anew: what the server says now, or has said, may not hold any longer."""
        self.again = self.asking
        self.cursor = None

    def _reset(self, reader: Reader, reason: str, resumes_from: int, told: dict[str, Any] | None) -> None:
        """Tell a reader what it cannot have; one that is full is told when it has followed again."""
        assert self.epoch is not None
        if reader.is_full or reader.next is None:
            return
        notice: Reset = {
            "reason": "epoch" if reason == "epoch" else "retention",
            "epoch": self.epoch,
            "missedFrom": reader.next,
            "resumesFrom": resumes_from,
        }
        if self.source is not None:
            notice["roomId"] = self.source
        if told is not None and isinstance(told.get("oldest"), dict):
            notice["oldest"] = told["oldest"]
        reader.next, reader.epoch = resumes_from, self.epoch
        reader.take("reset", dict(notice), {"epoch": self.epoch, "seq": resumes_from - 1})

    def shown(self, event: str, params: EventParams, seq: int) -> None:
        """The server has shown what is at `seq`."""
        if self.cursor is not None:
            self.cursor = seq
        for reader in tuple(self.readers):
            if reader.next == seq and reader.epoch is not None and reader.epoch == self.epoch and not reader.is_full:
                reader.next = seq + 1
                reader.take(event, params, {"epoch": reader.epoch, "seq": seq})

    def missed(self, missed_from: int, resumes_from: int) -> None:
        """The server has nothing of the positions in between any more."""
        if self.cursor is not None:
            self.cursor = resumes_from - 1
        for reader in tuple(self.readers):
            if reader.epoch == self.epoch and reader.next is not None and missed_from <= reader.next < resumes_from:
                self._reset(reader, "retention", resumes_from, None)

    def is_for_plain_handlers(self, seq: int, is_own: bool) -> bool:
        """Whether handlers that do not follow are shown an event: once, and never what their own agent said."""
        if self.plain_after is None:
            return True
        if is_own or seq <= self.plain_after:
            return False
        self.plain_after = seq
        return True

    def remove(self, reader: Reader) -> None:
        """A reader has gone; where it stood is where the next one begins."""
        if reader in self.readers:
            self.readers.remove(reader)
            self.stored = reader.done or self.stored
            self.handed_in = False

    def forget(self) -> None:
        """What was followed is not there any longer, so that no position in it means anything."""
        self.stored, self.handed_in = None, False


class Streams:
    """Everything that is followed.

    `ask` is called when the server must be asked to follow a stream; it marks the stream as `asking`.
    """

    def __init__(self, positions: Positions | None, ask: Callable[[Stream], None]) -> None:
        self._ask = ask
        self._streams: dict[Source, Stream] = {}
        if positions is not None:
            for room_id, position in positions.get("rooms", {}).items():
                self._hand_in(room_id, position)
            if (direct := positions.get("direct")) is not None:
                self._hand_in(None, direct)

    def _hand_in(self, source: Source, position: Position) -> None:
        stream = self.stream(source)
        stream.stored, stream.handed_in = position, True

    def __iter__(self) -> Iterator[Stream]:
        return iter(tuple(self._streams.values()))

    def stream(self, source: Source) -> Stream:
        return self._streams.setdefault(source, Stream(source))

    def find(self, source: Source) -> Stream | None:
        """The stream, if anybody ever asked for it."""
        return self._streams.get(source)

    def enter(self, epoch: object) -> None:
        """A new connection, before what it goes on with is known."""
        for stream in self:
            stream.enter(epoch)

    @property
    def positions(self) -> Positions:
        positions: Positions = {"rooms": {}}
        for stream in self:
            if (position := stream.position) is None:
                continue
            if stream.source is None:
                positions["direct"] = position
            else:
                positions["rooms"][stream.source] = position
        return positions

    def check(self, stream: Stream) -> None:
        """Follow if somebody lacks something."""
        if stream.needs_to_follow:
            self._ask(stream)

    def check_all(self) -> None:
        for stream in self:
            self.check(stream)

    def resume_request(self, limit: int) -> ResumeRequest:
        """What a new connection goes on with, at most `limit` rooms; the others are followed afterwards."""
        request: ResumeRequest = {}
        rooms: dict[str, Position] = {}
        for stream in self:
            stream.cursor, stream.asking, stream.again = None, False, False
            position = _earliest(stream.readers)
            if position is None:
                continue
            if stream.source is None:
                request["resumeDirect"] = position
            elif len(rooms) < limit:
                rooms[stream.source] = position
        if rooms:
            request["resume"] = rooms
        return request

    def resumed(self, request: ResumeRequest, rooms: object, direct: object) -> dict[Source, dict[str, Any]]:
        """Take note of what a new connection goes on with; returns what was refused, as errors of the protocol."""
        refused: dict[Source, dict[str, Any]] = {}
        asked: list[tuple[Source, Position, object]] = [
            (room_id, position, rooms.get(room_id) if isinstance(rooms, dict) else None)
            for room_id, position in request.get("resume", {}).items()
        ]
        if "resumeDirect" in request:
            asked.append((None, request["resumeDirect"], direct))
        for source, position, result in asked:
            if isinstance(result, dict) and isinstance(error := result.get("error"), dict):
                refused[source] = error
            elif isinstance(result, dict):
                self.stream(source).answered(position, result)
        return refused

    def take(self, event: str, params: EventParams, own_id: str | None) -> bool:
        """Hand an event on to those who follow; returns whether it is for the handlers at large, too."""
        placed = _placed(event, params)
        if placed is None:
            return True
        source, seq, is_own = placed
        stream = self._streams.get(source)
        if stream is None:
            return True
        if event == "reset":
            resumes_from = params["resumesFrom"]
            stream.missed(seq, resumes_from)
            # whoever reads was told what it misses; it may be nothing
            for_all = not stream.readers
        else:
            stream.shown(event, params, seq)
            for_all = stream.is_for_plain_handlers(seq, is_own or _sender(event, params) == own_id)
        if any(reader.is_for_handlers for reader in stream.readers):
            for_all = False
        self.check(stream)
        return for_all


def _sender(event: str, params: EventParams) -> object:
    """Who said it."""
    message = params.get("message") if event == "message" else None
    return message.get("senderId") if isinstance(message, dict) else params.get("fromAgentId")


def _placed(event: str, params: EventParams) -> Union[tuple[Source, int, bool], None]:
    """Of what an event is, at which position, and whether it says itself that it is the agent's own; None for others."""
    if event == "message":
        room_id, message = params.get("roomId"), params.get("message")
        seq = message.get("seq") if isinstance(message, dict) else None
        return (room_id, seq, False) if isinstance(room_id, str) and is_number(seq) else None
    if event == "dm":
        seq = params.get("seq")
        return (None, seq, "toAgentId" in params) if is_number(seq) else None
    if event == "reset":
        room_id, seq = params.get("roomId"), params.get("missedFrom")
        if isinstance(room_id, (str, type(None))) and is_number(seq) and is_number(params.get("resumesFrom")):
            return room_id, seq, False
    return None


def is_number(value: object) -> TypeGuard[int]:
    """Whether a value can be a position's number; True and False, which Python takes for numbers, cannot."""
    return isinstance(value, int) and not isinstance(value, bool)


def _earliest(readers: list[Reader]) -> Position | None:
    """The position from which all these readers get what they lack; None when they begin now."""
    known = [(reader.next, reader.epoch) for reader in readers if reader.next is not None and reader.epoch is not None]
    if not known:
        return None
    seq, epoch = min(known)
    return {"epoch": epoch, "seq": seq - 1}
