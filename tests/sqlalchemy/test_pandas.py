"""pandas, polars, DuckDB and pyarrow: each way to query, with any version of pandas."""

from __future__ import annotations

import sys
from datetime import datetime, timedelta, timezone
from typing import Any

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import sqlalchemy as sa
import sqlalchemy.orm
from sqlalchemy.exc import DBAPIError

import micromegas_dbapi as mm
from sqlalchemy_micromegas import fetch_arrow_table
from tests.sqlalchemy.answers import RECORDED

UTC = timezone.utc
URL = "micromegas+demo://?seed=7"
SQL = "SELECT level, msg FROM log_entries WHERE level <= 3 ORDER BY time, msg LIMIT 7"
AT_MOST = "SELECT level, msg FROM log_entries WHERE level <= {} ORDER BY time, msg LIMIT 7"
LOG = sa.table(
    "log_entries", *[sa.column(n) for n in ("time", "level", "msg", "process_id", "target")]
)
STATEMENT = sa.select(LOG.c.level, LOG.c.msg).order_by(LOG.c.time, LOG.c.msg).limit(7)


@pytest.fixture(scope="module")
def raw(demo: Any) -> Any:
    """The driver's connection of the engine: another demo lake would have other times."""
    pooled = demo.raw_connection()
    with demo.connect() as connection:  # that of the tests, which the pool keeps open
        connection.execute(sa.text("SELECT 1"))
    yield pooled.dbapi_connection
    pooled.close()


@pytest.fixture(scope="module")
def expected(raw: Any) -> list[tuple[Any, ...]]:
    rows: list[tuple[Any, ...]] = raw.execute(SQL).fetchall()
    assert len(rows) == 7
    return rows


def rows(frame: Any) -> list[tuple[Any, ...]]:
    assert list(frame.columns) == ["level", "msg"]
    return [tuple(row) for row in frame.itertuples(index=False)]


WITH_PARAMETERS = {
    "text, sequence": (AT_MOST.format("?"), (3,)),
    "text, mapping": (sa.text(AT_MOST.format(":most")), {"most": 3}),
    "statement": (STATEMENT.where(LOG.c.level <= 3), None),
    "statement, mapping": (STATEMENT.where(LOG.c.level <= sa.bindparam("most")), {"most": 3}),
}


@pytest.mark.parametrize(("sql", "params"), WITH_PARAMETERS.values(), ids=WITH_PARAMETERS.keys())
@pytest.mark.parametrize("read", [pd.read_sql, pd.read_sql_query, mm.read_sql])
def test_engine_and_connection(demo: Any, expected: Any, read: Any, sql: Any, params: Any) -> None:
    assert rows(read(sql, demo, params=params)) == expected
    with demo.connect() as connection:
        assert rows(read(sql, connection, params=params)) == expected


def test_url(expected: Any) -> None:
    """pandas creates an engine from a URL and disposes of it."""
    assert rows(pd.read_sql(SQL, URL)) == expected
    assert rows(pd.read_sql_query(SQL, URL)) == expected


@pytest.mark.parametrize(("marker", "params"), [("?", (3,)), ("?", [3]), (":most", {"most": 3})])
def test_raw_connection(raw: Any, expected: Any, marker: str, params: Any) -> None:
    sql = AT_MOST.format(marker)
    with pytest.warns(UserWarning, match="SQLAlchemy"):  # pandas warns of all that it knows not
        assert rows(pd.read_sql(sql, raw, params=params)) == expected
    assert rows(mm.read_sql(sql, raw, params=params)) == expected


@pytest.mark.parametrize("marker", ["?", ":most"])
def test_helper_takes_either_marker_through_sqlalchemy(
    demo: Any, expected: Any, marker: str
) -> None:
    params: Any = [3] if marker == "?" else {"most": 3}
    assert rows(mm.read_sql(AT_MOST.format(marker), demo, params=params)) == expected


@pytest.mark.parametrize("where", RECORDED)
def test_table(request: pytest.FixtureRequest, where: str) -> None:
    engine = request.getfixturevalue(where)
    frame = pd.read_sql_table("processes", engine)
    inspector = sa.inspect(engine)
    assert list(frame.columns) == [c["name"] for c in inspector.get_columns("processes")]
    with engine.connect() as connection:
        count = connection.execute(sa.text("SELECT count(*) FROM processes")).scalar()
    assert len(frame) == count > 0
    assert isinstance(frame["start_time"].dtype, pd.DatetimeTZDtype)
    some = pd.read_sql_table("processes", engine, columns=["exe"], index_col="process_id")
    assert list(some.columns) == ["exe"]
    assert set(some.index) == set(frame["process_id"])
    with pytest.raises(ValueError, match="nope"):
        pd.read_sql_table("nope", engine)


