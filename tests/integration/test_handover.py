"""What is handed over as Arrow equals plain columns, whoever takes it, on every wire.

Sorts that merge give dictionaries that hold values more than once, in process and over the wires.
"""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import polars as pl
import polars.selectors as cs
import pyarrow as pa
import pyarrow.compute as pc
import pytest
import sqlalchemy as sa

import micromegas_dbapi as mm
from micromegas_dbapi.arrow.dictionary_decoding import decode_column
from micromegas_dbapi.arrow.rows import column
from micromegas_dbapi.client import Client
from micromegas_dbapi.lake.transport import LakeTransport
from micromegas_dbapi.transport.protocol import Request
from sqlalchemy_micromegas.arrow_results import fetch_arrow_table
from tests.integration.serving import WIRES, served, warm

Wire = Callable[[str], Path]
DEMO, RECORDED = "demo", "flight-0.30"

# name -> the lake, the statement, and what puts its rows in one order.
STATEMENTS: dict[str, tuple[str, str, str]] = {
    "log_entries": (
        DEMO,
        "SELECT * FROM log_entries WHERE length(msg) = 44",
        "time DESC, process_id, level, msg",
    ),
    "measures": (
        DEMO,
        "SELECT * FROM measures WHERE value % 40 = 3",
        "time, process_id, name, value",
    ),
    "nested": (
        DEMO,
        "SELECT time, make_array(exe, target) AS words, named_struct('a', target, 'b', level) AS p"
        " FROM log_entries WHERE length(msg) = 44",
        "time, process_id, level, msg",
    ),
    "thread_spans": (
        DEMO,
        "SELECT * FROM view_instance('thread_spans', '{stream}') WHERE id < 200",
        "id",
    ),
    "processes": (RECORDED, "SELECT * FROM processes", "process_id"),
    "streams": (RECORDED, "SELECT * FROM streams", "stream_id"),
    "blocks": (RECORDED, "SELECT * FROM blocks", "block_id"),
}


@pytest.fixture(scope="module")
def connections(wire: Wire) -> Iterator[dict[tuple[str, str], mm.Connection]]:
    """(lake, wire) -> a connection; "lake" is in process."""
    demo = LakeTransport.demo()
    try:
        with served(demo.path) as made, served(wire(RECORDED) / "data") as recorded:
            found = {(DEMO, each): mm.connect(made[each], begin="-1d") for each in WIRES}
            found |= {(RECORDED, each): mm.connect(recorded[each]) for each in WIRES}
            for connection in found.values():
                warm(connection)
            yield found
            for connection in found.values():
                connection.close()
    finally:
        demo.close()


def plain(table: pa.Table) -> pa.Table:
    columns = [decode_column(each) for each in table.columns]
    return pa.table(columns, names=table.column_names)


def arrow_rows(table: pa.Table) -> list[str]:
    """Rows as texts, which tell 1 from 1.0 and null from all else."""
    return [
        repr(row)
        for batch in table.to_batches()
        for row in zip(*(column(each, "ns") for each in batch.columns), strict=True)
    ]


def pandas_rows(frame: pd.DataFrame) -> list[str]:
    columns = [[_shown(value) for value in frame.iloc[:, at]] for at in range(frame.shape[1])]
    return [repr(row) for row in zip(*columns, strict=True)]


def _shown(value: Any) -> str:
    """The text of a value; of a null, be it of a column of categories or of texts, the same."""
    return "null" if not hasattr(value, "__len__") and pd.isna(value) else repr(value)


def plain_pandas(table: pa.Table) -> list[str]:
    return pandas_rows(table.to_pandas())


def plain_polars(table: pa.Table) -> list[str]:
    frame = pl.from_arrow(table)
    assert isinstance(frame, pl.DataFrame)
    return polars_rows(frame)


def duckdb_rows(stream: Any) -> list[str]:
    return [repr(row) for row in duckdb.sql("SELECT * FROM stream").fetchall()]


def polars_rows(frame: pl.DataFrame) -> list[str]:
    frame = frame.with_columns(cs.datetime().dt.epoch("ns"))  # UTC has two names in older polars
    return [repr(row) for row in frame.rows()]


def by_sqlalchemy(connection: mm.Connection, sql: str) -> pa.Table:
    engine = sa.create_engine("micromegas+demo://", creator=lambda: connection)
    with engine.connect() as opened:
        return fetch_arrow_table(opened.exec_driver_sql(sql))


def by_read_sql(connection: mm.Connection, sql: str) -> pd.DataFrame:
    engine = sa.create_engine("micromegas+demo://", creator=lambda: connection)
    with engine.connect() as opened:
        return mm.read_sql(sql, opened)


