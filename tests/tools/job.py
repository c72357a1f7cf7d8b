"""Do the job of one tool, in its environment: ``python -m tests.tools.job NAME RESULT URL ...``.

The job is a module of checks. A check that takes a `source` runs once per URL. All run, and the
result is what failed.
"""

from __future__ import annotations

import importlib
import inspect
import json
import os
import subprocess
import sys
import traceback
from collections.abc import Callable
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

from tests.pages import ROOT, Block, difference, read
from tests.tools.source import Source


def error_of(call: Callable[[], object]) -> str:
    """Return the text of the error that a call raises."""
    try:
        result = call()
    except Exception as error:
        return str(error)
    raise AssertionError(f"no error, but {result}")


def run_python(block: Block, namespace: dict[str, Any]) -> str:
    """Run a block as part of a program, and return what it prints."""
    with redirect_stdout(StringIO()) as printed:
        exec(compile(block.code, block.name, "exec"), namespace)
    return printed.getvalue()


def run_page(name: str, run: Callable[[Block, dict[str, Any]], str] = run_python) -> dict[str, Any]:
    """Run the blocks of a tool's page one after the other, as a reader would.

    Shell blocks run with the commands of the environment. `run` runs a block of Python. Returns
    the names that the blocks have defined.
    """
    namespace: dict[str, Any] = {"__name__": "__main__"}
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    for block in read(ROOT / "docs" / "tools" / f"{name}.md"):
        if block.language == "python":
            printed = run(block, namespace)
        elif block.language == "sh":
            shell = ["bash", "-euo", "pipefail", "-c", block.code]
            done = subprocess.run(shell, env=environment, capture_output=True, text=True)
            assert done.returncode == 0, done.stderr
            printed = done.stdout
        else:
            continue
        if block.output is not None and (different := difference(block, printed)):
            raise AssertionError(different)
    return namespace


def failures(name: str, urls: list[str]) -> list[str]:
    """Return one line for each check that failed; tracebacks go to stderr."""
    failed = []
    sources = [Source(url) for url in urls]
    for check_name, check in vars(importlib.import_module(f"tests.tools.{name}.job")).items():
        if not check_name.startswith("check_"):
            continue
        takes_source = bool(inspect.signature(check).parameters)
        for source in sources if takes_source else [None]:
            label = check_name.removeprefix("check_")
            if source:
                label += f" over {source.url.partition(':')[0]}"
            try:
                check(source) if source else check()
            except Exception as error:
                print(f"-- {label}", file=sys.stderr)
                traceback.print_exc()
                text = " ".join(str(error).split())
                failed.append(f"{label}: {type(error).__name__}: {text[:200]}")
    return failed


if __name__ == "__main__":
    tool, result, *urls = sys.argv[1:]
    failed = failures(tool, urls)
    Path(result).write_text(json.dumps(failed), "utf-8")
