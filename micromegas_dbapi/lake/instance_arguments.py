"""The arguments of ``view_instance('<view set>', '<instance>')``, and the errors about them.

The texts are those of the services (recorded in ``tests/wire``).
"""

from __future__ import annotations

from micromegas_dbapi.errors import DatabaseError, from_service
from micromegas_dbapi.lake.uuids import parse_uuid
from micromegas_dbapi.sql.statement import Statement

__all__ = [
    "check_arguments",
    "id_not_found",
    "invalid_view",
    "not_a_string",
    "parse_instance_id",
    "range_required",
]

_POSITIONS = ("First", "(the view set name)"), ("Second", "(the view instance id)")


def not_a_string(position: int) -> DatabaseError:
    """Create the error for an argument that is not a string literal.

    Parameters
    ----------
    position : int
        0 or 1.

    Returns
    -------
    DatabaseError
        Not yet raised.
    """
    which, what = _POSITIONS[position]
    return from_service(
        f"Error during planning: {which} argument to view_instance must be a string {what}"
    )


def invalid_view(reason: str) -> DatabaseError:
    """Create the error for an unknown view set, or an unknown instance of it.

    Parameters
    ----------
    reason : str
        In the service's words.

    Returns
    -------
    DatabaseError
        Not yet raised.
    """
    return from_service(f"Error during planning: error making view {reason}")


def range_required() -> DatabaseError:
    """Create the error for thread spans without a time range.

    Returns
    -------
    DatabaseError
        Not yet raised.
    """
    return from_service("External error: query range mandatory for thread spans view")


def id_not_found(kind: str) -> DatabaseError:
    """Create the error for an id that no process or stream has.

    Parameters
    ----------
    kind : str
        ``"process"`` or ``"stream"``.

    Returns
    -------
    DatabaseError
        Not yet raised.
    """
    table = {"process": "processes", "stream": "streams"}[kind]
    return from_service(
        f"External error: find_{kind}: select from {table}: no rows returned by a query that "
        "expected to return at least one row"
    )


def parse_instance_id(text: str) -> str:
    """Parse the id of a process or a stream.

    Parameters
    ----------
    text : str
        A UUID in any form that services accept.

    Returns
    -------
    str
        As services write it.

    Raises
    ------
    ProgrammingError
        If the text is not a UUID.
    """
    try:
        return parse_uuid(text)
    except ValueError as error:
        failure = invalid_view(f"Uuid::parse_str\n\nCaused by:\n    {error}")
    raise failure


def check_arguments(sql: str) -> None:
    """Check that all arguments of ``view_instance()`` are string literals.

    Services with DataFusion 43 require this. The engine accepts constant expressions, because it
    folds them before it calls the function.

    Parameters
    ----------
    sql : str
        A statement.

    Raises
    ------
    ProgrammingError
        If an argument is not a string literal.
    """
    if "view_instance" not in sql:  # most statements need no tokens
        return
    statement = Statement(sql)
    parts = statement.code
    texts = [statement.text_of(part) for part in parts]
    for at in range(len(parts) - 1):
        if texts[at] not in ("view_instance", '"view_instance"') or texts[at + 1] != "(":
            continue
        for position, place in enumerate((at + 2, at + 4)):
            following = texts[place + 1] if place + 1 < len(texts) else ""
            if place >= len(parts) or parts[place].kind != "string" or following not in (",", ")"):
                raise not_a_string(position)
            if following == ")":
                break
