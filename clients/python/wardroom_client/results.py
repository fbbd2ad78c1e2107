"""Reading results and writing parameters, for all methods alike."""

from __future__ import annotations

from typing import TypeVar

from .errors import ProtocolError
from .types import UNSET

Result = TypeVar("Result")


def or_unset(value: object) -> object:
    """For parameters to which None means that they are not given."""
    return UNSET if value is None else value


def given(**params: object) -> dict[str, object]:
    """The parameters that have a value to be sent."""
    return {name: value for name, value in params.items() if value is not UNSET}


def member(result: object, name: str, kind: type[Result] | tuple[type[Result], ...]) -> Result:
    """A member of a result, which the caller is about to rely on."""
    if isinstance(result, dict) and name in result and isinstance(value := result[name], kind):
        return value
    raise ProtocolError(f"the server's result lacks `{name}`")
