"""``view_instance('<view set>', '<instance>')``: which rows it stands for, or which error.

The texts are those of the services (recorded in ``tests/wire``).
"""

from __future__ import annotations

from micromegas_dbapi.errors import DatabaseError, from_service
from micromegas_dbapi.lake.uuids import parse_uuid
from micromegas_dbapi.sql.lexer import IGNORED, tokens

__all__ = ["check_arguments", "instance_id", "no_range", "no_row", "no_text", "no_view"]

_POSITIONS = ("First", "(the view set name)"), ("Second", "(the view instance id)")


def no_text(position: int) -> DatabaseError:
    """Say that an argument is no string."""
    which, what = _POSITIONS[position]
    return from_service(
        f"Error during planning: {which} argument to view_instance must be a string {what}"
    )


def no_view(why: str) -> DatabaseError:
    """Say that there is no such view set, or no such instance of it."""
    return from_service(f"Error during planning: error making view {why}")


def no_range() -> DatabaseError:
    """Say that thread spans need a time range."""
    return from_service("External error: query range mandatory for thread spans view")


def no_row(kind: str) -> DatabaseError:
    """Say that no process, or stream, has the id."""
    table = {"process": "processes", "stream": "streams"}[kind]
    return from_service(
        f"External error: find_{kind}: select from {table}: no rows returned by a query that "
        "expected to return at least one row"
    )


def instance_id(text: str) -> str:
    """Read a process's or stream's id as services do, and give it as they write it.

    Raises
    ------
    ProgrammingError
        If the text is no UUID.
    """
    try:
        return parse_uuid(text)
    except ValueError as error:
        failure = no_view(f"Uuid::parse_str\n\nCaused by:\n    {error}")
    raise failure


def check_arguments(sql: str) -> None:
    """Check, where a service takes only literals, that no argument is an expression.

    The engine has folded constant expressions before view_instance sees its arguments, which
    services on DataFusion 43 refuse.

    Raises
    ------
    ProgrammingError
        With the service's text.
    """
    parts = [part for part in tokens(sql) if part.kind not in IGNORED]
    texts = [sql[part.start : part.end] for part in parts]
    for at in range(len(parts) - 1):
        if texts[at] not in ("view_instance", '"view_instance"') or texts[at + 1] != "(":
            continue
        for position, place in enumerate((at + 2, at + 4)):
            behind = texts[place + 1] if place + 1 < len(texts) else ""
            if place >= len(parts) or parts[place].kind != "string" or behind not in (",", ")"):
                raise no_text(position)
            if behind == ")":
                break
