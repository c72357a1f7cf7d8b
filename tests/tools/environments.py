"""The environment of each tool, with pinned versions, and a demo lake that is served to all.

A tool is a folder: ``requirements.in`` names its packages, ``requirements.txt`` pins these and all
that they need, and ``job.py`` is what it does.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from micromegas_dbapi.demo import write_demo
from tests.pages import ROOT

FOLDER = Path(__file__).parent
TOOLS = sorted(job.parent.name for job in FOLDER.glob("*/job.py"))
CACHE = ROOT / ".venv-tools"
#: No tool reports what it does to its makers.
QUIET = {
    "DATAHUB_TELEMETRY_ENABLED": "false",
    "DO_NOT_TRACK": "true",
    "GX_ANALYTICS_ENABLED": "false",
    "PLOOMBER_STATS_ENABLED": "false",
    "RUNTIME__DLTHUB_TELEMETRY": "false",
    "STREAMLIT_BROWSER_GATHER_USAGE_STATS": "false",
}


def pins(name: str) -> dict[str, str]:
    """Return the version of each package that a tool's ``requirements.in`` names."""
    text = (FOLDER / name / "requirements.txt").read_text("utf-8")
    pinned = dict(re.findall(r"^([\w.-]+)==(\S+)", text, re.MULTILINE))
    direct = (FOLDER / name / "requirements.in").read_text("utf-8").split()
    return {package: pinned[package] for package in (re.sub(r"\[.*", "", line) for line in direct)}


def environment(name: str) -> Path:
    """Return the Python of a tool's environment, which is created if its pins have changed."""
    requirements = FOLDER / name / "requirements.txt"
    wanted = requirements.read_text("utf-8") + (ROOT / "pyproject.toml").read_text("utf-8")
    folder = CACHE / name
    python, stamp = folder / "bin" / "python", folder / "installed.txt"
    if stamp.exists() and stamp.read_text("utf-8") == wanted:
        return python
    shutil.rmtree(folder, ignore_errors=True)
    if uv := shutil.which("uv"):
        subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, folder], check=True)
        install = [uv, "pip", "install", "--quiet", "--python", str(python)]
    else:
        venv.create(folder, with_pip=True)
        install = [str(python), "-m", "pip", "install", "--quiet"]
    subprocess.run([*install, "-r", requirements], check=True)
    subprocess.run([*install, "--no-deps", "-e", ROOT], check=True)
    stamp.write_text(wanted, "utf-8")
    return python


@contextmanager
def served() -> Iterator[dict[str, str]]:
    """Serve a demo lake; gives the driver's URL of the folder itself, HTTP and FlightSQL."""
    with TemporaryDirectory() as folder:
        lake = Path(folder, "lake")
        write_demo(lake, now=time.time_ns())
        serve = ["-m", "micromegas_dbapi.cli", "serve", "--lake", str(lake)]
        process = subprocess.Popen(
            [sys.executable, *serve, "--port", "0", "--flight-port", "0"],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            text=True,
        )
        with process:
            assert process.stdout is not None
            urls = re.findall(r"\w+://[\w.:]+", process.stdout.readline())
            try:
                yield {"lake": f"lake:{lake}", **{url.partition(":")[0]: url for url in urls}}
            finally:
                process.terminate()
