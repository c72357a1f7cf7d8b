"""Rules broken on purpose, one at a time: ``python -m tests.fuzz.mutations`` tells which are seen.

Each is applied to a copy of the package, over which the fuzz runs until it finds a mismatch, or
the time is over.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

_ROOT = Path(__file__).parents[2]
#: Where the rules are.
MODULES = _ROOT / "micromegas_dbapi" / "inference"


class Mutation(NamedTuple):
    """What is replaced, where, and what rule that breaks."""

    breaks: str
    module: str
    old: str
    new: str


SCANS, OUTPUTS, PREDICATES = "scans", "outputs", "predicates"
INSTANTS, RANGE = "instants", "__init__"

MUTATIONS = [
    Mutation("LEFT ON bounds both sides", SCANS, '"LEFT": {name}', '"LEFT": {*sources, name}'),
    Mutation("RIGHT ON bounds both", SCANS, '"RIGHT": set(sources)', '"RIGHT": {*sources, name}'),
    Mutation("FULL ON bounds both sides", SCANS, '"FULL": set()', '"FULL": {*sources, name}'),
    Mutation(
        "outer conditions pass LIMIT",
        OUTPUTS,
        '_COUNTING = ("group", "having", "limit", "offset", "windows", "qualify")',
        '_COUNTING = ("group", "having", "windows", "qualify")',
    ),
    Mutation(
        "outer conditions pass windows",
        OUTPUTS,
        "return not any(item.find(exp.Window, exp.AggFunc) for item in select.expressions)",
        "return True",
    ),
    Mutation(
        "outer conditions pass the LIMIT of a UNION",
        SCANS,
        "passed = {} if limited else",
        "passed =",
    ),
    Mutation("subqueries prove nothing", SCANS, "self.query(node, ctes, {})", "pass"),
    Mutation(
        "a CTE does not hide a view", SCANS, "if not schema and table in ctes:", "if False:"
    ),
    Mutation("renamed columns keep their names", SCANS, "if source.renamed:  #", "if False:  #"),
    Mutation(
        "a column is of the first table",
        SCANS,
        "table = owners[0] if len(owners) == 1",
        "table = next(iter(sources)) if not owners",
    ),
    Mutation(
        "rounded columns pass as they are",
        SCANS,
        "{passed.column: passed.before(*lies)}",
        "{passed.column: lies}",
    ),
    Mutation("any set operation passes conditions by the first name", OUTPUTS,
             "if len(places) == 1 and all(", "if len(places) == 1 or all("),
    Mutation("OR is AND", PREDICATES, "is wanted else _hull", "is wanted else intersection"),
    Mutation("NOT changes nothing", PREDICATES, "resolve, clock, not wanted)", "resolve, clock)"),
    Mutation("one bound of BETWEEN is enough", PREDICATES, "if low and high else {}", ""),
    Mutation("NOT BETWEEN is BETWEEN", PREDICATES, "if wanted and isinstance(node, exp.Between)",
             "if isinstance(node, exp.Between)"),
    Mutation("rounding is forgotten", PREDICATES, "greatest + self.width", "greatest"),
    Mutation("mirrored operators stay", PREDICATES, "exp.LT: exp.GT,\n    exp.LTE",
             "exp.LT: exp.LT,\n    exp.LTE"),
    Mutation("a DATE's text keeps its hours", PREDICATES, "least = floor_to_day(least)", "pass"),
    Mutation("the clock's skew is forgotten", RANGE, "clock - skew)", "clock)"),
    Mutation("now() is the client's", INSTANTS, "Instant(clock(), INFINITY)",
             "Instant(clock(), clock())"),
    Mutation("TIMESTAMP(p) is TIMESTAMP", INSTANTS, " and not cast.to.expressions", ""),
    Mutation("offsets are ignored", INSTANTS, 'zone = f"{hours}:{minutes}" if hours else "+00:00"',
             'zone = "+00:00"'),
    Mutation("a month has 30 days", INSTANTS, "for days in (28, 31)", "for days in (30, 30)"),
    Mutation("truncation is forgotten", INSTANTS, "found.least - width", "found.least"),
    Mutation("a DATE moves by hours", INSTANTS, "_date(least, greatest + DAY)",
             "Instant(least, greatest)"),
    Mutation("only the first scan counts", RANGE, "min(low, bounds[0]), max(high, bounds[1])",
             "bounds[0], bounds[1]"),
    Mutation("every view's columns are in order", RANGE, "if columns.ordered:", "if True:"),
    Mutation("begin and end change their columns", RANGE, "return since[0], upto[1]",
             "return upto[0], since[1]"),
    Mutation("columns of USING have an owner", SCANS, "if not table and not merged:",
             "if not table:"),
]  # fmt: skip


def _only_fuzz(folder: str, names: list[str]) -> list[str]:
    if folder != str(_ROOT / "tests"):
        return []
    return [name for name in names if name not in ("__init__.py", "fuzz")]


def caught(mutation: Mutation, seconds: float) -> str | None:
    """Tell how the fuzz sees a mutation, or None."""
    with tempfile.TemporaryDirectory() as folder:
        package = Path(folder, "micromegas_dbapi")
        shutil.copytree(_ROOT / "micromegas_dbapi", package)
        shutil.copytree(_ROOT / "tests", Path(folder, "tests"), ignore=_only_fuzz)
        path = package / "inference" / f"{mutation.module}.py"
        text = path.read_text()
        if text.count(mutation.old) != 1:
            raise SystemExit(f"{mutation.breaks}: {text.count(mutation.old)} places, not one")
        path.write_text(text.replace(mutation.old, mutation.new))
        done = subprocess.run(
            [sys.executable, "-m", "tests.fuzz", "--removed", "1000000", "--seconds", str(seconds)],
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
    parser.add_argument("--seconds", type=float, default=60, help="for each, at the most")
    options = parser.parse_args()
    chosen = [mutation for mutation in MUTATIONS if options.word in mutation.breaks]
    missed = 0
    for mutation in chosen:
        seen = caught(mutation, options.seconds)
        missed += seen is None
        print(f"{mutation.breaks}: {'MISSED' if seen is None else f'seen in {seen}'}", flush=True)
    print(f"{len(chosen) - missed} of {len(chosen)} seen")
    return 0


if __name__ == "__main__":
    sys.exit(main())
