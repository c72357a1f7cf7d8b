"""Map the output columns of a query to the columns of its sources.

This lets conditions of an outer query reach the scans inside (predicate pushdown).
"""

from __future__ import annotations

from typing import NamedTuple

from micromegas_dbapi.ranges.inference.predicates import Resolve, RoundedColumn, rounded_column
from micromegas_dbapi.ranges.inference.syntax_tree import (
    Node,
    integer_literal,
    name_of,
    strip_parentheses,
    variant,
)

__all__ = ["Output", "has_plain_star", "is_group_key", "output_column", "outputs"]


class Output(NamedTuple):
    """An output column of a SELECT.

    Attributes
    ----------
    name : str
        Empty if the column has no explicit name.
    expression : Node
        The value of the column.
    """

    name: str
    expression: Node


def outputs(body: Node) -> list[Output] | None:
    """List the output columns of a SELECT.

    Parameters
    ----------
    body : Node
        The body of a query.

    Returns
    -------
    list of Output or None
        None if it is not a SELECT, or if it has a star.
    """
    kind, select = variant(body)
    if kind != "Select":
        return None
    found = []
    for item in select["projection"]:
        kind, value = variant(item)
        if kind == "ExprWithAlias":
            found.append(Output(name_of(value["alias"]), value["expr"]))
        elif kind == "UnnamedExpr":
            found.append(Output(_default_name(value), value))
        else:
            return None
    return found


def _default_name(expression: Node) -> str:
    kind, value = variant(strip_parentheses(expression))
    if kind == "Identifier":
        return name_of(value)
    return name_of(value[-1]) if kind == "CompoundIdentifier" else ""


def has_plain_star(select: Node) -> bool:
    """Return whether a SELECT has exactly one ``*``, without EXCEPT, REPLACE or the like.

    Parameters
    ----------
    select : Node
        A SELECT.

    Returns
    -------
    bool
        False also if it has a qualified star.
    """
    stars = [variant(item) for item in select["projection"]]
    stars = [(kind, value) for kind, value in stars if kind.endswith("Wildcard")]
    if len(stars) != 1 or stars[0][0] != "Wildcard":
        return False
    return not any(value for name, value in stars[0][1].items() if name.startswith("opt_"))


def output_column(
    select: Node, name: str, only_source: str | None, resolve: Resolve
) -> RoundedColumn | None:
    """Find the column that an output column of a SELECT passes on, unchanged or rounded down.

    Parameters
    ----------
    select : Node
        A SELECT.
    name : str
        The name of the output column.
    only_source : str or None
        The name of the SELECT's source, if it has exactly one.
    resolve : Resolve
        Finds the source of a column.

    Returns
    -------
    RoundedColumn or None
        None if the output column is something else, or if there is not exactly one of this name.
    """
    found = outputs({"Select": select})
    if found is not None:
        named = [output.expression for output in found if output.name == name]
        passed = rounded_column(named[0], resolve) if len(named) == 1 else None
        return None if passed is None or passed.to_date else passed
    if only_source is None or not has_plain_star(select):
        return None
    explicit = [_explicit_name(item) for item in select["projection"]]
    return None if name in explicit else RoundedColumn((only_source, name), 0, False)


def _explicit_name(item: Node) -> str:
    kind, value = variant(item)
    if kind == "ExprWithAlias":
        return name_of(value["alias"])
    return _default_name(value) if kind == "UnnamedExpr" else ""


def is_group_key(
    select: Node, name: str, keys: list[Node], column: RoundedColumn, resolve: Resolve
) -> bool:
    """Return whether an output column has the same value in all rows of a group.

    It has if a key is the output column itself (by position, alias or expression), or the column
    that it rounds. (A key may be an alias and the name of a column; either is fine.)

    Parameters
    ----------
    select : Node
        A SELECT.
    name : str
        The name of the output column.
    keys : list of Node
        The keys of GROUP BY.
    column : RoundedColumn
        The column that the output column passes on.
    resolve : Resolve
        Finds the source of a column.

    Returns
    -------
    bool
        False if it is not certain.
    """
    found = outputs({"Select": select})
    if found is None:
        return False
    for key in keys:
        kind, value = variant(strip_parentheses(key))
        if kind == "Value":
            at = integer_literal(key) or 0
            if 0 < at <= len(found) and found[at - 1].name == name:
                return True
        elif kind == "Identifier" and name_of(value) == name:
            return True
        passed = rounded_column(key, resolve) if kind != "Value" else None
        if passed is not None and (passed == column or passed == column._replace(width=0)):
            return True
    return False
