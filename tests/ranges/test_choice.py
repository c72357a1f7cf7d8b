"""The range that is sent: precedence, intersection, modes, queries to the service, messages."""

from __future__ import annotations

import logging
import re
import warnings
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import micromegas_dbapi as mm
from micromegas_dbapi.ranges import range_options
from micromegas_dbapi.service.catalog import SCHEMAS, UNFILTERED, TimeColumns
from micromegas_dbapi.timerange import MAX_NS, MIN_NS, format_ns
from tests.integration.serving import served

A, B, C, D = (f"2026-11-23T20:{minute}:00Z" for minute in (10, 20, 40, 50))
FIRST_WORD = "a statement that begins with"
HALF = "2026-11-23T20:30:00Z"
WITHIN = f"SELECT count(*) FROM log_entries WHERE time >= '{B}' AND time < '{C}'"
FREE = "SELECT count(*) FROM log_entries"
ASKED = "SELECT count(*) FROM blocks WHERE insert_time >= '2026-11-23T20:20:00Z'"
# The inferred range, with a minute of padding.
PADDED = "2026-11-23T20:19:00Z", "2026-11-23T20:41:00Z"
FIRST, LAST = format_ns(MIN_NS), format_ns(MAX_NS)


@pytest.fixture(scope="module")
def urls(wire: Callable[[str], Path]) -> Iterator[dict[str, str]]:
    with served(wire("http-0.2.3") / "data") as found:
        yield found


@pytest.fixture
def lake(urls: dict[str, str]) -> str:
    return urls["lake"]


def sent(connection: mm.Connection, sql: str, **bounds: Any) -> tuple[str, str, str] | str:
    """Run a statement; return its range and the source of it, or the reason why there is none."""
    cursor = connection.execute(sql, **bounds)
    cursor.fetchall()
    found = cursor.time_range
    assert found is not None
    if not found:
        assert (found.begin, found.end, found.source) == (None, None, None)
        return str(found.reason)
    assert found.reason is None
    return str(found.begin_text), str(found.end_text), str(found.source)


NO_BOUND = "log_entries has no condition on time that is understood"

# The options of connect(), the statement, the bounds of execute(), and the range that is sent.
PRECEDENCE = [
    ({}, WITHIN, {}, (*PADDED, "inferred")),
    ({}, FREE, {}, NO_BOUND),
    ({}, "SELECT 1", {}, "the statement reads no view"),
    # The bounds of the statement take precedence, and are sent unchanged.
    ({}, WITHIN, {"begin": C}, (C, LAST, "execute")),
    ({"begin": A, "end": D}, WITHIN, {"begin": C}, (C, D, "execute+connection")),
    ({}, WITHIN, {"begin": mm.ALL_TIME}, "ALL_TIME was given"),
    ({"begin": A}, WITHIN, {"begin": mm.ALL_TIME}, "ALL_TIME was given"),
    ({}, "SELECT 1", {"begin": A, "end": B}, (A, B, "execute")),
    # A default is narrowed, never widened.
    ({"begin": A, "end": D}, FREE, {}, (A, D, "connection")),
    ({"begin": A, "end": D}, WITHIN, {}, (*PADDED, "connection+inferred")),
    ({"begin": A}, WITHIN, {}, (*PADDED, "connection+inferred")),
    ({"begin": HALF}, WITHIN, {}, (HALF, PADDED[1], "connection+inferred")),
    ({"begin": B, "end": C}, WITHIN, {}, (B, C, "connection")),
    ({"begin": D}, WITHIN, {}, (D, LAST, "connection")),
    ({"begin": mm.ALL_TIME}, WITHIN, {}, "ALL_TIME was given for the connection"),
    # A statement that reads no view gets no default: older services fail on it.
    ({"begin": A}, "SELECT 1", {}, "the statement reads no view"),
    ({"begin": A}, "DESCRIBE processes", {}, f"{FIRST_WORD} DESCRIBE gets no range"),
    # Without inference.
    ({"infer_range": "off"}, WITHIN, {}, "no time range was given, and infer_range is off"),
    ({"infer_range": False}, WITHIN, {}, "no time range was given, and infer_range is off"),
    ({"infer_range": "off", "begin": A}, WITHIN, {}, (A, LAST, "connection")),
    ({"infer_range": True}, WITHIN, {}, (*PADDED, "inferred")),
    ({"infer_range": "require"}, WITHIN, {}, (*PADDED, "inferred")),
    ({"infer_range": "require"}, "SELECT 1", {}, "the statement reads no view"),
    ({"infer_range": "require"}, FREE, {"end": A}, (FIRST, A, "execute")),
    ({"infer_range": "require"}, FREE, {"begin": mm.ALL_TIME}, "ALL_TIME was given"),
]  # fmt: skip


