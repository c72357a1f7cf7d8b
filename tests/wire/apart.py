"""What may end a process, in a process of its own.

A process that has imported what is needed, and begun nothing, is forked for each call: run as
``python -m tests.wire.apart``, it reads a line of JSON for each, ``[module, function, arguments]``,
and answers with the result, or the exit code of a call that gave none.
"""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


class CrashedError(Exception):
    """The process has ended without an answer; the argument is its exit code."""


class Apart:
    """Calls functions of a module, each call in a process of its own."""

    def __init__(self, process: subprocess.Popen[str], module: str) -> None:
        self._process = process
        self._module = module

    def call(self, function: str, *arguments: Any) -> Any:
        """Call a function; arguments and result are of the kinds that JSON has.

        Raises
        ------
        CrashedError
        """
        into, out = self._process.stdin, self._process.stdout
        assert into is not None
        assert out is not None
        into.write(json.dumps([self._module, function, arguments]) + "\n")
        into.flush()
        answer = json.loads(out.readline())
        if "result" not in answer:
            raise CrashedError(answer["exit"])
        return answer["result"]


@contextmanager
def apart(module: str) -> Iterator[Apart]:
    """Start the process that is forked."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.wire.apart", module],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=ROOT,
        text=True,
    ) as process:
        yield Apart(process, module)
        assert process.stdin is not None
        process.stdin.close()


def _serve(module: str) -> None:
    importlib.import_module(module)
    for line in sys.stdin:
        name, function, arguments = json.loads(line)
        read, write = os.pipe()
        child = os.fork()
        if child == 0:
            result = getattr(importlib.import_module(name), function)(*arguments)
            with os.fdopen(write, "w") as pipe:
                json.dump({"result": result}, pipe)
            os._exit(0)
        os.close(write)
        with os.fdopen(read) as pipe:
            text = pipe.read()
        _, status = os.waitpid(child, 0)
        print(text or json.dumps({"exit": os.waitstatus_to_exitcode(status)}), flush=True)


if __name__ == "__main__":
    _serve(sys.argv[1])