Way = Callable[[mm.Connection, str], Any]
TABLES: dict[str, Way] = {
    "fetch_arrow_table": lambda c, sql: c.execute(sql).fetch_arrow_table(),
    "fetch_record_batch": lambda c, sql: c.execute(sql).fetch_record_batch().read_all(),
    "capsule": lambda c, sql: pa.table(c.execute(sql)),
    "Client.query as Arrow": lambda c, sql: Client(c).query(sql, arrow=True),
    "SQLAlchemy": by_sqlalchemy,
}
Rows = Callable[[Any], list[str]]
# How a frame is had; its rows; and the rows of a frame that is made of plain columns.
FRAMES: dict[str, tuple[Way, Rows, Rows]] = {
    "fetch_df": (lambda c, sql: c.execute(sql).fetch_df(), pandas_rows, plain_pandas),
    "Client.query": (lambda c, sql: Client(c).query(sql), pandas_rows, plain_pandas),
    "read_sql": (lambda c, sql: mm.read_sql(sql, c), pandas_rows, plain_pandas),
    "read_sql of SQLAlchemy": (by_read_sql, pandas_rows, plain_pandas),
    "fetch_polars": (lambda c, sql: c.execute(sql).fetch_polars(), polars_rows, plain_polars),
    "polars": (lambda c, sql: pl.DataFrame(c.execute(sql)), polars_rows, plain_polars),
    "read_database": (lambda c, sql: pl.read_database(sql, c), polars_rows, plain_polars),
    "DuckDB": (lambda c, sql: c.execute(sql), duckdb_rows, duckdb_rows),
}


def check_groups(table: pa.Table) -> None:
    """pyarrow's own `group_by` and `unique` find each value of a column of dictionaries once."""
    for name, each in zip(table.column_names, table.columns, strict=True):
        if pa.types.is_list(each.type) and pa.types.is_dictionary(each.type.value_type):
            each = pc.list_flatten(each)
        if not pa.types.is_dictionary(each.type):
            continue
        counted = Counter(decode_column(each).to_pylist())
        assert Counter(each.unique().to_pylist()) == Counter(list(counted)), name
        groups = pa.table({"v": each}).group_by("v").aggregate([([], "count_all")])
        found = zip(groups["v"].to_pylist(), groups["count_all"].to_pylist(), strict=True)
        assert sorted(map(repr, found)) == sorted(map(repr, counted.items())), name


@pytest.mark.parametrize("where", WIRES)
@pytest.mark.parametrize("ordered", [False, True], ids=["unsorted", "sorted"])
@pytest.mark.parametrize("name", STATEMENTS)
def test_the_same_as_plain_columns(
    connections: dict[tuple[str, str], mm.Connection], name: str, ordered: bool, where: str
) -> None:
    lake, sql, order = STATEMENTS[name]
    in_process, connection = connections[lake, "lake"], connections[lake, where]
    streams = in_process.execute("SELECT stream_id FROM streams WHERE array_has(tags, 'cpu')")
    sql = sql.format(stream=(streams.fetchone() or ("",))[0])
    sql = f"{sql} ORDER BY {order}" if ordered else sql

    def in_order(rows: list[str]) -> list[str]:
        return rows if ordered else sorted(rows)

    chosen = in_process.time_range(sql) or None
    came = in_process.transport.run(Request(sql, chosen, "plain"))
    assert isinstance(came, pa.RecordBatchReader)
    expected = plain(came.read_all())
    assert expected.num_rows
    rows = in_order(arrow_rows(expected))
    for way, ask in TABLES.items():
        table = ask(connection, sql)
        table.validate(full=True)
        assert table.schema.names == expected.schema.names, way
        assert in_order(arrow_rows(table)) == rows, way
        check_groups(table)
    for batch in connection.execute(sql).fetch_record_batch():
        check_groups(pa.Table.from_batches([batch]))
    for way, (ask, its_rows, rows_of) in FRAMES.items():
        assert in_order(its_rows(ask(connection, sql))) == in_order(rows_of(expected)), way


@pytest.mark.parametrize("where", ["lake", "grpc", "web"])
def test_sorts_repeat_the_values_of_dictionaries(
    connections: dict[tuple[str, str], mm.Connection], where: str
) -> None:
    """What the test above is about does come on the wires that have dictionaries, in any batch."""
    connection, sql = connections[DEMO, where], "SELECT * FROM measures ORDER BY time"
    reader = connection.transport.run(Request(sql, None, "repeated"))
    assert isinstance(reader, pa.RecordBatchReader)
    for chunk in reader.read_all().column("name").chunks:
        assert len(chunk.dictionary) > len(chunk.dictionary.unique())
    table = connection.execute(sql).fetch_arrow_table()
    assert table.column("name").num_chunks > 2
    check_groups(table)


ALIGNED = """
import sys
import pyarrow as pa
import micromegas_dbapi as mm

with mm.connect(sys.argv[1]) as connection:
    for count in (1, 10, 100, 500, 1000, 3000):
        for columns in ("time, level", "msg, time", "exe, time, target, level", "*"):
            sql = f"SELECT {columns} FROM log_entries LIMIT {count}"
            table = connection.execute(sql).fetch_arrow_table()
            groups = table.group_by("time").aggregate([([], "count_all")])
            assert groups["count_all"].to_pylist() and sum(groups["count_all"].to_pylist()) == count
"""


def test_pyarrow_has_nothing_to_warn_of(
    connections: dict[tuple[str, str], mm.Connection],
) -> None:
    url = f"grpc://{connections[DEMO, 'grpc'].transport.host}"
    done = subprocess.run(
        [sys.executable, "-c", ALIGNED, url], capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")
