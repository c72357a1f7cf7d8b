"""Decide whether the rows of a statement surely have the types of its plan.

A 0.30 service reports the schema of the plan before DataFusion's type coercion. If dictionaries are
requested, and always over the web protocol, it sends the rows unchanged under that schema, and a
reader takes 64-bit integers for 32-bit ones, or strings for numbers. Nothing in the response shows
it. So only constructs whose planned types are known to be right count as sure. The proof is a
comparison of planned and real types over random statements (``tests/planned_types``).

A text that query engines read in different ways (`Statement.disputed`) is not sure.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise

import pyarrow as pa

from micromegas_dbapi.service.catalog import INSTANCE_SCHEMAS, SCHEMAS
from micromegas_dbapi.sql.engine_functions import AGGREGATES, FUNCTIONS, UNSIGNED
from micromegas_dbapi.sql.lexer import Token
from micromegas_dbapi.sql.statement import Statement

__all__ = [
    "EFFECTS",
    "KINDS",
    "KIND_TEXTS",
    "KIND_WORDS",
    "TABLE_FUNCTIONS",
    "UNSURE",
    "VIEWS",
    "calls",
    "doubt",
]

#: Words whose statements may have a wrong plan, with the reasons.
UNSURE = {
    "CASE": "CASE has the type of its first branch in the plan",
    "UNION": "UNION has the types of its first query in the plan",
    "EXCEPT": "EXCEPT has the types of its first query in the plan",
    "INTERSECT": "INTERSECT has the types of its first query in the plan",
    "MINUS": "MINUS has the types of its first query in the plan",
    "PIVOT": "PIVOT is not known",
    "UNPIVOT": "UNPIVOT is not known",
    "MATCH_RECOGNIZE": "MATCH_RECOGNIZE is not known",
}

#: Kinds of values whose planned type is wrong in some expressions, with the reasons.
KINDS = {
    "decimal": "decimals in expressions may have another scale in the plan",
    "unsigned": "an unsigned and a signed number become a decimal of another scale in the plan",
    "zone": "aggregates take constants with and without a zone as one, and the plan as two",
}
#: The kind that a word shows, or a part of a string as arrow_cast() takes it.
KIND_WORDS = {
    **dict.fromkeys(("DECIMAL", "NUMERIC", "DEC"), "decimal"),
    **dict.fromkeys(("ZONE", "TIMESTAMPTZ"), "zone"),
    "UNSIGNED": "unsigned",
}
KIND_TEXTS = {"Decimal": "decimal", "Timestamp(": "zone", "UInt": "unsigned"}

#: Statements with fixed result columns, whatever statement or table they describe.
_DESCRIBING = frozenset(("EXPLAIN", "DESCRIBE", "DESC", "SHOW"))

#: The views of services. They read files, whose types are those of the plan. Any other view may be
#: defined by a query of any kind.
VIEWS = frozenset((*SCHEMAS, *INSTANCE_SCHEMAS, "log_stats"))
# The views with unsigned integers, whose sums have 64 bits.
_UNSIGNED_VIEWS = frozenset(
    view
    for view, schema in {**SCHEMAS, **INSTANCE_SCHEMAS}.items()
    if any(map(pa.types.is_unsigned_integer, schema.types))
)
_INFORMATION_SCHEMA = frozenset(
    ("columns", "df_settings", "parameters", "routines", "schemata", "tables", "views")
)

#: Table functions with fixed columns.
TABLE_FUNCTIONS = frozenset(
    (
        *("view_instance", "list_partitions", "list_view_sets", "process_spans", "unnest"),
        *("perfetto_trace_chunks", "generate_series", "range"),
        *("materialize_partitions", "regenerate_partitions", "retire_partitions"),
    )
)
#: Functions with side effects. They must not run a second time to find out a type.
EFFECTS = frozenset(
    (
        *("materialize_partitions", "regenerate_partitions", "retire_partitions"),
        *("retire_partition_by_file", "retire_partition_by_metadata"),
        *("deny_queries", "remove_query_denial"),
    )
)

# Words that a bracket may follow and that are not functions.
_BEFORE_BRACKET = """
    ALL AND ANY ARRAY AS BETWEEN BY CAST CUBE DISTINCT ESCAPE EXCLUDE EXISTS EXTRACT FILTER FIRST
    FROM GROUP HAVING ILIKE IN IS JOIN LATERAL LIKE LIMIT MATERIALIZED NOT OFFSET ON OR OVER
    PARTITION PRECEDING QUALIFY ROLLUP SAFE_CAST SELECT SETS SIMILAR SOME THAN THEN TO TRY_CAST
    USING VALUES WHERE WITH WITHIN ZONE
