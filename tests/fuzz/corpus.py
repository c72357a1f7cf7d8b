"""Statements in the shapes of public ones: ``corpus_sql/``, a blank line between two.

The shapes are those of DataFusion's own tests, over the small views. ``$a`` and ``$b`` stand for an
instant in the first and the second half of the days that rows lie in.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from tests.fuzz.chance import Chance
from tests.fuzz.literals import Literals

_FOLDER = Path(__file__).parent / "corpus_sql"
_PLACES = re.compile(r"\$[ab]")


@cache
def statements() -> list[str]:
    """List all statements, with their places for instants."""
    found = []
    for path in sorted(_FOLDER.glob("*.sql")):
        found += [part.strip() for part in path.read_text("utf-8").split("\n\n") if part.strip()]
    return found


def statement(chance: Chance, literals: Literals) -> str:
    """Choose one, and fill in its instants."""
    chance.met.add("public shapes")
    return filled(chance.pick(statements()), literals)


def filled(text: str, literals: Literals) -> str:
    """Fill in the instants of a statement."""
    return _PLACES.sub(lambda place: literals.literal(0 if place[0] == "$a" else 1), text)
