"""Comparison of a result's schema with the types that its rows have.

The web app decodes the rows of a service with the types of the plan, correct or not (see
`micromegas_dbapi.sql.planned_types`), and encodes them again. Nothing in its response shows the
types that the service sent. The transport queries them where they may differ.
"""

from __future__ import annotations

import pyarrow as pa

from micromegas_dbapi.arrow.nested import map_fields
from micromegas_dbapi.arrow.type_names import arrow_type

__all__ = ["difference"]


def difference(schema: pa.Schema, types: pa.Table) -> str | None:
    """Compare a schema with the types of the rows.

    Parameters
    ----------
    schema : pyarrow.Schema
        The types of the plan.
    types : pyarrow.Table
        The result of `micromegas_dbapi.sql.column_queries.types_of_rows`.

    Returns
    -------
    str or None
        Names the first column of another type, or describes an unexpected table; None if all types
        are equal.
    """
    names = [column[0].as_py() for column in types.columns] if types.num_rows == 1 else []
    if len(names) != len(schema):
        return f"the query for the types of {len(schema)} columns returned {len(names)}"
    for field, name in zip(schema, names, strict=True):
        kind = arrow_type(str(name), encoded=True)
        if kind is None or _nullable(kind) != _nullable(field.type):
            return f"column {field.name!r} was declared as {field.type}, but its type is {name}"
    return None


def _nullable(kind: pa.DataType) -> pa.DataType:
    """Return a type with all inner fields nullable, in which the plan and the rows can differ."""
    if pa.types.is_dictionary(kind):
        return pa.dictionary(kind.index_type, _nullable(kind.value_type))
    if pa.types.is_map(kind):  # whose keys are never null
        return pa.map_(_nullable(kind.key_type), _nullable(kind.item_type))
    return map_fields(kind, lambda field: pa.field(field.name, _nullable(field.type)))
