"""Cursors: rows, positions, Arrow, and that no result is consumed twice or cut short."""

from __future__ import annotations

import gc
import io
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from datetime import date, datetime, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar
from uuid import UUID

import cbor2
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import micromegas_dbapi as mm
from micromegas_dbapi.arrow.readers import latching_reader
from micromegas_dbapi.ranges.choice import Ranges
from micromegas_dbapi.transport.protocol import Request
from tests.wire.recordings import case
from tests.wire.replay import Answer, Server, replay

Wire = Callable[[str], Path]

MANY = "SELECT value FROM range(0, 20000) ORDER BY value"  # in several batches
COUNT = 20_000
NONE = "SELECT 1 AS one WHERE false"


@pytest.fixture(scope="module")
def lake(wire: Wire) -> Iterator[mm.Connection]:
    with mm.connect(f"lake:{wire('http-0.2.3') / 'data'}") as connection:
        yield connection


@pytest.fixture
def cursor(lake: mm.Connection) -> Iterator[mm.Cursor]:
    with lake.cursor() as opened:
        yield opened


class Canned:
    """A transport that has its answer already: one batch after the other, or an error."""

    connections: ClassVar = ExitStack()  # of a test, which closes them

    def __init__(self, *batches: pa.RecordBatch | BaseException | Callable[[], None]) -> None:
        self.batches = batches
        self.asked: list[Request] = []

    def run(self, request: Request) -> pa.RecordBatchReader:
        self.asked.append(request)
        first = self.batches[0]
        assert isinstance(first, pa.RecordBatch)
        return latching_reader(first.schema, self._give())

    def _give(self) -> Iterator[pa.RecordBatch]:
        for batch in self.batches:
            if isinstance(batch, BaseException):
                raise batch
            if isinstance(batch, pa.RecordBatch):
                yield batch
            else:
                batch()

    def stamp(self) -> None:
        return None

    def presumed(self) -> mm.Service:
        return mm.Service("canned", "0.1")

    def close(self) -> None:
        pass

    def connect(self) -> mm.Connection:
        opened = mm.Connection(self, Ranges(self), "datetime")
        return self.connections.enter_context(opened)

    def execute(self) -> mm.Cursor:
        return self.connect().execute("SELECT 'canned'")


@pytest.fixture(autouse=True)
def connections() -> Iterator[None]:
    with Canned.connections:
        yield


def batch(*numbers: int) -> pa.RecordBatch:
    return pa.RecordBatch.from_pydict({"n": pa.array(numbers, pa.int64())})


# -- rows ------------------------------------------------------------------------------------------


def test_ways_to_fetch_give_the_same_rows(cursor: mm.Cursor) -> None:
    expected = [(n,) for n in range(COUNT)]
    assert cursor.execute(MANY).fetchall() == expected
    assert list(cursor.execute(MANY)) == expected
    cursor.execute(MANY)
    assert list(iter(cursor.fetchone, None)) == expected
    cursor.execute(MANY)
    assert [row for part in iter(lambda: cursor.fetchmany(999), []) for row in part] == expected
    cursor.execute(MANY)
    mixed = [cursor.fetchone(), next(cursor), *cursor.fetchmany(8190), *cursor.fetchmany(3)]
    mixed += [next(iter(cursor)), *cursor.fetchall()]
    assert mixed == expected


@pytest.mark.parametrize("size", [1, 7, 8191, 8192, 8193, COUNT - 1, COUNT, COUNT + 1])
def test_fetchmany_sizes(cursor: mm.Cursor, size: int) -> None:
    cursor.execute(MANY)
    parts = []
    while part := cursor.fetchmany(size):
        parts.append(part)
        if len(parts) > 3 and size == 1:
            parts.append(cursor.fetchmany(COUNT))
    full, rest = divmod(COUNT, size)
    if size > 1:
        assert [len(part) for part in parts] == [size] * full + [rest] * bool(rest)
    assert [row for part in parts for row in part] == [(n,) for n in range(COUNT)]
    assert cursor.fetchmany(size) == []


def test_fetchmany_follows_arraysize(cursor: mm.Cursor) -> None:
    cursor.execute(MANY)
    assert cursor.arraysize == 1
    assert cursor.fetchmany() == [(0,)]
    cursor.arraysize = 3
    assert cursor.fetchmany() == [(1,), (2,), (3,)]
    assert cursor.fetchmany(None) == [(4,), (5,), (6,)]
    assert cursor.fetchmany(2) == [(7,), (8,)]
    assert cursor.fetchmany(0) == []
    assert cursor.fetchmany() == [(9,), (10,), (11,)]


def test_fetchmany_of_less_than_nothing(cursor: mm.Cursor) -> None:
    cursor.execute(MANY)
    with pytest.raises(mm.ProgrammingError, match="size=-1"):
        cursor.fetchmany(-1)
    assert cursor.fetchmany(1) == [(0,)]


