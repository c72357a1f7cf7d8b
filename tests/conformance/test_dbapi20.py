"""PEP 249, checked on the embedded engine, as far as a read-only service allows.

The table names every check of the public-domain dbapi20 suite, and where it stands here.
"""

from __future__ import annotations

import builtins
import datetime
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import micromegas_dbapi as mm

NO_PROCEDURES = "callproc is optional: the service has no stored procedures"
DDL = "needs the effect of DDL: the service keeps nothing of it, and the driver refuses it"

# The suite's check -> the checks here that do the same, or the fact that rules it out.
DBAPI20: dict[str, list[str] | str] = {
    "test_connect": ["test_connect"],
    "test_apilevel": ["test_module_globals"],
    "test_threadsafety": ["test_module_globals"],
    "test_paramstyle": ["test_module_globals"],
    "test_Exceptions": ["test_exception_tree"],
    "test_ExceptionsAsConnectionAttributes": ["test_exceptions_of_the_connection"],
    "test_commit": ["test_commit_and_rollback"],
    "test_rollback": ["test_commit_and_rollback"],
    "test_cursor": ["test_connect"],
    "test_cursor_isolation": DDL,
    "test_description": ["test_description", "test_no_result"],
    "test_rowcount": ["test_rowcount"],
    "test_callproc": NO_PROCEDURES,
    "test_close": ["test_closed_connection", "test_closed_cursor"],
    "test_non_idempotent_close": "PEP 249 does not ask that a second close fails; it is allowed",
    "test_execute": ["test_execute", "test_parameters"],
    "test_executemany": ["test_executemany"],
    "test_fetchone": ["test_fetchone", "test_no_result"],
    "test_fetchmany": ["test_fetchmany", "test_no_result"],
    "test_fetchall": ["test_fetchall", "test_no_result"],
    "test_mixedfetch": ["test_mixed_fetches"],
    "test_nextset": ["test_executemany"],
    "test_arraysize": ["test_arraysize"],
    "test_setinputsizes": ["test_sizes"],
    "test_setoutputsize_basic": ["test_sizes"],
    "test_setoutputsize": "for drivers that cut values; this one never does",
    "test_None": ["test_null"],
    "test_Date": ["test_constructors"],
    "test_Time": ["test_constructors"],
    "test_Timestamp": ["test_constructors"],
    "test_Binary": ["test_constructors"],
    "test_STRING": ["test_type_objects"],
    "test_BINARY": ["test_type_objects"],
    "test_NUMBER": ["test_type_objects"],
    "test_DATETIME": ["test_type_objects"],
    "test_ROWID": ["test_type_objects"],
}

SAMPLES = ["'quoted'", "audio", "it's late", "network", "render", "shader cache"]
SIX = "SELECT name FROM (VALUES " + ", ".join(["(?)"] * 6) + ") AS t(name) ORDER BY name"


@pytest.fixture
def connection(wire: Callable[[str], Path]) -> Iterator[mm.Connection]:
    with mm.connect(f"lake:{wire('http-0.2.3') / 'data'}") as opened:
        yield opened


@pytest.fixture
def cursor(connection: mm.Connection) -> mm.Cursor:
    return connection.cursor()


def test_the_table_names_checks_that_are_here() -> None:
    here = {name for name in globals() if name.startswith("test_")}
    named = {name for checks in DBAPI20.values() if isinstance(checks, list) for name in checks}
    assert named <= here
    assert here - named == {
        "test_the_table_names_checks_that_are_here",
        "test_the_table_has_the_whole_suite",
        "test_iteration",
        "test_globals_in_a_fresh_interpreter",
    }
    assert all(checks for checks in DBAPI20.values())


def test_the_table_has_the_whole_suite() -> None:
    """Against the suite itself, where the package dbapi-compliance is installed."""
    suite = pytest.importorskip("dbapi20", reason="dbapi-compliance is not installed")
    assert {name for name in dir(suite.DatabaseAPI20Test) if name.startswith("test_")} == {*DBAPI20}


# -- the module ----------------------------------------------------------------------------------


def test_module_globals() -> None:
    assert mm.apilevel == "2.0"
    assert mm.threadsafety == 2
    assert mm.paramstyle == "qmark"


