"""What a query gives out under which name, and which column of a view that is.

So that what the outer query asks of a column reaches the scans inside.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from micromegas_dbapi.ranges.inference.predicates import Interval, Resolve, Rounded, rounded
from micromegas_dbapi.ranges.inference.syntax_tree import Node, bare, name_of, unnested, variant
from micromegas_dbapi.sql.engine_functions import ROW_BY_ROW

__all__ = [
    "Output",
    "branches",
    "by_name",
    "by_position",
    "group_keys",
    "is_key",
    "keeps_rows_apart",
    "outputs",
    "passed_through",
    "plain_star",
    "same_star",
]


class Output(NamedTuple):
    """A column that a SELECT gives out.

    Attributes
    ----------
    name : str
        Empty where it has none that is spelt out.
    expression : Node
    """

    name: str
    expression: Node


def branches(body: Node) -> Iterable[Node]:
    """List the SELECTs, VALUES and queries that a set operation puts together."""
    kind, value = variant(body)
    if kind == "Query" and _bare(value):
        yield from branches(value["body"])
    elif kind == "SetOperation":
        yield from branches(value["left"])
        yield from branches(value["right"])
    else:
        yield body


def _bare(query: Node) -> bool:
    """Tell whether a query in parentheses is no more than its body."""
    return not any(query[part] for part in ("with", "limit_clause", "fetch"))


def outputs(body: Node) -> list[Output] | None:
    """List what a SELECT gives out, or None where some are not spelt out."""
    kind, select = variant(body)
    if kind != "Select":
        return None
    found = []
    for item in select["projection"]:
        kind, value = variant(item)
        if kind == "ExprWithAlias":
            found.append(Output(name_of(value["alias"]), value["expr"]))
        elif kind == "UnnamedExpr":
            found.append(Output(_own_name(value), value))
        else:
            return None
    return found


def _own_name(expression: Node) -> str:
    kind, value = variant(unnested(expression))
    if kind == "Identifier":
        return name_of(value)
    return name_of(value[-1]) if kind == "CompoundIdentifier" else ""


def plain_star(select: Node) -> bool:
    """Tell whether there is one ``*`` among the columns, with nothing taken out or put in."""
    stars = [variant(item) for item in select["projection"]]
    stars = [(kind, value) for kind, value in stars if kind.endswith("Wildcard")]
    if len(stars) != 1 or stars[0][0] != "Wildcard":
        return False
    return not any(value for name, value in stars[0][1].items() if name.startswith("opt_"))


def by_position(body: Node, outer: Mapping[str, Interval]) -> dict[int, Interval]:
    """Turn what is asked of columns by name into positions, which is how branches meet.

    Only of positions where every branch has a plain column: another expression could be of a type
    that the engine rounds the others to.
    """
    if not outer or variant(body)[0] != "SetOperation" or not _is_union(body):
        return {}
    listed = [outputs(branch) for branch in branches(body)]
    first = listed[0]
    if first is None or any(each is None or len(each) != len(first) for each in listed):
        return {}
    found: dict[int, Interval] = {}
    for name, lies in outer.items():
        places = [at for at, output in enumerate(first) if output.name == name]
        if len(places) == 1 and all(
            variant(unnested(each[places[0]].expression))[0] in ("Identifier", "CompoundIdentifier")
            for each in listed
            if each is not None
        ):
            found[places[0]] = lies
    return found


def _is_union(body: Node) -> bool:
    """Tell whether all operations of a tree are UNION, by position."""
    kind, value = variant(body)
    if kind == "Query":
        return _is_union(value["body"]) if _bare(value) else True
    if kind != "SetOperation":
        return True
    by_place = value["set_quantifier"] in ("None", "All", "Distinct")
    both = (value["left"], value["right"])
    return value["op"] == "Union" and by_place and all(map(_is_union, both))


def same_star(body: Node) -> bool:
    """Tell whether all branches of a UNION are ``SELECT *`` of one and the same view."""
    views = set()
    for branch in branches(body):
        kind, select = variant(branch)
        if kind != "Select" or len(select["projection"]) != 1 or not plain_star(select):
            return False
        if len(select["from"]) != 1 or select["from"][0]["joins"]:
            return False
        kind, table = variant(select["from"][0]["relation"])
        if kind != "Table" or (table["alias"] is not None and table["alias"]["columns"]):
            return False
        views.add(repr(bare([table["name"], table["args"]])))
    return _is_union(body) and len(views) == 1


def by_name(branch: Node, passed: Mapping[int, Interval]) -> dict[str, Interval]:
    """Turn positions into the names that they have in a branch."""
    if not passed:
        return {}
    found = outputs(next(iter(branches(branch))))
    if found is None:
        return {}
    return {found[at].name: lies for at, lies in passed.items() if found[at].name}


# -- what may be dropped before as well as behind ------------------------------------------------


def keeps_rows_apart(select: Node) -> bool:
    """Tell whether rows could as well be dropped before a SELECT without GROUP BY as behind it."""
    if select["having"] is not None or not _without_windows(select):
        return False
    return _groups(select) == [] and not _has_call(select["projection"], _is_aggregate)


def group_keys(select: Node) -> list[Node] | None:
    """List the keys by which a SELECT groups, each group's rows as a whole; None if it does not."""
    keys = _groups(select)
    return keys if keys and _without_windows(select) else None


