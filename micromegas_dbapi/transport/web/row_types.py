"""The types of a statement's rows, as the service tells them when it is asked for these.

The web app reads the rows of a service as what the plan tells, right or wrong (see
`micromegas_dbapi.sql.planned_types`), and writes anew what it has read: nothing in its answer
shows what the service sent. So the service is asked, where it may matter.
"""

from __future__ import annotations

import pyarrow as pa

from micromegas_dbapi.arrow.nested import map_fields
from micromegas_dbapi.arrow.type_names import arrow_type

__all__ = ["difference"]


def difference(told: pa.Schema, answer: pa.Table) -> str | None:
    """Compare the types of the plan with the answer to `schemaquery.types_of_rows`.

    Returns
    -------
    str or None
        Names the first column of another type, or tells what else is wrong; None if all are equal.
    """
    spelled = [column[0].as_py() for column in answer.columns] if answer.num_rows == 1 else []
    if len(spelled) != len(told):
        return f"asked for the types of {len(told)} columns, it tells {len(spelled)}"
    for field, text in zip(told, spelled, strict=True):
        kind = arrow_type(str(text), encoded=True)
        if kind is None or _nullable(kind) != _nullable(field.type):
            return f"column {field.name!r} was told as {field.type}, and what comes is {text}"
    return None


def _nullable(kind: pa.DataType) -> pa.DataType:
    """Return a type with all inner fields nullable, in which the plan and the rows can differ."""
    if pa.types.is_dictionary(kind):
        return pa.dictionary(kind.index_type, _nullable(kind.value_type))
    if pa.types.is_map(kind):  # whose keys are never null
        return pa.map_(_nullable(kind.key_type), _nullable(kind.item_type))
    return map_fields(kind, lambda field: pa.field(field.name, _nullable(field.type)))
