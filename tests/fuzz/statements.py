"""Random statements over the small views: all the constructs that a range must be safe with."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from tests.fuzz.data import DAY, DOMAIN, HOUR, INSTANCES, SECOND, World, table_of

_SETS = ("UNION ALL", "UNION ALL", "UNION", "EXCEPT", "INTERSECT")
_JOINS = {
    "JOIN": 5,
    "INNER JOIN": 2,
    "LEFT JOIN": 5,
    "RIGHT JOIN": 5,
    "FULL JOIN": 3,
    "CROSS JOIN": 1,
    ",": 1,
    "USING": 1,
    "NATURAL": 0.3,
    "LEFT SEMI JOIN": 0.2,
}
_UNITS = ("minute", "hour", "day", "week", "month")
_STEPS = ("1 hour", "2 days", "1 month", "1 day 6 hours", "-3 hours", "1 year", "90 minutes")
#: How a literal is written, and how often.
_LITERALS = {
    "'{text}'": 9,
    "TIMESTAMP '{text}'": 6,
    "CAST('{text}' AS TIMESTAMP)": 3,
    "'{text}'::timestamp": 1,
    "'{text}'::timestamptz": 1,
    "to_timestamp('{text}')": 1,
    "to_timestamp_nanos('{text}')": 0.6,
    "to_timestamp_seconds({seconds})": 1.2,
    "arrow_cast('{text}', 'Timestamp(Nanosecond, None)')": 0.8,
    "arrow_cast('{text}', 'Timestamp(Second, None)')": 0.8,
    "TIMESTAMP '{text}' {sign} INTERVAL '{step}'": 1.2,
    "date_trunc('{unit}', TIMESTAMP '{text}')": 1.2,
    "CAST('{text}' AS TIMESTAMP({digits}))": 1.6,
    "DATE '{day}'": 1,
    "'{day}'": 1.5,
    "CAST('{day}' AS DATE)": 0.6,
    "'{text}'::date": 0.6,
    "DATE '{day}' {sign} INTERVAL '{step}'": 0.8,
}


@dataclass
class Relation:
    """An item of a FROM clause, or a query: its alias, its text, and its columns' kinds."""

    alias: str
    text: str
    columns: dict[str, str]  # name -> time, number or word


