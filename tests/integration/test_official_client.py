"""The official client, micromegas 0.2.3, unmodified, against the local service.

It needs an environment of its own, and runs where it is asked for: see CONTRIBUTING.md.
"""

from __future__ import annotations

import json
import os
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from micromegas_dbapi.lake.transport import LakeTransport
from micromegas_dbapi.server import LocalService

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / os.environ.get("MICROMEGAS_OFFICIAL_PYTHON", ".venv-official/bin/python")


@pytest.mark.official
def test_every_call_gives_what_ours_gives(wire: Callable[[str], Path]) -> None:
    """Frames equal in values, order and dtypes, and the same lines of progress.

    Where the script names a difference there has to be that one: ours keeps the columns of an
    empty answer, knows seconds as times, takes an open end, and raises
    what fails as one of its own errors.
    """
    service = LocalService(LakeTransport(wire("http-0.2.3") / "data"), port=0)
    thread = threading.Thread(target=service.run)
    thread.start()
    try:
        script = Path(__file__).with_name("official_client.py")
        done = subprocess.run(
            [PYTHON, script, service.url],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            timeout=100,
        )
    finally:
        service.stop()
        thread.join(10)
    assert done.returncode == 0, done.stderr
    calls = [json.loads(line) for line in done.stdout.splitlines()]
    print(*calls, sep="\n")
    assert len(calls) == 36
    assert [seen for _, _, seen in calls] == [expected for _, expected, _ in calls]
