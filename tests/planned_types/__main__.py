"""The long run: ``python -m tests.planned_types --statements 50000``."""

from __future__ import annotations

import argparse
import itertools
import multiprocessing
import os
import sys
import time

import datafusion

from tests.planned_types.comparison import Tally, run

_CHUNK = 500


def main() -> int:
    """Run a number of statements, or stop at the first sure one whose types differ."""
    parser = argparse.ArgumentParser(prog="python -m tests.planned_types", description=__doc__)
    parser.add_argument("--statements", type=int, default=50_000, metavar="N")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    options = parser.parse_args()
    tally, begun = Tally(), time.monotonic()
    seeds = itertools.count(options.seed * 100_000)
    with multiprocessing.get_context("spawn").Pool(options.processes) as pool:
        while tally.counts["sure"] + tally.counts["unsure"] < options.statements:
            jobs = [(next(seeds), _CHUNK) for _ in range(4 * (options.processes or 1))]
            for found in pool.starmap(run, jobs, 1):
                tally.add(found)
            if tally.missed:
                break
    print(f"DataFusion {datafusion.__version__}, {time.monotonic() - begun:.0f} s: {tally.counts}")
    for sql, found in tally.missed:
        print(f"MISSED {found}\n  {sql}")
    return 1 if tally.missed else 0


if __name__ == "__main__":
    sys.exit(main())
