"""Decide whether rows may be filtered before a SELECT instead of behind it."""

from __future__ import annotations

from collections.abc import Callable

from micromegas_dbapi.ranges.inference.syntax_tree import Node, name_of, variant
from micromegas_dbapi.sql.engine_functions import ROW_BY_ROW

__all__ = ["allows_pushdown", "group_keys"]


def allows_pushdown(select: Node) -> bool:
    """Return whether a SELECT without GROUP BY may filter its rows before it computes them.

    Parameters
    ----------
    select : Node
        A SELECT.

    Returns
    -------
    bool
        False if an output row depends on several input rows.
    """
    if select["having"] is not None or not _without_windows(select):
        return False
    return _group_expressions(select) == [] and not _has_call(select["projection"], _is_aggregate)


def group_keys(select: Node) -> list[Node] | None:
    """Return the keys of GROUP BY, if conditions on them may filter whole groups beforehand.

    Parameters
    ----------
    select : Node
        A SELECT.

    Returns
    -------
    list of Node or None
        None if there is no GROUP BY, or if output rows depend on each other.
    """
    keys = _group_expressions(select)
    return keys if keys and _without_windows(select) else None


def _group_expressions(select: Node) -> list[Node] | None:
    kind, value = variant(select["group_by"])
    return value[0] if kind == "Expressions" and not value[1] else None


def _without_windows(select: Node) -> bool:
    """Return whether no output row of a SELECT depends on other output rows."""
    distinct = select["distinct"]
    if distinct is not None and variant(distinct)[0] not in ("Distinct", "All"):
        return False  # DISTINCT ON
    if select["qualify"] is not None or select["named_window"]:
        return False
    return not _has_call(select["projection"], _is_window)


def _has_call(nodes: Node, test: Callable[[Node], bool]) -> bool:
    stack = [nodes]
    while stack:
        node = stack.pop()
        if isinstance(node, dict):
            if "Function" in node and isinstance(node["Function"], dict) and test(node["Function"]):
                return True
            stack.extend(node.values())
        elif isinstance(node, (list, tuple)):
            stack.extend(node)
    return False


def _is_window(function: Node) -> bool:
    return function["over"] is not None


def _is_aggregate(function: Node) -> bool:
    """Return whether a call may be an aggregate. Unknown functions may."""
    last = variant(function["name"][-1])[1]
    name = name_of(last) if isinstance(last, dict) and "value" in last else ""
    marked = function["filter"] is not None or bool(function["within_group"])
    return marked or name not in ROW_BY_ROW
