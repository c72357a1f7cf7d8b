"""Queries around queries: shapes of BI tools, of pipes, of set operations and of limits."""

from __future__ import annotations

from collections.abc import Callable

from tests.fuzz.chance import Chance, Relation
from tests.fuzz.conditions import Conditions
from tests.fuzz.literals import UNITS, Literals
from tests.fuzz.views import Views

_PIPES = (
    "|> WHERE {c}",
    "|> ORDER BY {o} |> LIMIT 2",
    "|> ORDER BY {o} |> LIMIT 5 |> WHERE {c}",
    "ORDER BY {o} LIMIT 5 |> WHERE {c}",
    "ORDER BY {o} LIMIT 2 |> WHERE {c} |> WHERE {c}",
    "|> EXTEND {t} + INTERVAL '3 days' AS later |> WHERE later >= {l}",
    "|> SELECT id, {t} + INTERVAL '3 days' AS {t} |> WHERE {c}",
    "|> AGGREGATE max({t}) AS {t}, count(*) AS n |> WHERE {c}",
    "|> AGGREGATE count(*) AS n GROUP BY level |> WHERE n > 2",
    "|> SELECT 1 AS one",
    "|> SELECT *",
    "|> EXTEND 1 AS one",
    "|> AGGREGATE count(*) AS n",
    "|> UNION ALL ({again})",
    "|> UNION ALL ({again}) |> WHERE {c}",
    "|> EXCEPT DISTINCT ({again})",
    "|> AS piped |> WHERE {c}",
    "|> DROP id",
    "|> WHERE {c} |> JOIN measures AS j ON j.id = 1 |> SELECT j.id",
)
_TAILS = (
    " ORDER BY {o} FETCH FIRST 3 ROWS ONLY",
    " ORDER BY {o} FETCH NEXT ROW ONLY",
    " ORDER BY {o} OFFSET 2",
    " ORDER BY {o} OFFSET 2 ROWS",
    " ORDER BY {o} LIMIT 3 OFFSET 1",
    " ORDER BY {o} OFFSET 1 LIMIT 3",
    " ORDER BY {o} LIMIT 1, 3",
    " ORDER BY {o} LIMIT 1 + 1",
    " ORDER BY {o} LIMIT NULL",
    " ORDER BY {o} LIMIT ALL",
    " ORDER BY {o} NULLS FIRST LIMIT 4",
)