def test_globals_in_a_fresh_interpreter() -> None:
    # fmt: off
    names = [
        "apilevel", "threadsafety", "paramstyle", "connect", "Warning", "Error",
        "InterfaceError", "DatabaseError", "DataError", "OperationalError", "IntegrityError",
        "InternalError", "ProgrammingError", "NotSupportedError", "Date", "Time", "Timestamp",
        "DateFromTicks", "TimeFromTicks", "TimestampFromTicks", "Binary", "STRING", "BINARY",
        "NUMBER", "DATETIME", "ROWID",
    ]
    # fmt: on
    code = f"import micromegas_dbapi as mm; print([n for n in {names} if not hasattr(mm, n)])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_exception_tree() -> None:
    assert mm.Warning.__bases__ == (builtins.Exception,)
    assert mm.Error.__bases__ == (builtins.Exception,)
    assert mm.InterfaceError.__bases__ == (mm.Error,)
    assert mm.DatabaseError.__bases__ == (mm.Error,)
    leaves = ["Data", "Operational", "Integrity", "Internal", "Programming", "NotSupported"]
    assert {getattr(mm, f"{leaf}Error").__bases__ for leaf in leaves} == {(mm.DatabaseError,)}


def test_constructors() -> None:
    assert mm.Date(2026, 11, 23) == datetime.date(2026, 11, 23)
    assert mm.Time(20, 39, 30) == datetime.time(20, 39, 30)
    assert mm.Timestamp(2026, 11, 23, 20, 39, 30) == datetime.datetime(2026, 11, 23, 20, 39, 30)
    assert mm.Binary(b"payload") == b"payload"
    assert mm.Binary(b"") == b""
    ticks = datetime.datetime(2026, 11, 23, 20, 39, 30, tzinfo=datetime.timezone.utc).timestamp()
    assert mm.DateFromTicks(ticks) == datetime.date(2026, 11, 23)
    assert mm.TimeFromTicks(ticks) == datetime.time(20, 39, 30)
    assert mm.TimestampFromTicks(ticks).timestamp() == ticks
    assert abs(mm.TimestampFromTicks(time.time()).timestamp() - time.time()) < 60


@pytest.mark.parametrize(
    ("expression", "kind"),
    [
        ("'text'", mm.STRING),
        ("arrow_cast('text', 'Dictionary(Int16, Utf8)')", mm.STRING),
        ("X'00'", mm.BINARY),
        ("1", mm.NUMBER),
        ("1.5", mm.NUMBER),
        ("true", mm.NUMBER),
        ("arrow_cast('1.5', 'Decimal128(5, 2)')", mm.NUMBER),
        ("now()", mm.DATETIME),
        ("DATE '2026-11-23'", mm.DATETIME),
        ("TIME '20:39:30'", mm.DATETIME),
        ("INTERVAL '1 day'", mm.DATETIME),
    ],
)
def test_type_objects(cursor: mm.Cursor, expression: str, kind: object) -> None:
    cursor.execute(f"SELECT {expression} AS v")
    assert cursor.description is not None
    code = cursor.description[0][1]
    kinds = (mm.STRING, mm.BINARY, mm.NUMBER, mm.DATETIME, mm.ROWID)
    assert [each for each in kinds if code == each] == [kind]
    assert [each for each in kinds if each == code] == [kind]
    assert len({*kinds, code}) == 6  # all can be hashed


# -- the connection ------------------------------------------------------------------------------


def test_connect(connection: mm.Connection) -> None:
    assert isinstance(connection, mm.Connection)
    assert isinstance(connection.cursor(), mm.Cursor)
    assert connection.cursor() is not connection.cursor()


def test_exceptions_of_the_connection(connection: mm.Connection) -> None:
    for name in ("Warning", "Error", "InterfaceError", "DatabaseError", "DataError"):
        assert getattr(connection, name) is getattr(mm, name)
    for name in ("Operational", "Integrity", "Internal", "Programming", "NotSupported"):
        assert getattr(connection, f"{name}Error") is getattr(mm, f"{name}Error")


def test_commit_and_rollback(connection: mm.Connection) -> None:
    cursor = connection.execute("SELECT 1")
    assert connection.commit() is None
    assert connection.rollback() is None
    assert cursor.fetchall() == [(1,)]


def test_closed_connection(connection: mm.Connection) -> None:
    cursor = connection.execute("SELECT 1")
    connection.close()
    connection.close()
    for use in (
        connection.cursor,
        connection.commit,
        connection.rollback,
        lambda: connection.execute("SELECT 1"),
        lambda: cursor.execute("SELECT 1"),
        cursor.fetchone,
        cursor.fetchall,
    ):
        with pytest.raises(mm.Error, match="closed"):
            use()


def test_closed_cursor(connection: mm.Connection) -> None:
    cursor = connection.execute("SELECT 1")
    cursor.close()
    cursor.close()
    for use in (lambda: cursor.execute("SELECT 1"), cursor.fetchone, cursor.fetchmany):
        with pytest.raises(mm.Error, match="closed"):
            use()
    assert connection.execute("SELECT 1").fetchall() == [(1,)]


