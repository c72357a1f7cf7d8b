"""The long run: ``python -m tests.fuzz --removed 200000``."""

from __future__ import annotations

import argparse
import itertools
import multiprocessing
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from importlib.metadata import version

import datafusion

from tests.fuzz.differential import GENERATIONS, Tally, run

_CHUNK = 100


def main() -> int:
    """Run until so many statements with a range have had rows removed, or one has mismatched."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--removed", type=int, default=10_000, metavar="N")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="at the most")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    parser.add_argument("--holding", default="", metavar="CONSTRUCT", help="only such statements")
    parser.add_argument("--all", action="store_true", help="go on after a mismatch")
    options = parser.parse_args()
    print(f"DataFusion {datafusion.__version__}, sqloxide {version('sqloxide')}", flush=True)
    tallies = {generation: Tally() for generation in GENERATIONS}
    seeds = itertools.count(options.seed * 10_000)
    jobs = (
        (generation, next(seeds), _CHUNK, options.holding)
        for generation in itertools.cycle(GENERATIONS)
    )
    begun = told = time.monotonic()
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(options.processes, context) as pool:
        while time.monotonic() - begun < options.seconds:
            wave = list(itertools.islice(jobs, len(GENERATIONS) * options.processes))
            try:
                found = list(pool.map(run, *zip(*wave, strict=True)))
            except BrokenProcessPool:
                print(f"CRASHED, the engine or its parser, in one of {wave}", flush=True)
                return 2
            for (generation, *_), tally in zip(wave, found, strict=True):
                tallies[generation].add(tally)
                for mismatch in tally.mismatches:
                    print(f"MISMATCH, {mismatch}", flush=True)
            removed = sum(tally.counts["removed"] for tally in tallies.values())
            if time.monotonic() - told > 60:
                told = time.monotonic()
                wrongs = sum(len(tally.mismatches) for tally in tallies.values())
                print(f"{told - begun:.0f} s: removed {removed:,}, {wrongs} wrong", flush=True)
            wrong = not options.all and any(tally.mismatches for tally in tallies.values())
            if removed >= options.removed or wrong:
                break
    for generation, tally in tallies.items():
        print(f"{generation}: {tally}")
        for bug in tally.bugs:
            print(f"engine bug, {bug}")
    total = Tally()
    for tally in tallies.values():
        total.add(tally)
    print(f"all: {total}")
    named = (f"{name} {count:,}" for name, count in total.constructs.most_common())
    print("constructs: " + ", ".join(named))
    print(f"{time.monotonic() - begun:.0f} s")
    return 1 if total.mismatches else 0


if __name__ == "__main__":
    sys.exit(main())