"""
_NO_CALLS = frozenset(_BEFORE_BRACKET.split())
# Functions with FROM among their arguments.
_OWN_FROM = frozenset(("EXTRACT", "SUBSTRING", "SUBSTR", "TRIM", "OVERLAY", "POSITION"))
_ENDS_FROM = frozenset(
    (
        *("SELECT", "WHERE", "GROUP", "HAVING", "QUALIFY", "WINDOW", "ORDER", "LIMIT", "OFFSET"),
        *("FETCH", "VALUES"),
    )
)
# Words that may stand in the place of a view and are not views.
_NO_VIEW = frozenset(("LATERAL", "ONLY", "SELECT", "VALUES", "WITH", "FROM"))
# Functions whose result type is an argument.
_CASTS = frozenset(("arrow_cast", "arrow_try_cast", "arrow_typeof"))
# Tokens before a * that is not a multiplication.
_BEFORE_STAR = frozenset(("(", ",", ".", "SELECT", "DISTINCT", "ALL"))
_KEPT = 256


@dataclass
class _Bracket:
    """State of the reading inside a pair of brackets, or of the whole text."""

    own_from: bool = False
    with_: bool = False
    in_from: bool = False
    expects: bool = False
    """A relation comes next"""
    defines: str | None = None
    """The CTE that this query defines"""
    names: set[str] = field(default_factory=set)
    """The CTEs defined so far"""


@lru_cache(_KEPT)
def doubt(statement: Statement) -> str | None:
    """Return why the rows of a statement may have other types than its plan.

    Parameters
    ----------
    statement : Statement
        What is sent.

    Returns
    -------
    str or None
        The reason, as a clause; None if the types are sure.

    Examples
    --------
    >>> doubt(Statement("SELECT target, count(*) FROM log_entries GROUP BY target"))
    >>> doubt(Statement("SELECT level FROM log_entries UNION ALL SELECT 9"))
    'UNION has the types of its first query in the plan'
    >>> doubt(Statement("SELECT * FROM my_view"))
    "the definition of my_view is not known"
    """
    if reason := statement.disputed:
        return reason
    parts: list[tuple[str, str]] = []
    for part in statement.tokens:
        text = statement.text_of(part)
        if part.kind == "comment":
            if reason := _in_comment(text):
                return reason
        elif part.kind != "blank":
            parts.append(_normal(part, text))
    if parts and parts[0][1] in _DESCRIBING:
        return None
    return _Reading(parts).doubt()


def calls(statement: Statement) -> set[str]:
    """Return the names in a statement that a bracket follows.

    Parameters
    ----------
    statement : Statement
        One or several statements.

    Returns
    -------
    set of str
        Function names, and other names before a bracket.
    """
    parts = [_normal(part, statement.text_of(part)) for part in statement.code]
    return {
        _name(a) for a, b in pairwise(parts) if b == ("other", "(") and a[0] in ("word", "quoted")
    }


def _normal(part: Token, text: str) -> tuple[str, str]:
    return part.kind, text.upper() if part.kind == "word" else text


def _name(part: tuple[str, str]) -> str:
    kind, text = part
    if kind == "word":
        return text.lower()
    return text[1:-1].replace(text[0] * 2, text[0])


def _in_comment(text: str) -> str | None:
    """Return a reason for doubt in a comment: some engines end it earlier, or run a part of it."""
    if text.startswith(("/*!", "/*+")):
        return "a comment may be run"
    words = re.findall(r"\w+", text.upper())
    return next((UNSURE[word] for word in words if word in UNSURE), None)


class _Reading:
    """One reading of a statement, from its first token to its last."""

    def __init__(self, parts: list[tuple[str, str]]) -> None:
        self._parts = parts
        self._open = [_Bracket()]
        self._views: set[str] = set()
        self._calls: set[str] = set()
        self._kinds: set[str] = set()
        self._calculates = False

    def doubt(self) -> str | None:
        at = 0
        while at < len(self._parts):
            reason, at = self._read(at)
            if reason:
                return reason
        calls, kinds = self._calls, self._kinds
        sums = "sum" in calls and not _UNSIGNED_VIEWS.isdisjoint(self._views)
        unsigned = "unsigned" in kinds or sums or not UNSIGNED.isdisjoint(calls)
        if unsigned and self._calculates:
            return KINDS["unsigned"]
        if "decimal" in kinds and (self._calculates or calls - _CASTS):
            return KINDS["decimal"]
        return KINDS["zone"] if "zone" in kinds and not AGGREGATES.isdisjoint(calls) else None

    def _read(self, at: int) -> tuple[str | None, int]:
        """Read one token or several that belong together; return the index of the next."""
        kind, text = self._parts[at]
        here = self._open[-1]
        if kind == "word" and text in UNSURE:
            return UNSURE[text], at
        if kind in ("open", "mark", "name") or text in ("{", "}", "|>"):
            return f"{text[:20]} is not known", at
        if text == "|" and self._text(at + 1) == ">":
            return "|> is not known", at
        if kind == "other":
            self._symbol(at, text)
            return None, at + 1
        self._note_kind(kind, text)
        if here.expects and kind == "string":
            return f"the definition of {text[:60]} is not known", at
        if here.expects and kind in ("word", "quoted") and text not in _NO_VIEW:
            here.expects = False
            return self._relation(at)
        if kind == "word":
            self._word(at, text, here)
        if self._text(at + 1) == "(" and kind in ("word", "quoted"):
            return self._call(at), at + 1
        return None, at + 1

    def _note_kind(self, kind: str, text: str) -> None:
        if kind == "word" and text in KIND_WORDS:
            self._kinds.add(KIND_WORDS[text])
        elif kind == "string":
            self._kinds |= {found for part, found in KIND_TEXTS.items() if part in text}
        elif kind == "number" and text.isdigit() and int(text) >= 2**63:
            self._kinds.add("unsigned")

    def _text(self, at: int) -> str:
        return self._parts[at][1] if 0 <= at < len(self._parts) else ""

    def _symbol(self, at: int, text: str) -> None:
        here = self._open[-1]
        if text in "+-/%" or (text == "*" and self._text(at - 1) not in _BEFORE_STAR):
            self._calculates = True
        if text == "(":
            before = self._text(at - 1)
            inner = _Bracket(own_from=before in _OWN_FROM, expects=here.expects)
            inner.in_from = here.expects
            inner.defines = self._cte_name(at) if here.with_ else None
            here.expects = False
            self._open.append(inner)
        elif text == ")" and len(self._open) > 1:
            closed = self._open.pop()
            if closed.defines is not None:
                self._open[-1].names.add(closed.defines)
        elif text == "," and here.in_from:
            here.expects = True

    def _cte_name(self, at: int) -> str | None:
        """Return the name of the CTE whose query the bracket at an index opens."""
        before = at - 1
        while self._text(before) in ("MATERIALIZED", "NOT"):
            before -= 1
        if self._text(before) != "AS":
            return None
        before -= 1
        if self._text(before) == ")":  # the list of its columns
            while before > 0 and self._text(before) != "(":
                before -= 1
            before -= 1
        return _name(self._parts[before]) if before > 0 else None

    def _word(self, at: int, text: str, here: _Bracket) -> None:
        if text == "WITH":
            here.with_ = True
        elif text == "JOIN" or (text == "FROM" and not here.own_from and not self._in_distinct(at)):
            here.in_from = here.expects = True
        elif text in _ENDS_FROM:
            here.in_from = here.expects = here.with_ = False

    def _in_distinct(self, at: int) -> bool:
        """Return whether FROM belongs to IS DISTINCT FROM."""
        return self._text(at - 1) == "DISTINCT" and self._text(at - 2) in ("IS", "NOT")

    def _relation(self, at: int) -> tuple[str | None, int]:
        """Read the name of a relation in FROM."""
        path = [_name(self._parts[at])]
        at += 1
        while self._text(at) == "." and at + 1 < len(self._parts):
            path.append(_name(self._parts[at + 1]))
            at += 2
        shown = ".".join(path)
        if self._text(at) == "(":
            return self._table_function(shown, at), at
        if path[-2:-1] == ["information_schema"]:
            known = path[-1] in _INFORMATION_SCHEMA
            self._kinds.add("unsigned")  # positions and lengths
        elif len(path) > 1:
            known = path[-1] in VIEWS and path[-2] == "public" and path[:-2] in ([], ["datafusion"])
        else:
            known = path[0] in VIEWS or any(path[0] in bracket.names for bracket in self._open)
        self._views.add(path[-1])
        return (None if known else f"the definition of {shown} is not known"), at

    def _table_function(self, name: str, at: int) -> str | None:
        if name not in TABLE_FUNCTIONS:
            return f"the function {name} is not known"
        if name == "view_instance":
            view = self._first_argument(at + 1)
            self._views.add(view)
            if view not in VIEWS:
                return f"the definition of view_instance({view[:60]!r}, ..) is not known"
        return None

    def _first_argument(self, at: int) -> str:
        """Read a string, or a concatenation of strings, which services evaluate beforehand."""
        found, depth = "", 0
        while at < len(self._parts) and (depth or self._text(at) not in (",", ")")):
            kind, text = self._parts[at]
            if kind == "string" and text[:1] == "'":
                found += text[1:-1]
            elif text not in ("CONCAT", "(", ")", ",", "|"):
                return text
            depth += (text == "(") - (text == ")")
            at += 1
        return found

    def _call(self, at: int) -> str | None:
        """Read a name that a bracket follows."""
        kind, text = self._parts[at]
        before = self._parts[at - 1] if at else ("", "")
        is_alias = before[1] in ("AS", ")") or before[0] == "cast"
        if is_alias or (kind == "word" and text in _NO_CALLS):
            return None
        if self._open[-1].with_ and before[1] in ("WITH", ","):  # a CTE with a list of its columns
            return None
        name = _name(self._parts[at])
        self._calls.add(name)
        if before[1] == ".":
            return f"the function {name} is not known"
        return None if name in FUNCTIONS else f"the function {name} is not known"