@pytest.mark.parametrize(("options", "sql", "bounds", "expected"), PRECEDENCE)
def test_precedence(
    lake: str, options: dict[str, Any], sql: str, bounds: dict[str, Any], expected: Any
) -> None:
    with mm.connect(lake, **options) as connection:
        assert sent(connection, sql, **bounds) == expected
        told = connection.time_range(sql, **bounds)
    assert (told.reason or (told.begin_text, told.end_text, told.source)) == expected


def test_a_cursor_takes_precedence(lake: str) -> None:
    with mm.connect(lake, begin=A) as connection:
        found = connection.cursor(begin=B).execute(WITHIN).time_range
        assert found
        assert (found.begin_text, found.end_text, found.source) == (B, LAST, "cursor")


def test_required_and_not_found(lake: str) -> None:
    with mm.connect(lake, infer_range="require") as connection:
        with pytest.raises(mm.ProgrammingError) as caught:
            connection.execute(FREE)
    assert str(caught.value) == (
        "infer_range='require', but no time range was given and none can be inferred: "
        f"{NO_BOUND}; pass begin= or end=, or begin=ALL_TIME to read everything"
    )
    assert caught.value.sql == FREE


def test_parameters_are_understood(lake: str) -> None:
    with mm.connect(lake) as connection:
        cursor = connection.cursor()
        cursor.execute("SELECT count(*) FROM log_entries WHERE time >= ?", [B])
        assert cursor.time_range
        cursor.executemany("SELECT count(*) FROM log_entries WHERE time >= ?", [[B], [C]])
        first = cursor.time_range
        cursor.nextset()
        assert first
        assert cursor.time_range
        assert cursor.time_range.begin - first.begin == 20 * 60 * 10**9


# -- thread_spans ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["lake", "http", "grpc"])
def test_thread_spans(urls: dict[str, str], wire: Callable[[str], Path], name: str) -> None:
    folder = wire("http-0.2.3") / "data" / "thread_spans"
    stream = next(iter(sorted(folder.glob("*.parquet")))).stem
    spans = f"SELECT count(*) FROM view_instance('thread_spans', '{stream}')"
    with mm.connect(urls[name]) as connection:
        with pytest.raises(mm.ProgrammingError) as caught:
            connection.execute(spans).fetchall()
        everything = connection.execute(spans, begin="2026-11-01T00:00:00Z").fetchall()
        for where in ("begin >= '2026-11-01'", "\"end\" < '2026-12-01'"):
            assert connection.execute(f"{spans} WHERE {where}").fetchall() == everything
    assert str(caught.value).startswith(
        "thread_spans needs a time range: use --begin/--end (command line), begin=/end= (Python)"
    )
    assert everything[0][0] > 0


def test_an_older_service_with_other_than_views() -> None:
    text = "error building dataframe: error casting table provider as MaterializedView"
    error = mm.errors.from_service(text)
    assert type(error) is mm.NotSupportedError
    assert str(error).startswith(
        "this service (older than 0.12) accepts a time range for views only"
    )
    assert "begin=ALL_TIME" in str(error)


# -- queries to the service ------------------------------------------------------------------------


