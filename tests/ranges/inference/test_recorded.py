"""Every recorded statement, on the data it was recorded on: the same with a range and without.

None of them bounds a time itself, so each is run a second time with conditions on the times of the
views that it reads, and with the very range that follows, without padding.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

import micromegas_dbapi as mm
from micromegas_dbapi.ranges.inference import Inferred, infer
from micromegas_dbapi.sql.statement import Statement
from micromegas_dbapi.timerange import MIN_NS
from tests.lake.test_equals_service import NEW, OLD, recorded, rows, statements

# Plans generate new table names each time, and the suggestions in errors vary.
NOISE = re.compile(r"\bc[0-9a-f]{32}\b|Did you mean '\w+'")
# What the engine tells of itself comes in any order, of which these show a part, or sort by a part;
# a line of progress has the time at which it was written.
UNORDERED = ("schema_views", "schema_routines", "materialize")

# The middle of the ten seconds of data.
BETWEEN = {
    OLD: "BETWEEN '2026-11-23T20:39:33Z' AND '2026-11-23T20:39:37.5Z'",
    NEW: "BETWEEN '2026-11-23T20:51:23Z' AND '2026-11-23T20:51:27.5Z'",
}
CONDITIONS = {
    OLD: {
        **dict.fromkeys(["log_entries", "measures"], ("time",)),
        **dict.fromkeys(["processes", "streams", "blocks"], ("insert_time",)),
        "thread_spans": ("begin",),
    },
    NEW: {
        **dict.fromkeys(["log_entries", "measures"], ("time",)),
        "blocks": ("begin_time", "insert_time"),
        "log_stats": ("time_bin",),
        "thread_spans": ("begin",),
    },
}
RELATION = re.compile(
    r"\b(FROM|JOIN)\s+(view_instance\('(?:thread_spans|log_entries|measures)', '[^']*'\)"
    r"|log_entries|measures|processes|streams|blocks|log_stats)(?!\w)"
    r"(?:\s+(?:AS\s+)?(?!WHERE|JOIN|LEFT|ON|GROUP|ORDER|LIMIT|UNION|CROSS|INNER)(\w+))?",
    re.IGNORECASE,
)


def bounded(sql: str, generation: str) -> str:
    """Put a condition on the time of every view that a statement reads."""

    def replace(match: re.Match[str]) -> str:
        word, relation, alias = match.groups()
        view = relation.split("'")[1] if "(" in relation else relation
        columns = CONDITIONS[generation].get(view)
        if columns is None:
            return match[0]
        where = " AND ".join(f"{column} {BETWEEN[generation]}" for column in columns)
        name = alias or ("v" if "(" in relation else relation)
        return f"{word} (SELECT * FROM {relation} WHERE {where}) AS {name}"

    return RELATION.sub(replace, sql)


@pytest.fixture(scope="module")
def lakes(wire: Callable[[str], Path]) -> Iterator[dict[tuple[str, str], mm.Connection]]:
    opened = {
        (name, mode): mm.connect(f"lake:{wire(name) / 'data'}", infer_range=mode)
        for name in (OLD, NEW)
        for mode in ("on", "off")
    }
    yield opened
    for connection in opened.values():
        connection.close()


def answer(connection: mm.Connection, sql: str, **bounds: np.datetime64) -> tuple[object, ...]:
    """Return the columns and rows of a statement, or its error."""
    try:
        table = connection.execute(sql, **bounds).fetch_arrow_table()
    except mm.Error as error:
        return type(error), NOISE.sub("", str(error))
    found = [NOISE.sub("", row) for row in rows(table)]
    return table.schema, found if re.search("ORDER BY|LIMIT", sql) else sorted(found)


@pytest.mark.parametrize("generation", [OLD, NEW])
def test_statements_as_they_are(
    lakes: dict[tuple[str, str], mm.Connection], wire: Callable[[str], Path], generation: str
) -> None:
    for name in statements(generation):
        sql = recorded(wire, generation, name).sql
        if name not in UNORDERED:
            on, off = (answer(lakes[generation, mode], sql) for mode in ("on", "off"))
            assert on == off, name


#: How many of the bounded statements get a range, and how many have a smaller result with it.
BOUNDED = {OLD: (79, 52), NEW: (72, 47)}


@pytest.mark.parametrize("generation", [OLD, NEW])
def test_statements_with_conditions(
    lakes: dict[tuple[str, str], mm.Connection], wire: Callable[[str], Path], generation: str
) -> None:
    lake, ranges, fewer = lakes[generation, "off"], 0, 0
    everything = {"begin": np.datetime64(MIN_NS, "ns")}  # thread_spans are refused without a range
    for name in statements(generation):
        plain = recorded(wire, generation, name).sql
        sql = bounded(plain, generation)
        found = infer(Statement(sql), lake.service, now=time.time_ns(), pad=0)
        if sql == plain or sql.startswith("EXPLAIN") or not isinstance(found, Inferred):
            continue
        begin, end = (np.datetime64(bound, "ns") for bound in (found.begin, found.end))
        whole = answer(lake, sql, **everything)
        assert answer(lake, sql, begin=begin, end=end) == whole, name
        ranges += 1
        fewer += answer(lake, plain, **everything) != whole
    assert (ranges, fewer) == BOUNDED[generation]
