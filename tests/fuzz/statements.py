"""Random statements over the small views: all the constructs that a range must be safe with.

The grammar is that of the engine's own dialect: what DataFusion 43 to 55 run, whether a rule of
ours knows of it or not.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from tests.fuzz import corpus, decorations
from tests.fuzz.chance import Chance, Relation
from tests.fuzz.conditions import Conditions
from tests.fuzz.data import World
from tests.fuzz.items import Items
from tests.fuzz.literals import Literals
from tests.fuzz.scopes import Scopes
from tests.fuzz.views import Views
from tests.fuzz.wrappings import Wrappings

_SETS = ("UNION ALL", "UNION ALL", "UNION", "EXCEPT", "INTERSECT")
_JOINS = {
    "JOIN": 5,
    "INNER JOIN": 2,
    "LEFT JOIN": 5,
    "RIGHT JOIN": 5,
    "FULL JOIN": 3,
    "CROSS JOIN": 1,
    ",": 1.5,
    "USING": 1,
    "NATURAL": 0.3,
    "LEFT SEMI JOIN": 0.2,
    "RIGHT SEMI JOIN": 0.1,
    "LEFT ANTI JOIN": 0.2,
}
_WITH_NAMES = (
    "log_entries",
    "recent",
    "measures",
    '"public.log_entries"',
    '"datafusion.public.measures"',
    '"Log_Entries"',
    "LOG_ENTRIES",
    '"information_schema.tables"',
    "É",
    "é",
)


@dataclass(frozen=True)
class Statement:
    """A statement, and what is known of it.

    Attributes
    ----------
    sql : str
    explained : bool
        Whether the statement has EXPLAIN in front, which the engine's text must not have.
    met : frozenset of str
        The constructs that it holds.
    """

    sql: str
    explained: str
    met: frozenset[str]

    @property
    def engine_sql(self) -> str:
        """Give the text whose result counts: EXPLAIN has another with every range."""
        return self.sql[len(self.explained) :]


class Statements:
    """Makes a statement; the same seed makes the same one.

    Parameters
    ----------
    world : World
    seed : str
    """

    def __init__(self, world: World, seed: str) -> None:
        self._chance = chance = Chance(seed)
        # Most statements are plain but for one or two things: too many, and none gets a range.
        strangeness = chance.pick([0, 0.08, 0.25])
        self._views = Views(world, chance, strangeness)
        self._literals = Literals(chance, strangeness)
        self._conditions = Conditions(chance, self._literals, self._views, strangeness)
        self._items = Items(chance, self._literals, strangeness)
        self._wrappings = Wrappings(chance, self._literals, self._conditions, self._views)
        self._scopes = Scopes(chance, self._literals, self._conditions, self._views)
        self._strangeness = strangeness
        self._ctes: list[Relation] = []

    def statement(self) -> Statement:
        """Make the statement."""
        chance = self._chance
        text = self._text(chance.pick(["grammar", "wrapped", "scopes", "corpus"], [62, 14, 14, 10]))
        if chance.often(0.25):
            text = decorations.decorated(text, chance, self._literals)
        explained = ""
        if chance.strange("EXPLAIN", 0.03):
            explained = chance.pick(
                ["EXPLAIN ", "explain verbose ", "EXPLAIN ANALYZE ", "EXPLAIN\n"]
            )
        return Statement(explained + text, explained, frozenset(chance.met))

    def _text(self, kind: str) -> str:
        if kind == "scopes":
            return self._scopes.statement()
        if kind == "corpus":
            return corpus.statement(self._chance, self._literals)
        parts = []
        self._conditions.inside = True
        for _ in range(self._chance.pick([0, 1, 2], [7, 3, 1])):
            made = self._query(1)
            name = self._chance.pick(
                [self._chance.fresh("cte"), "log_entries", "recent"], [4, 1, 1]
            )
            if self._chance.strange("names of WITH", self._strangeness):
                name = self._chance.pick(_WITH_NAMES)
            if name not in [cte.alias for cte in self._ctes]:
                parts.append(f"{name} AS ({made.text})")
                self._ctes.append(replace(made, alias=name))
        self._conditions.inside = False
        made = self._query(self._chance.pick([0, 1, 2], [3, 4, 3]))
        if kind == "wrapped":
            made = self._wrappings.wrapped(made)
        return (f"WITH {', '.join(parts)} " if parts else "") + made.text

    def _relation(self, depth: int) -> Relation:
        chance = self._chance
        if self._ctes and chance.often(0.35):
            cte = chance.pick(self._ctes)
            alias = chance.pick([cte.alias, chance.fresh("c")])
            name = cte.alias
            if name.startswith('"') and "." in name and chance.often(0.7):
                name = name.strip('"')  # which the engine takes for the same
                alias = chance.fresh("c")
            text = name if alias == name else f"{name} AS {alias}"
            return Relation(alias, text, cte.columns)
        if depth > 0 and chance.often(0.45):
            was, self._conditions.inside = self._conditions.inside, True
            made, alias = self._query(depth - 1), chance.fresh("d")
            if chance.often(self._strangeness * 0.5):
                made = self._wrappings.wrapped(made)
            self._conditions.inside = was
            return self._items.derived(made, alias)
        if chance.often(0.02 + self._strangeness * 0.15):
            return self._items.without_view()
        view = self._views.view()
        return self._items.renamed(view) if chance.often(self._strangeness * 0.3) else view

    def _from(self, depth: int) -> tuple[str, list[Relation], bool]:
        chance = self._chance
        scope = [self._relation(depth)]
        text, merged = f"FROM {scope[0].text}", False
        since_comma = [scope[0]]
        for _ in range(chance.pick([0, 1, 2], [5, 3, 1])):
            joined = self._relation(depth)
            if any(other.alias == joined.alias for other in scope):
                continue
            join = chance.pick(list(_JOINS), list(_JOINS.values()))
            if join in (",", "CROSS JOIN"):
                text += f"{'' if join == ',' else ' '}{join} {joined.text}"
                if join == ",":
                    since_comma = []
            elif join in ("USING", "NATURAL"):
                owners = sum("process_id" in other.columns for other in scope)
                if merged or owners != 1 or "process_id" not in joined.columns:
                    continue
                merged = True
                side = chance.pick(["", "LEFT ", "FULL ", "RIGHT "])
                if join == "USING":
                    text += f" {side}JOIN {joined.text} USING (process_id)"
                else:
                    text += f" NATURAL {side}JOIN {joined.text}"
            else:
                # To the engine a condition sees only what stands behind the last comma.
                seen = scope
                if len(since_comma) < len(scope):
                    chance.met.add("commas beside joins")
                    seen = since_comma if chance.often(0.8) else scope
                text += f" {join} {joined.text} ON {self._on(seen, joined)}"
                if "SEMI" in join or "ANTI" in join:
                    if join.startswith("RIGHT"):
                        scope, since_comma = [joined], [joined]
                    continue
            scope = [*scope, joined]
            since_comma = [*since_comma, joined]
        return text, scope, merged

    def _on(self, scope: list[Relation], joined: Relation) -> str:
        together, parts = [*scope, joined], []
        partners = [other for other in scope if "process_id" in other.columns]
        if partners and "process_id" in joined.columns:
            partner = self._chance.pick(partners).alias
            parts.append(f"{partner}.process_id = {joined.alias}.process_id")
        for relation in together:
            if self._chance.often(0.5) and (guard := self._conditions.guard(together, relation)):
                parts.append(guard)
        if self._chance.often(0.15):
            parts.append(f"({self._conditions.condition(together, 0, 1)})")
        return " AND ".join(parts) or "1=1"

    def _select(self, depth: int, kinds: list[str] | None = None) -> Relation | None:
        chance = self._chance
        source, scope, merged = self._from(depth)
        where = self._conditions.where(scope, depth)
        if len(scope) == 1 and kinds is None and chance.often(0.22):
            star = chance.pick(["*", f"{scope[0].alias}.*"])
            return Relation("", f"SELECT {star} {source} {where}", scope[0].columns)
        there = [(r, name, kind) for r in scope for name, kind in r.columns.items()]
        if kinds is None:
            chosen = [chance.pick(there) for _ in range(chance.pick([1, 2, 3, 4]))]
            times = [item for item in there if item[2] == "time"]
            if times and not any(kind == "time" for _, _, kind in chosen):
                chosen.append(chance.pick(times))
        else:
            groups = [[item for item in there if item[2] == kind] for kind in kinds]
            if not all(groups):
                return None
            chosen = [chance.pick(group) for group in groups]
        columns: dict[str, str] = {}
        items: list[str] = []
        window = False
        for relation, name, kind in chosen:
            qualified = f"{relation.alias}.{self._conditions.quoted(name)}"
            text = qualified if merged else self._conditions.reference(scope, relation, name)
            names = [name, chance.fresh("c"), chance.pick(["time", "level"])]
            alias = chance.pick(names, [8, 1.5, 0.7])
            if kind == "time" and chance.often(0.14):
                casts = ("TIMESTAMP", "TIMESTAMP(0)")
                text = chance.pick(
                    [f"date_trunc('day', {text})"] + [f"CAST({text} AS {c})" for c in casts]
                )
            elif kind == "time" and kinds is None and chance.often(0.06):
                text, window = f"max({text}) OVER (PARTITION BY {relation.alias}.id % 3)", True
            if alias in columns:
                alias = chance.fresh("c")
            columns[alias] = kind
            bare = text.rpartition(".")[2].strip('"') == alias
            spelt = f"{text} AS {self._conditions.quoted(alias)}"
            items.append(text if bare and chance.often(0.6) else spelt)
        tail = ""
        if kinds is None and not window and chance.often(0.25):
            tail = self._grouped(scope, merged, items, columns)
        elif kinds is None and chance.often(0.2):
            items.append(f"count(*) OVER (PARTITION BY 1) AS {(alias := chance.fresh('w'))}")
            columns[alias] = "number"
        distinct = "DISTINCT " if chance.often(0.1) else ""
        return Relation("", f"SELECT {distinct}{', '.join(items)} {source} {where}{tail}", columns)

    def _grouped(
        self, scope: list[Relation], merged: bool, items: list[str], columns: dict[str, str]
    ) -> str:
        chance = self._chance
        keys = [item.rpartition(" AS ")[0] or item for item in items]
        places = [str(at + 1) if chance.often(0.4) else key for at, key in enumerate(keys)]
        time = None if merged else self._conditions.column(scope, "time")
        items.append(f"count(*) AS {(alias := chance.fresh('n'))}")
        columns[alias] = "number"
        if time and chance.often(0.5):
            alias = "time" if "time" not in columns and chance.often(0.5) else chance.fresh("m")
            items.append(f"{chance.pick(['max', 'min'])}({time}) AS {alias}")
            columns[alias] = "time"
        groups = ", ".join(places) if chance.often(0.85) else f"ROLLUP({', '.join(keys)})"
        having = f" HAVING count(*) {chance.pick(['>', '>='])} 1" if chance.often(0.3) else ""
        return f" GROUP BY {groups}{having}"

    def _query(self, depth: int) -> Relation:
        chance = self._chance
        if chance.often(0.16):
            kinds = chance.pick([["time"], ["time", "number"], ["word", "time"]])
            made = [self._select(depth, kinds) for _ in range(chance.pick([2, 2, 3]))]
            branches = [branch for branch in made if branch is not None]
            if len(branches) > 1:
                text = branches[0].text
                for branch in branches[1:]:
                    inner = branch.text if chance.often(0.7) else f"({branch.text})"
                    text += f" {chance.pick(_SETS)} {inner}"
                return self._limited(branches[0].saying(text), 0.2)
        made_one = self._select(depth)
        assert made_one is not None
        return self._limited(made_one, 0.12)

    def _limited(self, query: Relation, probability: float) -> Relation:
        if not self._chance.often(probability):
            return query
        order = ", ".join(str(at + 1) for at in range(len(query.columns)))
        text = f"{query.text} ORDER BY {order} LIMIT {self._chance.pick(range(1, 30))}"
        if self._chance.often(0.3):
            text += f" OFFSET {self._chance.pick(range(1, 5))}"
        return query.saying(text)
