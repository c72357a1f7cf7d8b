"""SQL text and parameters -> the exact text that is sent.

Neither wire of the service has parameters, so values are rendered into the text here, by one
renderer that the dialect shares. Where the engines of services read a text in different ways
(`lexer.disputed`), it is refused if that decides where a value goes, or if either of them would
change something.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from micromegas_dbapi.errors import NotSupportedError, ProgrammingError
from micromegas_dbapi.sql.lexer import IGNORED, Token, disputed, readings, tokens
from micromegas_dbapi.sql.literals import literal

__all__ = ["Parameters", "Token", "bind", "refuse_changes", "tokens"]

Parameters = Sequence[Any] | Mapping[str, Any] | None


def bind(sql: str, parameters: Parameters = None) -> str:
    """Render parameters into a statement.

    Parameters
    ----------
    sql : str
        With ``?`` for a sequence of parameters, or ``:name`` for a mapping. Neither is seen
        inside strings, quoted identifiers and comments; ``::`` casts, and a colon right behind a
        word, quote or bracket (slices, struct fields), are no names.
    parameters : sequence, mapping or None
        None sends the text byte for byte. A list, tuple or set as a value is an ``IN`` list:
        ``level IN ?``, or ``level IN (?)``.

    Returns
    -------
    str
        The text to send.

    Raises
    ------
    ProgrammingError
        If there are too few or too many parameters, a name is unknown or unused, a value is of
        no accepted type (its position and type are named), or the statement has a string,
        identifier or comment that never ends, or markers that only some engines see.
    DataError
        If a value has an accepted type but SQL cannot express it.
    """
    if parameters is None:
        return sql
    named = isinstance(parameters, Mapping)
    if isinstance(parameters, (str, bytes, bytearray)) or not (
        named or isinstance(parameters, Sequence)
    ):
        raise ProgrammingError(
            f"parameters are of type {type(parameters).__name__}; accepted: a sequence for ? "
            "markers, a mapping for :name markers"
        )
    parts, *differing = readings(sql)
    if _is_open(parts):
        raise ProgrammingError(
            f"the statement has a string, identifier or comment that never ends, from character "
            f"{parts[-1].start + 1} on"
        )
    # What never ends to one of them, the text of a value might.
    if any(_markers(reading) != _markers(parts) or _is_open(reading) for reading in differing):
        raise ProgrammingError(
            f"the statement has {disputed(sql)}: which markers it has depends on the engine"
        )
    return _bind_names(sql, parts, parameters) if named else _bind_marks(sql, parts, parameters)  # type: ignore[arg-type]


def _markers(parts: list[Token]) -> list[Token]:
    return [part for part in parts if part.kind in ("mark", "name")]


def _is_open(parts: list[Token]) -> bool:
    return bool(parts) and parts[-1].kind == "open"


def _bind_marks(sql: str, parts: list[Token], values: Sequence[Any]) -> str:
    marks = sum(part.kind == "mark" for part in parts)
    if marks != len(values):
        hint = ""
        if any(part.kind == "name" for part in parts):
            hint = "; for :name markers give a mapping"
        raise ProgrammingError(
            f"the statement has {marks} ? markers but {len(values)} parameters were given{hint}"
        )
    given = iter(enumerate(values, 1))
    return _replace(
        sql,
        parts,
        {
            i: (f"parameter {n}", value)
            for i, part in enumerate(parts)
            if part.kind == "mark"
            for n, value in [next(given)]
        },
    )


def _bind_names(sql: str, parts: list[Token], values: Mapping[str, Any]) -> str:
    if any(part.kind == "mark" for part in parts):
        raise ProgrammingError(
            "the statement has ? markers but the parameters are a mapping; give a sequence, or "
            "use :name markers"
        )
    places = {i: sql[p.start + 1 : p.end] for i, p in enumerate(parts) if p.kind == "name"}
    if unknown := sorted({name for name in places.values() if name not in values}):
        raise ProgrammingError(
            f"no value was given for :{', :'.join(unknown)}; given: {_listed(values)}. (A colon "
            "that is not meant as a marker needs a blank behind it.)"
        )
    if unused := [name for name in values if name not in places.values()]:
        raise ProgrammingError(
            f"the statement has no marker for {_listed(unused)}; it has: "
            f"{_listed(dict.fromkeys(places.values()))}"
        )
    return _replace(
        sql, parts, {i: (f"parameter :{name}", values[name]) for i, name in places.items()}
    )


def _listed(names: Any) -> str:
    return ", ".join(str(name) for name in names) or "none"


# A literal must not run into its neighbours: E? is no escape string, LIMIT? no identifier.
_STICKS = re.compile(r"[\w'\"`$@#.?:&-]|[^\x00-\x7f\s]")


def _replace(sql: str, parts: list[Token], values: dict[int, tuple[str, Any]]) -> str:
    out: list[str] = []
    for i, part in enumerate(parts):
        text = sql[part.start : part.end]
        if i in values:
            where, value = values[i]
            text = literal(value, where)
            if isinstance(value, (list, tuple, set, frozenset)) and _in_brackets(sql, parts, i):
                text = text[1:-1]
            if part.start and _STICKS.match(sql[part.start - 1]):
                text = " " + text
            if not sql.startswith("::", part.end) and _STICKS.match(sql, part.end):
                text += " "
        out.append(text)
    return "".join(out)


def _in_brackets(sql: str, parts: list[Token], i: int) -> bool:
    """Tell whether a marker stands alone in brackets behind IN: ``IN (?)``."""
    before = [p for p in parts[:i] if p.kind not in IGNORED][-2:]
    after = next((p for p in parts[i + 1 :] if p.kind not in IGNORED), None)
    words = [sql[p.start : p.end].upper() for p in before]
    return words == ["IN", "("] and after is not None and sql[after.start : after.end] == ")"


# What changes something, were it run. On 0.2.3 the service keeps nothing of it, answers as if it
# had, and CREATE EXTERNAL TABLE reads the server's own disk.
_WRITES = frozenset({"DELETE", "INSERT", "MERGE", "UPDATE"})
_CHANGES = _WRITES | {
    *("ALTER", "BEGIN", "CALL", "COMMIT", "COPY", "CREATE", "DEALLOCATE", "DROP", "END"),
    *("EXECUTE", "GRANT", "LOAD", "PREPARE", "RELEASE", "REPLACE", "RESET", "REVOKE"),
    *("ROLLBACK", "SAVEPOINT", "SET", "START", "TRUNCATE", "UNLOAD", "USE"),
}
_EXPLAIN = ("EXPLAIN", "DESCRIBE", "DESC")
_QUERIES = [[word] for word in ("(", "SELECT", "WITH", "VALUES", "FROM", *sorted(_CHANGES))]
# In capitals, as of all that Unicode knows: DataFusion 43 takes \u017fet for SET.
_SUSPECT = re.compile("INTO|" + "|".join(sorted(_CHANGES)))
# Where an expression is still to come: INTO is a name there.
_BEFORE_OPERAND = frozenset("([{.+-/%=<|&^")
_NAMES = ("<string>", "<quoted>", "<mark>", "<name>")


def refuse_changes(sql: str) -> None:
    """Refuse DDL, DML, COPY, SET and the like before anything is sent.

    Raises
    ------
    NotSupportedError
        If one of the statements in the text is of that kind, also behind comments, EXPLAIN or a
        WITH clause, or is a ``SELECT .. INTO``. (Where a table or column is named ``into``, put
        it in double quotes.)
    """
    if not _SUSPECT.search(sql.upper()):  # most statements need no lexer
        return
    for reading in readings(sql):
        for statement in _statements(sql, reading):
            if changing := _changing_word(statement):
                raise NotSupportedError(
                    f"{changing} is refused, and nothing was sent: a Micromegas service is "
                    "read-only and keeps nothing of DDL, DML, COPY, SET or transactions; "
                    "accepted: SELECT, WITH, VALUES, DESCRIBE, SHOW, EXPLAIN",
                    sql=sql,
                    retryable=False,
                )


def _statements(sql: str, reading: list[Token]) -> Iterator[list[str]]:
    """Split a text at its semicolons: words in capitals, other tokens by their kind."""
    statement: list[str] = []
    for part in reading:
        if part.kind in IGNORED:
            continue
        text = sql[part.start : part.end]
        if text == ";":
            yield statement
            statement = []
        else:
            plain = part.kind in ("word", "other")
            statement.append(text.upper() if plain else f"<{part.kind}>")
    yield statement


def _changing_word(words: list[str]) -> str | None:
    """Find the word that makes a statement one that changes something."""
    at, describe = 0, False
    while at < len(words) and words[at] in _EXPLAIN:
        describe = words[at] != "EXPLAIN"
        at = _behind_explain(words, at + 1)
    if describe and words[at + 1 : at + 2] in ([], ["."]):  # DESCRIBE copy, a table of that name
        return None
    while at < len(words) and words[at] == "(":
        at += 1
    if at < len(words) and words[at] in _CHANGES:
        return words[at]
    if at < len(words) and words[at] == "WITH" and (writing := _write_in_with(words[at:])):
        return writing
    for i, word in enumerate(words):
        if word == "INTO" and _names_a_target(words, i):
            return "INTO"
    return None


def _write_in_with(words: list[str]) -> str | None:
    """Find a write as a part of WITH, or behind it."""
    depth = 0
    for i, word in enumerate(words):
        depth += (word == "(") - (word == ")")
        before = words[max(i - 2, 0) : i]
        if depth == 0 and word in ("SELECT", "VALUES", "FROM"):
            return None
        if word in _WRITES and (
            (depth == 0 and before[1:] == [")"]) or (depth == 1 and before == ["AS", "("])
        ):
            return word
    return None


def _names_a_target(words: list[str], i: int) -> bool:
    """Tell whether INTO is that of SELECT .. INTO, not a column or an alias of that name."""
    target = words[i + 1] if i + 1 < len(words) else ""
    if not (target in _NAMES or target[:1].isalpha() or target[:1] in ("_", "@", "#")):
        return False
    before, earlier = ["", "", *words][i + 1], ["", "", *words][i]
    if before == "AS":  # an alias, unless that AS is a name itself
        return earlier in ("AS", ".", ",", "SELECT")
    if before in ("DISTINCT", "ALL"):
        return earlier != "SELECT"
    if before == "SELECT":
        return earlier in ("AS", ".")
    return before not in _BEFORE_OPERAND


def _behind_explain(words: list[str], at: int) -> int:
    """Skip the options of an EXPLAIN: ANALYZE, VERBOSE, FORMAT x, or a list in brackets."""
    while at < len(words):
        if words[at] in ("ANALYZE", "VERBOSE"):
            at += 1
        elif words[at] == "FORMAT":
            at += 2
        elif words[at] == "(" and words[at + 1 : at + 2] not in _QUERIES:
            depth = 1
            while depth and (at := at + 1) < len(words):
                depth += (words[at] == "(") - (words[at] == ")")
            at += 1
        else:
            return at
    return at
