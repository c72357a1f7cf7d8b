"""Interrupt statements at random moments: ``python -m tests.interruptions``.

In each round an event strikes while a statement runs: Ctrl-C, a cancel by a signal handler or by
threads, a close of the cursor or connection, or the garbage collector. The result must be complete
and right, or an error that the event allows, and the next statement must be answered. Exits with 1
if a result is wrong or if threads, files or memory grow; with 2 if a round hangs.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from concurrent.futures.process import BrokenProcessPool

from tests.interruptions.processes import WIRES, reports
from tests.interruptions.rounds import Report


def main() -> int:
    """Run all rounds and print a table."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.interruptions",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--wire", choices=[*WIRES, "all"], default="all")
    parser.add_argument("--count", type=int, default=10_000, metavar="N", help="rounds per wire")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--opcodes",
        type=int,
        default=0,
        metavar="N",
        help="also at every N-th moment at which Python runs signal handlers",
    )
    options = parser.parse_args()
    wires = WIRES if options.wire == "all" else (options.wire,)
    failed = False
    try:
        for report in reports(wires, options.count, options.seed, options.opcodes):
            print_report(report)
            failed = failed or bool(report.wrong or report.grown)
    except BrokenProcessPool:
        print("a round hung or crashed: see above", flush=True)
        return 2
    return 1 if failed else 0


def print_report(report: Report) -> None:
    """Print what happened on one wire."""
    first, last = report.samples[0], report.samples[-1]
    count = report.outcomes.total()
    print(
        f"{report.wire}: {count} rounds in {report.seconds:.0f} s, slowest {report.slowest:.2f} s, "
        f"hangs 0, wrong {len(report.wrong)}, threads {first.threads} -> {last.threads}, "
        f"files {first.files} -> {last.files}, "
        f"memory {first.megabytes:.0f} -> {last.megabytes:.0f} MB"
    )
    for name in dict.fromkeys(name for name, _ in sorted(report.outcomes)):
        outcomes = Counter({o: n for (each, o), n in report.outcomes.items() if each == name})
        listed = ", ".join(f"{outcome} {number}" for outcome, number in outcomes.most_common())
        print(f"    {name:20} {listed}")
    memory = " ".join(f"{sample.megabytes:.0f}" for sample in report.samples)
    print(f"    memory in between, MB: {memory}")
    for growth in report.grown:
        print(f"    GROWN: {growth}")
    for wrong in report.wrong[:10]:
        print(f"    WRONG: {wrong}")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
