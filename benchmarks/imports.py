"""Measure how much longer the packages take to import than the libraries that they need.

    python benchmarks/imports.py

Each import is the first one of a new interpreter, whose own start is not counted. All bytecode is
read from a cache, as that of installed packages is. Rounds are interleaved, and medians compared.
Returns 1 if a target is missed.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from functools import partial

import pyarrow as pa
from measurement import Targets, interleaved, scaled

# Package, the library that it needs, and the target of the ratio of their times.
TARGETS = [
    ("micromegas_dbapi", "pyarrow", 1.3),
    ("sqlalchemy_micromegas", "pyarrow, sqlalchemy", 1.3),
]
CODE = "import time; t = time.perf_counter(); import {}; print(time.perf_counter() - t)"


def seconds(modules: str, bytecode: str) -> float:
    """Import modules in a new interpreter; return the seconds it took."""
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": bytecode}
    command = [sys.executable, "-c", CODE.format(modules)]
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True)
    return float(done.stdout)


def main() -> int:
    """Print all results; return 1 if a target is missed."""
    targets = Targets()
    print(f"Python {sys.version.split()[0]}, pyarrow {pa.__version__}")
    names = [name for package, library, _ in TARGETS for name in (package, library)]
    with tempfile.TemporaryDirectory() as bytecode:
        imports = {name: partial(seconds, name, bytecode) for name in names}
        for first in imports.values():
            first()  # writes the bytecode
        medians = interleaved(imports, scaled(31))
    for name in names:
        print(f"{name:24}{medians[name] * 1000:8.1f} ms")
    for package, library, limit in TARGETS:
        ratio = medians[package] / medians[library]
        targets.check(f"import: {package} / {library}", ratio, "<=", limit)
    return targets.exit_code()


if __name__ == "__main__":
    sys.exit(main())