def test_after_the_last_row(cursor: mm.Cursor) -> None:
    cursor.execute(MANY).fetchall()
    for _ in range(2):
        assert cursor.fetchone() is None
        assert cursor.fetchmany(5) == []
        assert cursor.fetchall() == []
        assert list(cursor) == []
        with pytest.raises(StopIteration):
            next(cursor)


def test_rows_are_tuples_of_plain_values(cursor: mm.Cursor) -> None:
    cursor.execute(
        "SELECT 1, 1.5, 'x', true, X'00', NULL, DATE '2026-01-02',"
        " arrow_cast('1.50', 'Decimal128(5, 2)'), [1, NULL], named_struct('a', 1),"
        " arrow_cast('2026-01-02T03:04:05.678901234Z', 'Timestamp(Nanosecond, Some(\"+00:00\"))')"
    )
    row = cursor.fetchone()
    when = datetime(2026, 1, 2, 3, 4, 5, 678901, timezone.utc)
    expected = (1, 1.5, "x", True, b"\0", None, date(2026, 1, 2), Decimal("1.50"))
    expected += ([1, None], {"a": 1}, when)
    assert row == expected
    assert row is not None
    assert type(row) is tuple
    assert [type(value) for value in row] == [type(value) for value in expected]


def test_fetch_before_execute(cursor: mm.Cursor) -> None:
    for fetch in (
        cursor.fetchone,
        cursor.fetchmany,
        cursor.fetchall,
        lambda: list(cursor),
        lambda: next(cursor),
        cursor.fetch_arrow_table,
        cursor.fetch_record_batch,
        lambda: pa.table(cursor),
        cursor.__arrow_c_schema__,
    ):
        with pytest.raises(mm.InterfaceError, match=r"no result to fetch: call execute\(\)"):
            fetch()
    assert (cursor.description, cursor.rowcount, cursor.rownumber) == (None, -1, None)
    assert (cursor.query_id, cursor.time_range) == (None, None)


# -- description and positions ---------------------------------------------------------------------


def test_description(cursor: mm.Cursor) -> None:
    cursor.execute("SELECT time, level, msg, 'x' AS constant FROM log_entries WHERE false")
    assert cursor.description is not None
    assert [tuple(column) for column in cursor.description] == [
        ("time", "TIMESTAMP WITH TIME ZONE", None, 8, None, None, False),
        ("level", "INTEGER", None, 4, None, None, False),
        ("msg", "VARCHAR", None, None, None, None, False),
        ("constant", "VARCHAR", None, None, None, None, False),
    ]
    time, level, msg, _ = cursor.description
    assert (time.name, time.null_ok) == ("time", False)
    assert time.type_code == mm.DATETIME
    assert level.type_code == mm.NUMBER
    assert msg.type_code == mm.STRING
    assert time.type_code.arrow_type == pa.timestamp("ns", "+00:00")


def test_description_stays_while_rows_are_fetched(cursor: mm.Cursor) -> None:
    before = cursor.execute(MANY).description
    assert before is not None
    cursor.fetchone()
    assert cursor.description == before
    cursor.fetchall()
    assert cursor.description == before
    cursor.execute(MANY).fetch_arrow_table()
    assert cursor.description == before


def test_no_rows(cursor: mm.Cursor) -> None:
    cursor.execute(NONE)
    assert cursor.description is not None
    assert (cursor.description[0][0], cursor.rownumber, cursor.rowcount) == ("one", 0, -1)
    assert cursor.fetchone() is None
    assert (cursor.rownumber, cursor.rowcount) == (0, 0)
    assert cursor.execute(NONE).fetchall() == []
    assert cursor.execute(NONE).fetchmany(5) == []
    assert list(cursor.execute(NONE)) == []
    table = cursor.execute(NONE).fetch_arrow_table()
    assert (table.column_names, table.num_rows, cursor.rowcount) == (["one"], 0, 0)


def test_no_columns(wire: Wire) -> None:
    """Services answer with a file of no columns, for one to find_process of nobody."""
    empty = case(wire("http-0.2.3"), "find_process_unknown")
    with replay(empty) as server, mm.connect(server.url) as connection:
        cursor = connection.execute("SELECT 1")
        assert cursor.description == ()
        assert cursor.fetchall() == []
        assert cursor.rowcount == 0
        table = connection.execute("SELECT 1").fetch_arrow_table()
        assert (table.num_columns, table.num_rows) == (0, 0)


def test_rows_without_columns() -> None:
    columns = pa.RecordBatch.from_pydict({"n": [1, 2, 3]})
    cursor = Canned(columns.select([])).execute()
    assert columns.select([]).num_rows == 3
    assert cursor.description == ()
    assert cursor.fetchone() == ()
    assert cursor.rownumber == 1
    assert cursor.fetchall() == [(), ()]
    assert (cursor.rownumber, cursor.rowcount) == (3, 3)


