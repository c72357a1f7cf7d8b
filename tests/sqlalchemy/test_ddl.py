"""DDL is text, as documentation of a table, and is never sent."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
import sqlalchemy as sa
from sqlalchemy import schema

from micromegas_dbapi.service.catalog import INSTANCE_SCHEMAS
from sqlalchemy_micromegas import view_instance
from sqlalchemy_micromegas.types.from_arrow import from_arrow
from tests.sqlalchemy.answers import DIALECT

PROCESSES = """CREATE TABLE processes (
 process_id VARCHAR NOT NULL COMMENT 'id of the process',
 exe VARCHAR NOT NULL COMMENT 'its executable',
 username VARCHAR NOT NULL COMMENT 'user who ran it',
 realname VARCHAR NOT NULL COMMENT 'full name of that user; may be empty',
 computer VARCHAR NOT NULL COMMENT 'name of the computer',
 distro VARCHAR NOT NULL COMMENT 'operating system',
 cpu_brand VARCHAR NOT NULL COMMENT 'model of the processor',
 tsc_frequency BIGINT NOT NULL COMMENT 'ticks per second of its clock; 0 if unknown',
 start_time TIMESTAMP WITH TIME ZONE NOT NULL COMMENT 'when it started, UTC, by its own clock',
 start_ticks BIGINT NOT NULL COMMENT 'its tick counter at start_time',
 insert_time TIMESTAMP WITH TIME ZONE NOT NULL COMMENT 'when the service registered it, UTC',
 parent_process_id VARCHAR NOT NULL
  COMMENT 'id of the process that started it; empty if there is none',
 properties JSON NOT NULL
  COMMENT 'keys and values; property_get(properties, ''key'') reads one',
 CONSTRAINT processes_pkey PRIMARY KEY (process_id),
 CONSTRAINT processes_parent_process_id_fkey FOREIGN KEY(parent_process_id)
  REFERENCES processes (process_id)
) COMMENT 'the processes that sent telemetry'"""


def text(statement: Any) -> str:
    return " ".join(str(statement.compile(dialect=DIALECT)).split())


@pytest.mark.parametrize("engine", ["recorded", "over_http", "over_grpc"])
def test_text_of_a_view(request: pytest.FixtureRequest, engine: str) -> None:
    metadata = sa.MetaData()
    table = sa.Table("processes", metadata, autoload_with=request.getfixturevalue(engine))
    assert text(schema.CreateTable(table)) == " ".join(PROCESSES.split())


@pytest.mark.parametrize("engine", ["recorded", "over_http", "newer"])
def test_text_of_every_view(request: pytest.FixtureRequest, engine: str) -> None:
    metadata = sa.MetaData()
    metadata.reflect(request.getfixturevalue(engine))
    assert "log_entries" in metadata.tables
    for name, table in metadata.tables.items():
        created = text(schema.CreateTable(table))
        assert created.startswith(f"CREATE TABLE {name} (")
        for column in table.columns:
            quoted = f'"{column.name}"' if "." in column.name else column.name
            assert f" {quoted} {column.type}" in created
        for key in table.foreign_key_constraints:
            assert f"CONSTRAINT {key.name} FOREIGN KEY" in created


@pytest.mark.parametrize("view_set", INSTANCE_SCHEMAS)
def test_text_of_an_instance(view_set: str) -> None:
    instance = view_instance(view_set, "global")
    columns = [sa.Column(column.name, column.type) for column in instance.c]
    created = text(schema.CreateTable(sa.Table(view_set, sa.MetaData(), *columns)))
    for column in columns:
        assert f"{column.name} {column.type}" in created.replace('"', "")


TABLE = sa.Table(
    "t",
    sa.MetaData(),
    sa.Column("a", sa.Integer, primary_key=True, comment="it's ?, :x, 100%"),
    sa.Column("select", sa.DateTime(timezone=True), server_default=sa.func.now()),
    sa.Column("untyped"),
    sa.CheckConstraint("a > 1", name="positive"),
    sa.UniqueConstraint("select", name="once"),
    schema="s",
)
TEXTS = [
    (
        schema.CreateTable(TABLE),
        "CREATE TABLE s.t ( a INTEGER NOT NULL COMMENT 'it''s ?, :x, 100%', \"select\" TIMESTAMP "
        "WITH TIME ZONE DEFAULT now(), untyped NULL, PRIMARY KEY (a), "
        "CONSTRAINT positive CHECK (a > 1), "
        'CONSTRAINT once UNIQUE ("select") )',
    ),
    (schema.DropTable(TABLE), "DROP TABLE s.t"),
    (schema.CreateIndex(sa.Index("i", TABLE.c.a)), "CREATE INDEX i ON s.t (a)"),
    (schema.CreateSchema("s"), "CREATE SCHEMA s"),
    (schema.SetColumnComment(TABLE.c.a), "COMMENT ON COLUMN s.t.a IS 'it''s ?, :x, 100%'"),
    (sa.DDL("ALTER TABLE t ADD b INTEGER"), "ALTER TABLE t ADD b INTEGER"),
]


@pytest.mark.parametrize(("statement", "expected"), TEXTS, ids=[e[:12] for _, e in TEXTS])
def test_text_is_never_sent(demo_lake: Any, statement: Any, expected: str) -> None:
    assert text(statement) == expected
    with (
        demo_lake.connect() as connection,
        pytest.raises(sa.exc.NotSupportedError, match="is rejected, and nothing was sent"),
    ):
        connection.execute(statement)


@pytest.mark.parametrize("call", ["create", "drop", "create_all", "drop_all"])
def test_tables_are_not_created(demo: Any, call: str) -> None:
    """What exists already is not created."""
    table = sa.Table("log_entries" if "drop" in call else "t", sa.MetaData(), sa.Column("a"))
    with pytest.raises(sa.exc.NotSupportedError, match="is rejected, and nothing was sent"):
        getattr(table.metadata if "all" in call else table, call)(demo)
    sa.Table("measures", sa.MetaData(), sa.Column("a")).metadata.create_all(demo)


def test_schema_of_a_frame(demo_lake: Any) -> None:
    frame = pd.DataFrame({"n": [1], "x": [0.5], "t": pd.to_datetime(["2026-01-01"]), "s": ["a"]})
    created = " ".join(pd.io.sql.get_schema(frame, "frame", con=demo_lake).split())
    assert created == "CREATE TABLE frame ( n BIGINT, x DOUBLE, t TIMESTAMP, s VARCHAR )"


#: Arrow type -> repr of the SQLAlchemy type, its SQL.
TYPES = [
    (pa.bool_(), "BOOLEAN()", "BOOLEAN"),
    (pa.int8(), "TINYINT()", "TINYINT"),
    (pa.int16(), "SMALLINT()", "SMALLINT"),
    (pa.uint8(), "UTINYINT()", "TINYINT UNSIGNED"),
    (pa.uint16(), "USMALLINT()", "SMALLINT UNSIGNED"),
    (pa.uint32(), "UINTEGER()", "INTEGER UNSIGNED"),
    (pa.uint64(), "UBIGINT()", "BIGINT UNSIGNED"),
    (pa.float32(), "REAL()", "REAL"),
    (pa.float64(), "DOUBLE()", "DOUBLE"),
    (pa.decimal128(10, 2), "DECIMAL(precision=10, scale=2)", "DECIMAL(10, 2)"),
    (pa.dictionary(pa.int16(), pa.string()), "VARCHAR()", "VARCHAR"),
    (pa.binary(), "BYTEA()", "BYTEA"),
    (pa.dictionary(pa.int32(), pa.binary()), "Properties()", "JSON"),
    (pa.list_(pa.struct({"key": pa.string(), "value": pa.string()})), "Properties()", "JSON"),
    (pa.date32(), "DATE()", "DATE"),
    (pa.time64("ns"), "TIME()", "TIME"),
    (pa.timestamp("ns"), "TIMESTAMP()", "TIMESTAMP"),
    (pa.timestamp("ns", "UTC"), "TIMESTAMP(timezone=True)", "TIMESTAMP WITH TIME ZONE"),
    (pa.timestamp("ms"), "TIMESTAMP(unit='ms')", "TIMESTAMP"),
    (pa.duration("ns"), "Interval()", "INTERVAL"),
    (pa.list_(pa.string()), "ARRAY(VARCHAR())", "VARCHAR[]"),
    (pa.list_(pa.list_(pa.uint8())), "ARRAY(UTINYINT(), dimensions=2)", "TINYINT UNSIGNED[][]"),
    (pa.struct({"a": pa.int32()}), "Nested('STRUCT(a INTEGER)')", "STRUCT(a INTEGER)"),
    (
        pa.list_(pa.struct({"a": pa.int8()})),
        "ARRAY(Nested('STRUCT(a TINYINT)'))",
        "STRUCT(a TINYINT)[]",
    ),
    (pa.map_(pa.string(), pa.int32()), "Nested('MAP(VARCHAR, INTEGER)')", "MAP(VARCHAR, INTEGER)"),
    (pa.dense_union([pa.field("a", pa.int8())]), "Nested('OTHER')", "OTHER"),
    (pa.null(), "NullType()", "NULL"),
]


@pytest.mark.parametrize(("arrow", "shown", "sql"), TYPES, ids=[sql for *_, sql in TYPES])
def test_a_type_is_sql(arrow: pa.DataType, shown: str, sql: str) -> None:
    """With and without a dialect, and as the column of a table; repr() tells more."""
    type_ = from_arrow(arrow)
    assert (repr(type_), str(type_), type_.compile()) == (shown, sql, sql)
    table = sa.Table("t", sa.MetaData(), sa.Column("c", type_)).to_metadata(sa.MetaData())
    assert text(schema.CreateTable(table)) == f"CREATE TABLE t ( c {sql} )"
    if sql != "NULL":
        assert type_.compile(dialect=DIALECT) == sql


def test_rows_of_a_struct(demo_lake: Any) -> None:
    values = sa.text("SELECT named_struct('a', 1) AS s UNION ALL SELECT NULL").columns(
        sa.column("s", from_arrow(pa.struct({"a": pa.int64()})))
    )
    s = values.subquery().c.s
    with demo_lake.connect() as connection:
        assert connection.execute(sa.select(s).where(s.is_not(None))).all() == [({"a": 1},)]
