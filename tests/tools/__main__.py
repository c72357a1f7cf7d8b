"""Run the jobs of tools and write the table of docs/tools.md: ``python -m tests.tools [NAME ...]``.

Without names, it runs all. The rows of other tools stay. The exit code is 1 if a job failed.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.pages import ROOT
from tests.tools import table
from tests.tools.environments import QUIET, TOOLS, environment, served


def run(name: str, urls: list[str]) -> list[str]:
    """Do a tool's job in its environment and an empty home; return what failed."""
    python = environment(name)
    with TemporaryDirectory() as home:
        result = Path(home, "result.json")
        places = {"PYTHONPATH": str(ROOT), "HOME": home, "DLT_DATA_DIR": home}
        done = subprocess.run(
            [python, "-m", "tests.tools.job", name, result, *urls],
            cwd=home,
            env={**os.environ, **QUIET, **places},
            stdout=sys.stderr,
            timeout=900,
        )
        if not result.exists():
            return [f"the job ended with exit code {done.returncode}"]
        failed: list[str] = json.loads(result.read_text("utf-8"))
        return failed


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.tools", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"{', '.join(TOOLS)}")
    names = parser.parse_args().names or TOOLS
    if unknown := set(names) - set(TOOLS):
        parser.error(f"unknown: {', '.join(sorted(unknown))}; accepted: {', '.join(TOOLS)}")
    any_failed = False
    with served() as urls:
        for name in names:
            failed = run(name, list(urls.values()))
            row = table.row(name, failed)
            print(row, *(f"  {line}" for line in failed), sep="\n", flush=True)
            table.write(name, row)
            any_failed |= bool(failed)
    return any_failed


if __name__ == "__main__":
    sys.exit(main())
