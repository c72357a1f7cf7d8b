"""Read the syntax tree of a statement, as DataFusion's own parser creates it.

sqloxide returns the tree of that parser, sqlparser-rs, as dicts, lists, tuples and strings in the
shape of its Rust types. An enum is a string, or a dict with one key. Code that reads a node names
the parts that it understands, and a node with any other part is refused. So an unexpected
construct, or a new release of the parser, leads to no range instead of a wrong one.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeAlias

__all__ = [
    "Node",
    "UnprovableError",
    "argument_list",
    "expect_only",
    "fold_case",
    "function_call",
    "integer_literal",
    "name_of",
    "names_of",
    "string_literal",
    "strip_parentheses",
    "subqueries",
    "variant",
    "without_spans",
]

#: A part of the tree.
Node: TypeAlias = Any

# Parts without a meaning: positions in the text, and keyword tokens.
_SILENT = frozenset(("span", "select_token", "with_token", "closing_paren_token", "wildcard_token"))


class UnprovableError(Exception):
    """Raised for a construct that inference does not understand; the message names it."""


def variant(node: Node) -> tuple[str, Node]:
    """Return the name of an enum's variant, and its content.

    Parameters
    ----------
    node : Node
        An enum.

    Returns
    -------
    name : str
        The name of the variant.
    content : Node
        None if the variant has no content.

    Raises
    ------
    UnprovableError
        If the node is not an enum.
    """
    if isinstance(node, str):
        return node, None
    if isinstance(node, dict) and len(node) == 1:
        [(name, content)] = node.items()
        return name, content
    raise UnprovableError(f"a syntax node of the type {type(node).__name__} is not understood")


def expect_only(what: str, node: Node, *parts: str) -> None:
    """Refuse a node that has other parts than these.

    Parameters
    ----------
    what : str
        The name of the construct in the error message.
    node : dict
        A struct of the tree.
    *parts : str
        The parts that the caller understands.

    Raises
    ------
    UnprovableError
        If another part is present.
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


def without_spans(node: Node) -> Node:
    """Remove the positions in the text from a node, so that nodes can be compared.

    Parameters
    ----------
    node : Node
        Any part of a tree.

    Returns
    -------
    Node
        A copy.
    """
    if isinstance(node, dict):
        return {name: without_spans(value) for name, value in node.items() if name != "span"}
    return [without_spans(each) for each in node] if isinstance(node, (list, tuple)) else node


def fold_case(name: str) -> str:
    """Convert an unquoted name to lower case: ASCII letters only, as the engine does.

    Parameters
    ----------
    name : str
        An unquoted name.

    Returns
    -------
    str
        The name in lower case.
    """
    return "".join(chr(ord(char) + 32) if "A" <= char <= "Z" else char for char in name)


def name_of(identifier: Node) -> str:
    """Return the name that an identifier refers to.

    Parameters
    ----------
    identifier : Node
        Quoted or not.

    Returns
    -------
    str
        In lower case if the identifier is not quoted.

    Raises
    ------
    UnprovableError
        If the identifier has parts that are not understood.
    """
    expect_only("a name", identifier, "value", "quote_style")
    value: str = identifier["value"]
    return value if identifier["quote_style"] else fold_case(value)


def names_of(object_name: Node) -> list[str]:
    """Return the parts of a name with dots.

    Parameters
    ----------
    object_name : list of Node
        The name of a table or a function.

    Returns
    -------
    list of str
        One name or several.

    Raises
    ------
    UnprovableError
        If a part is not an identifier.
    """
    found = []
    for part in object_name:
        kind, identifier = variant(part)
        if kind != "Identifier":
            raise UnprovableError(f"a name with a {kind} is not understood")
        found.append(name_of(identifier))
    return found


def strip_parentheses(expression: Node) -> Node:
    """Remove the parentheses around an expression.

    Parameters
    ----------
    expression : Node
        Any expression.

    Returns
    -------
    Node
        The expression inside.
    """
    while isinstance(expression, dict) and "Nested" in expression and len(expression) == 1:
        expression = expression["Nested"]
    return expression


def string_literal(expression: Node) -> str | None:
    """Return the value of a string literal in single quotes.

    Parameters
    ----------
    expression : Node
        Any expression.

    Returns
    -------
    str or None
        None if the expression is something else.
    """
    kind, value = variant(strip_parentheses(expression))
    if kind != "Value":
        return None
    kind, text = variant(value["value"])
    return text if kind == "SingleQuotedString" else None


def integer_literal(expression: Node) -> int | None:
    """Return the value of an unsigned integer literal; None for any other expression.

    Parameters
    ----------
    expression : Node
        Any expression.

    Returns
    -------
    int or None
        The value.
    """
    kind, value = variant(strip_parentheses(expression))
    kind, number = variant(value["value"]) if kind == "Value" else ("", ("", False))
    return int(number[0]) if kind == "Number" and number[0].isdigit() else None


def function_call(expression: Node) -> tuple[str, list[Node]] | None:
    """Return the name and the arguments of a plain function call.

    Parameters
    ----------
    expression : Node
        Any expression.

    Returns
    -------
    (str, list) or None
        None if it is not a call, or one with FILTER, OVER, named arguments or the like.
    """
    kind, node = variant(expression)
    if kind != "Function":
        return None
    try:
        expect_only("a call", node, "name", "args", "parameters")
        names, arguments = names_of(node["name"]), argument_list(node["args"])
    except UnprovableError:
        return None
    return None if len(names) != 1 or arguments is None else (names[0], arguments)


def argument_list(arguments: Node) -> list[Node] | None:
    """Return the arguments of a call, if all of them are plain expressions.

    Parameters
    ----------
    arguments : Node
        The argument list of a function.

    Returns
    -------
    list of Node or None
        None if one of them is not a plain expression.

    Raises
    ------
    UnprovableError
        If the list has clauses such as ORDER BY.
    """
    kind, listed = variant(arguments)
    if kind == "None":
        return []
    if kind != "List":
        return None
    expect_only("arguments", listed, "args")
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


def subqueries(nodes: Node) -> Iterator[Node]:
    """Find the queries inside expressions, but not those inside these queries.

    Parameters
    ----------
    nodes : Node
        Parts of a tree.

    Yields
    ------
    Node
        A query.

    Raises
    ------
    UnprovableError
        If a node has an unexpected type.
    """
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
            raise UnprovableError(
                f"a syntax node of the type {type(node).__name__} is not understood"
            )
