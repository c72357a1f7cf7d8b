"""Conditions on the relations of a scope: on their times above all."""

from __future__ import annotations

from tests.fuzz.chance import Chance, Relation
from tests.fuzz.literals import UNITS, Literals
from tests.fuzz.views import Views

_ROUNDED = (
    "date_trunc('{unit}', {column})",
    "CAST({column} AS DATE)",
    "{column}::date",
    "CAST({column} AS TIMESTAMP)",
    "date_trunc('day', {column}::timestamp)",
    "date_bin(INTERVAL '1 hour', {column})",
    "({column} + INTERVAL '1 hour')",
    "CAST({column} AS TIMESTAMP(0))",
)
_STRANGELY_ROUNDED = (
    "date_bin('6 hours'::interval, {column})",
    "date_bin(INTERVAL '1 day', {column}, TIMESTAMP '2024-01-01 05:00:00')",
    "date_bin(INTERVAL '1 month', {column})",
    "date_trunc('hour', date_trunc('{unit}', {column}))",
    "date_trunc('quarter', {column})",
    "date_trunc('year', {column})",
    "{column}::timestamp(3)",
    "{column}::timestamptz",
    "{column}::date::timestamp",
    "CAST(CAST({column} AS DATE) AS TIMESTAMP)",
    "arrow_cast({column}, 'Timestamp(Second, None)')",
    "arrow_cast({column}, 'Date32')",
    "({column} AT TIME ZONE '+05:00')",
    "({column} AT TIME ZONE 'America/New_York')",
    "date_trunc('day', {column} AT TIME ZONE '+05:00')",
    "to_timestamp({column})",
    "to_timestamp_millis({column})",
    "to_date({column})",
    "{column}::varchar",
    "({column} - INTERVAL '1 day')",
    "(({column}))",
    "coalesce({column}, TIMESTAMP '2024-01-02')",
    "TRY_CAST({column} AS DATE)",
)
_COMPARISONS = {
    "{c} {o} {l}": 55,
    "{l} {o} {c}": 10,
    "{c} BETWEEN {l} AND {l}": 17,
    "{c} NOT BETWEEN {l} AND {l}": 3,
    "{c} IN ({l})": 2,
    "{c} IN ({l}, {l})": 2,
    "{c} IN ({l}, {l}, {l})": 2,
    "{c} NOT IN ({l}, {l})": 2,
    "{c} IS NULL": 1.5,
    "{c} IS NOT NULL": 1.5,
    "({c} >= {l}) IS TRUE": 1.3,
    "({c} >= {l}) IS NOT TRUE": 1.3,
    "({c} >= {l}) IS FALSE": 1.3,
}
_GUARDS = {
    "{c} >= {l} AND {c} < {h}": 20,
    "{c} >= {l} AND {c} <= {h}": 20,
    "{c} BETWEEN {l} AND {h}": 16,
    "{c} >= {l}": 5,
    "{c} > {l}": 4,
    "{c} < {h}": 3,
    "{c} <= {h}": 3,
    "": 29,
}
# Where precedence and the third value of logic lead readers apart: no parentheses on purpose.
_TRAPS = {
    "IS DISTINCT FROM": (
        "({c} >= {l}) IS DISTINCT FROM FALSE AND {c} < {h}",
        "({c} >= {l}) IS NOT DISTINCT FROM TRUE AND {d} < {h}",
        "({d} < {h}) IS DISTINCT FROM {c} >= {l} OR {c} < {h}",
        "{c} IS NOT DISTINCT FROM {l}",
        "{c} IS DISTINCT FROM {l}",
        "TRUE IS NOT DISTINCT FROM {c} >= {l} AND {c} < {h}",
        "NOT ({c} < {l}) IS DISTINCT FROM TRUE AND {c} <= {h}",
    ),
    "precedence": (
        "NOT {c} < {l} AND {c} < {h}",
        "NOT {c} BETWEEN {l} AND {h} OR {c} >= {l}",
        "NOT {c} >= {l} IS TRUE",
        "NOT {c} < {l} IS NOT FALSE",
        "{c} >= {l} IS TRUE AND {c} < {h}",
        "{c} >= {l} IS NOT UNKNOWN",
        "{c} >= {l} = TRUE",
        "{c} >= {l} = {d} < {h}",
        "TRUE = {c} >= {l}",
        "{c} >= {l} = FALSE OR {c} < {h}",
        "NOT {c} = {l} = FALSE",
        "NOT NOT {c} >= {l} AND NOT {c} >= {h}",
        "{c} BETWEEN {l} AND {h} AND id BETWEEN 1 AND 30",
        "{c} NOT BETWEEN {l} AND {h} IS FALSE",
        "id BETWEEN 1 AND 30 AND {c} >= {l} OR {c} < {h} AND id = 2",
        "1 = 1 OR {c} >= {l} AND {c} < {h}",
        "{c} >= {l} OR NULL AND {c} < {h}",
        "process_id LIKE 'p%' AND {c} >= {l} OR process_id NOT LIKE 'p_'",
        "NOT process_id LIKE 'p1' AND {c} >= {l}",
        "NOT process_id IN ('p1') AND {c} >= {l}",
        "NOT {c} IN ({l}) AND {c} >= {l}",
        "{c} BETWEEN '2024-01-02 06:00:00.000000001' AND to_timestamp_seconds(1704499199)",
        "{c} IN ('2024-01-03 00:00:00.000000001', to_timestamp_seconds(1704261600))",
        "{c} IN ({l}, {h}) IS NOT TRUE",
        "NOT {c} IN ({l}, {h}) OR {c} >= {l}",
        "{c} >= {l} IN (TRUE)",
        "{c} >= {l} IN (FALSE, NULL)",
        "- id < - 3 AND {c} >= {l}",
        "id - -1 > 2 AND {c} >= {l}",
        "id & 1 = 1 AND {c} >= {l}",
        "id > 1 IS NULL = FALSE AND {c} >= {l}",
        "{c} >= {l} AND id % 2 = 0 OR {c} < {l} AND id > 1000",
    ),
    "operators": (
        "{c} == {l}",
        "{c} != {l} AND {c} >= {l}",
        "{c} <=> {l}",
        "({c}, id) > ({l}, 1)",
        "({c}, id) = ({l}, 1)",
        "{c} = ANY([{l}, {h}])",
        "CASE WHEN {c} >= {l} THEN TRUE ELSE {c} < {h} END",
        "CASE {c} >= {l} WHEN TRUE THEN FALSE ELSE TRUE END",
        "coalesce({c} >= {l}, TRUE)",
        "({c} >= {l}) IS NOT NULL AND {c} < {h}",
        "nullif({c} >= {l}, FALSE)",
        "{c} >= {l} AND {c} < {h} IS UNKNOWN",
        "process_id ~ 'p[12]' AND {c} >= {l}",
        "process_id || '' = 'p1' AND {c} >= {l}",
        "process_id SIMILAR TO 'p.' AND {c} >= {l}",
        "extract(day FROM {c}) >= 3 AND {c} >= {l}",
        "date_part('year', {c}) = 2024 AND {c} < {h}",
        "{c} - {l} > INTERVAL '1 hour'",
        "{l} BETWEEN {c} AND {h}",
        "{h} BETWEEN {l} AND {c}",
        "{c} BETWEEN {d} AND {h}",
        "least({c}, {l}) = {l}",
        "{c} IS NOT NULL",
        "{c} >= {l} OR {c} IS NULL",
    ),
}


