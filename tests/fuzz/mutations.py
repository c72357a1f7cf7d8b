"""Rules broken on purpose, one at a time: ``python -m tests.fuzz.mutations`` tells which are seen.

Each of `broken.MUTATIONS` is applied to a copy of the package, over which the fuzz runs until it
finds a mismatch, or the time is over. The rules as they are must find none in the same time.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

from tests.fuzz.broken import MUTATIONS, Mutation

_ROOT = Path(__file__).parents[2]
#: Where the rules are.
MODULES = _ROOT / "micromegas_dbapi" / "ranges" / "inference"


def _only_fuzz(folder: str, names: list[str]) -> list[str]:
    if folder != str(_ROOT / "tests"):
        return []
    return [name for name in names if name not in ("__init__.py", "fuzz")]


def caught(mutation: Mutation | None, seconds: float, holding: str = "") -> str | None:
    """Tell how the fuzz sees a mutation, or None; without one, that of the rules as they are."""
    with tempfile.TemporaryDirectory() as folder:
        package = Path(folder, "micromegas_dbapi")
        shutil.copytree(_ROOT / "micromegas_dbapi", package)
        shutil.copytree(_ROOT / "tests", Path(folder, "tests"), ignore=_only_fuzz)
        if mutation is not None:
            path = package / "ranges" / "inference" / f"{mutation.module}.py"
            text = path.read_text("utf-8")
            if text.count(mutation.old) != 1:
                raise SystemExit(f"{mutation.breaks}: {text.count(mutation.old)} places, not one")
            path.write_text(text.replace(mutation.old, mutation.new), "utf-8")
        command = [sys.executable, "-m", "tests.fuzz", "--removed", "1000000"]
        done = subprocess.run(
            [*command, "--seconds", str(seconds), "--holding", holding],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": folder},
            capture_output=True,
            text=True,
        )
    if done.returncode and "MISMATCH" not in done.stdout:
        raise SystemExit(done.stderr)
    return done.stdout.strip().splitlines()[-1] if done.returncode else None


def main() -> int:
    """Try every mutation, or those whose names hold a word."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.mutations", description=__doc__)
    parser.add_argument("word", nargs="?", default="")
    parser.add_argument("--factor", type=float, default=1, help="of the time that each gets")
    options = parser.parse_args()
    engine = int(version("datafusion").partition(".")[0])
    chosen = [mutation for mutation in MUTATIONS if options.word in mutation.breaks]
    for mutation in [each for each in chosen if 0 < each.before <= engine]:
        print(f"{mutation.breaks}: changes nothing since DataFusion {mutation.before}, not tried")
        chosen.remove(mutation)
    if caught(None, 60 * options.factor) is not None:
        print("the rules mismatch as they are: what a mutation adds could not be told")
        return 1
    missed = []
    for mutation in chosen:
        seen = caught(mutation, mutation.seconds * options.factor, mutation.holding)
        missed += [mutation.breaks] if seen is None else []
        print(f"{mutation.breaks}: {'MISSED' if seen is None else f'seen in {seen}'}", flush=True)
    print(f"{len(chosen) - len(missed)} of {len(chosen)} seen")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