def test_dtype_backend(demo: Any) -> None:
    for backend, kind in [("pyarrow", "int32[pyarrow]"), ("numpy_nullable", "Int")]:
        frame = pd.read_sql(STATEMENT, demo, dtype_backend=backend)
        assert str(frame["level"].dtype).startswith(kind[:3].lower() if "[" in kind else kind)
        assert len(frame) == 7


def test_chunks_are_lazy(over_http: Any) -> None:
    """Rows are read on demand. Before the end their number is unknown."""
    seen: list[Any] = []
    sa.event.listen(over_http, "after_cursor_execute", lambda c, cur, *rest: seen.append(cur))
    connection = over_http.connect().execution_options(stream_results=True)
    with connection:
        chunks = pd.read_sql("SELECT msg FROM log_entries", connection, chunksize=2)
        first = next(chunks)
        (cursor,) = seen
        assert (len(first), cursor.rowcount) == (2, -1)
        assert cursor.rownumber == 2
        total = 2 + sum(len(chunk) for chunk in chunks)
        assert total == connection.execute(sa.text("SELECT count(*) FROM log_entries")).scalar()


@pytest.mark.parametrize("how", ["stream_results", "yield_per"])
def test_rows_are_lazy(demo: Any, how: str) -> None:
    options = {"stream_results": True, **({"yield_per": 3} if how == "yield_per" else {})}
    statement = sa.select(LOG.c.msg).execution_options(**options)
    with demo.connect() as connection:
        result = connection.execute(statement)
        cursor = result.cursor
        groups = result.partitions(3)
        assert len(next(groups)) == 3
        assert cursor.rowcount == -1
        assert cursor.rownumber < 100
        result.close()


def test_time_range(demo: Any, raw: Any) -> None:
    """The helper's range takes precedence over the engine's, at both ends, in each way."""
    early, late = raw.execute("SELECT min(time), max(time) FROM log_entries").fetchone()
    middle = early + (late - early) / 2
    count = "SELECT count(*) AS n FROM log_entries"
    total, first, last = (
        raw.execute(count, begin=begin, end=end).fetchone()[0]
        for begin, end in [(None, None), (None, middle), (middle, None)]
    )
    assert 0 < first < total
    assert 0 < last < total
    narrow = demo.execution_options(micromegas_begin=late + timedelta(days=1))
    with demo.connect() as connection:
        for source in (raw, demo, narrow, connection):
            sqls: list[Any] = [count] if source is raw else [count, sa.text(count)]
            for sql in sqls:
                given: Any = {"begin": mm.ALL_TIME} if source is narrow else {}
                assert mm.read_sql(sql, source, **given)["n"][0] == total
                assert mm.read_sql(sql, source, begin=middle)["n"][0] == last
                if source is not narrow:
                    assert mm.read_sql(sql, source, end=middle)["n"][0] == first
        assert connection.execute(sa.text(count)).scalar() == total  # nothing stuck to it


def test_types_of_the_arrow_path(recorded: Any, over_http: Any) -> None:
    """Nanoseconds, dictionaries and intervals are preserved over every protocol."""
    log = sa.Table("log_entries", sa.MetaData(), autoload_with=recorded)
    lasted = (sa.func.max(log.c.time) - sa.func.min(log.c.time)).label("lasted")
    frames = []
    for engine in (recorded, over_http):
        frames.append(mm.read_sql(sa.select(lasted), engine))
        assert str(frames[-1]["lasted"].dtype) == "timedelta64[ns]"
        text = mm.read_sql("SELECT time, exe, time AS time2 FROM log_entries LIMIT 3", engine)
        assert str(text["time"].dtype) == "datetime64[ns, UTC]"
        assert len(text) == 3
    assert frames[0]["lasted"][0] == frames[1]["lasted"][0]
    with over_http.connect() as connection:
        table = fetch_arrow_table(connection.execute(sa.select(lasted)))
    assert table.schema.field("lasted").type == pa.duration("ns")


WRONG: list[tuple[Any, Any, str]] = [
    ("SELECT 1", "demo:", "of type str; accepted: a connection of micromegas_dbapi, or an engine"),
    ("SELECT 1", None, "of type NoneType"),
    ("SELECT 1", sa.create_engine("sqlite://"), "uses the dialect sqlite; accepted: micromegas"),
]


