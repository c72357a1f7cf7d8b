"""The catalog describes exactly the views and columns that services have."""

from __future__ import annotations

import re
from collections import defaultdict

import pytest

from micromegas_dbapi.service.catalog import (
    COLUMN_COMMENTS,
    INSTANCE_IDS,
    LEVELS,
    SCHEMAS,
    VIEW_COMMENTS,
    storage_of,
)
from tests.wire.recordings import index

_ALL_OF = re.compile(
    r"SELECT \* FROM (?:view_instance\('(\w+)', '[^']*'\)|(\w+))"
    r"(?: ORDER BY [\w, ]+)?(?: LIMIT \d+)?"
)


def recorded() -> dict[str, set[str]]:
    """Return the recorded columns of each view."""
    found: dict[str, set[str]] = defaultdict(set)
    for wire in ("http-0.2.3", "flight-0.30"):
        for entry in index(wire):
            request = entry.get("request")
            sql = entry.get("sql") or (request.get("sql") if isinstance(request, dict) else None)
            match = _ALL_OF.fullmatch(str(sql))
            if match and entry.get("schema"):
                found[match[1] or match[2]] |= {name for name, *_ in entry["schema"]}
    return found


RECORDED = recorded()


@pytest.mark.parametrize("view", sorted(SCHEMAS))
def test_every_column_has_a_comment(view: str) -> None:
    assert set(SCHEMAS[view].names) <= COLUMN_COMMENTS[view].keys()


@pytest.mark.parametrize("view", sorted(COLUMN_COMMENTS))
def test_comments_are_of_columns_that_a_service_has(view: str) -> None:
    assert COLUMN_COMMENTS[view].keys() == RECORDED[view]


def test_comments_cover_the_same_views() -> None:
    assert VIEW_COMMENTS.keys() == COLUMN_COMMENTS.keys()
    assert INSTANCE_IDS.keys() <= VIEW_COMMENTS.keys()


def test_a_comment_is_one_line() -> None:
    comments = [*VIEW_COMMENTS.values(), *(c for v in COLUMN_COMMENTS.values() for c in v.values())]
    assert [c for c in comments if not c or c != c.strip() or "\n" in c or len(c) > 100] == []


def test_times_tell_their_zone() -> None:
    for view, schema in SCHEMAS.items():
        for field in schema:
            if str(field.type).startswith("timestamp"):
                assert "UTC" in COLUMN_COMMENTS[view][field.name], (view, field.name)


def test_levels() -> None:
    assert LEVELS == {1: "Fatal", 2: "Error", 3: "Warn", 4: "Info", 5: "Debug", 6: "Trace"}


def test_storage() -> None:
    names = ["__streams__partitions", "__a__b__partitions", "____partitions", "streams", "__x__"]
    assert [storage_of(name) for name in names] == ["streams", "a__b", None, None, None]