def test_rownumber_and_rowcount_at_every_row(cursor: mm.Cursor) -> None:
    cursor.execute(MANY)
    for expected in range(COUNT):
        assert (cursor.rownumber, cursor.rowcount) == (expected, -1)
        assert cursor.fetchone() == (expected,)
    assert cursor.rownumber == COUNT
    assert cursor.fetchone() is None
    assert (cursor.rownumber, cursor.rowcount) == (COUNT, COUNT)


@pytest.mark.parametrize("step", [3, 8191, 8192, 8193, 15_000])
def test_rownumber_in_steps(cursor: mm.Cursor, step: int) -> None:
    cursor.execute(MANY)
    position = 0
    while rows := cursor.fetchmany(step):
        position += len(rows)
        assert cursor.rownumber == position
    assert position == cursor.rownumber == cursor.rowcount == COUNT


def test_rownumber_while_iterating(cursor: mm.Cursor) -> None:
    for index, _ in enumerate(cursor.execute(MANY)):
        assert cursor.rownumber == index + 1
    cursor.execute(MANY)
    assert cursor.rownumber == 0
    cursor.fetchall()
    assert cursor.rownumber == COUNT


def test_positions_of_a_result_handed_over(cursor: mm.Cursor) -> None:
    cursor.execute(MANY).fetch_record_batch()
    assert (cursor.rownumber, cursor.rowcount) == (None, -1)
    cursor.execute(MANY).fetch_arrow_table()
    assert (cursor.rownumber, cursor.rowcount) == (None, COUNT)


# -- executing -------------------------------------------------------------------------------------


def test_execute_gives_the_cursor(cursor: mm.Cursor) -> None:
    assert cursor.execute("SELECT 1") is cursor
    assert cursor.executemany("SELECT ?", [(1,)]) is cursor


def test_query_id_names_each_attempt(cursor: mm.Cursor) -> None:
    ids = [cursor.execute("SELECT 1").query_id for _ in range(2)]
    with pytest.raises(mm.ProgrammingError) as caught:
        cursor.execute("SELECT nope")
    assert (caught.value.query_id, caught.value.sql) == (cursor.query_id, "SELECT nope")
    assert len({UUID(each) for each in (*ids, cursor.query_id)}) == 3


def test_execute_replaces_the_result(cursor: mm.Cursor) -> None:
    cursor.execute(MANY).fetchmany(5)
    cursor.execute("SELECT 'new' AS name")
    assert cursor.rownumber == 0
    assert cursor.description is not None
    assert cursor.description[0][0] == "name"
    assert cursor.fetchall() == [("new",)]


@pytest.mark.parametrize("use", ["execute", "close"])
def test_iterating_on_after_the_cursor_went_on(cursor: mm.Cursor, use: str) -> None:
    """The old iterator may end its batch, then it fails; it never mixes results nor just ends."""
    rows = iter(cursor.execute(MANY))
    assert next(rows) == (0,)
    if use == "execute":
        cursor.execute("SELECT 'new'")
    else:
        cursor.close()
    seen = [0]
    with pytest.raises(mm.InterfaceError, match="closed or has run another statement"):
        seen.extend(n for (n,) in rows)
    assert seen == list(range(len(seen)))
    if use == "execute":
        assert cursor.fetchall() == [("new",)]


@pytest.mark.parametrize(
    ("sql", "parameters", "kind"),
    [
        ("SELECT nope", None, mm.ProgrammingError),
        ("SELEC 1", None, mm.ProgrammingError),
        ("SELECT ?", (), mm.ProgrammingError),
        ("SELECT ?", (object(),), mm.ProgrammingError),
        (b"SELECT 1", None, mm.ProgrammingError),
        (None, None, mm.ProgrammingError),
        ("SELECT '\ud800'", None, mm.ProgrammingError),
        ("SELECT 1 / 0", None, mm.DataError),
        ("DROP TABLE processes", None, mm.NotSupportedError),
    ],
)
def test_failed_execute(cursor: mm.Cursor, sql: Any, parameters: Any, kind: type[mm.Error]) -> None:
    cursor.execute(MANY).fetchone()
    with pytest.raises(mm.Error) as caught:
        cursor.execute(sql, parameters).fetchall()
    assert type(caught.value) is kind
    assert cursor.execute("SELECT 1").fetchall() == [(1,)]


def test_a_failed_statement_leaves_no_result(cursor: mm.Cursor) -> None:
    cursor.execute(MANY).fetchone()
    with pytest.raises(mm.ProgrammingError):
        cursor.execute("SELECT nope")
    assert (cursor.description, cursor.rowcount, cursor.rownumber) == (None, -1, None)
    with pytest.raises(mm.InterfaceError, match="no result"):
        cursor.fetchall()


