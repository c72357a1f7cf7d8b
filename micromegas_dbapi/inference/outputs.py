"""What a query gives out under which name, and which column of a view that is.

So that what the outer query asks of a column reaches the scans inside.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from sqlglot import exp

from micromegas_dbapi.inference.predicates import Interval, Resolve, Rounded, rounded

__all__ = [
    "branches",
    "by_name",
    "by_position",
    "identifier",
    "keeps_rows_apart",
    "output_names",
    "passed_through",
]

# A row that the outer query drops by one of its columns may have counted before in these.
_COUNTING = ("group", "having", "limit", "offset", "windows", "qualify")


def identifier(node: exp.Expr | None) -> str:
    """Give an identifier's name as the engine sees it: in lower case unless quoted."""
    if node is None:
        return ""
    return node.name if node.args.get("quoted") else node.name.lower()


def branches(query: exp.Expr) -> Iterable[exp.Expr]:
    """List the SELECTs that a set operation puts together."""
    while isinstance(query, exp.Subquery) and not query.args.get("with_"):
        query = query.this
    if isinstance(query, exp.SetOperation):
        yield from branches(query.this)
        yield from branches(query.expression)
    else:
        yield query


def _output(query: exp.Expr) -> list[tuple[str, exp.Expr]] | None:
    """List the names and expressions of a SELECT, or None where some are not spelt out."""
    if not isinstance(query, exp.Select) or any(item.is_star for item in query.expressions):
        return None
    return [
        (identifier(item.args.get("alias") if isinstance(item, exp.Alias) else item.this), item)
        if isinstance(item, (exp.Alias, exp.Column))
        else ("", item)
        for item in query.expressions
    ]


def output_names(query: exp.Expr) -> list[str]:
    """List the names that the columns of a query are known to have."""
    first = next(iter(branches(query)))
    if not isinstance(first, exp.Select):
        return []
    return [
        identifier(item.args.get("alias") if isinstance(item, exp.Alias) else item.this)
        for item in first.expressions
        if isinstance(item, (exp.Alias, exp.Column)) and not item.is_star
    ]


def by_position(query: exp.SetOperation, outer: Mapping[str, Interval]) -> dict[int, Interval]:
    """Turn what is asked of columns by name into positions, which is how branches meet.

    Only of positions where every branch has a plain column: another expression could be of a type
    that the engine rounds the others to.
    """
    if not outer or not isinstance(query, exp.Union):
        return {}
    outputs = [_output(branch) for branch in branches(query)]
    first = outputs[0]
    if first is None or any(output is None or len(output) != len(first) for output in outputs):
        return {}
    found: dict[int, Interval] = {}
    for name, lies in outer.items():
        places = [at for at, (spelt, _) in enumerate(first) if spelt == name]
        if len(places) == 1 and all(
            isinstance(output[places[0]][1].unalias().unnest(), exp.Column)
            for output in outputs
            if output is not None
        ):
            found[places[0]] = lies
    return found


def by_name(branch: exp.Expr, passed: Mapping[int, Interval]) -> dict[str, Interval]:
    """Turn positions into the names that they have in a branch."""
    if not passed:
        return {}
    output = _output(next(iter(branches(branch))))
    assert output is not None  # or nothing would have been passed
    return {output[at][0]: lies for at, lies in passed.items()}


def keeps_rows_apart(select: exp.Select) -> bool:
    """Tell whether rows could as well be dropped before the SELECT as behind it."""
    distinct = select.args.get("distinct")
    if any(select.args.get(part) for part in _COUNTING) or (distinct and distinct.args.get("on")):
        return False
    return not any(item.find(exp.Window, exp.AggFunc) for item in select.expressions)


def passed_through(
    select: exp.Select, name: str, sources: Collection[str], resolve: Resolve
) -> Rounded | None:
    """Find the column that a SELECT gives out under a name, unchanged or rounded down."""
    output = _output(select)
    if output is not None:
        named = [item.unalias() for spelt, item in output if spelt == name]
        passed = rounded(named[0], resolve) if len(named) == 1 else None
        return None if passed is None or passed.to_date else passed
    star, *more = [item for item in select.expressions if item.is_star]
    plain = not more and not any(star.find(exp.Star).args.values())
    if not plain or len(sources) != 1 or name in output_names(select):
        return None
    return Rounded((next(iter(sources)), name), 0, False)
