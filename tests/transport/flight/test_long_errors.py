"""Errors with long texts, as the engine writes them for wide plans and failing casts."""

from __future__ import annotations

import time

import pytest

import micromegas_dbapi as mm
from tests.wire.grpcreplay import Reply, replaying

CAST = "Arrow error: Cast error: Cannot cast string '{}' to value of Int64 type"
PLAN = "Error during planning: No such column: {}. Valid fields are long"


@pytest.mark.parametrize("size", [1000, 8000, 8192, 12_000, 16_384, 20_000, 70_000, 1_000_000])
@pytest.mark.parametrize(
    ("text", "kind"), [(CAST, mm.DataError), (PLAN, mm.ProgrammingError)], ids=["cast", "plan"]
)
def test_a_long_error_keeps_its_class_and_text(size: int, text: str, kind: type[mm.Error]) -> None:
    text = text.format("a" * size)
    with replaying(None, [], Reply([], "INTERNAL", text)) as service:
        with mm.connect(service.url) as connection:
            with pytest.raises(kind) as caught:
                connection.execute("SELECT 1")
    assert (str(caught.value), caught.value.status) == (f"the query failed: {text}", "INTERNAL")
    assert str(caught.value.__cause__) == text


@pytest.mark.parametrize("filling", ["a", "é", "\n", " ", "x\n ", "\n\nCaused by:\n", "'\"\\"])
def test_a_long_error_is_read_in_no_time(filling: str) -> None:
    text = CAST.format(filling * (500_000 // len(filling)))
    with replaying(None, [], Reply([], "INTERNAL", text)) as service:
        with mm.connect(service.url) as connection:
            start = time.monotonic()
            with pytest.raises(mm.DataError, match="Cannot cast string") as caught:
                connection.execute("SELECT 1")
            assert time.monotonic() - start < 30  # minutes, where time grows with the square
    assert str(caught.value.__cause__) == text
