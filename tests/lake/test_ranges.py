"""A time range keeps exactly the rows that services keep, including those at its bounds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import micromegas_dbapi as mm
from micromegas_dbapi.timerange import format_ns

OLD, NEW = "http-0.2.3", "flight-0.30"


class Rule(NamedTuple):
    """The range filter of a view, as EXPLAIN on the real service shows it (recorded: explain_*)."""

    generation: str
    view: str
    upto: str  # <= end
    since: str  # >= begin
    key: str  # identifies a row


RULES = [
    Rule(OLD, "log_entries", "time", "time", "msg"),
    Rule(OLD, "measures", "time", "time", "value"),
    Rule(OLD, "processes", "insert_time", "insert_time", "process_id"),
    Rule(OLD, "streams", "insert_time", "insert_time", "stream_id"),
    Rule(OLD, "blocks", "insert_time", "insert_time", "block_id"),
    Rule(OLD, "thread_spans", "begin", "end", "id"),
    Rule(NEW, "log_entries", "time", "time", "msg"),
    Rule(NEW, "measures", "time", "time", "value"),
    Rule(NEW, "processes", "insert_time", "last_update_time", "process_id"),
    Rule(NEW, "streams", "insert_time", "last_update_time", "stream_id"),
    Rule(NEW, "blocks", "begin_time", "insert_time", "block_id"),
    Rule(NEW, "thread_spans", "begin", "end", "id"),
]


class Scene(NamedTuple):
    lake: mm.Connection
    sql: str
    table: pa.Table
    rule: Rule

    def times(self, name: str) -> np.ndarray:
        return self.table.column(name).cast(pa.int64()).to_numpy()

    def kept(self, begin: int, end: int) -> list[object]:
        """Select the rows in a range with numpy, according to the rule."""
        inside = (self.times(self.rule.upto) <= end) & (self.times(self.rule.since) >= begin)
        keys = self.table.column(self.rule.key).to_pylist()
        return sorted(map(repr, (keys[i] for i in np.flatnonzero(inside))))

    def asked(self, begin: int, end: int) -> list[object]:
        cursor = self.lake.execute(self.sql, begin=format_ns(begin), end=format_ns(end))
        return sorted(repr(key) for (key,) in cursor)


@pytest.fixture(scope="module", params=RULES, ids=lambda r: f"{r.generation}-{r.view}")
def scene(request: pytest.FixtureRequest, wire: Callable[[str], Path]) -> Iterator[Scene]:
    rule: Rule = request.param
    folder = wire(rule.generation) / "data"
    file, source = folder / f"{rule.view}.parquet", rule.view
    if rule.view == "thread_spans":
        file = max((folder / "thread_spans").iterdir(), key=lambda f: f.stat().st_size)
        source = f"view_instance('thread_spans', '{file.stem}')"
    with mm.connect(f"lake:{folder}") as lake:
        sql = f'SELECT "{rule.key}" FROM {source}'
        yield Scene(lake, sql, pq.ParquetFile(file).read(), rule)


@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_bounds_on_and_beside_events(scene: Scene, data: st.DataObject) -> None:
    """The bounds are at an event, or one nanosecond before or after it."""
    instants = sorted({*scene.times(scene.rule.upto), *scene.times(scene.rule.since)})
    near = st.tuples(st.sampled_from(instants), st.sampled_from([-1, 0, 1])).map(
        lambda pair: int(pair[0]) + pair[1]
    )
    begin, end = sorted((data.draw(near), data.draw(near)))
    assert scene.asked(begin, end) == scene.kept(begin, end)


def test_one_nanosecond_decides(scene: Scene) -> None:
    """At each edge of the first and the last row: the row is included; 1 ns away it is not."""
    upto, since = scene.times(scene.rule.upto), scene.times(scene.rule.since)
    first, last = int(upto.min()), int(since.max())
    everything = scene.kept(first, max(last, int(upto.max())))
    assert len(everything) == scene.table.num_rows
    assert scene.asked(last + 1, last + 2) == []
    assert scene.asked(last, last + 1) == scene.kept(last, last + 1) != []
    assert scene.asked(first - 2, first - 1) == []
    assert scene.asked(first - 1, first) == scene.kept(first - 1, first) != []


@pytest.mark.parametrize("view", ["log_entries", "measures"])
@pytest.mark.parametrize("generation", [OLD, NEW])
def test_instance_of_a_process_is_its_part_of_the_global_view(
    wire: Callable[[str], Path], generation: str, view: str
) -> None:
    folder = wire(generation) / "data"
    table = pq.ParquetFile(folder / f"{view}.parquet").read()
    times = table.column("time").cast(pa.int64()).to_numpy()
    middle = int(np.median(times))
    with mm.connect(f"lake:{folder}") as lake:
        processes = [row[0] for row in lake.execute("SELECT process_id FROM processes")]
        counts = {}
        for process in processes:
            sql = f"SELECT count(*) FROM view_instance('{view}', '{process}')"
            counts[process] = lake.execute(sql, begin=format_ns(middle)).fetchone()
    owners = table.column("process_id").to_pylist()
    expected = {
        p: (sum(o == p and t >= middle for o, t in zip(owners, times, strict=True)),)
        for p in processes
    }
    assert counts == expected
    assert sum(n for (n,) in counts.values()) > 0