class Conditions:
    """Makes conditions.

    Parameters
    ----------
    chance : Chance
    literals : Literals
    views : Views
        What subqueries read.
    strangeness : float
    """

    def __init__(
        self, chance: Chance, literals: Literals, views: Views, strangeness: float
    ) -> None:
        self._chance = chance
        self._literals = literals
        self._views = views
        self._strangeness = strangeness
        # How careful the statement's author is to bound every time.
        self.care = chance.pick([0.75, 0.95, 1.0])
        # Whether it leaves that to the outer query, which then has to reach the inner ones.
        self._outside = chance.often(0.4)
        self.inside = False

    def quoted(self, name: str) -> str:
        """Spell a column's name."""
        plain = name.isascii() and name.isidentifier() and name == name.lower() and name != "end"
        return f'"{name}"' if not plain or self._chance.often(0.2) else name

    def reference(self, scope: list[Relation], relation: Relation, name: str) -> str:
        """Name a column of a scope."""
        alone = sum(name in other.columns for other in scope) == 1
        if alone and self._chance.often(0.6):
            return self.quoted(name)
        return f"{relation.alias}.{self.quoted(name)}"

    def column(self, scope: list[Relation], kind: str) -> str | None:
        """Name some column of a kind."""
        found = [
            (relation, name)
            for relation in scope
            for name, is_kind in relation.columns.items()
            if is_kind == kind
        ]
        return self.reference(scope, *self._chance.pick(found)) if found else None

    def on_time(self, column: str) -> str:
        """Make a condition on one time."""
        chance, literal = self._chance, self._literals.literal
        if chance.strange("conditions", self._strangeness * 0.5):
            kind = chance.pick(list(_TRAPS), [2, 4, 3])
            trap = chance.choose(kind, _TRAPS[kind])
            low = literal(0) if "{l}" in trap else ""
            high = literal(1) if "{h}" in trap else ""
            filled = trap.format(c=column, d=column, l=low, h=high)
            return filled if chance.often(0.5) else f"({filled})"
        if chance.often(0.24):
            if chance.strange("rounded columns", self._strangeness):
                column = chance.pick(_STRANGELY_ROUNDED).format(
                    column=column, unit=chance.pick(UNITS)
                )
            else:
                column = chance.pick(_ROUNDED).format(column=column, unit=chance.pick(UNITS))
        form = chance.pick(list(_COMPARISONS), list(_COMPARISONS.values()))
        operator = chance.pick([">=", ">=", ">", "<", "<", "<=", "=", "<>"])
        while "{l}" in form:
            form = form.replace("{l}", literal(), 1)
        return form.replace("{c}", column).replace("{o}", operator)

    def condition(self, scope: list[Relation], depth: int, budget: int = 2) -> str:
        """Make any condition."""
        chance = self._chance
        if budget and chance.often(0.5):
            if chance.often(0.15):
                return f"NOT ({self.condition(scope, depth, budget - 1)})"
            word = chance.pick(["AND", "OR"], [3, 1])
            parts = [self.condition(scope, depth, budget - 1) for _ in range(2)]
            text = f" {word} ".join(parts)
            return f"({text})" if chance.often(0.7) else text
        if chance.often(0.6) and (column := self.column(scope, "time")):
            return self.on_time(column)
        if depth > 0 and chance.often(0.4):
            return self.subquery(scope)
        if chance.often(0.2):
            one, other = self.column(scope, "time"), self.column(scope, "time")
            if one and other:
                return f"{one} {chance.pick(['<=', '='])} {other}"
        number = self.column(scope, "number")
        return (
            f"{number} {chance.pick(['<=', '=', '>'])} {chance.pick([1, 2, 3])}"
            if number
            else "1=1"
        )

    def subquery(self, scope: list[Relation]) -> str:
        """Make a condition with a query inside, that may name what only the outer one has."""
        chance = self._chance
        inner = self._views.view()
        source, both = inner.text, [inner]
        if chance.strange("ambiguous names", self._strangeness * 0.4):
            other = self._views.view()
            if other.alias != inner.alias:
                source, both = f"{inner.text}, {other.text}", [inner, other]
        where = self.where(both, 0)
        if chance.strange("names of the outer query", self._strangeness * 0.5):
            names = [name for relation in [*scope, *both] for name in relation.times()]
            if names:
                bare = f"{self.quoted(chance.pick(names))} >= {self._literals.literal(0)}"
                where = f"{where} AND {bare}" if where else f"WHERE {bare}"
        outer = self.column(scope, "word") or "'p1'"
        kind = chance.pick(["in", "exists", "scalar"])
        if kind == "in":
            word = chance.pick(["IN", "IN", "NOT IN"])
            return f"{outer} {word} (SELECT {inner.alias}.process_id FROM {source} {where})"
        if kind == "exists":
            link = f"{inner.alias}.process_id = {outer}"
            joined = f"{where} AND {link}" if where else f"WHERE {link}"
            return f"{chance.pick(['', 'NOT '])}EXISTS (SELECT 1 FROM {source} {joined})"
        number = self.column(scope, "number") or "1"
        return f"{number} <= (SELECT max({inner.alias}.level) FROM {source} {where})"

    def guard(self, scope: list[Relation], relation: Relation) -> str | None:
        """Make the conditions that a careful author puts on a relation's times."""
        chance, literal = self._chance, self._literals.literal
        times = relation.times()
        if not times:
            return None
        parts = []
        for name in [chance.pick(times)] if chance.often(0.8) else times:
            column = self.reference(scope, relation, name)
            form = chance.pick(list(_GUARDS), list(_GUARDS.values()))
            if not form:
                parts.append(self.on_time(column))
                continue
            if "{l}" in form:
                form = form.replace("{l}", literal(0))
            if "{h}" in form:
                form = form.replace("{h}", literal(1))
            parts.append(form.replace("{c}", column))
        return " AND ".join(parts)

    def where(self, scope: list[Relation], depth: int) -> str:
        """Make a WHERE clause, or none."""
        chance = self._chance
        care = self.care * (0.3 if self.inside and self._outside else 1)
        parts = [
            guard
            for relation in scope
            if chance.often(care) and (guard := self.guard(scope, relation))
        ]
        if chance.often(0.35):
            parts.append(f"({self.condition(scope, depth)})")
        chance.shuffle(parts)
        return f"WHERE {' AND '.join(parts)}" if parts else ""