def test_without_parameters_nothing_is_touched(server: Server) -> None:
    sql = "  SELECT '?', ':x', \"a?b\" -- ? :y\n\t/* ? */ , 1::int ;  "
    with mm.connect(server.url) as connection:
        connection.execute(sql)
        connection.execute("SELECT ?, '?'", ("it's",))
        connection.execute("SELECT :a, ':a'", {"a": 5})
    assert statements(server) == [sql, "SELECT 'it''s', '?'", "SELECT 5, ':a'"]


@pytest.fixture
def server() -> Iterator[Server]:
    sink = io.BytesIO()
    pq.write_table(pa.table({"one": [1]}), sink)
    with replay(Answer(body=sink.getvalue())) as running:
        yield running


def statements(server: Server) -> list[str]:
    return [cbor2.loads(request.body)["sql"] for request in server.requests]


# -- many sets of parameters -----------------------------------------------------------------------


def test_executemany_and_nextset(cursor: mm.Cursor) -> None:
    cursor.executemany("SELECT ? AS n", ((n,) for n in (1, 2, 3)))
    assert cursor.fetchall() == [(1,)]
    assert cursor.nextset() is True
    assert cursor.rownumber == 0
    assert cursor.fetchall() == [(2,)]
    assert cursor.nextset() is True
    assert cursor.nextset() is None  # the third result was not fetched
    assert cursor.nextset() is None
    assert cursor.description is None
    with pytest.raises(mm.InterfaceError, match="no result"):
        cursor.fetchone()


def test_executemany_by_name(cursor: mm.Cursor) -> None:
    cursor.executemany("SELECT :n AS n", [{"n": 1}, {"n": 2}])
    assert cursor.fetchall() == [(1,)]
    assert cursor.nextset()
    assert cursor.fetchall() == [(2,)]


def test_each_set_is_sent_when_its_turn_comes(server: Server) -> None:
    range_ = ("2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z")
    with mm.connect(server.url) as connection:
        cursor = connection.cursor()
        cursor.executemany("SELECT ?", [(1,), (2,)], begin=range_[0], end=range_[1])
        assert statements(server) == ["SELECT 1"]
        first = cursor.query_id
        cursor.nextset()
        assert statements(server) == ["SELECT 1", "SELECT 2"]
        assert cursor.query_id != first
        assert cursor.nextset() is None
        assert len(server.requests) == 2
    sent = [cbor2.loads(request.body) for request in server.requests]
    assert [(each["begin"], each["end"]) for each in sent] == [range_, range_]


def test_a_bad_set_fails_before_anything_is_sent(server: Server) -> None:
    with mm.connect(server.url) as connection:
        cursor = connection.cursor()
        for sets in ([(1,), ()], [(1,), (2, 3)], [(1,), (object(),)], [(1,), {"n": 2}], [(1,), 5]):
            with pytest.raises(mm.ProgrammingError):
                cursor.executemany("SELECT ?", sets)
        with pytest.raises(mm.NotSupportedError):
            cursor.executemany("INSERT INTO t VALUES (?)", [(1,)])
        assert server.requests == []


def test_no_sets_at_all(server: Server) -> None:
    with mm.connect(server.url) as connection:
        cursor = connection.execute("SELECT 1")
        cursor.executemany("SELECT ?", [])
        assert len(server.requests) == 1
        assert cursor.description is None
        assert cursor.nextset() is None


def test_execute_forgets_the_sets_that_are_left(cursor: mm.Cursor) -> None:
    cursor.executemany("SELECT ?", [(1,), (2,)])
    cursor.execute("SELECT 'new'")
    assert cursor.nextset() is None


def test_a_set_that_fails_is_passed_over(cursor: mm.Cursor) -> None:
    cursor.executemany("SELECT 1 / ?", [(1,), (0,), (1,)])
    assert cursor.fetchall() == [(1,)]
    with pytest.raises(mm.DataError):
        cursor.nextset()
    assert cursor.nextset() is True
    assert cursor.fetchall() == [(1,)]


# -- Arrow -----------------------------------------------------------------------------------------

LOG = "SELECT time, target, level, msg FROM log_entries ORDER BY time LIMIT 100"


def test_fetch_arrow_table(cursor: mm.Cursor) -> None:
    table = cursor.execute(LOG).fetch_arrow_table()
    assert isinstance(table, pa.Table)
    assert table.schema.field("time").type == pa.timestamp("ns", "+00:00")
    assert table.schema.field("target").type == pa.dictionary(pa.int16(), pa.string())
    rows = cursor.execute(LOG).fetchall()
    assert [row[3] for row in rows] == table.column("msg").to_pylist()
    assert [row[2] for row in rows] == table.column("level").to_pylist()
    assert (table.num_rows, cursor.rowcount) == (100, 100)


