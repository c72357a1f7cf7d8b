"""Random statements whose columns have all kinds of types, mixed wherever SQL allows it."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Collection
from dataclasses import dataclass

import pyarrow as pa

from tests.planned_types.data import VIEWS

NUMBER, TEXT, TIME, TRUTH, LIST, BYTES = "number", "text", "time", "truth", "list", "bytes"
_KINDS = (NUMBER, TEXT, TIME, TRUTH, LIST, BYTES)
_SETS = ("UNION ALL", "UNION", "INTERSECT", "EXCEPT", "INTERSECT ALL", "EXCEPT ALL")
_DEEPEST = 3

_LITERALS = {
    NUMBER: ["1", "9", "2.5", "70000000000", "-1", "NULL", "CAST(3 AS SMALLINT)", "0.5::REAL"],
    TEXT: ["'a'", "'1'", "'bad'", "NULL", "'NaN'", "CAST('x' AS VARCHAR)"],
    TIME: ["now()", "TIMESTAMP '2026-01-01 00:00:00'", "DATE '2026-01-01'", "current_date", "NULL"],
    TRUTH: ["true", "false", "NULL"],
    LIST: ["make_array(1, 2)", "make_array(1, 2.5)", "['a', 'b']", "[NULL, 1]", "make_array()"],
    BYTES: ["X'00ff'", "NULL", "digest('a', 'md5')"],
}
# Rare and unusual parts of statements.
_ODD = {
    NUMBER: ["CAST('1.25' AS DECIMAL(10,2))", "18446744073709551615", "arrow_cast(7, 'UInt8')"],
    TEXT: [
        *("arrow_cast('y', 'Utf8View')", "arrow_cast('z', 'LargeUtf8')"),
        "arrow_cast('d', 'Dictionary(Int16, Utf8)')",
    ],
    TIME: [
        *("arrow_cast('2026-01-01T00:00:00', 'Timestamp(Second, None)')", "to_timestamp_millis(5)"),
        "'2026-01-01'::timestamptz",
    ],
}
# Templates: {n} a number, {t} a text, {i} an instant, {b} a truth, {l} a list, {y} bytes, {a} any.
_FORMS = {
    NUMBER: [
        *("{n} + {n}", "{n} * {n}", "{n} - {n}", "{n} / 2", "{n} % 3", "-{n}", "abs({n})"),
        *("round({n})", "round({n}, 1)", "floor({n})", "ceil({n})", "sqrt({n})", "power({n}, 2)"),
        *("coalesce({n}, {n})", "nullif({n}, {n})", "greatest({n}, {n})", "least({n}, {n}, {n})"),
        *("nvl({n}, {n})", "nvl2({a}, {n}, {n})", "ifnull({n}, {n})", "length({t})", "ascii({t})"),
        *("CAST({n} AS BIGINT)", "CAST({n} AS DOUBLE)", "{n}::INT", "TRY_CAST({t} AS INT)"),
        *(
            "extract(hour FROM {i})",
            "date_part('minute', {i})",
            "array_length({l})",
            "{n} & 3",
            "{n} | {n}",
            "{n} << 1",
        ),
        *(
            "position('a' IN {t})",
            "strpos({t}, 'a')",
            "to_unixtime({i})",
            "trunc({n})",
            "gcd(4, 6)",
        ),
        *("octet_length({t})", "bit_length({t})", "log(2, {n})", "atan2({n}, 1)", "signum({n})"),
        *("CAST({b} AS INT)", "cardinality({l})", "regexp_count({t}, 'a')", "nanvl({n}, 1)"),
        "CAST({n} AS DECIMAL(12, 3))",
    ],
    TEXT: [
        *("upper({t})", "lower({t})", "{t} || {t}", "concat({t}, {a})", "concat_ws('-', {t}, {t})"),
        *("substr({t}, 1, 2)", "left({t}, 1)", "right({t}, 1)", "trim({t})", "ltrim({t}, 'a')"),
        *("replace({t}, 'a', 'b')", "split_part({t}, '-', 1)", "lpad({t}, 3, 'x')", "reverse({t})"),
        *("coalesce({t}, {t})", "nullif({t}, {t})", "greatest({t}, {t})", "nvl({t}, {t})"),
        *("repeat({t}, 2)", "initcap({t})", "md5({t})", "to_char({i}, '%Y')", "chr(65)"),
        *("CAST({n} AS VARCHAR)", "CAST({i} AS VARCHAR)", "regexp_replace({t}, 'a', 'b')"),
        *(
            "translate({t}, 'a', 'b')",
            "array_to_string({l}, ',')",
            "arrow_typeof({a})",
            "btrim({t})",
        ),
        *("overlay({t} PLACING 'x' FROM 1)", "substring({t} FROM 1 FOR 1)", "encode({y}, 'hex')"),
        *("ifnull({t}, {t})", "nvl2({a}, {t}, {t})", "to_hex(15)", "trim(both 'a' FROM {t})"),
    ],
    TIME: [
        *(
            "date_trunc('hour', {i})",
            "date_bin(INTERVAL '5 minutes', {i})",
            "{i} + INTERVAL '1 day'",
        ),
        *("coalesce({i}, {i})", "greatest({i}, {i})", "CAST({i} AS DATE)", "{i}::timestamp"),
        *(
            "to_timestamp({i})",
            "to_timestamp({t})",
            "to_timestamp_seconds({n})",
            "nullif({i}, {i})",
        ),
        *(
            "{i} AT TIME ZONE 'UTC'",
            "to_local_time({i})",
            "{i} - INTERVAL '2' HOUR",
            "nvl({i}, {i})",
        ),
        *("CAST({i} AS TIMESTAMP(3))", "to_date({t})", "make_date(2026, 1, 2)"),
    ],
    TRUTH: [
        *(
            "{n} < {n}",
            "{n} = {n}",
            "{t} = {t}",
            "{i} >= {i}",
            "{n} BETWEEN {n} AND {n}",
            "NOT {b}",
        ),
        *("{n} IN ({n}, {n})", "{t} IN ({t}, {t})", "{t} LIKE 'a%'", "{a} IS NULL", "{b} AND {b}"),
        *(
            "{t} ILIKE '%A%'",
            "{n} IS DISTINCT FROM {n}",
            "{t} IS NOT DISTINCT FROM {t}",
            "{b} OR {b}",
        ),
        *(
            "coalesce({b}, {b})",
            "starts_with({t}, 'a')",
            "array_has({l}, 1)",
            "regexp_like({t}, 'a')",
        ),
        *("{t} ~ 'a'", "{n} NOT IN (1, 2.5)", "{b} IS TRUE", "isnan({n})", "{n} <> {t}"),
    ],
    LIST: [
        *("make_array({n}, {n})", "make_array({t}, {t})", "array_append({l}, {n})", "[{n}, {n}]"),
        *(
            "array_concat({l}, {l})",
            "array_sort({l})",
            "array_distinct({l})",
            "array_repeat({t}, 2)",
        ),
        *(
            "string_to_array({t}, '-')",
            "array_prepend({n}, {l})",
            "array_union({l}, {l})",
            "[{t}, {n}]",
        ),
        *("range(1, 3)", "array_slice({l}, 1, 2)", "coalesce({l}, {l})", "array_remove({l}, 1)"),
    ],
    BYTES: ["sha256({t})", "coalesce({y}, {y})", "digest({t}, 'sha1')", "decode('00', 'hex')"],
}
_CASES = (
    *("CASE WHEN {b} THEN {x} ELSE {x} END", "CASE WHEN {b} THEN {x} END"),
    *("CASE {n} WHEN {n} THEN {x} WHEN {n} THEN {x} ELSE {x} END",),
)
_AGGREGATES = {
    NUMBER: [
        *("count(*)", "sum({n})", "avg({n})", "min({n})", "max({n})", "count(DISTINCT {a})"),
        *("stddev({n})", "var_pop({n})", "median({n})", "approx_percentile_cont({n}, 0.5)"),
        *("sum({n}) FILTER (WHERE {b})", "approx_distinct({t})", "corr({n}, {n})", "bit_or(level)"),
        *("percentile_cont(0.5) WITHIN GROUP (ORDER BY {n})", "regr_slope({n}, {n})"),
        *(
            "first_value({n} ORDER BY {n})",
            "sum({n}) - 1",
            "approx_distinct({n}) / 2",
            "sum({n}) * {n}",
        ),
    ],
    TEXT: [
        *("min({t})", "max({t})", "string_agg({t}, ',')", "first_value({t} ORDER BY {n})"),
        "last_value({t})",
    ],
    TIME: ["min({i})", "max({i})", "last_value({i} ORDER BY {i})", "nth_value({i}, 1)"],
    TRUTH: ["bool_and({b})", "bool_or({b})"],
    LIST: ["array_agg({n})", "array_agg({t})", "array_agg(DISTINCT {t})", "array_agg({i})"],
    BYTES: ["min({y})"],
}
_WINDOWS = {
    NUMBER: [
        *("row_number()", "rank()", "ntile(3)", "lag({n}, 1, {n})", "lead({n})", "sum({n})"),
        *("row_number() - 1", "rank() * 2", "sum({n}) / 3"),
        *("first_value({n})", "nth_value({n}, 2)", "cume_dist()", "percent_rank()", "avg({n})"),
    ],
    TEXT: ["lag({t})", "lag({t}, 1, {t})", "first_value({t})", "max({t})"],
    TIME: ["lag({i})", "lead({i}, 1, {i})", "min({i})"],
}


@dataclass
class _Relation:
    """An item of FROM: its alias, its text, and its columns with their kinds."""

    alias: str
    text: str
    columns: dict[str, str]


def _kind(type_: pa.DataType) -> str:
    if pa.types.is_dictionary(type_):
        return _kind(type_.value_type)
    if pa.types.is_timestamp(type_):
        return TIME
    if pa.types.is_list(type_):
        return LIST
    return {pa.string(): TEXT, pa.binary(): BYTES}.get(type_, NUMBER)


class Statements:
    """Generator of statements; the same seed creates the same ones.

    Parameters
    ----------
    seed : str
    mixing : float
        How often CASE and set operations are made.
    views : collection of str
        What they read.
    """

    def __init__(
        self, seed: str, mixing: float = 0.04, views: Collection[str] = tuple(VIEWS)
    ) -> None:
        self._chance = random.Random(seed)
        self._mixing = mixing
        self._views = views
        self._names = 0
        self._scope: list[_Relation] = []
        self._with: list[_Relation] = []

    def statement(self) -> str:
        """Create one statement."""
        parts = []
        if self._often(0.25):
            for _ in range(self._pick([1, 2])):
                made = self._query(1)
                made.alias = self._fresh("c")
                parts.append(f"{made.alias} AS ({made.text})")
                self._with.append(made)
        text = self._query(0).text
        return (f"WITH {', '.join(parts)} " if parts else "") + text

    # -- chance ------------------------------------------------------------------------------

    def _pick(self, items):  # type: ignore[no-untyped-def]
        return self._chance.choice(list(items))

    def _often(self, probability: float) -> bool:
        return self._chance.random() < probability

    def _fresh(self, prefix: str) -> str:
        self._names += 1
        return f"{prefix}{self._names}"

    # -- queries -----------------------------------------------------------------------------

    def _query(self, depth: int) -> _Relation:
        kinds = [self._pick(_KINDS) for _ in range(self._pick([1, 1, 2, 3]))]
        made = self._select(kinds, depth)
        text = made.text
        while self._often(self._mixing * 1.5):
            text = f"{text} {self._pick(_SETS)} {self._select(kinds, depth).text}"
        if self._often(0.2):
            text += " ORDER BY 1"
        if self._often(0.2):
            text += f" LIMIT {self._pick([0, 1, 3])}"
        return _Relation("", text, made.columns)

    def _select(self, kinds: list[str], depth: int) -> _Relation:
        outer, self._scope = self._scope, []
        source = self._from(depth)
        names = [self._fresh("x") for _ in kinds]
        style = self._pick(["plain", "plain", "plain", "grouped", "whole", "windows", "distinct"])
        make: Callable[[str], str] = self._expression
        tail = ""
        if style in ("grouped", "whole"):
            make = self._aggregate
        elif style == "windows":
            make = self._window
        if style == "grouped":
            group = self._pick([self._expression(self._pick([TEXT, NUMBER, TIME])), "1"])
            names, kinds = [*names, self._fresh("g")], [*kinds, TEXT]
            columns = [make(kind) for kind in kinds[:-1]]
            group = "exe" if group == "1" and self._has("exe") else group
            columns.append(group)
            grouped = self._pick(["{}", "{}", "ROLLUP({})", "CUBE({})", "GROUPING SETS (({}), ())"])
            tail = " GROUP BY " + grouped.format(group)
            if self._often(0.2):
                tail += " HAVING count(*) > 0"
        else:
            columns = [make(kind) for kind in kinds]
        where = f" WHERE {self._expression(TRUTH)}" if self._often(0.3) else ""
        listed = ", ".join(f"{c} AS {n}" for c, n in zip(columns, names, strict=True))
        if style == "plain" and self._often(0.12):
            listed, names, kinds = "*", [], []
        what = "DISTINCT " if style == "distinct" else ""
        self._scope = outer
        return _Relation(
            "", f"SELECT {what}{listed}{source}{where}{tail}", dict(zip(names, kinds, strict=True))
        )

    def _has(self, column: str) -> bool:
        return sum(column in relation.columns for relation in self._scope) == 1

    def _from(self, depth: int) -> str:
        if self._often(0.08):
            return ""
        first = self._relation(depth)
        self._scope.append(first)
        text = f" FROM {first.text}"
        while self._often(0.25) and len(self._scope) < 3:
            other = self._relation(depth)
            join = self._pick(["JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN", "CROSS JOIN", ","])
            pairs = [
                (f"{relation.alias}.{a}", f"{other.alias}.{b}")
                for relation in self._scope
                for a, one in relation.columns.items()
                for b, two in other.columns.items()
                if one == two and one in (NUMBER, TEXT)
            ]
            shared = [a for a in first.columns if a in other.columns and len(self._scope) == 1]
            self._scope.append(other)
            if join in ("CROSS JOIN", ","):
                text += f"{' ' if join != ',' else ''}{join} {other.text}"
            elif shared and self._often(0.3):
                text += f" {join} {other.text} USING ({self._pick(shared)})"
            elif pairs:
                text += f" {join} {other.text} ON {' = '.join(self._pick(pairs))}"
            else:
                text += f" {join} {other.text} ON true"
        return text

    def _relation(self, depth: int) -> _Relation:
        alias = self._fresh("r")
        if self._with and self._often(0.4):
            made = self._pick(self._with)
            return _Relation(alias, f"{made.alias} AS {alias}", made.columns)
        if depth < 2 and self._often(0.3):
            made = self._query(depth + 1)
            return _Relation(alias, f"({made.text}) AS {alias}", made.columns)
        if self._often(0.1):
            kind = self._pick([NUMBER, TEXT, TIME])
            rows = ", ".join(f"({self._pick(_LITERALS[kind])})" for _ in range(3))
            return _Relation(alias, f"(VALUES {rows}) AS {alias}(v)", {"v": kind})
        view = self._pick(self._views)
        columns = {name: _kind(type_) for name, type_ in VIEWS[view].items()}
        return _Relation(alias, f"{view} AS {alias}", columns)

    # -- expressions -------------------------------------------------------------------------

    def _expression(self, kind: str, depth: int = 0) -> str:
        if depth < _DEEPEST and self._often(self._mixing):
            form = self._pick(_CASES)
            while "{x}" in form:
                form = form.replace("{x}", self._expression(self._mixed(kind), depth + 1), 1)
            return self._filled(form, depth)
        if depth < _DEEPEST and self._often(0.03) and depth:
            inner = Statements(f"{self._chance.random()}", self._mixing, self._views)
            made = inner._select([kind], 2)
            return f"(SELECT q.{next(iter(made.columns), '*')} FROM ({made.text}) AS q LIMIT 1)"
        if depth >= _DEEPEST or self._often(0.35 + 0.1 * depth):
            return self._leaf(kind)
        return self._filled(self._pick(_FORMS[kind]), depth)

    def _mixed(self, kind: str) -> str:
        return self._pick([NUMBER, TEXT]) if self._often(0.2) else kind

    def _filled(self, form: str, depth: int) -> str:
        slots = {"n": NUMBER, "t": TEXT, "i": TIME, "b": TRUTH, "l": LIST, "y": BYTES}
        text = ""
        at = 0
        while at < len(form):
            if form[at] == "{" and form[at + 2 : at + 3] == "}":
                kind = slots.get(form[at + 1]) or self._pick(_KINDS)
                inner = self._expression(kind, depth + 1)
                text += inner if inner.isidentifier() else f"({inner})"
                at += 3
            else:
                text += form[at]
                at += 1
        return text

    def _leaf(self, kind: str) -> str:
        found = [
            f"{relation.alias}.{name}"
            for relation in self._scope
            for name, of in relation.columns.items()
            if of == kind
        ]
        if found and self._often(0.75):
            return str(self._pick(found))
        odd = _ODD if self._often(0.05) else _LITERALS
        return str(self._pick(odd.get(kind, _LITERALS[kind])))

    def _aggregate(self, kind: str) -> str:
        text = self._filled(self._pick(_AGGREGATES[kind]), 1)
        if kind == NUMBER and self._often(0.2):
            text = f"{self._pick(['round', 'abs', 'coalesce'])}({text})"
        return text

    def _window(self, kind: str) -> str:
        if kind not in _WINDOWS:
            return self._expression(kind)
        call = self._filled(self._pick(_WINDOWS[kind]), 1)
        order = self._leaf(self._pick([NUMBER, TIME]))
        part = f"PARTITION BY {self._leaf(TEXT)} " if self._often(0.4) else ""
        over = f" OVER ({part}ORDER BY {order})"
        operator = re.search(r" [-*/] \d+$", call)
        return call + over if operator is None else call[: operator.start()] + over + operator[0]
