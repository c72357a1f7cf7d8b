"""Pass the intervals of output columns on to the branches of set operations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from micromegas_dbapi.ranges.inference.outputs import has_plain_star, outputs
from micromegas_dbapi.ranges.inference.predicates import Interval
from micromegas_dbapi.ranges.inference.syntax_tree import (
    Node,
    strip_parentheses,
    variant,
    without_spans,
)

__all__ = ["intervals_by_name", "intervals_by_position", "unions_same_star"]


def intervals_by_position(body: Node, outer: Mapping[str, Interval]) -> dict[int, Interval]:
    """Map the intervals of a UNION's output columns to their positions.

    A position is left out if not every branch has a plain column there: the engine could round the
    other branches to the type of another expression.

    Parameters
    ----------
    body : Node
        The body of a query.
    outer : mapping of str to Interval
        The intervals of its output columns, by name.

    Returns
    -------
    dict of int to Interval
        By position; empty if the body is not a UNION by position.
    """
    if not outer or variant(body)[0] != "SetOperation" or not _is_union(body):
        return {}
    listed = [outputs(branch) for branch in _branches(body)]
    first = listed[0]
    if first is None or any(each is None or len(each) != len(first) for each in listed):
        return {}
    found: dict[int, Interval] = {}
    for name, interval in outer.items():
        positions = [at for at, output in enumerate(first) if output.name == name]
        if len(positions) == 1 and all(
            variant(strip_parentheses(each[positions[0]].expression))[0]
            in ("Identifier", "CompoundIdentifier")
            for each in listed
            if each is not None
        ):
            found[positions[0]] = interval
    return found


def _is_union(body: Node) -> bool:
    """Return whether all set operations of a body are UNION by position."""
    kind, value = variant(body)
    if kind == "Query":
        return _is_union(value["body"]) if _is_body_only(value) else True
    if kind != "SetOperation":
        return True
    by_position = value["set_quantifier"] in ("None", "All", "Distinct")
    both = (value["left"], value["right"])
    return value["op"] == "Union" and by_position and all(map(_is_union, both))


def unions_same_star(body: Node) -> bool:
    """Return whether all branches of a UNION are ``SELECT *`` from the same view.

    Parameters
    ----------
    body : Node
        The body of a query.

    Returns
    -------
    bool
        False if a set operation is not UNION by position.
    """
    views = set()
    for branch in _branches(body):
        kind, select = variant(branch)
        if kind != "Select" or len(select["projection"]) != 1 or not has_plain_star(select):
            return False
        if len(select["from"]) != 1 or select["from"][0]["joins"]:
            return False
        kind, table = variant(select["from"][0]["relation"])
        if kind != "Table" or (table["alias"] is not None and table["alias"]["columns"]):
            return False
        views.add(repr(without_spans([table["name"], table["args"]])))
    return _is_union(body) and len(views) == 1


def intervals_by_name(branch: Node, passed: Mapping[int, Interval]) -> dict[str, Interval]:
    """Map intervals by position to the names of a branch's output columns.

    Parameters
    ----------
    branch : Node
        An operand of a set operation.
    passed : mapping of int to Interval
        By position.

    Returns
    -------
    dict of str to Interval
        By name.
    """
    if not passed:
        return {}
    found = outputs(next(iter(_branches(branch))))
    if found is None:
        return {}
    return {found[at].name: interval for at, interval in passed.items() if found[at].name}


def _branches(body: Node) -> Iterator[Node]:
    """Yield the operands of a chain of set operations, or `body` if it is something else."""
    kind, value = variant(body)
    if kind == "Query" and _is_body_only(value):
        yield from _branches(value["body"])
    elif kind == "SetOperation":
        yield from _branches(value["left"])
        yield from _branches(value["right"])
    else:
        yield body


def _is_body_only(query: Node) -> bool:
    """Return whether a query in parentheses has no clauses beside its body."""
    return not any(query[part] for part in ("with", "limit_clause", "fetch"))
