"""Bind parameters into a statement, client-side.

No protocol of the services has parameters, so each value is inserted as a SQL literal. Driver and
dialect share the renderer, `micromegas_dbapi.sql.literals`. Where query engines read a text in
different ways (`Statement.disputed`), it is rejected if that decides where the placeholders are.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

from micromegas_dbapi.errors import ProgrammingError
from micromegas_dbapi.sql.in_lists import in_list
from micromegas_dbapi.sql.lexer import IGNORED, Token
from micromegas_dbapi.sql.literals import literal
from micromegas_dbapi.sql.statement import Statement

__all__ = ["Parameters", "bind"]

Parameters: TypeAlias = Sequence[Any] | Mapping[str, Any] | None


def bind(statement: Statement, parameters: Parameters = None) -> Statement:
    """Render parameters into a statement.

    Parameters
    ----------
    statement : Statement
        With ``?`` placeholders for a sequence of parameters, or ``:name`` placeholders for a
        mapping. Strings, quoted identifiers and comments have no placeholders. Neither has a
        ``::`` cast, nor a colon directly behind a word, quote or bracket (slices, struct fields).
    parameters : sequence, mapping or None
        None returns `statement` itself. A list, tuple, set, range, array or Series as a value is
        an ``IN`` list: ``level IN ?``, or ``level IN (?)``. With an empty one, IN is false and
        NOT IN is true.

    Returns
    -------
    Statement
        The statement to send. Its tokens are found in its own text, because checks of what is
        sent should not depend on how values were inserted.

    Raises
    ------
    ProgrammingError
        If there are too few or too many parameters, a name is unknown or unused, a value has a
        type that is not accepted (the error names its position and type), or the statement has a
        string, identifier or comment without an end, or placeholders that only some query engines
        see.
    DataError
        If a value has an accepted type but SQL cannot express it.
    """
    if parameters is None:
        return statement
    named = isinstance(parameters, Mapping)
    if isinstance(parameters, (str, bytes, bytearray)) or not (
        named or isinstance(parameters, Sequence)
    ):
        raise ProgrammingError(
            f"parameters are of type {type(parameters).__name__}; accepted: a sequence for ? "
            "placeholders, a mapping for :name placeholders"
        )
    parts, *other_readings = statement.readings
    if _is_open(parts):
        raise ProgrammingError(
            "the statement has a string, identifier or comment without an end; it begins at "
            f"character {parts[-1].start + 1}"
        )
    # The text of a value could end what is open to only one of the engines.
    if any(
        _placeholders(reading) != _placeholders(parts) or _is_open(reading)
        for reading in other_readings
    ):
        raise ProgrammingError(
            f"the statement has {statement.disputed}: which placeholders it has depends on the "
            "query engine"
        )
    if named:
        return _bind_named(statement, parameters)  # type: ignore[arg-type]
    return _bind_positional(statement, parameters)  # type: ignore[arg-type]


def _placeholders(parts: Sequence[Token]) -> list[Token]:
    return [part for part in parts if part.kind in ("mark", "name")]


def _is_open(parts: Sequence[Token]) -> bool:
    return bool(parts) and parts[-1].kind == "open"


def _bind_positional(statement: Statement, values: Sequence[Any]) -> Statement:
    parts = statement.tokens
    positions = [i for i, part in enumerate(parts) if part.kind == "mark"]
    if len(positions) != len(values):
        has_names = any(part.kind == "name" for part in parts)
        raise ProgrammingError(
            f"the statement has {_count(len(positions), '? placeholder')}, but "
            f"{_count(len(values), 'parameter')} {'was' if len(values) == 1 else 'were'} given"
            f"{'; pass a mapping for :name placeholders' if has_names else ''}"
            f"{_percent_hint(statement)}"
        )
    return _replace(
        statement,
        {
            i: (f"parameter {number}", value)
            for number, (i, value) in enumerate(zip(positions, values, strict=True), 1)
        },
    )


def _bind_named(statement: Statement, values: Mapping[str, Any]) -> Statement:
    sql, parts = statement.text, statement.tokens
    if any(part.kind == "mark" for part in parts):
        raise ProgrammingError(
            "the statement has ? placeholders, but the parameters are a mapping; pass a sequence, "
            "or write :name placeholders"
        )
    names = {i: sql[p.start + 1 : p.end] for i, p in enumerate(parts) if p.kind == "name"}
    if unknown := sorted({name for name in names.values() if name not in values}):
        raise ProgrammingError(
            f"no value was given for :{', :'.join(unknown)}; given: {_listed(values)}. (If a colon "
            "does not begin a placeholder, put a space behind it.)"
        )
    if unused := [name for name in values if name not in names.values()]:
        raise ProgrammingError(
            f"the statement has no placeholder for {_listed(unused)}; it has: "
            f"{_listed(dict.fromkeys(names.values()))}{_percent_hint(statement)}"
        )
    return _replace(
        statement, {i: (f"parameter :{name}", values[name]) for i, name in names.items()}
    )


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _listed(names: Iterable[object]) -> str:
    return ", ".join(map(str, names)) or "none"


# The placeholders of other drivers' paramstyles, format and pyformat.
_PERCENT = re.compile(r"%(?:\(\w+\))?s\b")


def _percent_hint(statement: Statement) -> str:
    """Return a hint if a statement has ``%s`` or ``%(name)s`` outside strings and comments."""
    code = "".join(
        statement.text_of(p) if p.kind in ("word", "other") else " " for p in statement.tokens
    )
    found = _PERCENT.search(code)
    if found is None:
        return ""
    return f". {found[0]} is not a placeholder: the paramstyle is qmark (?) or named (:name)"


# A literal must not run into its neighbours: E? is not an escape string, LIMIT? not an identifier.
_STICKS = re.compile(r"[\w'\"`$@#.?:&-]|[^\x00-\x7f\s]")


def _replace(statement: Statement, values: dict[int, tuple[str, Any]]) -> Statement:
    sql, parts = statement.text, statement.tokens
    out: list[str] = []
    behind: dict[int, str] = {}
    for i, part in enumerate(parts):
        text = sql[part.start : part.end]
        if i in values:
            where, value = values[i]
            items = in_list(value)
            condition = None if items is None else _in_condition(sql, parts, i)
            if items is None or condition is None:
                text = literal(value, where)
            elif items:
                text = literal(items, where)
                text = text if condition.closing is None else text[1:-1]
            else:
                text = "(NULL)" if condition.closing is None else "NULL"
                negated = " IS NOT FALSE" if condition.negated else " IS TRUE"
                behind[i if condition.closing is None else condition.closing] = negated
            if part.start and _STICKS.match(sql[part.start - 1]):
                text = " " + text
        if i in values or i in behind:
            text += behind.get(i, "")
            if not sql.startswith("::", part.end) and _STICKS.match(sql, part.end):
                text += " "
        out.append(text)
    return Statement("".join(out))


class _InCondition(NamedTuple):
    """An IN whose list is one placeholder: the index of its closing bracket, if it has brackets."""

    closing: int | None
    negated: bool


def _in_condition(sql: str, parts: Sequence[Token], i: int) -> _InCondition | None:
    """Return the condition that a placeholder is the list of: ``IN ?`` or ``IN (?)``."""
    before = [sql[p.start : p.end].upper() for p in parts[:i] if p.kind not in IGNORED][-3:]
    closing = None
    if before[-1:] == ["("]:
        del before[-1]
        rest = range(i + 1, len(parts))
        closing = next((j for j in rest if parts[j].kind not in IGNORED), None)
        if closing is None or sql[parts[closing].start : parts[closing].end] != ")":
            return None
    return _InCondition(closing, before[-2:-1] == ["NOT"]) if before[-1:] == ["IN"] else None