def _groups(select: Node) -> list[Node] | None:
    kind, value = variant(select["group_by"])
    return value[0] if kind == "Expressions" and not value[1] else None


def _without_windows(select: Node) -> bool:
    """Tell whether no row of the SELECT depends on others that it gives out."""
    distinct = select["distinct"]
    if distinct is not None and variant(distinct)[0] not in ("Distinct", "All"):
        return False  # DISTINCT ON
    if select["qualify"] is not None or select["named_window"]:
        return False
    return not _has_call(select["projection"], _is_window)


def _has_call(nodes: Node, test: object) -> bool:
    assert callable(test)
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
    """Tell whether a call may make one row of many: also of functions that are not known."""
    last = variant(function["name"][-1])[1]
    name = name_of(last) if isinstance(last, dict) and "value" in last else ""
    marked = function["filter"] is not None or bool(function["within_group"])
    return marked or name not in ROW_BY_ROW


# -- which column it is --------------------------------------------------------------------------


def passed_through(
    select: Node, name: str, only_source: str | None, resolve: Resolve
) -> Rounded | None:
    """Find the column that a SELECT gives out under a name, unchanged or rounded down.

    Parameters
    ----------
    select : Node
    name : str
    only_source : str or None
        The name of its source, where there is one only.
    resolve : Resolve
    """
    found = outputs({"Select": select})
    if found is not None:
        named = [output.expression for output in found if output.name == name]
        passed = rounded(named[0], resolve) if len(named) == 1 else None
        return None if passed is None or passed.to_date else passed
    if only_source is None or not plain_star(select):
        return None
    spelt = [_spelt(item) for item in select["projection"]]
    return None if name in spelt else Rounded((only_source, name), 0, False)


def _spelt(item: Node) -> str:
    kind, value = variant(item)
    if kind == "ExprWithAlias":
        return name_of(value["alias"])
    return _own_name(value) if kind == "UnnamedExpr" else ""


def is_key(select: Node, name: str, keys: list[Node], column: Rounded, resolve: Resolve) -> bool:
    """Tell whether an output is the same in all rows of a group.

    It is where a key is the output itself, by its place, its alias or its text, or the column
    that it is rounded of. (An alias that is a column's name, too, means either; both will do.)
    """
    found = outputs({"Select": select})
    if found is None:
        return False
    for key in keys:
        kind, value = variant(unnested(key))
        if kind == "Value":
            kind, number = variant(value["value"])
            at = int(number[0]) if kind == "Number" and number[0].isdigit() else 0
            if 0 < at <= len(found) and found[at - 1].name == name:
                return True
        elif kind == "Identifier" and name_of(value) == name:
            return True
        passed = rounded(key, resolve) if kind != "Value" else None
        if passed is not None and (passed == column or passed == column._replace(width=0)):
            return True
    return False
