"""How many statements two parsers read differently: ``python -m tests.fuzz.readings``.

The one is sqlparser-rs, which is the engine's own (by sqloxide, whose release may be another than
that of an engine), the other sqlglot, which BI tools have. What the second writes again is read by
the first: where that is another tree but for spelling, the statement was read otherwise.
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections import Counter
from collections.abc import Iterator

import sqlglot
import sqloxide
from sqlglot import exp
from sqlglot.errors import SqlglotError

from tests.fuzz.data import world
from tests.fuzz.statements import Statements

# Parts that say how something is spelt, or that both write in ways of their own.
_SKIPPED = frozenset(
    ("span", "select_token", "with_token", "quote_style", "data_type", "Interval", "options")
)
_MARKED = frozenset(
    (
        *("BinaryOp", "Between", "InList", "InSubquery", "Exists", "Case", "Subquery"),
        *("IsDistinctFrom", "IsNotDistinctFrom", "IsNull", "IsTrue", "IsFalse", "IsUnknown"),
        *("SetOperation", "Select", "Derived", "Table", "NestedJoin", "with", "selection"),
        *("limit_clause", "pipe_operators", "prewhere", "joins", "Tuple", "having", "qualify"),
        *(
            "Left",
            "LeftOuter",
            "Right",
            "RightOuter",
            "FullOuter",
            "CrossJoin",
            "fetch",
            "distinct",
        ),
    )
)
_SAME = {"LeftOuter": "Left", "RightOuter": "Right", "IsNotNull": "IsNull"}
_OPERATORS = frozenset(
    ("And", "Or", "Eq", "NotEq", "Lt", "LtEq", "Gt", "GtEq", "Plus", "Minus", "Union", "Except")
)


def shape(node: object) -> Iterator[str]:
    """List the names, texts, operators and clauses of a tree of sqlparser-rs, in order."""
    if isinstance(node, (list, tuple)):
        for item in node:
            yield from shape(item)
    elif isinstance(node, str):
        if node in _OPERATORS:
            yield node
    elif isinstance(node, dict):
        if set(node) == {"value", "quote_style", "span"}:
            yield node["value"] if node["quote_style"] else node["value"].lower()
            return
        for key, value in node.items():
            if key in _SKIPPED or not value:
                continue
            if isinstance(value, dict) and (value.get("op") == "Not" or value.get("negated")):
                yield "not"
            if key == "Function":
                yield from (
                    "Function(",
                    *shape([value["args"], value["filter"], value["over"]]),
                    ")",
                )
            elif key == "SingleQuotedString":
                yield repr(value).lower()
            elif key in ("IsNotNull", "IsNotTrue", "IsNotFalse"):
                yield from ("not", key.replace("Not", "") + "(", *shape(value), ")")
            elif key in _MARKED:
                yield from (_SAME.get(key, key) + "(", *shape(value), ")")
            else:
                yield from shape(value)


def _bracketed(tree: exp.Expression) -> exp.Expression:
    """Put brackets around every operand, so that the order in which it was read stays."""
    operators = (exp.Connector, exp.Predicate, exp.Binary, exp.Unary)
    operands = [
        node
        for node in tree.walk()
        if isinstance(node, operators)
        and isinstance(node.parent, operators)
        and not isinstance(node, (exp.Paren, exp.Dot, exp.SubqueryPredicate))
        and not isinstance(node.parent, (exp.Paren, exp.Dot, exp.SubqueryPredicate))
    ]
    for node in reversed(operands):
        node.replace(exp.Paren(this=node.copy()))
    return tree


def compared(sql: str) -> str:
    """Tell how the two readings of a statement compare."""
    try:
        own = list(shape(sqloxide.parse_sql(sql, dialect="generic")))
    except ValueError:
        own = None
    try:
        parsed = [part for part in sqlglot.parse(sql, dialect="postgres") if part is not None]
        text = ";".join(_bracketed(part).sql("postgres", comments=False) for part in parsed)
    except (SqlglotError, RecursionError, AttributeError):  # the last at |> LIMIT NULL
        return "read by neither" if own is None else "read by the engine's parser only"
    if own is None:
        return "read by sqlglot only"
    try:
        again = list(shape(sqloxide.parse_sql(text, dialect="generic")))
    except ValueError:
        return "written by sqlglot as no engine reads it"
    return "read alike" if own == again else "read differently"


def main() -> int:
    """Compare the readings of random statements."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.readings", description=__doc__)
    parser.add_argument("--statements", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--show", type=int, default=0, help="print so many that differ")
    options = parser.parse_args()
    logging.getLogger("sqlglot").setLevel(logging.ERROR)
    here = world("0.13", options.seed)
    found: Counter[str] = Counter()
    shown = 0
    for number in range(options.statements):
        statement = Statements(here, f"{options.seed}/{number}").statement()
        reading = compared(statement.sql)
        found[reading] += 1
        if reading == "read differently" and shown < options.show:
            shown += 1
            print(repr(statement.sql))
    print(", ".join(f"{name} {count:,}" for name, count in found.most_common()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
