"""SQLAlchemy's own suite for dialects passes, on whichever SQLAlchemy is installed.

It runs in a process of its own, since its pytest plugin takes the whole run over. The lower
bounds' environment has 1.4, the others the newest; ``python tests/conformance/lines.py`` runs all
three lines.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy

SUITE = Path(__file__).parent / "suite"
ROOT = Path(__file__).parents[2]

# By the beginning of the version, the longest that fits; the suite of 1.4.40 is the smaller one.
AT_LEAST = {"1.4.40": 275, "1.4": 330, "2.0": 550, "2.1": 580}


@pytest.mark.timeout(300)
def test_suite() -> None:
    line = max((each for each in AT_LEAST if sqlalchemy.__version__.startswith(each)), key=len)
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-c",
            "setup.cfg",
            "--rootdir",
            ".",
            "-q",
            "-p",
            "no:warnings",
            "test_suite.py",
        ],
        cwd=SUITE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    tail = done.stdout[-3000:] + done.stderr[-1000:]
    assert done.returncode == 0, tail
    counted = re.search(r"^.*?(\d+) passed.*$", tail, re.MULTILINE)
    assert counted is not None, tail
    assert int(counted[1]) >= AT_LEAST[line], tail
    print(f"SQLAlchemy {sqlalchemy.__version__}:", counted[0])
