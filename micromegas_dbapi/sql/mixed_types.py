"""Find branches of CASE and of set operations that evidently have different types.

A 0.30 service casts the values of a CASE to the type of its first branch, and those of UNION,
EXCEPT and INTERSECT to the types of the first query: 1.5 arrives as 1 if an integer came first.
Older services return the values that SQL defines, or fail. Only literals and known columns are
checked, not expressions or columns of an unknown type.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from functools import cache
from typing import Literal, TypeAlias

import pyarrow as pa

from micromegas_dbapi.errors import DataError, MixedTypesWarning
from micromegas_dbapi.service.catalog import INSTANCE_SCHEMAS, SCHEMAS
from micromegas_dbapi.sql.lexer import IGNORED, Token
from micromegas_dbapi.sql.statement import Statement
from micromegas_dbapi.stack_level import stacklevel

__all__ = ["Reaction", "mixed", "react"]

Reaction: TypeAlias = Literal["ignore", "warn", "error"]

_LOG = logging.getLogger("micromegas_dbapi")
_SETS = ("UNION", "EXCEPT", "INTERSECT", "MINUS")
_QUALIFIERS = ("ALL", "DISTINCT", "BY", "NAME")
_BEHIND_LIST = frozenset(
    (
        *("FROM", "WHERE", "GROUP", "HAVING", "QUALIFY", "WINDOW", "ORDER", "LIMIT", "OFFSET"),
        "FETCH",
    )
)

# The kinds of values that are told apart, as error messages name them.
_INT32, _INT64, _HUGE = "a 32-bit integer", "an integer", "an integer beyond 32 bits"
_FLOAT, _STRING, _BOOLEAN = "a floating-point number", "a string", "a boolean"
_TIME, _DATE, _NULL = "a timestamp", "a date", "NULL"
# The kind of the first branch, and the kinds whose values a cast to it keeps.
_HOLDS = {
    _INT32: (_INT32, _INT64),
    _INT64: (_INT32, _INT64, _HUGE),
    _HUGE: (_INT32, _INT64, _HUGE),
    _FLOAT: (_INT32, _INT64, _FLOAT),
    _STRING: (_INT32, _INT64, _HUGE, _FLOAT, _STRING, _BOOLEAN),
    _BOOLEAN: (_BOOLEAN,),
    _TIME: (_TIME, _DATE),
    _DATE: (_DATE,),
}

#: A token (kind, text), or the items between two brackets.
_Item: TypeAlias = tuple[str, str] | list["_Item"]


def react(statement: Statement, reaction: Reaction, query_id: str) -> None:
    """Log mixed types in a statement, warn of them, or raise an error.

    Parameters
    ----------
    statement : Statement
        The statement to send.
    reaction : {"ignore", "warn", "error"}
        "ignore" logs them at level DEBUG.
    query_id : str
        Shown in the log and in the error.

    Raises
    ------
    DataError
        If there are mixed types and `reaction` is "error".
    """
    if reaction == "ignore" and not _LOG.isEnabledFor(logging.DEBUG):
        return
    for found in mixed(statement):
        message = f"{found}: services cast the second type to the first one; CAST the first"
        if reaction == "error":
            raise DataError(message, sql=statement.text, query_id=query_id, retryable=False)
        if reaction == "warn":
            warnings.warn(message, MixedTypesWarning, stacklevel=stacklevel())
        else:
            _LOG.debug("query %s: %s", query_id, message)


def mixed(statement: Statement) -> list[str]:
    """Describe the places where a value would be lost in a cast to the first branch's type.

    Parameters
    ----------
    statement : Statement
        One or several statements.

    Returns
    -------
    list of str
        A clause each, for error messages.

    Examples
    --------
    >>> mixed(Statement("SELECT CASE WHEN level = 4 THEN 1 ELSE 0.5 END FROM log_entries"))
    ['a CASE has 1, an integer, first, and 0.5, a floating-point number, later']
    >>> mixed(Statement("SELECT level FROM log_entries UNION ALL SELECT 9"))
    []
    """
    upper = statement.text.upper()
    if "CASE" not in upper and not any(word in upper for word in _SETS):
        return []
    trees = [_tree(statement, parts) for parts in statement.readings]
    return list(dict.fromkeys(text for tree in trees for text in _mixed_in(tree)))


def _tree(statement: Statement, parts: tuple[Token, ...]) -> list[_Item]:
    opened: list[list[_Item]] = [[]]
    for part in parts:
        text = statement.text_of(part)
        if part.kind in IGNORED:
            continue
        if text == "(" and part.kind == "other":
            opened.append([])
            opened[-2].append(opened[-1])
        elif text == ")" and part.kind == "other" and len(opened) > 1:
            opened.pop()
        else:
            opened[-1].append((part.kind, text))
    return opened[0]


def _mixed_in(items: list[_Item]) -> Iterator[str]:
    yield from _mixed_cases(items)
    yield from _mixed_sets(items)
    for item in items:
        if isinstance(item, list):
            yield from _mixed_in(item)


def _word(item: _Item) -> str:
    return item[1].upper() if isinstance(item, tuple) and item[0] == "word" else ""


# -- CASE ----------------------------------------------------------------------------------------


def _mixed_cases(items: list[_Item]) -> Iterator[str]:
    cases: list[list[list[_Item]]] = []  # the branches of each open CASE
    in_branch: list[bool] = []
    for item in items:
        word = _word(item)
        if word == "CASE":
            cases.append([])
            in_branch.append(False)
        elif not cases:
            continue
        elif word in ("THEN", "ELSE"):
            cases[-1].append([])
            in_branch[-1] = True
        elif word == "WHEN":
            in_branch[-1] = False
        elif word == "END":
            yield from _differing("a CASE", cases.pop())
            in_branch.pop()
            if cases and in_branch[-1]:
                cases[-1][-1] += [item, item]  # an expression, whose kind is unknown
        elif in_branch[-1]:
            cases[-1][-1].append(item)


# -- set operations ------------------------------------------------------------------------------


def _mixed_sets(items: list[_Item]) -> Iterator[str]:
    queries: list[list[_Item]] = [[]]
    names: list[str] = []
    for item in items:
        if _word(item) in _SETS:
            names.append(_word(item))
            queries.append([])
        else:
            queries[-1].append(item)
    if not names:
        return
    columns = [_columns(query) for query in queries]
    if any(found is None for found in columns) or len({len(c or ()) for c in columns}) != 1:
        return
    for branches in zip(*(found or () for found in columns), strict=True):
        yield from _differing(f"{names[0]}", list(branches))


def _columns(query: list[_Item]) -> list[list[_Item]] | None:
    """Return the columns of a query, also of one in brackets; None if it has a star."""
    while query and _word(query[0]) in _QUALIFIERS:
        query = query[1:]
    words = [_word(item) for item in query]
    if query and isinstance(query[0], list) and (len(query) == 1 or words[1] in _BEHIND_LIST):
        return _columns(query[0])
    if "SELECT" not in words or any(word in _SETS for word in words):
        return None
    listed: list[list[_Item]] = [[]]
    depth = 0
    for item in query[words.index("SELECT") + 1 :]:
        word = _word(item)
        depth += (word == "CASE") - (word == "END")
        if word in _BEHIND_LIST and not depth:
            break
        if item == ("other", ",") and not depth:
            listed.append([])
        elif word not in ("DISTINCT", "ALL"):
            listed[-1].append(item)
    if any(("other", "*") in column for column in listed):
        return None
    return [_without_alias(column) for column in listed]


def _without_alias(column: list[_Item]) -> list[_Item]:
    words = [_word(item) for item in column]
    if "AS" in words:
        return column[: words.index("AS")]
    if len(column) > 1 and _is_name(column[-1]) and (_kind(column[:-1]) is not None):
        return column[:-1]
    return column


# -- kinds ---------------------------------------------------------------------------------------


def _differing(where: str, branches: list[list[_Item]]) -> Iterator[str]:
    known = [(branch, kind) for branch in branches if (kind := _kind(branch)) != _NULL]
    if not known or known[0][1] is None:
        return
    first, first_kind = known[0]
    for branch, kind in known[1:]:
        if kind is not None and first_kind is not None and kind not in _HOLDS[first_kind]:
            yield (
                f"{where} has {_shown(first)}, {first_kind}, first, and {_shown(branch)}, {kind}, "
                "later"
            )


def _shown(items: list[_Item]) -> str:
    text = " ".join(item[1] if isinstance(item, tuple) else "(..)" for item in items)
    return text if len(text) <= 40 else f"{text[:37]}..."


def _is_name(item: _Item) -> bool:
    return isinstance(item, tuple) and item[0] in ("word", "quoted")


def _kind(items: list[_Item]) -> str | None:
    """Return the kind of a literal or a known column; None for any other expression."""
    while len(items) == 1 and isinstance(items[0], list):
        items = items[0]
    texts = [item[1] if isinstance(item, tuple) else "" for item in items]
    kinds = [item[0] if isinstance(item, tuple) else "" for item in items]
    if len(items) == 2 and texts[0] in ("-", "+") and kinds[1] == "number":
        return _number_kind(texts[1])
    if len(items) == 2 and kinds[1] == "string":
        return {"TIMESTAMP": _TIME, "DATE": _DATE}.get(texts[0].upper())
    if len(items) == 3 and texts[1] == "." and _is_name(items[0]):
        items, texts, kinds = items[2:], texts[2:], kinds[2:]
    if len(items) != 1:
        return None
    if kinds[0] == "number":
        return _number_kind(texts[0])
    if kinds[0] == "string":
        return _STRING
    literal = {"NULL": _NULL, "TRUE": _BOOLEAN, "FALSE": _BOOLEAN}.get(texts[0].upper())
    if literal is not None and kinds[0] == "word":
        return literal
    name = texts[0].lower() if kinds[0] == "word" else texts[0][1:-1]
    return _column_kinds().get(name) if _is_name(items[0]) else None


def _number_kind(text: str) -> str:
    if not text.isdigit():
        return _FLOAT
    return _INT64 if int(text) < 2**31 else _HUGE


@cache
def _column_kinds() -> dict[str, str]:
    """Return the kinds of the columns that have the same kind in all views."""
    found: dict[str, set[str | None]] = {}
    for schema in (*SCHEMAS.values(), *INSTANCE_SCHEMAS.values()):
        for field in schema:
            found.setdefault(field.name, set()).add(_type_kind(field.type))
    unique = {name: kinds.pop() for name, kinds in found.items() if len(kinds) == 1}
    return {name: kind for name, kind in unique.items() if kind is not None}


def _type_kind(data_type: pa.DataType) -> str | None:
    if pa.types.is_dictionary(data_type):
        return _type_kind(data_type.value_type)
    if pa.types.is_integer(data_type):
        return _INT64 if data_type.bit_width > 32 else _INT32
    if pa.types.is_floating(data_type):
        return _FLOAT
    if pa.types.is_string(data_type):
        return _STRING
    if pa.types.is_timestamp(data_type):
        return _TIME
    return _BOOLEAN if pa.types.is_boolean(data_type) else None
