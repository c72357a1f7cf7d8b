"""The table function view_instance(), which selects from one instance of a view."""

from __future__ import annotations

import uuid
from typing import Any

from sqlalchemy import column, func, literal
from sqlalchemy import types as sqltypes
from sqlalchemy.exc import ArgumentError

from micromegas_dbapi.service.catalog import INSTANCE_IDS, INSTANCE_SCHEMAS
from sqlalchemy_micromegas.reflection import columns_of
from sqlalchemy_micromegas.types.from_arrow import from_arrow

__all__ = ["view_instance"]


def view_instance(
    view_set: str,
    instance_id: str | uuid.UUID,
    *,
    name: str | None = None,
    autoload_with: Any = None,
) -> Any:
    """Select from one instance of a view: ``view_instance('thread_spans', '<stream id>')``.

    Parameters
    ----------
    view_set : str
        ``log_entries``, ``measures`` (of one process), ``thread_spans`` (of one stream), and on
        newer services ``async_events``, ``net_spans``, ``otel_spans`` and ``images``. With
        `autoload_with`, also a view set that the service itself defines.
    instance_id : str or UUID
        The id of the process or stream, or ``"global"``.
    name : str, optional
        The alias in the statement. The default is a unique one.
    autoload_with : Engine or Connection, optional
        Query the service for the columns. Without it, they are those that every service has.

    Returns
    -------
    sqlalchemy.sql.expression.TableValuedAlias
        With the columns as ``.c``.

    Raises
    ------
    ArgumentError
        If the view set is unknown and `autoload_with` is not given, or if the id is neither a
        string nor a UUID.

    Notes
    -----
    Services require a time range for ``thread_spans``. Conditions on ``begin`` and ``end`` set
    it, and so do the execution options of the same names.
    """
    if not isinstance(instance_id, (str, uuid.UUID)):
        raise ArgumentError(
            f"invalid instance_id of type {type(instance_id).__name__}; accepted: str, UUID"
        )
    function = func.view_instance(
        literal(view_set, sqltypes.String()), literal(str(instance_id), sqltypes.String())
    )
    if autoload_with is not None:
        columns = columns_of(autoload_with, function)
    elif view_set in INSTANCE_SCHEMAS:
        columns = [
            column(field.name, from_arrow(field.type, field.name))
            for field in INSTANCE_SCHEMAS[view_set]
        ]
    else:
        raise ArgumentError(
            f"unknown view set {view_set!r}; accepted: {', '.join(INSTANCE_IDS)}, or any view set "
            "with autoload_with=engine, which queries the service for its columns"
        )
    return function.table_valued(*columns, name=name)
