"""The views as FROM clauses name them."""

from __future__ import annotations

from tests.fuzz.chance import Chance, Relation
from tests.fuzz.data import INSTANCES, World, table_of

_KINDS = {"level": "number", "id": "number", "process_id": "word", "day": "word"}
# Words that are names to the engine in this place, and more than names to others.
_WORDS = ("final", "semi", "anti", "left", "window", "sample", "range", "rows", "over", "filter")
_MORE_WORDS = ("first", "temp", "only", "lateral", "at", "zone", "year", "date", "time", "end_")
_ODD = ('"a.b"', '"É"', "É", "é", "x$y", "x#", "@x", "#x", '"A"', '"public.log_entries"')
# Letters that some lower to ASCII, or hold for it.
_FALSE_ASCII = ("\u017f", "\u212a", "\u0130")


class Views:
    """Makes items of FROM clauses that read a view.

    Parameters
    ----------
    world : World
    chance : Chance
    strangeness : float
    """

    def __init__(self, world: World, chance: Chance, strangeness: float) -> None:
        self._world = world
        self._chance = chance
        self._strangeness = strangeness
        self._tables = [name for name in world.filters if not name.startswith("instance_of_")]
        self._instances = [view for view in INSTANCES if table_of(view) in world.tables]

    def view(self) -> Relation:
        """Name some view, under an alias or its own name."""
        chance = self._chance
        if self._instances and chance.often(0.28):
            view = chance.pick(self._instances)
            table, alias = table_of(view), chance.fresh("v")
            return Relation(alias, f"{INSTANCES[view]} AS {alias}", self._columns(table))
        weights = [4 if name in ("log_entries", "measures") else 1 for name in self._tables]
        table = chance.pick(self._tables, weights)
        alias = chance.pick([table, chance.fresh("t"), chance.fresh("t")])
        text = chance.pick([table, table, table, f"public.{table}", f'"{table}"', table.upper()])
        if chance.strange("qualified names", self._strangeness * 0.2):
            text = chance.pick(
                [f"datafusion.public.{table}", f'PUBLIC."{table}"', f"`{table}`", f"({table})"]
            )
        word = " AS "
        if chance.strange("odd aliases", self._strangeness * 0.3):
            alias = chance.pick(chance.pick([_WORDS, _MORE_WORDS, _ODD, _FALSE_ASCII]))
            word = chance.pick([" ", " AS "])
        elif chance.strange("another view's name", self._strangeness * 0.1):
            alias = chance.pick(self._tables)
        if alias != table or "." in text:
            text = f"{text}{word}{alias}"
        return Relation(alias, text, self._columns(table))

    def named(self, table: str, alias: str) -> Relation:
        """Name a given view."""
        return Relation(alias, f"{table} AS {alias}", self._columns(table))

    def tables(self) -> list[str]:
        """List the views that have a name of their own."""
        return self._tables

    def _columns(self, table: str) -> dict[str, str]:
        fields = self._world.tables[table].schema
        return {name: _KINDS.get(name, "time") for name in fields.names}