@dataclass
class Statements:
    """Makes statements; the same seed makes the same ones.

    Parameters
    ----------
    world : World
    seed : str
    """

    world: World
    seed: str
    ctes: list[Relation] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._chance = random.Random(self.seed)
        self._names = 0
        # How careful the statement's author is to bound every time.
        self._care = self._pick([0.75, 0.95, 1.0])
        # Whether it leaves that to the outer query, which then has to reach the inner ones.
        self._outside = self._often(0.4)
        self._inside = False
        self._tables = [name for name in self.world.tables if not name.startswith("instance")]
        self._instances = [view for view in INSTANCES if table_of(view) in self.world.tables]

    def statement(self) -> str:
        """Make one statement."""
        parts = []
        self._inside = True
        for _ in range(self._pick([0, 1, 2], [7, 3, 1])):
            made = self._query(1)
            name = self._pick([self._fresh("cte"), self._fresh("cte"), "log_entries", "recent"])
            if name not in [cte.alias for cte in self.ctes]:
                parts.append(f"{name} AS ({made.text})")
                self.ctes.append(replace(made, alias=name))
        self._inside = False
        made = self._query(self._pick([0, 1, 2], [3, 4, 3]))
        return (f"WITH {', '.join(parts)} " if parts else "") + made.text

    # -- chance ------------------------------------------------------------------------------

    def _pick(self, items: Sequence, weights: Sequence[float] | None = None):  # type: ignore[no-untyped-def,type-arg]
        return self._chance.choices(items, weights)[0]

    def _often(self, probability: float) -> bool:
        return self._chance.random() < probability

    def _fresh(self, prefix: str) -> str:
        self._names += 1
        return f"{prefix}{self._names}"

    # -- instants ----------------------------------------------------------------------------

    def _instant(self, half: int | None = None) -> int:
        if half != 1 and self._often(0.1):
            return self._pick([0, 1, -1, -DAY, -DAY - 1])
        domain = DOMAIN if half is None else DOMAIN[:10] if half == 0 else DOMAIN[12:]
        return self._pick(domain) + self._pick([0, 0, 0, 0, 1, -1, HOUR])

    def _spelt(self, ns: int) -> str:
        seconds, fraction = divmod(ns, SECOND)
        zone = self._pick(["", "", "", "Z", "+00:00", "+02:00", "-0530", "+01"])
        shift = {"+02:00": 2, "-0530": -5.5, "+01": 1}.get(zone, 0)
        time = datetime(1970, 1, 1) + timedelta(seconds=seconds, hours=shift)
        text = time.strftime(f"%Y-%m-%d{self._pick(' T')}%H:%M:%S")
        if fraction % 1000 or (fraction and self._often(0.5)):
            text += f".{fraction:09d}"
        elif fraction or self._often(0.2):
            text += f".{fraction // 1000:06d}"
        return text + zone

    def _literal(self, half: int | None = None) -> str:
        if self._often(0.12):
            return self._clock()
        ns = self._instant(half)
        text = self._spelt(ns)
        form = self._pick(list(_LITERALS), list(_LITERALS.values()))
        return str(form).format(
            text=text,
            day=f"{datetime(1970, 1, 1) + timedelta(seconds=ns // SECOND):%Y-%m-%d}",
            seconds=ns // SECOND,
            sign=self._pick("+-"),
            step=self._pick(_STEPS),
            unit=self._pick(_UNITS),
            digits=self._pick("036"),
        )

    def _clock(self) -> str:
        now = self._pick(["now()", "current_timestamp", "NOW()"])
        return self._pick(
            [
                now,
                f"{now} - INTERVAL '{self._pick([1, 2, 5])} hour'",
                f"{now} - interval '{self._pick([30, 90])}' minute",
                f"({now} - INTERVAL '{self._pick([1, 2, 3])} day')",
                f"{now} + interval '1 hour'",
                "current_date",
                "current_date - interval '2 days'",
                f"date_trunc('day', {now})",
                f"CAST({now} AS timestamp) - interval '1 day 2 hours'",
            ]
        )

    # -- conditions --------------------------------------------------------------------------

    def _quoted(self, name: str) -> str:
        return f'"{name}"' if name == "end" or self._often(0.2) else name

    def _reference(self, scope: list[Relation], relation: Relation, name: str) -> str:
        alone = sum(name in other.columns for other in scope) == 1
        if alone and self._often(0.6):
            return self._quoted(name)
        return f"{relation.alias}.{self._quoted(name)}"

    def _column(self, scope: list[Relation], kind: str) -> str | None:
        found = [
            (relation, name)
            for relation in scope
            for name, is_kind in relation.columns.items()
            if is_kind == kind
        ]
        return self._reference(scope, *self._pick(found)) if found else None

    def _time_condition(self, column: str) -> str:
        if self._often(0.24):
            column = self._pick(
                [
                    f"date_trunc('{self._pick(_UNITS)}', {column})",
                    f"CAST({column} AS DATE)",
                    f"{column}::date",
                    f"CAST({column} AS TIMESTAMP)",
                    f"date_trunc('day', {column}::timestamp)",
                    f"date_bin(INTERVAL '1 hour', {column})",
                    f"({column} + INTERVAL '1 hour')",
                    f"CAST({column} AS TIMESTAMP(0))",
                ]
            )
        operator = self._pick([">=", ">=", ">", "<", "<", "<=", "=", "<>"])
        literals = ", ".join(self._literal() for _ in range(self._pick([1, 2, 3])))
        return self._pick(
            [
                f"{column} {operator} {self._literal()}",
                f"{self._literal()} {operator} {column}",
                f"{column} BETWEEN {self._literal()} AND {self._literal()}",
                f"{column} NOT BETWEEN {self._literal()} AND {self._literal()}",
                f"{column} IN ({literals})",
                f"{column} NOT IN ({literals})",
                f"{column} IS {self._pick(['NULL', 'NOT NULL'])}",
                f"({column} >= {self._literal()}) IS {self._pick(['TRUE', 'NOT TRUE', 'FALSE'])}",
            ],
            [55, 10, 17, 3, 6, 2, 3, 4],
        )

    def _condition(self, scope: list[Relation], depth: int, budget: int = 2) -> str:
        if budget and self._often(0.5):
            if self._often(0.15):
                return f"NOT ({self._condition(scope, depth, budget - 1)})"
            word = self._pick(["AND", "OR"], [3, 1])
            parts = [self._condition(scope, depth, budget - 1) for _ in range(2)]
            text = f" {word} ".join(parts)
            return f"({text})" if self._often(0.7) else text
        if self._often(0.6) and (column := self._column(scope, "time")):
            return self._time_condition(column)
        if depth > 0 and self._often(0.4):
            return self._subquery(scope)
        if self._often(0.2):
            one, other = self._column(scope, "time"), self._column(scope, "time")
            if one and other:
                return f"{one} {self._pick(['<=', '='])} {other}"
        number = self._column(scope, "number")
        return (
            f"{number} {self._pick(['<=', '=', '>'])} {self._pick([1, 2, 3])}" if number else "1=1"
        )

    def _subquery(self, scope: list[Relation]) -> str:
        inner = self._view()
        where = self._where([inner], 0)
        outer = self._column(scope, "word") or "'p1'"
        kind = self._pick(["in", "exists", "scalar"])
        if kind == "in":
            word = self._pick(["IN", "IN", "NOT IN"])
            return f"{outer} {word} (SELECT {inner.alias}.process_id FROM {inner.text} {where})"
        if kind == "exists":
            link = f"{inner.alias}.process_id = {outer}"
            joined = f"{where} AND {link}" if where else f"WHERE {link}"
            return f"{self._pick(['', 'NOT '])}EXISTS (SELECT 1 FROM {inner.text} {joined})"
        number = self._column(scope, "number") or "1"
        return f"{number} <= (SELECT max({inner.alias}.level) FROM {inner.text} {where})"

    def _guard(self, scope: list[Relation], relation: Relation) -> str | None:
        """Make the conditions that a careful author puts on a relation's times."""
        times = [name for name, kind in relation.columns.items() if kind == "time"]
        if not times:
            return None
        parts = []
        for name in [self._pick(times)] if self._often(0.8) else times:
            column = self._reference(scope, relation, name)
            low, high = self._literal(0), self._literal(1)
            parts.append(
                self._pick(
                    [
                        f"{column} >= {low} AND {column} {self._pick(['<', '<='])} {high}",
                        f"{column} BETWEEN {low} AND {high}",
                        f"{column} {self._pick(['>=', '>'])} {low}",
                        f"{column} {self._pick(['<', '<='])} {high}",
                        self._time_condition(column),
                    ],
                    [40, 16, 9, 6, 29],
                )
            )
        return " AND ".join(parts)

    def _where(self, scope: list[Relation], depth: int) -> str:
        care = self._care * (0.3 if self._inside and self._outside else 1)
        parts = [
            guard
            for relation in scope
            if self._often(care) and (guard := self._guard(scope, relation))
        ]
        if self._often(0.35):
            parts.append(f"({self._condition(scope, depth)})")
        self._chance.shuffle(parts)
        return f"WHERE {' AND '.join(parts)}" if parts else ""

    # -- FROM --------------------------------------------------------------------------------

    def _view(self) -> Relation:
        if self._instances and self._often(0.28):
            view = self._pick(self._instances)
            table, text, alias = table_of(view), INSTANCES[view], self._fresh("v")
            text = f"{text} AS {alias}"
        else:
            weights = [4 if name in ("log_entries", "measures") else 1 for name in self._tables]
            table = self._pick(self._tables, weights)
            alias = self._pick([table, self._fresh("t"), self._fresh("t")])
            text = self._pick([table, table, table, f"public.{table}", f'"{table}"', table.upper()])
            if alias != table or "." in text:
                text = f"{text} AS {alias}"
        fields = self.world.tables[table].schema
        kinds = {"level": "number", "id": "number", "process_id": "word"}
        return Relation(alias, text, {name: kinds.get(name, "time") for name in fields.names})

    def _relation(self, depth: int) -> Relation:
        if self.ctes and self._often(0.35):
            cte = self._pick(self.ctes)
            alias = self._pick([cte.alias, self._fresh("c")])
            text = cte.alias if alias == cte.alias else f"{cte.alias} AS {alias}"
            return Relation(alias, text, cte.columns)
        if depth > 0 and self._often(0.45):
            was, self._inside = self._inside, True
            made, alias = self._query(depth - 1), self._fresh("d")
            self._inside = was
            if self._often(0.12):
                names = [self._fresh("k") for _ in made.columns]
                times = [name for name, kind in made.columns.items() if kind == "time"]
                if self._often(0.7) and len(times) > 1:  # two times change their names
                    swapped = {times[0]: times[1], times[1]: times[0]}
                    names = [swapped.get(name, name) for name in made.columns]
                columns = dict(zip(names, made.columns.values(), strict=True))
                return Relation(alias, f"({made.text}) AS {alias}({', '.join(names)})", columns)
            return Relation(alias, f"({made.text}) AS {alias}", made.columns)
        if self._often(0.02):
            alias = self._fresh("w")
            return Relation(alias, f"(VALUES (1), (2)) AS {alias}(n)", {"n": "number"})
        return self._view()

    # -- SELECT ------------------------------------------------------------------------------

    def _from(self, depth: int) -> tuple[str, list[Relation], bool]:
        scope = [self._relation(depth)]
        text, merged = f"FROM {scope[0].text}", False
        for _ in range(self._pick([0, 1, 2], [5, 3, 1])):
            joined = self._relation(depth)
            if any(other.alias == joined.alias for other in scope):
                continue
            join = self._pick(list(_JOINS), list(_JOINS.values()))
            if join in (",", "CROSS JOIN"):
                text += f"{'' if join == ',' else ' '}{join} {joined.text}"
            elif join in ("USING", "NATURAL"):
                owners = sum("process_id" in other.columns for other in scope)
                if merged or owners != 1 or "process_id" not in joined.columns:
                    continue
                merged = True
                side = self._pick(["", "LEFT ", "FULL "])
                if join == "USING":
                    text += f" {side}JOIN {joined.text} USING (process_id)"
                else:
                    text += f" NATURAL {side}JOIN {joined.text}"
            else:
                text += f" {join} {joined.text} ON {self._on(scope, joined)}"
                if "SEMI" in join:
                    continue
            scope.append(joined)
        return text, scope, merged

    def _on(self, scope: list[Relation], joined: Relation) -> str:
        together, parts = [*scope, joined], []
        partners = [other for other in scope if "process_id" in other.columns]
        if partners and "process_id" in joined.columns:
            parts.append(f"{self._pick(partners).alias}.process_id = {joined.alias}.process_id")
        for relation in together:
            if self._often(0.5) and (guard := self._guard(together, relation)):
                parts.append(guard)
        if self._often(0.15):
            parts.append(f"({self._condition(together, 0, 1)})")
        return " AND ".join(parts) or "1=1"

    def _select(self, depth: int, kinds: list[str] | None = None) -> Relation | None:
        source, scope, merged = self._from(depth)
        where = self._where(scope, depth)
        if len(scope) == 1 and kinds is None and self._often(0.22):
            star = self._pick(["*", f"{scope[0].alias}.*"])
            return Relation("", f"SELECT {star} {source} {where}", scope[0].columns)
        there = [(r, name, kind) for r in scope for name, kind in r.columns.items()]
        if kinds is None:
            chosen = [self._pick(there) for _ in range(self._pick([1, 2, 3, 4]))]
            times = [item for item in there if item[2] == "time"]
            if times and not any(kind == "time" for _, _, kind in chosen):
                chosen.append(self._pick(times))
        else:
            groups = [[item for item in there if item[2] == kind] for kind in kinds]
            if not all(groups):
                return None
            chosen = [self._pick(group) for group in groups]
        columns: dict[str, str] = {}
        items: list[str] = []
        window = False
        for relation, name, kind in chosen:
            qualified = f"{relation.alias}.{self._quoted(name)}"
            text = qualified if merged else self._reference(scope, relation, name)
            alias = self._pick(
                [name, self._fresh("c"), self._pick(["time", "level"])], [8, 1.5, 0.7]
            )
            if kind == "time" and self._often(0.14):
                casts = ("TIMESTAMP", "TIMESTAMP(0)")
                text = self._pick(
                    [f"date_trunc('day', {text})"] + [f"CAST({text} AS {c})" for c in casts]
                )
            elif kind == "time" and kinds is None and self._often(0.06):
                text, window = f"max({text}) OVER (PARTITION BY {relation.alias}.id % 3)", True
            if alias in columns:
                alias = self._fresh("c")
            columns[alias] = kind
            bare = text.rpartition(".")[2].strip('"') == alias
            items.append(text if bare and self._often(0.6) else f"{text} AS {self._quoted(alias)}")
        tail = ""
        if kinds is None and not window and self._often(0.25):
            tail = self._grouped(scope, merged, items, columns)
        elif kinds is None and self._often(0.2):
            items.append(f"count(*) OVER (PARTITION BY 1) AS {(alias := self._fresh('w'))}")
            columns[alias] = "number"
        distinct = "DISTINCT " if self._often(0.1) else ""
        return Relation("", f"SELECT {distinct}{', '.join(items)} {source} {where}{tail}", columns)

    def _grouped(
        self, scope: list[Relation], merged: bool, items: list[str], columns: dict[str, str]
    ) -> str:
        keys = [item.rpartition(" AS ")[0] or item for item in items]
        places = [str(at + 1) if self._often(0.4) else key for at, key in enumerate(keys)]
        time = None if merged else self._column(scope, "time")
        items.append(f"count(*) AS {(alias := self._fresh('n'))}")
        columns[alias] = "number"
        if time and self._often(0.5):
            alias = "time" if "time" not in columns and self._often(0.5) else self._fresh("m")
            items.append(f"{self._pick(['max', 'min'])}({time}) AS {alias}")
            columns[alias] = "time"
        groups = ", ".join(places) if self._often(0.85) else f"ROLLUP({', '.join(keys)})"
        having = f" HAVING count(*) {self._pick(['>', '>='])} 1" if self._often(0.3) else ""
        return f" GROUP BY {groups}{having}"

    def _query(self, depth: int) -> Relation:
        if self._often(0.16):
            kinds = self._pick([["time"], ["time", "number"], ["word", "time"]])
            made = [self._select(depth, kinds) for _ in range(self._pick([2, 2, 3]))]
            branches = [branch for branch in made if branch is not None]
            if len(branches) > 1:
                text = branches[0].text
                for branch in branches[1:]:
                    inner = branch.text if self._often(0.7) else f"({branch.text})"
                    text += f" {self._pick(_SETS)} {inner}"
                return self._limited(replace(branches[0], text=text), 0.2)
        made_one = self._select(depth)
        assert made_one is not None
        return self._limited(made_one, 0.12)

    def _limited(self, query: Relation, probability: float) -> Relation:
        if not self._often(probability):
            return query
        order = ", ".join(str(at + 1) for at in range(len(query.columns)))
        text = f"{query.text} ORDER BY {order} LIMIT {self._pick(range(1, 30))}"
        if self._often(0.3):
            text += f" OFFSET {self._pick(range(1, 5))}"
        return replace(query, text=text)
