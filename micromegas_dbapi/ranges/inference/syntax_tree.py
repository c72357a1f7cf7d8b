"""The tree of a statement as the engine's own parser gives it, read part by part.

sqloxide hands over what sqlparser-rs, DataFusion's parser, makes of a text: maps, lists, tuples and
texts in the shape of its Rust types. An enum is a text, or a map with one key. Whoever reads a node
names the parts that are understood: a node with any other part is refused, so that a construct, or
a release, that nobody thought of leads to no range instead of a wrong one.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeAlias

__all__ = [
    "Node",
    "UnprovableError",
    "argument_list",
    "bare",
    "call",
    "fold",
    "name_of",
    "names_of",
    "only",
    "queries_within",
    "text_of",
    "unnested",
    "variant",
]

#: A part of the tree.
Node: TypeAlias = Any

# Places in the text, and the words themselves.
_SILENT = frozenset(("span", "select_token", "with_token", "closing_paren_token", "wildcard_token"))


class UnprovableError(Exception):
    """The statement holds something whose rows are not followed; the text says what."""


def variant(node: Node) -> tuple[str, Node]:
    """Give the name of an enum's variant, and what it holds."""
    if isinstance(node, str):
        return node, None
    if isinstance(node, dict) and len(node) == 1:
        [(name, held)] = node.items()
        return name, held
    raise UnprovableError(f"a part of the kind {type(node).__name__} is not understood")


def only(what: str, node: Node, *parts: str) -> None:
    """Refuse a node that has parts other than these.

    Parameters
    ----------
    what : str
        How to call it, for people.
    node : dict
    *parts : str
    """
    strange = [
        name
        for name, value in node.items()
        if name not in parts and name not in _SILENT and not _absent(value)
    ]
    if strange:
        words = ", ".join(sorted(name.strip("_").upper() for name in strange))
        raise UnprovableError(f"{what} with {words} is not understood")


def _absent(value: Node) -> bool:
    return value is None or value is False or value in ("None", [], {})


def bare(node: Node) -> Node:
    """Give a node without its places in the text, so that it can be compared."""
    if isinstance(node, dict):
        return {name: bare(value) for name, value in node.items() if name != "span"}
    return [bare(each) for each in node] if isinstance(node, (list, tuple)) else node


def fold(name: str) -> str:
    """Fold a name that is not quoted: ASCII letters only, as the engine does."""
    return "".join(chr(ord(sign) + 32) if "A" <= sign <= "Z" else sign for sign in name)


def name_of(identifier: Node) -> str:
    """Give the name that an identifier means."""
    only("a name", identifier, "value", "quote_style")
    value: str = identifier["value"]
    return value if identifier["quote_style"] else fold(value)


def names_of(object_name: Node) -> list[str]:
    """Give the parts of a name with dots."""
    found = []
    for part in object_name:
        kind, identifier = variant(part)
        if kind != "Identifier":
            raise UnprovableError(f"a name that is a {kind} is not understood")
        found.append(name_of(identifier))
    return found


def unnested(expression: Node) -> Node:
    """Take an expression out of its parentheses."""
    while isinstance(expression, dict) and "Nested" in expression and len(expression) == 1:
        expression = expression["Nested"]
    return expression


def text_of(expression: Node) -> str | None:
    """Give a plain text in single quotes; None of all else."""
    kind, value = variant(unnested(expression))
    if kind != "Value":
        return None
    kind, text = variant(value["value"])
    return text if kind == "SingleQuotedString" else None


def call(expression: Node) -> tuple[str, list[Node]] | None:
    """Give the name and the arguments of a plain call of a function.

    Returns
    -------
    (str, list) or None
        None for what is none, and for one with FILTER, OVER, named arguments or the like.
    """
    kind, node = variant(expression)
    if kind != "Function":
        return None
    try:
        only("a call", node, "name", "args", "parameters")
        names, arguments = names_of(node["name"]), argument_list(node["args"])
    except UnprovableError:
        return None
    return None if len(names) != 1 or arguments is None else (names[0], arguments)


def argument_list(arguments: Node) -> list[Node] | None:
    """Give plain arguments; None where they are others."""
    kind, listed = variant(arguments)
    if kind == "None":
        return []
    if kind != "List":
        return None
    only("arguments", listed, "args")
    found = []
    for each in listed["args"]:
        kind, value = variant(each)
        if kind != "Unnamed":
            return None
        kind, value = variant(value)
        if kind != "Expr":
            return None
        found.append(value)
    return found


def queries_within(nodes: Node) -> Iterator[Node]:
    """Find the queries anywhere inside of expressions, but not those inside of these queries."""
    stack = [nodes]
    while stack:
        node = stack.pop()
        if isinstance(node, dict):
            if "body" in node and "limit_clause" in node:
                yield node
            else:
                stack.extend(node.values())
        elif isinstance(node, (list, tuple)):
            stack.extend(node)
        elif node is not None and not isinstance(node, (str, int, float)):
            raise UnprovableError(f"a part of the kind {type(node).__name__} is not understood")