@pytest.mark.parametrize(("sql", "connection", "message"), WRONG)
def test_wrong_arguments(sql: Any, connection: Any, message: str) -> None:
    with pytest.raises(mm.ProgrammingError, match=message):
        mm.read_sql(sql, connection)


def test_errors(demo: Any, raw: Any) -> None:
    with pytest.raises(mm.ProgrammingError, match="nope"):
        mm.read_sql("SELECT nope FROM log_entries", raw)
    with pytest.raises(mm.ProgrammingError, match="of type Select; accepted: str"):
        mm.read_sql(STATEMENT, raw)
    with pytest.raises(mm.ProgrammingError, match="of type list; accepted with a statement"):
        mm.read_sql(STATEMENT, demo, params=[1])
    with pytest.raises(DBAPIError, match="nope") as caught:
        mm.read_sql("SELECT nope FROM log_entries", demo)
    assert isinstance(caught.value.orig, mm.ProgrammingError)


# -- the registration --------------------------------------------------------------------------

PANDAS = tuple(int(part) for part in pd.__version__.split(".")[:2])


def test_registration(expected: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """pandas itself uses Arrow only after the connection is registered."""
    if PANDAS < (2, 2):
        with pytest.raises(mm.NotSupportedError, match=r"accepted: 2\.2 and newer"):
            mm.register_with_pandas()
        return
    from adbc_driver_manager import dbapi

    class Mine(mm.Connection):  # registered for the whole process: not the one others test
        fetched = 0

    monkeypatch.setattr("micromegas_dbapi.pandas.Connection", Mine)
    with (
        mm.connect("demo:?seed=7") as plain,
        Mine(plain.transport, plain._state.ranges, "datetime") as connection,
    ):
        assert not isinstance(connection, dbapi.Connection)
        mm.register_with_pandas()
        assert isinstance(connection, dbapi.Connection)
        assert not isinstance(plain, dbapi.Connection)
        frame = pd.read_sql(SQL, connection)
        assert rows(frame) == expected
        assert str(frame["level"].dtype) == "int32"  # rows would have made int64 of it
        arrow = pd.read_sql(SQL, connection, dtype_backend="pyarrow")
        assert "pyarrow" in str(arrow["level"].dtype)
        with pytest.raises(NotImplementedError, match="params"):
            pd.read_sql(AT_MOST.format("?"), connection, params=(3,))


@pytest.mark.skipif(PANDAS < (2, 2), reason="such a pandas is refused before")
def test_registration_without_the_manager(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "adbc_driver_manager", None)
    with pytest.raises(mm.NotSupportedError, match=r"micromegas-dbapi\[pandas-arrow\]"):
        mm.register_with_pandas()


# -- others ------------------------------------------------------------------------------------


def test_polars(raw: Any, expected: Any) -> None:
    assert pl.DataFrame(raw.execute(SQL)).rows() == expected
    assert pl.read_database(SQL, raw).rows() == expected
    assert pl.read_database(SQL, raw.cursor()).rows() == expected


@pytest.mark.skipif(
    sa.__version__ < "2" and pl.__version__ < "1.10",
    reason="polars of that time imports async_sessionmaker, which SQLAlchemy 1.4 has not",
)
def test_polars_through_sqlalchemy(demo: Any, expected: Any) -> None:
    assert pl.read_database(SQL, demo).rows() == expected
    with demo.connect() as connection:
        assert pl.read_database(STATEMENT.where(LOG.c.level <= 3), connection).rows() == expected
        parts = pl.read_database(SQL, connection, iter_batches=True, batch_size=3)
        assert [row for part in parts for row in part.rows()] == expected


def test_duckdb(raw: Any, expected: Any) -> None:
    cursor = raw.execute(SQL)
    assert duckdb.sql("SELECT * FROM cursor").fetchall() == expected
    cursor.execute(SQL)
    assert duckdb.sql("SELECT count(*) FROM cursor").fetchall() == [(7,)]


def test_pyarrow(raw: Any, expected: Any) -> None:
    table = pa.table(raw.execute(SQL))
    assert list(zip(*table.to_pydict().values())) == expected  # noqa: B905
    assert pa.RecordBatchReader.from_stream(raw.execute(SQL)).read_all() == table


def test_session(demo: Any) -> None:
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    with sa.orm.Session(demo) as session:
        found = session.execute(sa.select(sa.literal(moment, sa.DateTime(timezone=True)))).scalar()
    assert found == moment