# -- the cursor ----------------------------------------------------------------------------------


def test_no_result(cursor: mm.Cursor) -> None:
    assert cursor.description is None
    assert cursor.rowcount == -1
    for use in (cursor.fetchone, cursor.fetchmany, cursor.fetchall, lambda: next(iter(cursor))):
        with pytest.raises(mm.Error, match="execute"):
            use()


def test_description(cursor: mm.Cursor) -> None:
    cursor.execute("SELECT 'a' AS name, arrow_cast('1.5', 'Decimal128(5, 2)') AS price")
    assert cursor.description is not None
    assert [len(column) for column in cursor.description] == [7, 7]
    assert [column[0] for column in cursor.description] == ["name", "price"]
    assert [column[1] == mm.STRING for column in cursor.description] == [True, False]
    assert cursor.description[1][4:6] == (5, 2)
    assert cursor.execute("SELECT CAST(NULL AS INT) AS n").description[0][6] is True


def test_rowcount(cursor: mm.Cursor) -> None:
    cursor.execute(SIX, SAMPLES)
    assert cursor.rowcount == -1  # it streams
    cursor.fetchall()
    assert cursor.rowcount == 6
    cursor.execute("SELECT 1 WHERE false").fetchall()
    assert cursor.rowcount == 0


def test_execute(cursor: mm.Cursor) -> None:
    cursor.execute("SELECT name FROM (VALUES ('frame ''time''')) AS t(name)")
    assert cursor.fetchall() == [("frame 'time'",)]


@pytest.mark.parametrize(
    ("sql", "parameters"), [("SELECT ? AS v", ["It's"]), ("SELECT :v AS v", {"v": "It's"})]
)
def test_parameters(cursor: mm.Cursor, sql: str, parameters: list[str] | dict[str, str]) -> None:
    assert cursor.execute(sql, parameters).fetchall() == [("It's",)]


def test_executemany(cursor: mm.Cursor) -> None:
    """Each set of parameters has a result of its own."""
    cursor.executemany("SELECT ? AS name", [("player's",), ("server's",)])
    assert cursor.fetchall() == [("player's",)]
    assert cursor.nextset() is True
    assert cursor.fetchall() == [("server's",)]
    assert cursor.nextset() is None
    with pytest.raises(mm.Error):
        cursor.fetchall()


def test_fetchone(cursor: mm.Cursor) -> None:
    cursor.execute("SELECT 1 WHERE false")
    assert cursor.fetchone() is None
    cursor.execute("SELECT 'render' AS name")
    row = cursor.fetchone()
    assert row == ("render",)
    assert isinstance(row, tuple)
    assert cursor.fetchone() is None


def test_fetchmany(cursor: mm.Cursor) -> None:
    cursor.execute(SIX, SAMPLES)
    assert len(cursor.fetchmany()) == 1  # arraysize
    cursor.execute(SIX, SAMPLES)
    assert [len(cursor.fetchmany(size)) for size in (3, 4, 4)] == [3, 3, 0]
    cursor.execute(SIX, SAMPLES)
    cursor.arraysize = 4
    assert [len(cursor.fetchmany()) for _ in range(3)] == [4, 2, 0]
    cursor.execute("SELECT 1 WHERE false")
    assert cursor.fetchmany() == []


def test_fetchall(cursor: mm.Cursor) -> None:
    cursor.execute(SIX, SAMPLES)
    assert cursor.fetchall() == [(name,) for name in SAMPLES]
    assert cursor.fetchall() == []
    cursor.execute("SELECT 1 WHERE false")
    assert cursor.fetchall() == []


def test_mixed_fetches(cursor: mm.Cursor) -> None:
    cursor.execute(SIX, SAMPLES)
    rows = [cursor.fetchone(), *cursor.fetchmany(2), cursor.fetchone(), *cursor.fetchall()]
    assert rows == [(name,) for name in SAMPLES]


def test_iteration(cursor: mm.Cursor) -> None:
    assert list(cursor.execute(SIX, SAMPLES)) == [(name,) for name in SAMPLES]


def test_arraysize(cursor: mm.Cursor) -> None:
    assert cursor.arraysize == 1


def test_sizes(cursor: mm.Cursor) -> None:
    cursor.setinputsizes((25,))
    cursor.setoutputsize(1000)
    cursor.setoutputsize(2000, 0)
    assert cursor.execute("SELECT ? AS v", ("x" * 3000,)).fetchone() == ("x" * 3000,)


def test_null(cursor: mm.Cursor) -> None:
    assert cursor.execute("SELECT NULL, ? AS v", (None,)).fetchone() == (None, None)
