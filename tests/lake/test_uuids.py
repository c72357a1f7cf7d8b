"""UUIDs are parsed, and rejected, as Rust's uuid crate 1.x does."""

from __future__ import annotations

import pytest

from micromegas_dbapi.lake.uuids import parse_uuid

CANONICAL = "67e55044-10b1-426f-9247-bb680e5fe0c8"
SIMPLE = CANONICAL.replace("-", "")
CHARACTER = "invalid character: expected an optional prefix of `urn:uuid:` followed by "
CHARACTER += "[0-9a-fA-F-], found `{}` at {}"
LENGTH = "invalid length: expected length 32 for simple format, found {}"
COUNT = "invalid group count: expected 5, found {}"
GROUP = "invalid group length in group {}: expected {}, found {}"


@pytest.mark.parametrize(
    "text", [CANONICAL, CANONICAL.upper(), SIMPLE, f"{{{CANONICAL}}}", f"urn:uuid:{CANONICAL}"]
)
def test_accepted(text: str) -> None:
    assert parse_uuid(text) == CANONICAL


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", LENGTH.format(0)),
        (SIMPLE[:-1], LENGTH.format(31)),
        ("not-a-uuid", CHARACTER.format("n", 1)),
        ("67é5", CHARACTER.format("é", 3)),
        ("éé", CHARACTER.format("é", 1)),
        (f"{{{CANONICAL}", CHARACTER.format("{", 1)),
        (f"{CANONICAL}}}", CHARACTER.format("}", 37)),
        (f"{{x{CANONICAL[1:]}}}", CHARACTER.format("x", 2)),
        (f"urn:uuid:x{CANONICAL[1:]}", CHARACTER.format("x", 10)),
        (f"{CANONICAL}\n", CHARACTER.format("\n", 37)),
        (f"{{{SIMPLE}}}", COUNT.format(1)),
        (f"urn:uuid:{SIMPLE}", COUNT.format(1)),
        ("{}", COUNT.format(1)),
        (CANONICAL[:-13], COUNT.format(4)),
        (f"{CANONICAL}-", COUNT.format(6)),
        (CANONICAL[1:], GROUP.format(0, 8, 7)),
        (CANONICAL.replace("-426f", "-26f"), GROUP.format(2, 4, 3)),
        (f"{CANONICAL}0", GROUP.format(4, 12, 13)),
    ],
)
def test_rejected(text: str, message: str) -> None:
    with pytest.raises(ValueError) as caught:
        parse_uuid(text)
    assert str(caught.value) == message
