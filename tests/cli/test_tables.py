"""Test ``tables`` and ``describe`` on every kind of service."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from datafusion import SessionConfig, SessionContext

import micromegas_dbapi as mm
from micromegas_dbapi.cli import main
from micromegas_dbapi.cli.commands.tables import list_views
from micromegas_dbapi.errors import from_service
from micromegas_dbapi.lake.transport import LakeTransport
from micromegas_dbapi.ranges.choice import Ranges
from micromegas_dbapi.server import LocalService
from micromegas_dbapi.service import Service
from micromegas_dbapi.transport.protocol import Request
from tests.integration.serving import running

OLD = [
    ["blocks", "view", "", "27"],
    ["log_entries", "view", "process_id", "9"],
    ["measures", "view", "process_id", "10"],
    ["processes", "view", "", "13"],
    ["streams", "view", "", "7"],
    ["thread_spans", "view set", "stream_id", "11"],
]
NEW = [
    ["blocks", "view", "", "29"],
    ["log_entries", "view", "process_id", "13"],
    ["log_stats", "view", "", "5"],
    ["measures", "view", "process_id", "14"],
    ["processes", "view", "", "16"],
    ["streams", "view", "", "9"],
    ["thread_spans", "view set", "stream_id", "11"],
]


@pytest.fixture(scope="module")
def http(wire: Callable[[str], Path]) -> Iterator[str]:
    """The HTTP service of 0.2.3, which has no information_schema."""
    lake = LakeTransport(wire("http-0.2.3") / "data")
    service = LocalService(lake, port=0)
    with running(service):
        yield service.url
    lake.close()


def rows(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[list[str]]:
    assert main([*arguments, "--format", "csv"]) == 0
    return list(csv.reader(capsys.readouterr().out.splitlines()))[1:]


@pytest.mark.parametrize(("kind", "expected"), [("http", OLD), ("demo", OLD), ("new", NEW)])
def test_tables(
    kind: str,
    expected: list[list[str]],
    http: str,
    wire: Callable[[str], Path],
    capsys: pytest.CaptureFixture[str],
) -> None:
    urls = {"http": http, "demo": "demo:", "new": f"lake:{wire('flight-0.30') / 'data'}"}
    assert [row[:4] for row in rows(capsys, "tables", "--url", urls[kind])] == expected


def test_a_lake_has_only_the_views_of_its_files(
    wire: Callable[[str], Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = wire("http-0.2.3") / "data" / "measures.parquet"
    (tmp_path / "measures.parquet").write_bytes(file.read_bytes())
    found = rows(capsys, "tables", "--url", f"lake:{tmp_path}")
    assert [row[0] for row in found] == ["measures", "thread_spans"]


@pytest.mark.parametrize(
    ("arguments", "column", "type_", "nullable"),
    [
        (["log_entries"], "time", "timestamp[ns, tz=+00:00]", "false"),
        (["log_entries"], "level", "int32", "false"),
        (["streams"], "process_id", "string", "false"),
        (["streams"], "tags", "list<tag: string not null>", "true"),
        (["blocks"], "processes.exe", "string", "false"),
        (["measures", "5e289910-c90d-44d6-8cb2-570a36fc332c"], "value", "double", "false"),
        (["thread_spans", "87af451a-bbbb-4460-8629-0ed687891ded"], "depth", "uint32", "false"),
        (["thread_spans"], "duration", "int64", "false"),
    ],
)
def test_describe(
    http: str,
    arguments: list[str],
    column: str,
    type_: str,
    nullable: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    found = {row[0]: row[1:] for row in rows(capsys, "describe", *arguments, "--url", http)}
    assert found[column][:2] == [type_, nullable]
    assert found[column][2]


def test_describe_of_a_view_set_tells_how(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["describe", "thread_spans", "--url", "demo:"]) == 0
    (line,) = capsys.readouterr().err.splitlines()
    assert "describe thread_spans STREAM_ID" in line


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            ["nope"],
            "unknown view 'nope'; available: blocks, log_entries, measures, processes, streams",
        ),
        (['"; SELECT 1'], "unknown view '\"; SELECT 1'"),
        (["LOG_ENTRIES"], "unknown view 'LOG_ENTRIES'"),
        (["net_spans"], "unknown view 'net_spans'"),
        (["nope", "00000000-0000-0000-0000-000000000000"], "view set nope not found"),
        (["thread_spans", "no-uuid"], "Uuid::parse_str"),
    ],
)
def test_what_is_not_there(
    http: str, arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["describe", *arguments, "--url", http]) == 1
    shown = capsys.readouterr()
    assert shown.out == ""
    assert words in shown.err


class Engine:
    """An engine with an information_schema, and nothing of Micromegas."""

    def __init__(self, tables: list[str]) -> None:
        config = {"datafusion.catalog.information_schema": "true"}
        self._context = SessionContext(SessionConfig(config))
        for name in tables:
            self._context.register_record_batches(name, [pa.table({"a": [1]}).to_batches()])

    def run(self, request: Request) -> pa.RecordBatchReader:
        try:
            return self._context.sql(request.sql).to_arrow_table().to_reader()
        except Exception as error:
            raise from_service(str(error), sql=request.sql, query_id=request.query_id) from error

    def __getattr__(self, name: str) -> Any:
        return lambda *args: Service("lake", "0.13")


def test_storage_is_not_listed() -> None:
    """A service of 0.30 has tables behind its views in its information_schema."""
    transport = Engine(["streams", "__streams__partitions", "__other__partitions"])
    with mm.Connection(transport, Ranges(transport), "datetime") as connection:
        names = {view.name for view in list_views(connection.cursor())}
    assert "__streams__partitions" not in names
    assert {"streams", "__other__partitions"} <= names  # no view's storage
