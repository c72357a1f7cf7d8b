"""Wrong statements made small: ``python -m tests.fuzz.shrink 0.13/10005/34`` names them by seed."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable

from tests.fuzz.data import World, world
from tests.fuzz.decorations import pieces
from tests.fuzz.differential import Tally, check
from tests.fuzz.statements import Statement, Statements


def wrong(here: World, seed: str, sql: str) -> bool:
    """Tell whether a text is run wrongly with its range."""
    tally = Tally()
    check(here, seed, Statement(sql, "", frozenset()), tally)
    return bool(tally.mismatches)


def shrunk(sql: str, still: Callable[[str], bool]) -> str:
    """Take words and brackets out of a text for as long as something is still true of it."""
    words = _words(sql)
    size = max(len(words) // 2, 1)
    while True:
        before = len(words)
        for opening, closing in _brackets(words):
            for kept in ([], words[opening + 1 : closing]):
                rest = words[:opening] + kept + words[closing + 1 :]
                if still("".join(rest)):
                    return shrunk("".join(rest), still)
        at = 0
        while at < len(words):
            rest = words[:at] + words[at + size :]
            if still("".join(rest)):
                words = rest
            else:
                at += max(size // 2, 1)
        if size == 1 and len(words) == before:
            return "".join(words).strip()
        size = max(size // 2, 1)


def _words(sql: str) -> list[str]:
    """Cut a text into pieces, each with the blank before it."""
    words: list[str] = []
    blank = ""
    for part in pieces(sql):
        if part.isspace():
            blank += part
        else:
            words.append(blank + part)
            blank = ""
    return words


def _brackets(words: list[str]) -> list[tuple[int, int]]:
    """List where brackets open and close, the outer ones first."""
    found, open_ = [], []
    for at, word in enumerate(words):
        if word.endswith("("):
            open_.append(at)
        elif word.strip() == ")" and open_:
            found.append((open_.pop(), at))
    return sorted(found)


def smallest(seed: str) -> str:
    """Shrink the statement of a seed."""
    generation, number, _ = seed.split("/")
    here = world(generation, int(number))
    statement = Statements(here, seed).statement()
    text = statement.engine_sql
    if not wrong(here, seed, text):
        text = statement.sql
    return shrunk(text, lambda sql: wrong(here, seed, sql))


def main() -> int:
    """Print the smallest statement of each seed."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.shrink", description=__doc__)
    parser.add_argument("seeds", nargs="+")
    for seed in parser.parse_args().seeds:
        print(f"{seed}: {smallest(seed)!r}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
