"""Today's official client, micromegas 0.32, unmodified, against the local service over FlightSQL.

It needs an environment of its own, and runs where it is asked for: see CONTRIBUTING.md.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from tests.server.recent_services import DIFFERENT, check_rows, columns, rows, serving
from tests.server.test_server_flight import prepared
from tests.wire import flight
from tests.wire.recordings import index

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / os.environ.get(
    "MICROMEGAS_OFFICIAL_FLIGHT_PYTHON", ".venv-official-flight/bin/python"
)
WIRE = "flight-0.30"


def calls() -> dict[str, dict[str, Any]]:
    """The statements that were recorded, but for what the client cannot say as it was said.

    It takes both bounds or none, of microseconds, and refuses what are none itself.
    """
    wanted = {}
    for name, entry in flight.queries(WIRE).items():
        bounds = entry["begin"], entry["end"]
        bad = any(bound is None or re.search(r"\.\d{7}|^\w+$", bound) for bound in bounds)
        if bounds != (None, None) and (bad or name == "range_naive"):
            continue
        wanted[name] = entry
    return wanted


@pytest.mark.official
def test_every_statement_gives_what_the_service_gave(
    wire: Callable[[str], Path], tmp_path: Path
) -> None:
    """By `query`, `query_stream` and `query_arrow`; and `prepare_statement` tells its columns."""
    asked = calls()
    assert len(asked) > 200
    listed = [
        [name, e["sql"], e["begin"], e["end"], name.startswith("dict_"), name not in DIFFERENT]
        for name, e in asked.items()
    ]
    script = Path(__file__).with_name("official_flight_client.py")
    with serving(wire(WIRE) / "data") as service:
        done = subprocess.run(
            [PYTHON, script, service.flight_url, tmp_path],
            input=json.dumps(listed),
            env={**os.environ, "HOME": str(tmp_path)},
            capture_output=True,
            text=True,
            timeout=100,
        )
    assert done.returncode == 0, done.stderr[-2000:]
    outcomes = [json.loads(line) for line in done.stdout.splitlines()]
    assert [outcome[0] for outcome in outcomes] == list(asked)
    tables = 0
    for name, *failed, unprepared in outcomes:
        check(wire(WIRE), name, asked[name], failed, tmp_path)
        check_prepared(wire(WIRE), name, unprepared, tmp_path)
        tables += failed[0] is None
    assert tables > 150


def check(
    folder: Path, name: str, entry: dict[str, Any], failed: list[list[str] | None], found: Path
) -> None:
    how, _ = DIFFERENT.get(name, ("", ""))
    if how == "fails":
        assert all(failed), name
    elif entry["code"] != "OK":
        for kind, text in filter(None, failed):
            assert "(query_id=" in text, name
            if how != "code":
                assert kind == KINDS[entry["code"]], name
        assert all(failed), name
    else:
        unframed = failed.pop()
        assert failed == [None, None], name
        assert (unframed is None) == (name not in UNFRAMED), (name, unframed)
        theirs = flight.table(folder, name)
        for call in ("query_arrow", "query_stream"):
            with pa.OSFile(str(found / f"{name}.{call}")) as file:
                ours = pa.ipc.open_stream(file).read_all()
            assert columns(ours.schema) == columns(theirs.schema), name
            check_rows(rows(ours), rows(theirs), how)


KINDS = {
    "INVALID_ARGUMENT": "ArrowInvalid",
    "INTERNAL": "FlightInternalError",
    "UNIMPLEMENTED": "ArrowNotImplementedError",
}
# What pandas cannot hold: the client fails to make a frame of it.
UNFRAMED = {"type_time"}


def check_prepared(folder: Path, name: str, failed: list[str] | None, found: Path) -> None:
    recorded = f"prepare_{name}"
    entry = next((e for e in index(WIRE) if e["name"] == recorded), None)
    if entry is None or DIFFERENT.get(name, ("",))[0] in ("fails", "code", "text"):
        return
    assert (failed is None) == (entry["code"] == "OK"), (name, failed)
    if failed is None:
        with pa.OSFile(str(found / f"{name}.prepare")) as file:
            ours = pa.ipc.open_stream(file).schema
        message = prepared(flight.messages(folder, recorded)[0])
        theirs = pa.ipc.read_schema(pa.py_buffer(message.dataset_schema))
        assert columns(ours) == columns(theirs), name
