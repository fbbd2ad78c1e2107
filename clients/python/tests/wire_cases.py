"""Reading the wire fixtures that the server and all clients share, and making them concrete."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

WIRE = Path(__file__).resolve().parents[3] / "tests" / "wire"

SAMPLES: dict[str, Any] = {
    "<uuid>": "0190a6f2-7c3e-7b52-9d0e-6f1c2b3a4d5e",
    "<time>": 1_760_000_000_123,
    "<key>": "bl_k_" + "0a" * 24,
    "<string>": "some text",
    "<int>": 7,
    "<any>": {"any": ["thing", None, 1.5, True]},
}
"""A value for each matcher, which the scripted server sends in its place."""


@dataclass(frozen=True)
class WireCase:
    """One case: a call, and the answer and events that follow from it."""

    method: str
    name: str
    params: Any
    answer: dict[str, Any]
    """`{"result": ...}` or `{"error": {"code": ..., "message": ..., "data": ...}}`."""
    events: tuple[dict[str, Any], ...]


def concrete(value: Any) -> Any:
    """The value with matchers and saved names replaced by samples."""
    if isinstance(value, dict):
        return {name: concrete(member) for name, member in value.items()}
    if isinstance(value, list):
        return [concrete(member) for member in value]
    if isinstance(value, str):
        if value in SAMPLES:
            return SAMPLES[value]
        if value.startswith("<") and value.endswith(">") and value[1:-1].isalpha():
            raise ValueError(f"unknown matcher `{value}`")
        if value.startswith("$time"):
            # saved times keep their type, so that a result made of them is one
            return SAMPLES["<time>"]
        if value.startswith("$"):
            return f"saved-{value[1:]}"
    return value


def load_cases() -> list[WireCase]:
    """Every case of every fixture file; none at all if the folder is missing."""
    cases = []
    for path in sorted(WIRE.glob("*.json")):
        fixture = json.loads(path.read_text(encoding="utf-8"))
        for case in fixture["cases"]:
            if ("result" in case) == ("error" in case):
                raise ValueError(f"{path.name}: `{case['name']}` needs a result or an error")
            if "error" in case:
                error = concrete(case["error"])
                answer = {"error": {"message": "refused", **error}}
            else:
                answer = {"result": concrete(case["result"])}
            cases.append(
                WireCase(
                    method=fixture["method"],
                    name=case["name"],
                    params=concrete(case.get("params")),
                    answer=answer,
                    events=tuple(concrete(case.get("events", []))),
                )
            )
    return cases
