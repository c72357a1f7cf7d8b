"""Behaviour of the embedded engine without recordings: instances, properties, joins that hung."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import micromegas_dbapi as mm
from micromegas_dbapi.lake.property_get import _from_jsonb, _from_lists

OLD, NEW = "http-0.2.3", "flight-0.30"
UNKNOWN = "00000000-0000-4000-8000-000000000000"


@pytest.fixture(scope="module")
def folder(wire: Callable[[str], Path]) -> Path:
    return wire(OLD) / "data"


@pytest.fixture(scope="module")
def lake(folder: Path) -> Iterator[mm.Connection]:
    with mm.connect(f"lake:{folder}") as opened:
        yield opened


@pytest.fixture(scope="module")
def stream(folder: Path) -> str:
    """A stream that has spans."""
    return min((folder / "thread_spans").iterdir()).stem


# -- view_instance -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ("", mm.ProgrammingError, "First argument to view_instance must be a string"),
        ("'log_entries'", mm.ProgrammingError, "Second argument to view_instance must be a"),
        ("1, 'x'", mm.ProgrammingError, "First argument"),
        ("'log_entries', 2", mm.ProgrammingError, "Second argument"),
        ("'log' || '_entries', 'global'", mm.ProgrammingError, "First argument"),
        ("'log_entries', concat('glob', 'al')", mm.ProgrammingError, "Second argument"),
        ("'LOG_ENTRIES', 'global'", mm.ProgrammingError, "view set LOG_ENTRIES not found"),
        ("'nope', 'global'", mm.ProgrammingError, "view set nope not found"),
        ("'log_entries', 'not-a-uuid'", mm.ProgrammingError, "Uuid::parse_str"),
        ("'log_entries', '../../etc'", mm.ProgrammingError, "Uuid::parse_str"),
        ("'thread_spans', 'global'", mm.ProgrammingError, "not implemented for thread spans"),
        ("'thread_spans', '../processes'", mm.ProgrammingError, "Uuid::parse_str"),
        ("'processes', '" + UNKNOWN + "'", mm.ProgrammingError, "only the global instance"),
        ("'log_entries', '" + UNKNOWN + "'", mm.ProgrammingError, "no process or stream has"),
        ("'thread_spans', '" + UNKNOWN + "'", mm.ProgrammingError, "no process or stream has"),
    ],
)
def test_arguments_that_fail(
    lake: mm.Connection, arguments: str, error: type[mm.Error], words: str
) -> None:
    with pytest.raises(error) as raised:
        lake.execute(f"SELECT * FROM view_instance({arguments})", begin="-1000d")
    assert words in str(raised.value)
    assert "PyErr" not in str(raised.value)
    assert "Traceback" not in str(raised.value)
    assert raised.value.query_id is not None
    assert raised.value.sql is not None


@pytest.mark.parametrize("view", ["log_entries", "measures", "processes", "streams", "blocks"])
def test_global_instance_is_the_view(lake: mm.Connection, view: str) -> None:
    instance = lake.execute(f"SELECT * FROM view_instance('{view}', 'global')")
    whole = lake.execute(f"SELECT * FROM {view}")
    assert instance.description == whole.description
    assert sorted(map(repr, instance)) == sorted(map(repr, whole))


@pytest.mark.parametrize(
    "spelling",
    [str.upper, lambda i: i.replace("-", ""), "urn:uuid:{}".format, "{{{}}}".format],
    ids=["upper", "plain", "urn", "braces"],
)
def test_spellings_of_an_instance_id(
    lake: mm.Connection, stream: str, spelling: Callable[[str], str]
) -> None:
    count = "SELECT count(*) FROM view_instance('thread_spans', '{}')"
    plain = lake.execute(count.format(stream), begin="-1000d").fetchone()
    assert lake.execute(count.format(spelling(stream)), begin="-1000d").fetchone() == plain


def test_thread_spans_need_a_range(lake: mm.Connection, stream: str) -> None:
    spans = f"view_instance('thread_spans', '{stream}')"
    with pytest.raises(mm.ProgrammingError, match="needs a time range: use --begin/--end"):
        lake.execute(f"SELECT count(*) FROM {spans}")
    with pytest.raises(mm.ProgrammingError, match="needs a time range"):
        lake.execute(f"SELECT count(*) FROM {spans}", begin=mm.ALL_TIME)
    # The service raises the error when it scans, so statements without a scan succeed.
    assert lake.execute(f"SELECT * FROM {spans} LIMIT 0").fetchall() == []
    plan = dict(lake.execute(f"EXPLAIN SELECT * FROM {spans}").fetchall())
    assert "query range mandatory" in plan["physical_plan_error"]


def test_stream_without_spans_is_empty(lake: mm.Connection) -> None:
    sql = "SELECT stream_id FROM streams WHERE array_has(tags, 'log') LIMIT 1"
    (log_stream,) = lake.execute(sql).fetchone() or ("",)
    cursor = lake.execute(
        f"SELECT * FROM view_instance('thread_spans', '{log_stream}')", begin="-1000d"
    )
    assert [column.name for column in cursor.description or ()][:3] == ["id", "parent", "depth"]
    assert cursor.fetchall() == []


def test_spans_may_be_joined(lake: mm.Connection, stream: str) -> None:
    sql = f"""
        SELECT count(*) FROM view_instance('thread_spans', '{stream}') a
        JOIN view_instance('thread_spans', '{stream}') b ON a.parent = b.id
        WHERE b.id = -1"""
    (joined,) = lake.execute(sql, begin="-1000d").fetchone() or (0,)
    top = f"SELECT count(*) FROM view_instance('thread_spans', '{stream}') WHERE parent = -1"
    assert lake.execute(top, begin="-1000d").fetchone() == (joined,)
    assert joined > 0


# -- property_get --------------------------------------------------------------------------------

PROPERTIES = pa.list_(pa.struct([("key", pa.string()), ("value", pa.string())]))


def listed(*rows: list[tuple[str, str]] | None) -> pa.Array:
    return pa.array(
        [None if row is None else [{"key": k, "value": v} for k, v in row] for row in rows],
        PROPERTIES,
    )


@pytest.mark.parametrize(
    ("properties", "name", "value"),
    [
        ([("a", "1")], "a", "1"),
        ([("A", "1")], "a", "1"),
        ([("a", "1")], "A", "1"),
        ([("a", "first"), ("A", "second")], "A", "first"),
        ([("É", "1")], "é", None),  # ASCII letters only
        ([("é", "1")], "é", "1"),
        ([("\u212a", "kelvin")], "k", None),  # the Kelvin sign is not an ASCII letter
        ([("", "empty")], "", "empty"),
        ([("a", "")], "a", ""),
        ([], "a", None),
        (None, "a", None),
        ([("aa", "1")], "a", None),
    ],
)
def test_property_of_a_list(
    properties: list[tuple[str, str]] | None, name: str, value: str | None
) -> None:
    # Between other rows and as a slice, so that the arrays have offsets.
    rows = listed([(name, "other")], properties, [(name, "other")], None)[1:]
    names = pa.array([name] * len(rows))
    assert _from_lists(rows, names).to_pylist() == [value, "other", None]


def test_names_may_differ_by_row() -> None:
    rows = listed([("a", "1"), ("b", "2")], [("a", "3"), ("b", "4")], [("a", "5")], [("a", "6")])
    names = pa.array(["b", "A", "b", None])
    assert _from_lists(rows, names).to_pylist() == ["2", "3", None, None]


def jsonb(**properties: str) -> bytes:
    keys = [k.encode() for k in sorted(properties)]
    values = [properties[k.decode()].encode() for k in keys]
    entries = b"".join((0x10000000 | len(x)).to_bytes(4, "big") for x in keys + values)
    return (0x40000000 | len(keys)).to_bytes(4, "big") + entries + b"".join(keys + values)


def test_property_of_jsonb() -> None:
    rows = pa.array([jsonb(a="1", B="2"), jsonb(a="low", A="up"), None, jsonb(a="1", B="2")])
    others = [rows.cast(pa.large_binary())]
    if int(pa.__version__.split(".")[0]) >= 18:  # older ones do not cast to views
        others.append(rows.cast(pa.binary_view()))
    for form in (rows, rows.dictionary_encode(), rows.dictionary_encode()[1:], *others):
        names = pa.array(["A"] * len(form))
        got = _from_jsonb(form, names)
        assert got.type == pa.dictionary(pa.int32(), pa.string())
        assert got.to_pylist() == ["1", "up", None, "1"][-len(form) :]


def test_jsonb_that_is_no_object_has_no_properties_and_others_are_written_as_json() -> None:
    scalar = b"\x20\x00\x00\x00\x10\x00\x00\x01x"
    number = b"\x40\x00\x00\x01\x10\x00\x00\x01\x20\x00\x00\x02n\x50\x05"
    assert _from_jsonb(pa.array([scalar, number]), pa.array(["n", "n"])).to_pylist() == [None, "5"]


@pytest.mark.parametrize("generation", [OLD, NEW])
def test_property_get_in_a_statement(wire: Callable[[str], Path], generation: str) -> None:
    with mm.connect(f"lake:{wire(generation) / 'data'}") as lake:
        sql = """SELECT property_get(properties, 'REGION') AS region, count(*) FROM processes
                 WHERE property_get(properties, 'region') IS NOT NULL GROUP BY 1 ORDER BY 1"""
        assert lake.execute(sql).fetchall() == [("eu-west", 1), ("us-east", 1)]
        log = "SELECT count(property_get(properties, 'nope')) FROM log_entries"
        assert lake.execute(log).fetchone() == (0,)
        with pytest.raises(mm.ProgrammingError):
            lake.execute("SELECT property_get(properties) FROM processes")


def test_damaged_jsonb_is_an_error(tmp_path: Path) -> None:
    table = pa.table({"process_id": ["p"], "properties": pa.array([b"\x00\x01\x02\x03\x04"])})
    pq.write_table(table, tmp_path / "processes.parquet")
    with mm.connect(f"lake:{tmp_path}") as lake:
        with pytest.raises(mm.DataError, match="not a JSONB value") as raised:
            lake.execute("SELECT property_get(properties, 'a') FROM processes")
        assert "Traceback" not in str(raised.value)


# -- statements ----------------------------------------------------------------------------------

# The C stream of DataFusion 55 hangs on some of these (a partitioned hash join with dynamic filters
# waits for partitions that have not been started), so each has a time limit.
JOINS = [
    "SELECT msg FROM log_entries INTERSECT SELECT exe FROM processes",
    "SELECT msg FROM log_entries EXCEPT SELECT exe FROM processes",
    "SELECT msg FROM log_entries INTERSECT ALL SELECT msg FROM log_entries",
    "SELECT msg FROM log_entries UNION SELECT name FROM measures",
    *(
        f"SELECT count(*) FROM log_entries l {kind} JOIN processes p ON l.process_id = p.process_id"
        for kind in ("INNER", "LEFT", "RIGHT", "FULL", "LEFT SEMI", "LEFT ANTI", "RIGHT SEMI")
    ),
    "SELECT count(*) FROM blocks b JOIN streams s USING (stream_id) JOIN processes p "
    "ON s.process_id = p.process_id JOIN log_entries l ON l.process_id = p.process_id",
    "SELECT count(*) FROM log_entries WHERE process_id IN (SELECT process_id FROM measures)",
    "SELECT count(*) FROM log_entries WHERE process_id NOT IN (SELECT exe FROM processes)",
    "SELECT count(*) FROM log_entries l WHERE EXISTS "
    "(SELECT 1 FROM processes p WHERE p.process_id = l.process_id)",
    "SELECT count(*) FROM log_entries a, processes b",
    "SELECT DISTINCT ON (level) level, msg FROM log_entries ORDER BY level, time",
    "SELECT floor(value), count(*) FROM measures GROUP BY 1 LIMIT 5",
    "SELECT p.exe, l.n FROM processes p CROSS JOIN LATERAL "
    "(SELECT count(*) AS n FROM log_entries l WHERE l.process_id = p.process_id) l",
]


@pytest.mark.timeout(20)
@pytest.mark.parametrize("sql", JOINS)
def test_joins_of_every_kind_end(lake: mm.Connection, sql: str) -> None:
    rows = lake.execute(sql, begin="-1000d").fetchall()
    assert rows == lake.execute(sql).fetchall() or len(rows) > 1
    # Read partly, then dropped.
    lake.execute(sql).fetchone()


def test_names_with_nul(lake: mm.Connection) -> None:
    """A column without an alias is named after its expression, with any characters."""
    cursor = lake.execute("SELECT 'a\0b', 1 AS \"x.y\", concat(?, 'c') ORDER BY 2", ("\0",))
    assert [column.name for column in cursor.description or ()] == [
        'Utf8("a\0b")',
        "x.y",
        'concat(Utf8("\0"),Utf8("c"))',
    ]
    assert cursor.fetchall() == [("a\0b", 1, "\0c")]
    assert lake.execute("SELECT ? AS v", ("\0",)).fetchall() == [("\0",)]


def test_now_is_in_utc(lake: mm.Connection) -> None:
    from datetime import datetime, timedelta, timezone

    (now,) = lake.execute("SELECT now()").fetchone() or (None,)
    assert now.tzinfo is timezone.utc
    assert abs(now - datetime.now(timezone.utc)) < timedelta(minutes=1)


@pytest.mark.parametrize(
    ("sql", "kind", "words"),
    [
        ("SELECT * FROM information_schema.nope", mm.ProgrammingError, "not found"),
        ("SHOW COLUMNS FROM nope", mm.ProgrammingError, "'datafusion.public.nope' not found"),
        ("SHOW nope", mm.ProgrammingError, "'nope' is not a variable"),
        ("SHOW SCHEMAS", mm.NotSupportedError, "SHOW SCHEMAS"),
        ("SELECT 1 / 0", mm.DataError, "Divide by zero"),
        ("SELECT CAST(msg AS INT) FROM log_entries", mm.DataError, "Cast error"),
        ("SELECT * FROM '/etc/passwd.csv'", mm.ProgrammingError, "not found"),
        ("SELECT 1; SELECT 2", mm.NotSupportedError, "single SQL statement"),
    ],
)
def test_errors_have_their_class(
    lake: mm.Connection, sql: str, kind: type[mm.Error], words: str
) -> None:
    with pytest.raises(kind, match=words) as raised:
        lake.execute(sql).fetchall()
    assert raised.value.__cause__ is not None


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE TABLE t AS SELECT 1 AS a",
        "DROP TABLE log_entries",
        "SET a = 1",
        "BEGIN",
        "INSERT INTO processes SELECT * FROM processes",
        "COPY log_entries TO 'out.parquet'",
        "RESET a",
    ],
)
def test_engine_itself_refuses_changes(folder: Path, sql: str) -> None:
    """In addition to the driver, which rejects these statements first."""
    from micromegas_dbapi.lake.folder import Folder
    from micromegas_dbapi.lake.scan import Scanner
    from micromegas_dbapi.lake.session import Session

    with pytest.raises(Exception, match=r"not supported|not implemented|Unsupported"):
        Session(Folder(folder), Scanner(), None).query(sql)


def test_threads_share_a_lake(lake: mm.Connection, stream: str) -> None:
    queries = [
        "SELECT count(*) FROM log_entries",
        "SELECT count(property_get(properties, 'region')) FROM processes",
        f"SELECT count(*) FROM view_instance('thread_spans', '{stream}')",
    ]
    expected = [lake.execute(sql, begin="-1000d").fetchone() for sql in queries]
    wrong: list[object] = []

    def work() -> None:
        for _ in range(10):
            for sql, answer in zip(queries, expected, strict=True):
                try:
                    if (got := lake.execute(sql, begin="-1000d").fetchone()) != answer:
                        wrong.append(got)
                except Exception as error:
                    wrong.append(error)

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


INTERRUPTED = """
import _thread, os, sys, threading
import micromegas_dbapi as mm
lake = mm.connect(sys.argv[1])
threading.Timer(0.5, _thread.interrupt_main).start()
endless = "SELECT count(DISTINCT concat(a.msg, b.msg, c.msg)) FROM {0} a, {0} b, {0} c"
try:
    lake.execute(endless.format('log_entries')).fetchall()
except KeyboardInterrupt as interrupt:
    print("interrupted", interrupt.__cause__)
sys.stdout.flush()
os._exit(0)  # the engine's threads may continue for a while
"""


def test_ctrl_c_ends_a_query(folder: Path) -> None:
    """In a separate process, because the engine continues to use a core for a while."""
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED, f"lake:{folder}"],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.stdout.strip(), done.returncode) == ("interrupted None", 0), done.stderr
