"""What a process that was forked from a user of the driver can do, on every protocol."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import micromegas_dbapi as mm
from tests.integration.serving import WIRES, served

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork()")

# The child uses everything of its parent, in an order that a hang or a shut socket would spoil.
SCRIPT = """
import os, signal, sys
import micromegas_dbapi as mm

SQL = "SELECT v FROM generate_series(1, 50000) AS g(v)"
connection = mm.connect(sys.argv[1])
rows, batches, other = (connection.execute(SQL) for _ in range(3))
rows.fetchone()
reader = batches.fetch_record_batch()
connection.execute("SELECT 1").fetchall()
child = os.fork()
if child == 0:
    signal.alarm(60)
    for what in (
        lambda: connection.execute("SELECT 1").fetchall(),
        lambda: mm.connect(sys.argv[1]).execute("SELECT 1").fetchall(),
        lambda: len(rows.fetchall()),
        lambda: reader.read_all().num_rows,
        other.cancel,
        connection.close,
    ):
        try:
            print(what(), flush=True)
        except mm.Error as error:
            print(type(error).__name__, flush=True)
    del rows, batches, other, reader, connection
    sys.exit()
print("child", os.waitpid(child, 0)[1])
print(len(rows.fetchall()), reader.read_all().num_rows, len(other.fetchall()))
print(connection.execute("SELECT 1").fetchall())
connection.close()
"""

WORKS = ["[(1,)]", "[(1,)]"]
NEW_STATEMENT = {
    "lake": ["NotSupportedError"] * 2,  # threads of the engine
    "grpc": ["NotSupportedError"] * 2,  # threads of gRPC
    "http": WORKS,
    "gateway": WORKS,
    "web": WORKS,
}
RESULT_OF_THE_PARENT = {"http": ["49999", "50000"]}  # the response is complete when it is answered


@pytest.fixture(scope="module")
def urls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    folder = tmp_path_factory.mktemp("lake")
    with served(folder) as urls:
        yield urls


@pytest.mark.parametrize("wire", WIRES)
def test_a_forked_child_works_or_is_told(wire: str, urls: dict[str, str]) -> None:
    """It never hangs, and nothing that it does is felt by its parent."""
    root = str(Path(mm.__file__).parents[1])
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", SCRIPT, urls[wire]],
        env={**os.environ, "PYTHONPATH": root},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.stdout.splitlines() == [
        *NEW_STATEMENT[wire],
        *RESULT_OF_THE_PARENT.get(wire, ["InterfaceError"] * 2),
        "None",
        "None",
        "child 0",
        "49999 50000 50000",
        "[(1,)]",
    ], done.stderr
