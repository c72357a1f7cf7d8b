"""polars.read_database: Arrow from our connections, rows from SQLAlchemy's."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import polars as pl
import pyarrow as pa
import pytest
import sqlalchemy as sa

import micromegas_dbapi as mm
from micromegas_dbapi.arrow import polars_registry
from micromegas_dbapi.arrow.polars_registry import register_with_polars
from micromegas_dbapi.arrow.rows import Form, column
from micromegas_dbapi.arrow.type_codes import describe
from tests.arrow.nesting import LEAVES, NESTED

VIEWS = ["blocks", "log_entries", "measures", "processes", "streams"]
UTC_NS = pl.Datetime("ns", "UTC")
# A polars that is imported after the connection is made.
LATE = """
import micromegas_dbapi as mm
connection = mm.connect("demo:")
cursor = connection.cursor()
import polars as pl
for source in (connection, cursor):
    print(pl.read_database("SELECT time FROM log_entries LIMIT 1", source).schema["time"])
"""


@pytest.fixture(scope="module")
def connection() -> Iterator[mm.Connection]:
    with mm.connect("demo:") as made:
        yield made


@pytest.mark.parametrize("view", VIEWS)
def test_every_view(connection: mm.Connection, view: str) -> None:
    sql = f"SELECT * FROM {view} LIMIT 20"
    read = pl.read_database(sql, connection)
    fetched = connection.execute(sql).fetch_polars()
    assert read.schema == fetched.schema
    assert read.equals(fetched)
    assert read.height > 0
    assert any(isinstance(kind, pl.List) for kind in read.dtypes)


def test_nanoseconds_and_zones(connection: mm.Connection) -> None:
    sql = (
        "SELECT arrow_cast(1, 'Timestamp(Nanosecond, Some(\"+00:00\"))') AS utc, "
        "arrow_cast(2, 'Timestamp(Nanosecond, None)') AS naive, arrow_cast(3, 'Int8') AS small"
    )
    for source in (connection, connection.cursor()):
        read = pl.read_database(sql, source)
        assert read.dtypes == [UTC_NS, pl.Datetime("ns"), pl.Int8]
        assert read.select(pl.col("utc", "naive").dt.timestamp("ns")).rows() == [(1, 2)]
    assert pl.read_database(f"{sql} LIMIT 0", connection).dtypes == read.dtypes


def test_options(connection: mm.Connection) -> None:
    sql = "SELECT level FROM log_entries WHERE level <= ? LIMIT 3000"
    options = {"parameters": (4,), "begin": mm.ALL_TIME}
    whole = pl.read_database(sql, connection, execute_options=options)
    parts = list(
        pl.read_database(
            sql, connection, execute_options=options, iter_batches=True, batch_size=100
        )
    )
    assert whole.height > 0
    assert sum(part.height for part in parts) == whole.height
    narrow = pl.read_database(
        sql, connection, execute_options=options, schema_overrides={"level": pl.UInt8}
    )
    assert narrow.schema == {"level": pl.UInt8}
    with pytest.raises(mm.ProgrammingError, match="broken"):
        pl.read_database("SELECT broken FROM log_entries", connection)


def test_an_import_of_polars_after_connecting() -> None:
    done = subprocess.run([sys.executable, "-c", LATE], capture_output=True, text=True, timeout=60)
    assert done.stderr == ""
    assert done.stdout.splitlines() == [str(UTC_NS)] * 2


@pytest.mark.parametrize(
    ("drivers", "expected"),
    [
        ([], []),
        ({}, {}),
        ({"adbc": {"other": 1}}, {"adbc": {"other": 1}}),
        ({"adbc": []}, {"adbc": []}),
        ({"adbc": [1]}, {"adbc": [1]}),
    ],
    ids=["list", "empty", "other keys", "no entry", "other entry"],
)
def test_another_registry_is_left_alone(
    monkeypatch: pytest.MonkeyPatch, drivers: Any, expected: Any
) -> None:
    module = type(sys)("registry")
    module.ARROW_DRIVER_REGISTRY = drivers  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, polars_registry._REGISTRY, module)
    register_with_polars()
    assert drivers == expected


# -- rows: what polars reads from SQLAlchemy, by type codes ----------------------------------------


@pytest.mark.parametrize("view", VIEWS)
def test_every_view_through_sqlalchemy(connection: mm.Connection, view: str) -> None:
    sql = f"SELECT * FROM {view} LIMIT 20"
    engine = sa.create_engine("micromegas+demo://")
    try:
        read = pl.read_database(sql, engine)
    finally:
        engine.dispose()
    expected = connection.execute(sql).fetch_polars()
    assert read.columns == expected.columns
    for name, kind in expected.schema.items():
        if kind == UTC_NS:  # rows have microseconds, and polars says so
            assert read.schema[name] == pl.Datetime("us", "UTC")


class OtherDriver:
    """A cursor of a driver that polars does not know: it reads rows and type codes."""

    def __init__(self, array: pa.Array, form: Form) -> None:
        self.description = describe(pa.schema([("v", array.type)]))
        self.values = column(array, form)

    def execute(self, sql: str) -> OtherDriver:
        return self

    def fetchall(self) -> list[tuple[Any]]:
        return [(value,) for value in self.values]


# The structs of polars have names, so maps are read only if their keys are strings.
READABLE = {
    name: array
    for name, array in (LEAVES | NESTED).items()
    if "interval" not in name and not (name.startswith("map_keys") and "string" not in name)
}


@pytest.mark.parametrize("form", ["datetime", "ns"])
def test_values_of_every_type_as_rows(form: Form) -> None:
    assert len(READABLE) > 400
    wrong = {}
    for name, array in READABLE.items():
        cursor = OtherDriver(array, form)
        found = pl.read_database("SELECT v", cursor)["v"].to_list()
        if found != cursor.values:
            wrong[name] = (found, cursor.values)
    assert wrong == {}


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (pa.string(), pl.String),
        (pa.list_(pa.string()), pl.List(pl.String)),
        (pa.large_list(pa.binary()), pl.List(pl.Binary)),
        (pa.list_(pa.bool_(), 2), pl.List(pl.Boolean)),
        (pa.int16(), pl.Int16),
        (pa.int32(), pl.Int32),
        (pa.float32(), pl.Float32),
        (pa.decimal128(10, 2), pl.Decimal(10, 2)),
        (pa.date32(), pl.Date),
        (pa.time64("us"), pl.Time),
        (pa.duration("ns"), pl.Duration("us")),
    ],
    ids=str,
)
def test_types_of_no_values(kind: pa.DataType, expected: Any) -> None:
    cursor = OtherDriver(pa.nulls(2, kind), "datetime")
    assert pl.read_database("SELECT v", cursor).schema == {"v": expected}


def test_no_interval_is_lost() -> None:
    """polars has no months. A frame without them must not look like the result."""
    for name, array in (LEAVES | NESTED).items():
        if "interval" not in name or name.startswith("map_keys"):
            continue
        cursor = OtherDriver(array, "datetime")
        try:
            found = pl.read_database("SELECT v", cursor)["v"].to_list()
        except (pl.exceptions.PolarsError, TypeError):
            continue
        assert "[1, 2, 3]" in str(found), name