def test_a_service_is_asked_once_and_late(
    urls: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Over FlightSQL, the columns of blocks depend on the version; this service is an older one."""
    with mm.connect(urls["grpc"]) as connection:
        asked: list[str] = []
        run, service = connection.transport.run, connection.transport.service  # type: ignore[union-attr]
        monkeypatch.setattr(
            connection.transport, "run", lambda request: asked.append(request.sql) or run(request)
        )
        monkeypatch.setattr(
            connection.transport, "service", lambda *_: asked.append("service") or service()
        )
        for sql in (WITHIN, FREE, "SELECT count(*) FROM blocks"):
            sent(connection, sql)
            assert asked == [sql]  # nothing that is asked could help
            asked.clear()
        for _ in range(2):
            assert sent(connection, ASKED) == (PADDED[0], LAST, "inferred")
        assert asked == ["service", "EXPLAIN SELECT * FROM blocks", ASKED, ASKED]
        known = connection.service
        assert known.generation == "0.2"
        assert known.time_columns == {"blocks": TimeColumns("insert_time", "insert_time")}
        assert connection.service is known


@pytest.mark.parametrize("name", ["http", "grpc", "gateway", "web"])
def test_a_view_that_is_not_there(urls: dict[str, str], name: str) -> None:
    """The error is that of the user's own statement, and nothing is learned from it."""
    with mm.connect(urls[name]) as connection:
        for _ in range(2):
            with pytest.raises(mm.ProgrammingError) as caught:
                connection.execute("SELECT 1 FROM elsewhere WHERE time > now()").fetchall()
            assert "elsewhere" in str(caught.value)
            assert "EXPLAIN" not in str(caught.value.sql)
        assert "elsewhere" not in connection.service.time_columns


@pytest.mark.parametrize("name", ["gateway", "web"])
def test_plans_arrive_over_every_wire(urls: dict[str, str], name: str) -> None:
    with mm.connect(urls[name]) as connection:
        assert sent(connection, ASKED) == (PADDED[0], LAST, "inferred")


def test_a_service_that_is_away(tmp_path: Path) -> None:
    """The error is that of the statement, and nothing is learned."""
    with mm.connect("grpc://127.0.0.1:9", timeout=2) as connection:
        for _ in range(2):
            with pytest.raises(mm.OperationalError) as caught:
                connection.execute(ASKED).fetchall()
            assert caught.value.sql == ASKED
        assert connection._state.ranges._knowledge.current().time_columns == {}


def test_a_lake_to_which_files_are_added(tmp_path: Path) -> None:
    """Its time columns are those of the files that are there, or rows would be lost."""
    pq.write_table(SCHEMAS["processes"].empty_table(), tmp_path / "processes.parquet")
    sql = "SELECT count(*) FROM blocks WHERE insert_time <= TIMESTAMP '2026-11-01T00:00:30Z'"
    with mm.connect(f"lake:{tmp_path}") as connection:
        connection.execute("SELECT count(*) FROM processes WHERE insert_time < now()").fetchall()
        # Blocks as services since 0.13 have them, one from a machine whose clock is ahead.
        inserted = datetime(2026, 11, 1, tzinfo=timezone.utc)
        began = inserted + timedelta(hours=1)
        row = {"insert_time": inserted, "begin_time": began, "end_time": began}
        field = pa.field("streams.insert_time", pa.timestamp("ns", "+00:00"))
        schema = SCHEMAS["blocks"].append(field)
        schema = pa.schema([each.with_nullable(True) for each in schema])
        table = pa.Table.from_pylist([row], schema=schema)
        pq.write_table(table, tmp_path / "blocks.parquet")
        assert connection.execute(sql).fetchall() == [(1,)]
        assert connection.service.views is not None
        assert "blocks" in connection.service.views
        # The same view with the columns of older services, whose range filters otherwise.
        pq.write_table(table.drop(["streams.insert_time"]), tmp_path / "blocks.parquet")
        old = connection.service.time_columns["blocks"]
        assert old == TimeColumns("insert_time", "insert_time")
        assert connection.execute(sql).fetchall() == [(1,)]


def test_declared_views(lake: str) -> None:
    views = {"mine": "t", "spans": ("begun", "ended"), "hosts": None}
    declared = {
        "hosts": UNFILTERED,
        "mine": TimeColumns("t", "t"),
        "spans": TimeColumns("begun", "ended", ordered=False, nullable=True),
    }
    for connection in (
        mm.connect(lake, views=views),
        mm.connect(f"{lake}?views=mine:t,spans:begun:ended,hosts:"),
    ):
        with connection:
            assert declared.items() <= connection.service.time_columns.items()
            found = connection.time_range(f"SELECT 1 FROM mine WHERE t >= '{B}'")
            assert found.begin_text == PADDED[0]
            both = f"SELECT 1 FROM spans WHERE ended >= '{B}' AND begun <= now()"
            assert connection.time_range(both).begin_text == PADDED[0]
            # The result has rows whose begun is NULL, which no range keeps.
            assert not connection.time_range(f"SELECT 1 FROM spans WHERE ended >= '{B}'")
            assert not connection.time_range(f"SELECT 1 FROM spans WHERE begun >= '{B}'")


BAD = [
    ({"infer_range": "maybe"}, "infer_range='maybe'; accepted: 'on', 'off', 'require'"),
    ({"on_unbounded": "shout"}, "on_unbounded='shout'; accepted: 'ignore', 'warn', 'error'"),
    ({"clock_skew": -1}, "clock_skew=-1; accepted: 0 to 86400 seconds"),
    ({"clock_skew": "1"}, "clock_skew='1'; accepted: 0 to 86400 seconds"),
    ({"views": ["mine"]}, r"views=\['mine'\]; accepted: a mapping"),
    ({"views": {"mine": ("a", "b", "c")}}, "accepted: a mapping"),
    ({"views": {"mine": ""}}, "accepted: a mapping"),
    ({"views": {"mine": 1}}, "accepted: a mapping"),
    ({"views": {"": None}}, "accepted: a mapping"),
]


@pytest.mark.parametrize(("options", "message"), BAD)
def test_bad_options(options: dict[str, Any], message: str) -> None:
    with pytest.raises(mm.ProgrammingError, match=message):
        mm.connect("http://localhost", **options)


BAD_URLS = {
    "infer_range=maybe": "accepted: on, off, require, true",
    "on_unbounded=x": "accepted: ignore, warn, error",
    "clock_skew=soon": "accepted: 0 to 86400 seconds",
    "views=mine": "accepted: VIEW:COLUMN",
    "views=a:b,a:c": "accepted: VIEW:COLUMN",
    "views=a:b:": "accepted: VIEW:COLUMN",
    "views=a::b": "accepted: VIEW:COLUMN",
}


@pytest.mark.parametrize("query", BAD_URLS)
def test_bad_urls(query: str) -> None:
    with pytest.raises(mm.ProgrammingError, match=BAD_URLS[query]):
        mm.connect(f"http://localhost?{query}")


@pytest.mark.parametrize(
    ("query", "mode"),
    [
        ("on", "on"),
        ("true", "on"),
        ("1", "on"),
        ("off", "off"),
        ("0", "off"),
        ("require", "require"),
    ],
)
def test_modes_in_urls(query: str, mode: str) -> None:
    with mm.connect(f"http://localhost?infer_range={query}&clock_skew=0") as connection:
        assert connection._state.ranges._options.infer_range == mode
        assert connection._state.ranges._options.clock_skew == 0


def test_the_clock_may_be_ahead(lake: str) -> None:
    sql = "SELECT count(*) FROM log_entries WHERE time >= now()"
    begins = []
    for skew in (0, 600, 3600):
        with mm.connect(lake, clock_skew=skew) as connection:
            found = connection.time_range(sql)
            assert found
            begins.append(found.begin // 10**9)
    assert begins[0] - begins[1] in (599, 600, 601, 602)
    assert begins[0] - begins[2] in (3599, 3600, 3601, 3602)


# -- without sqloxide ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("installed", "reason"),
    [
        (None, r"inference needs sqloxide: pip install 'micromegas-dbapi\[infer\]'"),
        ("0.1.56", "inference needs sqloxide 0.61, but 0.1.56 is installed"),
    ],
)
def test_without_sqloxide(
    lake: str, monkeypatch: pytest.MonkeyPatch, installed: str | None, reason: str
) -> None:
    from importlib import metadata

    def version(package: str) -> str:
        assert package == "sqloxide"
        if installed is None:
            raise metadata.PackageNotFoundError(package)
        return installed

    monkeypatch.setattr(metadata, "version", version)
    range_options.unmet_requirement.cache_clear()
    try:
        with mm.connect(lake) as connection:
            assert re.search(reason, str(sent(connection, WITHIN)))
            assert sent(connection, WITHIN, begin=A) == (A, LAST, "execute")
        with pytest.raises(mm.NotSupportedError, match=reason):
            mm.connect(lake, infer_range="on")
    finally:
        range_options.unmet_requirement.cache_clear()


# -- log, warnings and errors ----------------------------------------------------------------------


def test_one_line_of_log_for_each_query(lake: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "micromegas_dbapi")
    with mm.connect(lake) as connection:
        cursor = connection.cursor()
        lines = []
        for sql, bounds in ((WITHIN, {}), (FREE, {}), (FREE, {"begin": A, "end": B})):
            caplog.clear()
            cursor.execute(sql, **bounds)
            (record,) = [r for r in caplog.records if r.name == "micromegas_dbapi"]
            assert record.levelno == logging.DEBUG
            lines.append(record.getMessage().replace(str(cursor.query_id), "ID"))
    assert lines == [
        f"query ID: time range {PADDED[0]} .. {PADDED[1]} (inferred)",
        f"query ID: no time range: {NO_BOUND}",
        f"query ID: time range {A} .. {B} (execute)",
    ]


UNBOUNDED = (
    f"the statement reads all of log_entries, because it has no time range: {NO_BOUND}; pass "
    "begin= or end=, or begin=ALL_TIME to read everything"
)


def test_on_unbounded(lake: str) -> None:
    quiet = [(WITHIN, {}), ("SELECT 1", {}), (FREE, {"begin": A}), (FREE, {"begin": mm.ALL_TIME})]
    quiet.append(("SELECT count(*) FROM processes", {}))
    with mm.connect(lake, on_unbounded="warn") as connection:
        with pytest.warns(mm.UnboundedScanWarning) as caught:
            connection.execute(FREE)
        (warning,) = caught
        assert (str(warning.message), warning.filename) == (UNBOUNDED, __file__)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            for sql, bounds in quiet:
                connection.execute(sql, **bounds)
    with mm.connect(f"{lake}?on_unbounded=error") as connection:
        with pytest.raises(mm.ProgrammingError) as refused:
            connection.execute(FREE)
        assert str(refused.value) == UNBOUNDED
        for sql, bounds in quiet:
            connection.execute(sql, **bounds)
    with mm.connect(lake, infer_range="off", on_unbounded="error") as connection:
        with pytest.raises(
            mm.ProgrammingError, match="no time range was given, and infer_range is off"
        ):
            connection.execute(WITHIN)
