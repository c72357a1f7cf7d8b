"""Items of FROM clauses that are no plain view: derived tables, and what reads no view at all."""

from __future__ import annotations

from tests.fuzz.chance import Chance, Relation
from tests.fuzz.literals import Literals

BRACKETS = (
    "({text}) AS {alias}({names})",
    "({text}) {alias} ({names})",
    "(({text})) AS {alias}({names})",
    "(({text}) AS {alias}({names}))",
    "((({text}) AS {alias}({names})))",
    "((({text})) {alias}({names}))",
    "(SELECT * FROM ({text}) AS inside({names})) AS {alias}",
    "(SELECT * FROM (({text}) AS inside({names}))) {alias}",
    "(WITH inside({names}) AS ({text}) SELECT * FROM inside) AS {alias}",
)
_PLAIN_BRACKETS = (
    "(({text})) AS {alias}",
    "(({text}) AS {alias})",
    "((({text}) {alias}))",
    "(SELECT * FROM (({text}) AS inside)) AS {alias}",
    "(WITH inside AS ({text}) SELECT inside.* FROM inside) AS {alias}",
)
_WITHOUT_VIEW = (
    ("(VALUES (1), (2)) AS {a}(n)", {"n": "number"}),
    ("(VALUES ({l}, 1), ({h}, 2)) AS {a}(time, n)", {"time": "time", "n": "number"}),
    ("(SELECT {l} AS time, 1 AS level) AS {a}", {"time": "time", "level": "number"}),
    ("generate_series(1, 3) AS {a}(n)", {"n": "number"}),
    ("range(1, 3) AS {a}(id)", {"id": "number"}),
    ("unnest([1, 2]) AS {a}(n)", {"n": "number"}),
    ("(SELECT unnest([1, 2]) AS n) AS {a}", {"n": "number"}),
    ("calendar AS {a}", {"id": "number", "day": "word", "time": "time"}),
    ("(SELECT * FROM calendar) AS {a}", {"id": "number", "day": "word", "time": "time"}),
)


class Items:
    """Makes them.

    Parameters
    ----------
    chance : Chance
    literals : Literals
    strangeness : float
    """

    def __init__(self, chance: Chance, literals: Literals, strangeness: float) -> None:
        self._chance = chance
        self._literals = literals
        self._strangeness = strangeness

    def derived(self, made: Relation, alias: str) -> Relation:
        """Put a query into brackets, under other names of its columns perhaps."""
        chance = self._chance
        if not chance.often(0.12 + self._strangeness):
            return Relation(alias, f"({made.text}) AS {alias}", made.columns)
        if chance.often(0.3):
            form = chance.choose("brackets", _PLAIN_BRACKETS)
            return Relation(alias, form.format(text=made.text, alias=alias), made.columns)
        names = self._names(made)
        form = chance.choose("names of columns", BRACKETS)
        text = form.format(text=made.text, alias=alias, names=", ".join(names))
        return Relation(alias, text, dict(zip(names, made.columns.values(), strict=True)))

    def renamed(self, view: Relation) -> Relation:
        """Give a view's columns other names, in brackets perhaps."""
        self._chance.met.add("names of columns")
        names, alias = self._names(view), self._chance.fresh("r")
        plain, _, _ = view.text.partition(" ")
        if " " in view.text and plain.endswith(","):  # a call
            plain = view.text.partition(") ")[0] + ")"
        form = self._chance.pick(["{0} AS {1}({2})", "({0} AS {1}({2}))", "(({0} {1}({2})))"])
        columns = dict(zip(names, view.columns.values(), strict=True))
        return Relation(alias, form.format(plain, alias, ", ".join(names)), columns)

    def without_view(self) -> Relation:
        """Name something that reads no view."""
        text, columns = self._chance.pick(_WITHOUT_VIEW)
        self._chance.met.add("items without a view")
        alias = self._chance.fresh("w")
        low, high = (f"TIMESTAMP {self._instant(half)}" for half in (0, 1))
        return Relation(alias, text.format(a=alias, l=low, h=high), columns)

    def _instant(self, half: int) -> str:
        return self._chance.pick(["'2024-01-02'", "'2024-01-03 04:00:00'"][: half + 1])

    def _names(self, made: Relation) -> list[str]:
        """Make names for the columns: fresh ones, or such as another column has inside."""
        times = made.times()
        if len(times) > 1 and self._chance.often(0.7):  # two times change their names
            swapped = {times[0]: times[1], times[1]: times[0]}
            names = [swapped.get(name, name) for name in made.columns]
        else:
            names = [self._chance.fresh("k") for _ in made.columns]
            if times and self._chance.often(0.5):
                names[list(made.columns).index(self._chance.pick(times))] = "time"
        return [f'"{name}"' if name == "end" else name for name in names]