class Wrappings:
    """Wraps queries.

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
        self._kinds: dict[str, Callable[[Relation], Relation]] = {
            "stars": self._starred,
            "unions of stars": self._united,
            "limited branches": self._branches,
            "set operations in brackets": self._sets,
            "bins": self._bins,
            "windows": self._windows,
            "pipes": self._piped,
            "tails": self._tailed,
            "series limits": self._series,
            "lateral": self._lateral,
            "grouping": self._grouping,
        }

    def wrapped(self, made: Relation) -> Relation:
        """Wrap a query, or make another one in its place."""
        kind = self._chance.pick(list(self._kinds), [3, 3, 2, 2, 4, 2, 3, 2, 2, 1, 1])
        self._chance.met.add(kind)
        return self._kinds[kind](made)

    def _outer(self, text: str, made: Relation, items: str = "*") -> str:
        """Ask of a query's columns what a dashboard's filter would."""
        alias = self._chance.fresh("q")
        inside = Relation(alias, "", made.columns)
        guard = self._conditions.guard([inside], inside)
        return f"SELECT {items} FROM ({text}) AS {alias}" + (f" WHERE {guard}" if guard else "")

    def _plain(self) -> Relation:
        """Make a query of a view's columns that bounds nothing, or that does."""
        view = self._views.view()
        where = self._conditions.where([view], 0) if self._chance.often(0.4) else ""
        return Relation("", f"SELECT * FROM {view.text} {where}", view.columns)

    def _starred(self, made: Relation) -> Relation:
        times = made.times()
        if len(times) > 1 and self._chance.often(0.5):
            one, other = (f'"{name}"' if name == "end" else name for name in times[:2])
            star = self._chance.pick(
                [
                    f"* EXCEPT ({one})",
                    f"* EXCLUDE ({one})",
                    f"* REPLACE ({other} AS {one})",
                    f"* EXCEPT ({one}), {other} AS {one}",
                    f"* REPLACE ({one} + INTERVAL '3 days' AS {one})",
                    f"*, {other} AS extra",
                    f"{other} AS {one}, {one} AS {other}",
                ]
            )
        else:
            star = self._chance.pick(["*", "*, 1 AS one", "DISTINCT *", "ALL *"])
        inside = f"SELECT {star} FROM ({made.text}) AS {self._chance.fresh('s')}"
        return made.saying(self._outer(inside, made))

    def _united(self, made: Relation) -> Relation:
        base = self._plain()
        view = self._views.view()
        if set(view.columns) == set(base.columns) and self._chance.often(0.5):
            other = f"SELECT * FROM {view.text}"
        else:
            other = base.text
        word = self._chance.pick(["UNION ALL", "UNION", "UNION ALL BY NAME", "EXCEPT", "INTERSECT"])
        text = f"{base.text} {word} {other}"
        if word.endswith("NAME"):
            names = ", ".join(f'"{name}"' for name in reversed(base.columns))
            text = f"{base.text} {word} SELECT {names} FROM ({other}) AS {self._chance.fresh('b')}"
        elif self._chance.often(0.3) and (times := base.times())[1:]:
            swapped = [
                {times[0]: times[1], times[1]: times[0]}.get(name, name) for name in base.columns
            ]
            names = ", ".join(f'"{name}"' for name in swapped)
            text = f"{base.text} {word} SELECT {names} FROM ({other}) AS {self._chance.fresh('b')}"
        return base.saying(self._outer(text, base))

    def _branches(self, made: Relation) -> Relation:
        base, order = self._plain(), self._order
        limited = f"({base.text} ORDER BY {order(base)} LIMIT {self._chance.pick([1, 3, 9])})"
        text = self._chance.pick(
            [
                f"{limited} UNION ALL {base.text}",
                f"{base.text} UNION ALL {limited}",
                f"{base.text} UNION ALL {limited} UNION ALL {base.text}",
                f"({base.text}) EXCEPT {limited}",
                f"{base.text} UNION ALL {base.text} ORDER BY {order(base)} LIMIT 5",
                f"({base.text} UNION ALL {base.text}) ORDER BY {order(base)} LIMIT 5",
                f"(({base.text}) ORDER BY {order(base)}) LIMIT 5",
            ]
        )
        return base.saying(self._outer(text, base))

    def _sets(self, made: Relation) -> Relation:
        base = self._plain()
        one, two, three = (
            base.text if self._chance.often(0.5) else self._outer(base.text, base) for _ in range(3)
        )
        words = ["UNION", "UNION ALL", "EXCEPT", "INTERSECT", "EXCEPT ALL", "INTERSECT ALL"]
        first, second = self._chance.pick(words), self._chance.pick(words)
        text = self._chance.pick(
            [
                f"{one} {first} {two} {second} {three}",
                f"{one} {first} ({two} {second} {three})",
                f"(({one}) {first} {two}) {second} ({three})",
            ]
        )
        return base.saying(self._outer(text, base) if self._chance.often(0.6) else text)

    def _bins(self, made: Relation) -> Relation:
        view = self._views.view()
        time = self._conditions.quoted(self._chance.pick(view.times()))
        unit, where = self._chance.pick(UNITS), self._conditions.where([view], 0)
        level, column = f"{view.alias}.level", f"{view.alias}.{time}"
        key = self._chance.pick(
            [
                f"date_trunc('{unit}', {column})",
                f"date_bin(INTERVAL '6 hours', {column})",
                f"date_bin('1 day'::interval, {column}, TIMESTAMP '2024-01-01 07:00:00')",
                f"{column}",
                f"CAST({column} AS DATE)",
                f"max({column})",
                f"{column} + INTERVAL '3 days'",
            ]
        )
        groups = "2" if key.startswith("max") else self._chance.pick(["1, 2", f"{key}, 2", "2, 1"])
        if self._chance.often(0.15) and groups != "2":
            groups = self._chance.pick(
                [
                    f"ROLLUP({key}, {level})",
                    f"GROUPING SETS (({key}, {level}), ())",
                ]
            )
        name = self._chance.pick(["time", "bin"])
        count = self._chance.pick(["count(*)", "count(*)", "sum(count(*)) OVER ()"])
        inside = (
            f"SELECT {key} AS {name}, {level} AS level, {count} AS n"
            f" FROM {view.text} {where if self._chance.often(0.3) else ''} GROUP BY {groups}"
        )
        if self._chance.often(0.2):
            inside += f" HAVING {self._chance.pick(['count(*) > 1', f'min({view.alias}.id) > 3'])}"
        columns = {name: "time", "level": "number", "n": "number"}
        binned = Relation("", inside, columns)
        items = self._chance.pick(["*", f"{name}, sum(n) AS n"])
        text = self._outer(inside, binned, items)
        return binned.saying(text + (" GROUP BY 1" if "sum" in items else ""))

    def _windows(self, made: Relation) -> Relation:
        base, view = self._plain(), self._views.view()
        time = self._conditions.quoted(self._chance.pick(view.times()))
        columns = {"time": "time", "n": "number"}
        item, where = f"{view.alias}.{time} AS time", self._conditions.where([view], 0)
        text = self._chance.pick(
            [
                f"SELECT {item}, row_number() OVER (ORDER BY id) AS n FROM {view.text} {where}"
                " QUALIFY n < 4",
                f"SELECT {item}, id AS n FROM {view.text} {where}"
                " QUALIFY row_number() OVER (PARTITION BY level ORDER BY id) = 1",
                f"SELECT {item}, sum(id) OVER w AS n FROM {view.text} {where}"
                " WINDOW w AS (PARTITION BY level ORDER BY id)",
                f"SELECT {item}, lag(id) OVER (ORDER BY id) AS n FROM {view.text} {where}",
                f"SELECT DISTINCT ON (level) {item}, id AS n FROM {view.text} {where}"
                " ORDER BY level, id",
                f"SELECT {item}, count(*) FILTER (WHERE id > 3) OVER (PARTITION BY {time}) AS n"
                f" FROM {view.text} {where}",
                f"SELECT {item}, unnest([1, id]) AS n FROM {view.text} {where}",
                f"SELECT max({view.alias}.{time}) AS time, count(*) AS n FROM {view.text} {where}",
            ]
        )
        return base.saying(self._outer(text, Relation("", "", columns)))

    def _piped(self, made: Relation) -> Relation:
        base = self._plain()
        there = Relation("", "", base.columns)
        time = self._conditions.quoted(self._chance.pick(there.times()))
        pipe = self._chance.pick(_PIPES).format(
            c=self._conditions.on_time(time),
            again=base.text,
            o=self._order(base),
            t=time,
            l=self._literals.literal(0),
        )
        text = f"{base.text} {pipe}"
        return base.saying(self._outer(text, base) if self._chance.often(0.4) else text)

    def _tailed(self, made: Relation) -> Relation:
        base = self._plain()
        text = base.text + self._chance.pick(_TAILS).format(o=self._order(base))
        return base.saying(self._outer(text, base) if self._chance.often(0.7) else text)

    def _series(self, made: Relation) -> Relation:
        """Write what Superset does to limit series: the dataset joined with its own top values."""
        base, time = self._plain(), ""
        low, high = self._literals.literal(0), self._literals.literal(1)
        time = self._conditions.quoted(self._chance.pick(base.times()))
        inner = f"{time} >= {low} AND {time} < {high}"
        top = (
            f"SELECT level AS level__, count(*) AS mme_inner__ FROM ({base.text}) AS virtual_table"
            f" WHERE {inner if self._chance.often(0.9) else '1=1'}"
            " GROUP BY level ORDER BY mme_inner__ DESC, level__ LIMIT 3"
        )
        return Relation(
            "",
            f"SELECT date_trunc('hour', {time}) AS __timestamp, level AS level, count(*) AS n"
            f" FROM ({base.text}) AS virtual_table"
            f" {self._chance.pick(['JOIN', 'INNER JOIN', 'LEFT JOIN'])} ({top}) AS series_limit"
            f" ON level = level__ WHERE {inner} GROUP BY date_trunc('hour', {time}), level",
            {"__timestamp": "time", "level": "number", "n": "number"},
        )

    def _lateral(self, made: Relation) -> Relation:
        one, other = self._views.view(), self._views.view()
        if one.alias == other.alias:
            return made
        where = self._conditions.where([one], 0)
        inside = self._conditions.where([other], 0)
        link = f"{other.alias}.id = {one.alias}.id"
        inside = f"{inside} AND {link}" if inside else f"WHERE {link}"
        item = f"LATERAL (SELECT max({other.alias}.level) AS m FROM {other.text} {inside}) AS l"
        join = self._chance.pick([f", {item}", f" CROSS JOIN {item}", f" LEFT JOIN {item} ON true"])
        text = f"SELECT {one.alias}.id AS id, l.m AS m FROM {one.text}{join} {where}"
        return Relation("", text, {"id": "number", "m": "number"})

    def _grouping(self, made: Relation) -> Relation:
        view = self._views.view()
        where = self._conditions.where([view], 0)
        guard = self._conditions.guard([view], view) or "1=1"
        time = self._conditions.quoted(view.times()[0])
        item, source = "SELECT level, count(*) AS n", f"FROM {view.text}"
        text = self._chance.pick(
            [
                f"{item} {source} {where} GROUP BY ALL",
                f"{item} {source} {where} GROUP BY CUBE(level, process_id)",
                f"{item} {source} {where} GROUP BY level HAVING max(id) > 3 ORDER BY max({time})",
                f"SELECT 1 AS level, count(*) FILTER (WHERE {guard}) AS n {source}",
                f"SELECT 1 AS level, count(*) AS n {source} {where} HAVING {guard}",
                f"SELECT 1 AS level, sum(CASE WHEN {guard} THEN 1 ELSE 0 END) AS n {source}",
            ]
        )
        return Relation("", text, {"level": "number", "n": "number"})

    def _order(self, made: Relation) -> str:
        return ", ".join(str(at + 1) for at in range(len(made.columns)))