def test_fetch_record_batch_is_lazy() -> None:
    passed: list[str] = []
    canned = Canned(
        batch(1, 2), lambda: passed.append("first"), batch(3), lambda: passed.append("x")
    )
    reader = canned.execute().fetch_record_batch()
    assert isinstance(reader, pa.RecordBatchReader)
    assert passed == []
    assert reader.read_next_batch().to_pydict() == {"n": [1, 2]}
    assert passed == []
    assert reader.read_next_batch().to_pydict() == {"n": [3]}
    assert passed == ["first"]
    with pytest.raises(StopIteration):
        reader.read_next_batch()


def test_arrow_interface(cursor: mm.Cursor) -> None:
    expected = cursor.execute(LOG).fetch_arrow_table()
    cursor.execute(LOG)
    assert pa.schema(cursor).equals(expected.schema)  # consumes nothing
    assert pa.table(cursor).equals(expected)
    cursor.execute(LOG)
    assert pa.RecordBatchReader.from_stream(cursor).read_all().equals(expected)
    assert pa.schema(cursor).equals(expected.schema)


def test_a_cursor_may_go_while_its_reader_stays(lake: mm.Connection) -> None:
    reader = lake.execute(MANY).fetch_record_batch()
    gc.collect()
    assert reader.read_all().num_rows == COUNT
    cursor = lake.execute(MANY)
    reader = cursor.fetch_record_batch()
    cursor.execute("SELECT 'new'")
    cursor.close()
    assert reader.read_all().num_rows == COUNT


def test_fetch_df(cursor: mm.Cursor) -> None:
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    frame = cursor.execute(LOG).fetch_df()
    assert isinstance(frame, pandas.DataFrame)
    assert list(frame.columns) == ["time", "target", "level", "msg"]
    assert str(frame["time"].dtype).startswith("datetime64[ns, ")
    assert isinstance(frame["target"].dtype, pandas.CategoricalDtype)
    assert len(frame) == cursor.rowcount == 100
    twice = cursor.execute(TWICE).fetch_df()
    assert list(twice.columns) == ["a", "a"]
    assert twice.values.tolist() == [[1, 2]]


def test_fetch_polars(cursor: mm.Cursor) -> None:
    polars = pytest.importorskip("polars", reason="polars is not installed")
    frame = cursor.execute(LOG).fetch_polars()
    assert isinstance(frame, polars.DataFrame)
    assert frame.columns == ["time", "target", "level", "msg"]
    assert frame.height == cursor.rowcount == 100
    assert str(frame.schema["time"]).startswith("Datetime(time_unit='ns'")
    with pytest.raises(mm.DataError, match="polars cannot hold the result"):
        cursor.execute(TWICE).fetch_polars()


