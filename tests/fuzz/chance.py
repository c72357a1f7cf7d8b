"""What the makers of statements share: one source of chance, and what a text is known to give."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

_Item = TypeVar("_Item")


@dataclass
class Relation:
    """An item of a FROM clause, or a query: its alias, its text, and its columns' kinds."""

    alias: str
    text: str
    columns: dict[str, str]  # name -> time, number or word

    def times(self) -> list[str]:
        """List the columns that are times."""
        return [name for name, kind in self.columns.items() if kind == "time"]

    def saying(self, text: str) -> Relation:
        """Give the same columns out of another text."""
        return replace(self, text=text)


class Chance:
    """Decides everything that is random in a statement; the same seed decides alike.

    Attributes
    ----------
    met : set of str
        The constructs that the statement holds, of those that readers of SQL disagree on.
    """

    def __init__(self, seed: str) -> None:
        self._random = random.Random(seed)
        self._names = 0
        self.met: set[str] = set()

    def pick(self, items: Sequence[_Item], weights: Sequence[float] | None = None) -> _Item:
        """Choose one."""
        return self._random.choices(items, weights)[0]

    def often(self, probability: float) -> bool:
        """Say yes with a probability."""
        return self._random.random() < probability

    def strange(self, construct: str, probability: float) -> bool:
        """Say yes with a probability, and note what that brings into the statement."""
        if not self.often(probability):
            return False
        self.met.add(construct)
        return True

    def choose(self, construct: str, texts: Sequence[str]) -> str:
        """Choose one of the texts of a construct."""
        self.met.add(construct)
        return self.pick(texts)

    def fresh(self, prefix: str) -> str:
        """Make a name that is not taken."""
        self._names += 1
        return f"{prefix}{self._names}"

    def below(self, end: int) -> int:
        """Choose a number from 0."""
        return self._random.randrange(end)

    def shuffle(self, items: list[str]) -> None:
        """Put items into another order."""
        self._random.shuffle(items)
