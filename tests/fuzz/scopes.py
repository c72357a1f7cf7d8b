"""Statements whose names are looked up where a reader would not look: traps of scopes."""

from __future__ import annotations

from collections.abc import Callable

from tests.fuzz.chance import Chance
from tests.fuzz.conditions import Conditions
from tests.fuzz.items import BRACKETS
from tests.fuzz.literals import Literals
from tests.fuzz.traps import NO_VIEW, WITHS
from tests.fuzz.views import Views


class Scopes:
    """Makes them.

    Parameters
    ----------
    chance : Chance
    literals : Literals
    conditions : Conditions
    views : Views
    """

    def __init__(
        self, chance: Chance, literals: Literals, conditions: Conditions, views: Views
    ) -> None:
        self._chance = chance
        self._literals = literals
        self._conditions = conditions
        self._views = views
        self._kinds: dict[str, Callable[[], str]] = {
            "commas beside joins": self._comma,
            "ambiguous names": self._ambiguous,
            "names of the outer query": self._outer,
            "scopes of WITH": self._with,
            "statements without a view": self._without_view,
            "merged columns": self._merged,
            "joins in brackets": self._bracketed,
            "swapped names of views": self._swapped,
            "correlated items": self._correlated,
            "names of columns": self._renamed,
        }

    def statement(self) -> str:
        """Make one of them."""
        kind = self._chance.pick(list(self._kinds), [3, 5, 3, 5, 2, 2, 2, 1, 2, 2])
        self._chance.met.add(kind)
        return self._kinds[kind]()

    def _pair(self) -> tuple[str, str, str, str]:
        """Choose two views and a column of time of each, which often have the same name."""
        tables = self._views.tables()
        weights = [4 if name in ("log_entries", "measures") else 1 for name in tables]
        one, other = (self._chance.pick(tables, weights) for _ in range(2))
        times = self._views.named(one, "a").times()
        shared = [name for name in self._views.named(other, "b").times() if name in times]
        first = self._chance.pick(shared or times)
        second = first if shared else self._chance.pick(self._views.named(other, "b").times())
        return one, other, self._quoted(first), self._quoted(second)

    def _quoted(self, name: str) -> str:
        return f'"{name}"' if name == "end" else name

    def _low(self) -> str:
        return self._literals.literal(0)

    def _bound(self, column: str) -> str:
        """Bound a column, as nearly every author would."""
        low, high = self._literals.literal(0), self._literals.literal(1)
        return self._chance.pick(
            [
                f"{column} >= {low} AND {column} < {high}",
                f"{column} >= {low}",
                f"{column} < {high}",
                self._conditions.on_time(column),
            ],
            [4, 4, 2, 1],
        )

    def _hidden(self, table: str, time: str) -> str:
        """Read a view in a way that hides its columns' names, or not."""
        return self._chance.pick(
            [
                table,
                f"(SELECT * FROM {table})",
                f"(SELECT id, {time} FROM {table})",
                "(VALUES (1, TIMESTAMP '2024-01-04')) AS",
                "(SELECT * FROM calendar)",
                "unnest([TIMESTAMP '2024-01-04']) AS",
            ],
            [3, 4, 2, 2, 0.5, 1],
        )

    def _second(self, table: str, time: str) -> str:
        source = self._hidden(table, time)
        if not source.endswith("AS"):
            return f"{source} AS b"
        return f"{source} b({'' if source.startswith('unnest') else 'id, '}{time})"

    def _comma(self) -> str:
        one, other, time, second = self._pair()
        join = self._chance.pick(["JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN"])
        third = self._chance.pick(["(SELECT 1 AS one)", "(VALUES (1), (2))"])
        column = self._chance.pick([time, time, second, f"b.{second}", f"a.{time}"])
        where = self._chance.pick(
            [
                "",
                f" WHERE b.{second} >= {self._low()}",
                f" WHERE {self._bound(f'a.{time}')}",
                f" WHERE {self._bound(f'a.{time}')} AND {self._bound(f'b.{second}')}",
            ],
            [1, 1, 1, 3],
        )
        return (
            f"SELECT count(*) FROM {one} AS a, {self._second(other, second)}"
            f" {join} {third} AS c ON {self._bound(column)}{where}"
        )

    def _ambiguous(self) -> str:
        one, other, time, second = self._pair()
        outer = self._chance.pick([one, other])
        column = time if outer == one else second
        inner = self._chance.pick(
            [f"{one} AS a, {self._second(other, second)}",
             f"{one} AS a JOIN {self._second(other, second)} ON a.id = b.id",
             f"{one} AS a JOIN {other} AS b USING (id)",
             f"{one} AS a JOIN (SELECT {second} AS {time} FROM {other}) AS b USING ({time})",
             f"{one} AS a, (SELECT *, 1 AS one FROM {other} WHERE {self._bound(second)}) AS b",
             f"{one} AS a CROSS JOIN {self._second(other, second)}"]
        )  # fmt: skip
        rest = self._chance.pick(
            [
                f" AND a.{time} < {self._literals.literal(1)}",
                f" AND {self._bound(f'b.{second}')}",
                "",
            ]
        )
        more = self._chance.pick(["", f" AND b.{second} >= {self._low()}"])
        test = self._chance.pick(["EXISTS", "NOT EXISTS", "o.id IN", "0 <"])
        item = {"o.id IN": "a.id", "0 <": "count(*)"}.get(test, "1")
        return (
            f"SELECT count(*) FROM {outer} AS o WHERE o.{column} >= {self._low()} AND"
            f" {test} (SELECT {item} FROM {inner} WHERE {time} >= {self._low()}{more}{rest})"
        )

    def _outer(self) -> str:
        one, other, time, second = self._pair()
        inside = self._chance.pick(
            [
                f"(SELECT id, {second} AS k FROM {other}) AS a",
                f"(SELECT id, level FROM {other} WHERE {self._bound(second)}) AS a",
                f"(SELECT id AS k FROM {other} WHERE {self._bound(second)}) AS a(id)",
                f"(SELECT max(id) AS id FROM {other} WHERE {self._bound(second)}) AS a",
                f"(SELECT id FROM {other}) AS a",
                f"(SELECT id, 'x' AS \"T{second}\" FROM {other}) AS a",
                f"(SELECT * EXCEPT ({second}) FROM {other}) AS a",
                f"(SELECT * FROM {other}) AS a(i, l, p, k{', x' * 3})",
                f"{other} AS a",
            ]
        )
        test = self._chance.pick(["EXISTS", "NOT EXISTS", "o.id IN"])
        item = "a.id" if test == "o.id IN" else "1"
        column = self._chance.pick([time, f"o.{time}"])
        return (
            f"SELECT count(*) FROM {one} AS o WHERE o.{time} >= {self._low()} AND"
            f" {test} (SELECT {item} FROM {inside} WHERE {self._bound(column)})"
        )

    def _renamed(self) -> str:
        """Give one column of time the name that another one has inside."""
        one, _, time, _ = self._pair()
        inside = self._chance.pick(
            [
                f"SELECT id, {time}, {time} + INTERVAL '3 days' AS later FROM {one}",
                f"SELECT id, {time}, TIMESTAMP '2024-01-07' AS later FROM {one}",
                f"SELECT id, {time}, date_trunc('day', {time}) AS later FROM {one}",
            ]
        )
        names = self._chance.pick([f"i, k, {time}", f"i, {time}, k"], [3, 1])
        item = self._chance.pick(BRACKETS).format(text=inside, alias="d", names=names)
        query = f"SELECT {self._chance.pick(['*', time, 'count(*)'])} FROM {item}"
        if self._chance.often(0.3) and "count" not in query:
            query = f"SELECT * FROM ({query} UNION ALL {query}) AS u"
        return f"{query} WHERE {self._bound(time)}"

    def _with(self) -> str:
        one, other, time, _ = self._pair()
        form = self._chance.pick(WITHS)
        return form.format(
            a=one,
            b=other,
            t=time,
            c=self._bound(time),
            e=self._chance.pick(["é", "É", '"É"', '"é"']),
            l=self._low(),
        )

    def _without_view(self) -> str:
        return self._chance.pick(NO_VIEW).format(a=self._chance.pick(self._views.tables()))

    def _merged(self) -> str:
        one, other, time, second = self._pair()
        side = self._chance.pick(["", "LEFT ", "RIGHT ", "FULL "])
        if time != second:
            second_table = f"(SELECT id, level, {second} AS {time} FROM {other})"
        else:
            second_table = self._chance.pick([other, f"(SELECT * FROM {other})"])
        using = self._chance.pick([f"USING ({time})", f"USING (id, {time})", "USING (id)", ""])
        join = (
            f"{side}JOIN {second_table} AS b {using}"
            if using
            else (f"NATURAL {side}JOIN (SELECT id, {time} FROM {second_table} AS n) AS b")
        )
        third = self._chance.pick(
            ["", f" LEFT JOIN {one} AS c ON c.{time} = a.{time}", f", {other} AS d",
             f" FULL JOIN (SELECT id FROM {one}) AS c USING (id)"],
            [4, 1, 1, 1],
        )  # fmt: skip
        column = self._chance.pick([time, f"a.{time}", f"b.{time}"])
        more = f" AND {self._bound(f'b.{time}')}" if self._chance.often(0.7) else ""
        return f"SELECT count(*) FROM {one} AS a {join}{third} WHERE {self._bound(column)}{more}"

    def _bracketed(self) -> str:
        one, other, time, second = self._pair()
        side, inner = (self._chance.pick(["", "LEFT ", "RIGHT ", "FULL "]) for _ in range(2))
        bound = self._bound(f"c.{second}")
        bracket, names = self._chance.pick(
            [
                (f"({one} AS b {inner}JOIN {other} AS c ON b.id = c.id AND {bound})", "bc"),
                (f"(({one} AS b {inner}JOIN {other} AS c ON b.id = c.id))", "bc"),
                (f"({one} AS b CROSS JOIN {other} AS c)", "bc"),
                (f"({one} AS b)", "b"),
                (f"(SELECT * FROM {one}) AS b", "b"),
                (f"({one} AS b {inner}JOIN (SELECT 1 AS one) AS c ON {bound}) AS x", "x"),
            ]
        )
        columns = [f"{name}.{second if name == 'c' else time}" for name in names]
        column = self._chance.pick(columns)
        on = self._chance.pick([f"a.id = {names[0]}.id", f"{self._bound(column)}", "1=1"])
        bounds = " AND ".join(self._bound(name) for name in (f"a.{time}", *columns))
        return f"SELECT count(*) FROM {one} AS a {side}JOIN {bracket} ON {on} WHERE {bounds}"

    def _swapped(self) -> str:
        one, other, time, _ = self._pair()
        column = self._chance.pick([f"{other}.{time}", f"public.{one}.{time}", f"{one}.{time}"])
        return (
            f"SELECT count(*) FROM {one} AS {other}"
            f"{self._chance.pick(['', f', {other} AS {one}'])} WHERE {self._bound(column)}"
        )

    def _correlated(self) -> str:
        one, other, time, second = self._pair()
        low = self._low()
        return self._chance.pick(
            [
                f"SELECT o.id, (SELECT max(a.id) FROM {other} AS a WHERE a.{second} >= {low}"
                f" AND a.id = o.id) AS m FROM {one} AS o WHERE {self._bound(f'o.{time}')}",
                f"SELECT o.id FROM {one} AS o WHERE {self._bound(f'o.{time}')} AND o.{time} >="
                f" (SELECT min(a.{second}) FROM {other} AS a WHERE {self._bound(f'a.{second}')})",
                f"SELECT count(*) FROM {one} AS o JOIN {other} AS a ON o.id = a.id AND EXISTS"
                f" (SELECT 1 FROM {one} AS i WHERE {time} >= {low})"
                f" WHERE {self._bound(f'o.{time}')} AND {self._bound(f'a.{second}')}",
                f"SELECT count(*) FROM {one} AS o WHERE {self._bound(time)} AND EXISTS"
                f" (SELECT 1 FROM {other} AS a WHERE EXISTS (SELECT 1 FROM {one} AS b, {other} AS c"
                f" WHERE b.id = o.id AND {second} >= {low}) AND {self._bound(f'a.{second}')})",
                f"SELECT count(*) FROM {one} AS o WHERE {self._bound(time)} AND o.id IN"
                f" (SELECT id FROM (SELECT id, {second} FROM {other} ORDER BY 2, 1 LIMIT 5) AS d"
                f" WHERE {self._bound(second)})",
            ]
        )