@pytest.mark.parametrize(
    ("method", "package"), [("fetch_df", "pandas"), ("fetch_polars", "polars")]
)
def test_packages_that_are_missing(
    cursor: mm.Cursor, monkeypatch: pytest.MonkeyPatch, method: str, package: str
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    for module in ("pandas_frames", "polars_frames"):  # imported before
        monkeypatch.delitem(sys.modules, f"micromegas_dbapi.arrow.{module}", raising=False)
    cursor.execute("SELECT 1")
    with pytest.raises(mm.NotSupportedError, match=rf"pip install 'micromegas-dbapi\[{package}\]'"):
        getattr(cursor, method)()
    assert cursor.fetchall() == [(1,)]  # nothing was consumed


def test_duckdb_reads_a_cursor(cursor: mm.Cursor) -> None:
    duckdb = pytest.importorskip("duckdb", reason="duckdb is not installed")
    cursor.execute(MANY)
    with duckdb.connect() as connection:
        found = connection.sql("SELECT count(*), sum(value) FROM cursor").fetchall()
    assert found == [(COUNT, sum(range(COUNT)))]


def test_polars_reads_a_cursor(cursor: mm.Cursor) -> None:
    polars = pytest.importorskip("polars", reason="polars is not installed")
    assert polars.DataFrame(cursor.execute(MANY)).height == COUNT


TWICE = "SELECT * FROM (SELECT 1 AS a) x CROSS JOIN (SELECT 2 AS a) y"


def test_columns_of_one_name_are_kept(cursor: mm.Cursor) -> None:
    cursor.execute(TWICE)
    assert cursor.description is not None
    assert [column.name for column in cursor.description] == ["a", "a"]
    assert cursor.fetchall() == [(1, 2)]
    table = cursor.execute(TWICE).fetch_arrow_table()
    assert table.column_names == ["a", "a"]
    assert [column.to_pylist() for column in table.columns] == [[1], [2]]


def test_columns_of_one_name_over_http(wire: Wire) -> None:
    recorded = case(wire("http-0.2.3"), "duplicate_join_columns")
    with replay(recorded) as server, mm.connect(server.url) as connection:
        assert connection.execute(TWICE).fetchall() == [(1, 2)]
        assert connection.execute(TWICE).fetch_arrow_table().column_names == ["a", "a"]


# -- consumed once ---------------------------------------------------------------------------------

ROWS: dict[str, Callable[[mm.Cursor], object]] = {
    "fetchone": lambda cursor: cursor.fetchone(),
    "fetchmany": lambda cursor: cursor.fetchmany(5),
    "fetchall": lambda cursor: cursor.fetchall(),
    "next": lambda cursor: next(cursor),
    "for": lambda cursor: next(iter(cursor)),
}
ARROW: dict[str, Callable[[mm.Cursor], object]] = {
    "fetch_record_batch": lambda cursor: cursor.fetch_record_batch(),
    "fetch_arrow_table": lambda cursor: cursor.fetch_arrow_table(),
    "__arrow_c_stream__": lambda cursor: cursor.__arrow_c_stream__(),
    "pa.table": lambda cursor: pa.table(cursor),
    "fetch_df": lambda cursor: cursor.fetch_df(),
    "fetch_polars": lambda cursor: cursor.fetch_polars(),
}
NEEDS = {"fetch_df": "pandas", "fetch_polars": "polars"}


def need(*ways: str) -> None:
    for way in ways:
        if way in NEEDS:
            pytest.importorskip(NEEDS[way], reason=f"{NEEDS[way]} is not installed")


@pytest.mark.parametrize("second", ARROW)
@pytest.mark.parametrize("first", ROWS)
def test_rows_then_arrow(cursor: mm.Cursor, first: str, second: str) -> None:
    need(second)
    cursor.execute(MANY)
    ROWS[first](cursor)
    position = cursor.rownumber
    with pytest.raises(mm.InterfaceError, match="already fetched as rows; it can be consumed once"):
        ARROW[second](cursor)
    assert cursor.rownumber == position
    assert len(cursor.fetchall()) == COUNT - (position or 0)  # the rows go on


@pytest.mark.parametrize("second", [*ROWS, *ARROW])
@pytest.mark.parametrize("first", ARROW)
def test_arrow_then_anything(cursor: mm.Cursor, first: str, second: str) -> None:
    need(first, second)
    cursor.execute(MANY)
    ARROW[first](cursor)
    for _ in range(2):
        with pytest.raises(mm.InterfaceError, match="already fetched as Arrow"):
            (ROWS | ARROW)[second](cursor)


def test_an_iterator_that_was_not_used_consumes_nothing(cursor: mm.Cursor) -> None:
    iter(cursor.execute(MANY))
    assert cursor.fetch_arrow_table().num_rows == COUNT


@pytest.mark.parametrize(
    ("use", "words"),
    [
        (lambda cursor: cursor.fetch_arrow_table(), "already fetched as Arrow"),
        (lambda cursor: cursor.execute("SELECT 1"), "has run another statement"),
        (lambda cursor: cursor.close(), "was closed"),
    ],
    ids=["arrow", "execute", "close"],
)
def test_an_iterator_that_begins_too_late(
    cursor: mm.Cursor, use: Callable[[mm.Cursor], object], words: str
) -> None:
    rows = iter(cursor.execute(MANY))
    use(cursor)
    with pytest.raises(mm.InterfaceError, match=words):
        next(rows)


@pytest.mark.parametrize("way", ARROW)
def test_an_empty_result_is_consumed_too(cursor: mm.Cursor, way: str) -> None:
    need(way)
    assert cursor.execute(NONE).fetchall() == []
    with pytest.raises(mm.InterfaceError, match="already fetched as rows"):
        ARROW[way](cursor)
    ARROW[way](cursor.execute(NONE))
    with pytest.raises(mm.InterfaceError, match="already fetched as Arrow"):
        cursor.fetchall()


# -- closed ----------------------------------------------------------------------------------------


def test_use_after_close(lake: mm.Connection) -> None:
    for prepare in (
        lambda cursor: None,
        lambda cursor: cursor.execute(MANY),
        lambda cursor: cursor.execute(MANY).fetchone(),
        lambda cursor: cursor.execute(MANY).fetchall(),
        lambda cursor: cursor.execute(MANY).fetch_arrow_table(),
    ):
        cursor = lake.cursor()
        prepare(cursor)
        cursor.close()
        cursor.close()
        for use in (
            lambda c=cursor: c.execute("SELECT 1"),
            lambda c=cursor: c.executemany("SELECT ?", [(1,)]),
            cursor.nextset,
            cursor.fetchone,
            cursor.fetchmany,
            cursor.fetchall,
            lambda c=cursor: next(c),
            lambda c=cursor: list(c),
            cursor.fetch_arrow_table,
            cursor.fetch_record_batch,
            lambda c=cursor: pa.table(c),
            cursor.__arrow_c_schema__,
            cursor.__enter__,
        ):
            with pytest.raises(mm.InterfaceError, match="the cursor is closed"):
                use()
        assert (cursor.description, cursor.rowcount, cursor.rownumber) == (None, -1, None)


def test_with_block_closes(lake: mm.Connection) -> None:
    with lake.cursor() as cursor:
        assert cursor.execute("SELECT 1").fetchall() == [(1,)]
    with pytest.raises(mm.InterfaceError, match="closed"):
        cursor.execute("SELECT 1")
    with pytest.raises(ZeroDivisionError), lake.cursor() as cursor:
        raise ZeroDivisionError
    with pytest.raises(mm.InterfaceError, match="closed"):
        cursor.fetchone()


# -- broken off ------------------------------------------------------------------------------------

WAYS: dict[str, Callable[[mm.Cursor], object]] = {
    "fetchone": lambda cursor: [cursor.fetchone() for _ in range(5)],
    "fetchmany": lambda cursor: cursor.fetchmany(5),
    "fetchall": lambda cursor: cursor.fetchall(),
    "next": lambda cursor: [next(cursor) for _ in range(5)],
    "for": lambda cursor: list(cursor),
}


def check_broken(cursor: mm.Cursor, expected: mm.Error | None = None) -> mm.Error:
    """Every further fetch fails in the same way."""
    raised = []
    for fetch in (*WAYS.values(), *WAYS.values()):
        with pytest.raises(mm.Error) as caught:
            fetch(cursor)
        raised.append(caught.value)
    assert {id(error) for error in raised} == {id(expected or raised[0])}
    assert cursor.rowcount == -1
    return raised[0]


@pytest.mark.parametrize("way", WAYS)
def test_an_error_in_mid_stream_is_latched(way: str) -> None:
    error = mm.OperationalError("the wire broke")
    cursor = Canned(batch(1, 2), batch(3), error).execute()
    with pytest.raises(mm.OperationalError) as caught:
        WAYS[way](cursor)
    assert caught.value is error
    assert error.query_id == cursor.query_id
    check_broken(cursor, error)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("where", ["reading", "converting"])
def test_ctrl_c_is_latched(way: str, where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows are lost with what was interrupted; what is left must not pass for the whole."""
    if threading.current_thread() is not threading.main_thread():
        pytest.skip("signals reach the main thread only")

    def ctrl_c() -> None:
        signal.raise_signal(signal.SIGINT)

    if where == "reading":
        cursor = Canned(batch(1, 2), ctrl_c, batch(3)).execute()
    else:
        from micromegas_dbapi.arrow import rows

        columns = rows.columns

        def interrupted(each: pa.RecordBatch, *rest: Any) -> Iterable[Any]:
            if each.num_rows == 1:
                ctrl_c()
            return columns(each, *rest)

        monkeypatch.setattr(rows, "columns", interrupted)
        cursor = Canned(batch(1, 2), batch(3)).execute()
    with pytest.raises(KeyboardInterrupt):
        WAYS[way](cursor)
    error = check_broken(cursor)
    assert type(error) is mm.OperationalError
    assert "interrupted, and rows are lost: execute the statement again" in str(error)
    assert isinstance(error.__cause__, KeyboardInterrupt)
    assert (error.query_id, error.retryable) == (cursor.query_id, True)


def test_ctrl_c_while_rows_are_collected() -> None:
    """Between two rows of one batch, fetchall loses what it has collected so far."""

    cursor = Canned(batch(1, 2, 3)).execute()
    result = cursor._result
    assert result is not None

    def rows() -> Iterator[tuple[int]]:
        yield (1,)
        signal.raise_signal(signal.SIGINT)
        yield (2,)

    result.rows = rows()
    with pytest.raises(KeyboardInterrupt):
        cursor.fetchall()
    check_broken(cursor)


def test_a_new_statement_heals(lake: mm.Connection) -> None:
    canned = Canned(batch(1), mm.OperationalError("broken"))
    cursor = canned.execute()
    with pytest.raises(mm.OperationalError):
        cursor.fetchall()
    canned.batches = (batch(1), batch(2))
    assert cursor.execute("SELECT 1").fetchall() == [(1,), (2,)]


# -- errors stay, and name their statement ---------------------------------------------------------


def test_a_held_iterator_raises_its_error_again() -> None:
    """It must not end as if all rows had been read."""
    cursor = Canned(batch(1, 2), mm.DataError("broken")).execute()
    held = iter(cursor)
    assert [next(held), next(held)] == [(1,), (2,)]
    for _ in range(3):
        with pytest.raises(mm.DataError, match=r"^broken$"):
            next(held)
    with pytest.raises(mm.DataError, match=r"^broken$"):
        cursor.fetchone()


def test_a_held_iterator_of_a_result_fetched_as_arrow() -> None:
    cursor = Canned(batch(1, 2)).execute()
    held = iter(cursor)
    assert cursor.fetch_arrow_table().num_rows == 2
    for _ in range(2):
        with pytest.raises(mm.InterfaceError, match="already fetched as Arrow"):
            next(held)


def out_of_range(cursor: mm.Cursor) -> mm.Cursor:
    return cursor.execute("SELECT arrow_cast(9000000000000000, 'Timestamp(Millisecond, None)')")


def cancelled(cursor: mm.Cursor) -> mm.Cursor:
    cursor.execute(MANY).fetchone()
    cursor.cancel()
    return cursor


def fails_late(cursor: mm.Cursor) -> mm.Cursor:
    return cursor.execute("SELECT 1 / (x - 60000) AS q FROM generate_series(1, 100000) AS t(x)")


@pytest.mark.parametrize(
    ("run", "fetch"),
    [
        (out_of_range, mm.Cursor.fetchall),
        (out_of_range, next),
        (cancelled, mm.Cursor.fetchall),
        (fails_late, mm.Cursor.fetchall),
        (fails_late, mm.Cursor.fetch_arrow_table),
    ],
)
def test_errors_of_a_fetch_name_their_statement(
    cursor: mm.Cursor, run: Callable[[mm.Cursor], mm.Cursor], fetch: Callable[[mm.Cursor], object]
) -> None:
    run(cursor)
    sent = cursor.query_id
    with pytest.raises(mm.Error) as caught:
        fetch(cursor)
    assert caught.value.sql is not None
    assert caught.value.sql.startswith("SELECT ")
    assert caught.value.query_id == sent


# -- closed by another thread while a statement runs -----------------------------------------------


class Held(Canned):
    """A transport that responds when it is told to, or when the request is cancelled."""

    def __init__(self) -> None:
        super().__init__(batch(1))
        self.running, self.go = threading.Event(), threading.Event()
        self.requests: list[Request] = []

    def run(self, request: Request) -> pa.RecordBatchReader:
        self.requests.append(request)
        self.running.set()
        assert self.go.wait(60)
        return super().run(request)


@pytest.mark.parametrize("closes", ["cursor", "connection"])
def test_closed_while_its_statement_runs(closes: str) -> None:
    """The request is cancelled; nothing can be fetched of a response that comes nevertheless."""
    transport = Held()
    connection = transport.connect()
    cursor = connection.cursor()
    ends: list[object] = []

    def run() -> None:
        try:
            ends.append(cursor.execute("SELECT 'held'").fetchall())
        except mm.Error as error:
            ends.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    assert transport.running.wait(60)
    (connection if closes == "connection" else cursor).close()
    why = transport.requests[0].cancellation.why
    assert why is not None
    assert why.startswith(f"the {closes} was closed")
    transport.go.set()
    thread.join(60)
    assert [type(end) for end in ends] == [mm.InterfaceError]
    with pytest.raises(mm.InterfaceError, match="closed"):
        cursor.fetchall()


def test_close_beside_cursor() -> None:
    """Cursors that other threads create meanwhile are closed, or refused."""
    for _ in range(200):
        transport = Canned(batch(1))
        connection = transport.connect()
        ends: list[object] = []

        def create(connection: mm.Connection = connection, ends: list[object] = ends) -> None:
            try:
                ends.extend(connection.cursor() for _ in range(50))
            except mm.InterfaceError as error:
                ends.append(error)

        threads = [threading.Thread(target=create) for _ in range(3)]
        for thread in threads:
            thread.start()
        connection.close()
        for thread in threads:
            thread.join(60)
        for end in ends:
            if isinstance(end, mm.Cursor):
                with pytest.raises(mm.InterfaceError, match="closed"):
                    end.execute("SELECT 1")


# -- two threads on one cursor ---------------------------------------------------------------------


def test_two_threads_read_one_result() -> None:
    """Each of them is told, and none takes a part of the rows for all of them."""
    reached, go = threading.Event(), threading.Event()

    def wait() -> None:
        reached.set()
        assert go.wait(60)

    cursor = Canned(batch(1, 2), wait, batch(3)).execute()
    ends: list[object] = []

    def read() -> None:
        try:
            ends.append(cursor.fetchall())
        except mm.Error as error:
            ends.append(error)

    thread = threading.Thread(target=read)
    thread.start()
    assert reached.wait(60)
    with pytest.raises(mm.ProgrammingError, match="two threads read from one cursor"):
        cursor.fetchone()
    go.set()
    thread.join(60)
    assert [type(end) for end in ends] == [mm.ProgrammingError]
    with pytest.raises(mm.ProgrammingError, match="two threads read from one cursor"):
        cursor.fetchall()


def test_two_threads_execute_on_one_cursor() -> None:
    transport = Held()
    cursor = transport.connect().cursor()
    ends: list[object] = []
    thread = threading.Thread(target=lambda: ends.append(cursor.execute("SELECT 1").fetchall()))
    thread.start()
    assert transport.running.wait(60)
    with pytest.raises(mm.ProgrammingError, match="the cursor is running another statement"):
        cursor.execute("SELECT 2")
    transport.go.set()
    thread.join(60)
    assert ends == [[(1,)]]
