"""``micromegas-sql`` on the engines of services: it writes what it writes of a lake.

A service has the data of a recorded one, and DataFusion of its generation, which need environments
of their own: see CONTRIBUTING.md.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from micromegas_dbapi.cli import main
from micromegas_dbapi.cli.arguments import FORMATS
from tests.cli.terminal import bare, on_terminal
from tests.cli.test_metrics import write_metrics
from tests.engines.services import ENGINES, NEW, OLD, Service, serving

pytestmark = pytest.mark.engines

NOBODY = "00000000-0000-4000-8000-000000000000"
#: Recording -> words of the commands below that stand for something in its data.
SUBJECTS = {
    OLD: {
        "PROCESS": "5e289910-c90d-44d6-8cb2-570a36fc332c",
        "STREAM": "87af451a-bbbb-4460-8629-0ed687891ded",
        "MOMENT": "2026-11-23T20:39:35Z",
    },
    NEW: {
        "PROCESS": "449ad30e-1144-46df-b002-e7ffd98c2591",
        "STREAM": "8d36928f-3f34-475a-993b-37956fd919cd",
        "MOMENT": "2026-11-23T20:51:25Z",
    },
}
#: As services of the two generations are reached, the one that carries everything first.
SCHEMES = {OLD: ["http", "grpc"], NEW: ["grpc", "web+http", "gateway+http"]}

# Words are parted by bars.
ANSWERED = """
SELECT time, level, target, msg FROM log_entries ORDER BY time, msg LIMIT 30
SELECT * FROM measures ORDER BY time, name, process_id LIMIT 30 | --begin | MOMENT
SELECT min(time) AS a, max(time) AS b, count(*) AS n FROM log_entries | --end | MOMENT
SELECT min(time) AS a, count(*) AS n FROM log_entries WHERE time > 'MOMENT'
SELECT process_id, property_get(properties, 'Region') AS region FROM processes ORDER BY 1
SELECT * FROM streams ORDER BY stream_id
SELECT block_id, "processes.exe" FROM blocks WHERE stream_id = 'STREAM' ORDER BY begin_time
SELECT * FROM log_entries WHERE level > 99
tables
describe | log_entries
describe | measures | PROCESS
describe | blocks
describe | thread_spans
describe | thread_spans | STREAM
processes
processes | --since | MOMENT
processes | --begin | MOMENT
log | PROCESS
log | PROCESS | --level | warn
log | PROCESS | --end | MOMENT
metrics | PROCESS
metrics | PROCESS | --begin | MOMENT
metrics | PROCESS | cpu_usage
metrics | PROCESS | cpu_usage | --begin | 2027-01-01T00:00:00Z
spans | STREAM
spans | STREAM | --top | 1
spans | STREAM | --top | 99 | --begin | MOMENT
spans | STREAM | --begin | 2027-01-01T00:00:00Z
"""
# These tell of floats that are not finite, or whether there may be any: JSON has null for them.
NOT_IN_JSON = ["describe | measures | PROCESS", "metrics | PROCESS"]
# Read from the screen.
SHOWN = """
SELECT level, count(*) AS n FROM log_entries GROUP BY level ORDER BY level
SELECT name FROM view_instance('thread_spans', 'STREAM') LIMIT 3 | --begin | -1000d
SELECT level FROM log_entries WHERE time > 'MOMENT' | --explain-range
tables
describe | log_entries
processes
log | PROCESS | --level | error
metrics | PROCESS
metrics | PROCESS | cpu_usage
spans | STREAM
"""
# Refused, with words that are ours.
REFUSED = f"""
describe | nope
describe | nope | {NOBODY}
log | {NOBODY}
metrics | {NOBODY}
metrics | PROCESS | nope
spans | {NOBODY}
spans | PROCESS
SELECT * FROM nope
SELECT 1 / 0
"""


def commands(lines: str) -> list[str]:
    return lines.strip().splitlines()


def cases(lines: str) -> list[object]:
    """List engine, data, wire and command, without what a wire cannot carry."""
    return [
        pytest.param(python, recording, scheme, command, id=f"{recording}-{scheme}-{command}")
        for python, recording in ENGINES
        for scheme in SCHEMES[recording]
        for command in commands(lines)
        if not (scheme == "gateway+http" and command in NOT_IN_JSON)
    ]


Urls = Callable[[str, str, str], tuple[str, str]]


@pytest.fixture
def urls(service: Callable[[str, str], Service]) -> Urls:
    """`urls(python, recording, scheme)` is the URL of a service, and that of a lake of its data."""

    def find(python: str, recording: str, scheme: str) -> tuple[str, str]:
        found = service(python, recording)
        return found.url(scheme), f"lake:{found.folder}"

    return find


def test_engines(service: Callable[[str, str], Service]) -> None:
    releases = [service(python, recording).release for python, recording in ENGINES]
    assert releases[0] == "43"
    assert "43" not in releases[1:]


def words(command: str, recording: str) -> list[str]:
    for word, subject in SUBJECTS[recording].items():
        command = command.replace(word, subject)
    return [word.strip() for word in command.split("|")]


def written(file: Path, name: str) -> object:
    """Read what was written; wires differ in how they carry texts that repeat."""
    if name == "arrow":
        table = pa.ipc.open_stream(file.read_bytes()).read_all()
    elif name == "parquet":
        table = pq.ParquetFile(file).read()
    else:
        return plain(file.read_text("utf-8"))
    types = list(map(plain, map(str, table.schema.types)))
    return table.schema.names, types, [values(column) for column in table.columns]


def values(column: pa.ChunkedArray) -> list[str]:
    """Write values in full: NaN equals none, and a date-time has no nanoseconds."""
    if pa.types.is_timestamp(column.type):
        column = column.cast(pa.int64())
    return list(map(plain, map(repr, column.to_pylist())))


def plain(text: str) -> str:
    return re.sub(r"dictionary<values=(\w+), indices=int\d+, ordered=0>", r"\1", text)


def check_written(
    urls: tuple[str, str], recording: str, command: str, name: str, folder: Path
) -> None:
    found = []
    for url in urls:
        file = folder / f"{len(found)}.{name}"
        arguments = [*words(command, recording), "--url", url, "--format", name, "-o", str(file)]
        assert main(arguments) == 0
        found.append(written(file, name))
    assert found[0] == found[1]


@pytest.mark.parametrize(("python", "recording", "scheme", "command"), cases(ANSWERED))
def test_written(
    urls: Urls, python: str, recording: str, scheme: str, command: str, tmp_path: Path
) -> None:
    check_written(urls(python, recording, scheme), recording, command, "csv", tmp_path)


@pytest.mark.parametrize("name", [name for name in FORMATS if name != "csv"])
@pytest.mark.parametrize("command", commands(ANSWERED))
@pytest.mark.parametrize(("python", "recording"), ENGINES, ids=[data for _, data in ENGINES])
def test_formats(
    urls: Urls, python: str, recording: str, command: str, name: str, tmp_path: Path
) -> None:
    both = urls(python, recording, SCHEMES[recording][0])
    check_written(both, recording, command, name, tmp_path)


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="this system has no pseudo-terminals")
@pytest.mark.parametrize("command", commands(SHOWN))
@pytest.mark.parametrize(("python", "recording"), ENGINES, ids=[data for _, data in ENGINES])
def test_shown(urls: Urls, python: str, recording: str, command: str) -> None:
    asked = words(command, recording)
    (code, found), (_, expected) = (
        on_terminal(*asked, "--url", url, width=100)
        for url in urls(python, recording, SCHEMES[recording][0])
    )
    assert code == 0
    assert bare(found) == bare(expected)


@pytest.mark.parametrize(("python", "recording", "scheme", "command"), cases(REFUSED))
def test_refused(
    urls: Urls,
    python: str,
    recording: str,
    scheme: str,
    command: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    found = []
    for url in urls(python, recording, scheme):
        code = main([*words(command, recording), "--url", url])
        found.append((code, capsys.readouterr()))
    (code, shown), (expected_code, expected) = found
    assert (code, shown.out) == (expected_code, "")
    # A service tells what its engine says in more words than an engine that is embedded.
    assert expected.err.split(": ", 1)[1].split(": ")[-1].strip() in shown.err


@pytest.mark.parametrize("python", [python for python, _ in ENGINES])
def test_metrics_that_are_no_numbers(
    python: str,
    wire: Callable[[str], Path],
    tmp_path: Path,
    capsysbinary: pytest.CaptureFixture[bytes],
) -> None:
    write_metrics(tmp_path, wire(OLD) / "data")
    command = ["metrics", SUBJECTS[OLD]["PROCESS"], "--format", "csv", "--url"]
    with serving(python, tmp_path) as service:
        assert main([*command, service.url("http")]) == 0
    found = capsysbinary.readouterr().out
    assert main([*command, f"lake:{tmp_path}"]) == 0
    assert found == capsysbinary.readouterr().out


def test_columns_that_json_does_not_tell(urls: Urls, capsys: pytest.CaptureFixture[str]) -> None:
    """A gateway before an engine that describes no statements: of no rows it shows no columns."""
    url, _ = urls(*ENGINES[0], "gateway+http")
    assert main(["tables", "--url", url, "--format", "csv"]) == 0
    assert '"log_entries","view","process_id",,' in capsys.readouterr().out
    assert main(["describe", "log_entries", "--url", url]) == 1
    assert (
        "does not report the columns of log_entries over this protocol" in capsys.readouterr().err
    )
