"""The client's table of error codes against the protocol's."""

from __future__ import annotations

import re
from pathlib import Path

from wardroom_client import ErrorCode

PROTOCOL = Path(__file__).resolve().parents[3] / "docs" / "protocol.md"


def documented() -> dict[str, int]:
    """The codes of the protocol by their names, spelled as `ErrorCode` spells them."""
    _, _, after = PROTOCOL.read_text(encoding="utf-8").partition("\n## Error codes\n")
    section, _, _ = after.partition("\n## ")
    rows = re.findall(r"^\| (-?\d+) \| ([^|]+) \|", section, re.MULTILINE)
    return {re.sub(r"\W", "_", name).upper(): int(code) for code, name in rows}


def test_the_codes_are_those_of_the_protocol() -> None:
    codes = documented()
    assert codes, f"no table of error codes in {PROTOCOL}"
    assert {code.name: code.value for code in ErrorCode} == codes
