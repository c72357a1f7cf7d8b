"""Compare the types in the plan of a statement with those of its batches."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import pyarrow as pa
from datafusion import SessionContext

from micromegas_dbapi.sql.planned_types import doubt
from micromegas_dbapi.sql.statement import Statement
from tests.planned_types.data import engine
from tests.planned_types.statements import Statements

_KEPT = 20


@dataclass
class Tally:
    """Counts of statements, and the mismatches.

    Attributes
    ----------
    counts : Counter
        Of ``sure`` and ``unsure`` statements that ran; of those that ``differ``; of ``failed``.
    missed : list of (str, str)
        Statements that differ and were sure, and how.
    """

    counts: Counter[str] = field(default_factory=Counter)
    missed: list[tuple[str, str]] = field(default_factory=list)

    def add(self, other: Tally) -> None:
        """Add the counts of another run."""
        self.counts += other.counts
        self.missed = [*self.missed, *other.missed][:_KEPT]


def difference(context: SessionContext, sql: str) -> str | None:
    """Run a statement, and return the first column whose type differs from its plan.

    Raises
    ------
    Exception
        What the engine raises.
    """
    frame = context.sql(sql)
    told = frame.schema()
    for batch in frame.execute_stream():
        for field_, column in zip(told, batch.to_pyarrow().columns, strict=True):
            if not same(field_.type, column.type):
                return f"{field_.name}: {field_.type} was told, {column.type} came"
    return None


def same(told: pa.DataType, came: pa.DataType) -> bool:
    """Compare types, except for nullability and for field names inside lists."""
    if told.id != came.id or told.num_fields != came.num_fields:
        return False
    if pa.types.is_dictionary(told):
        return told.index_type == came.index_type and same(told.value_type, came.value_type)
    if told.num_fields:
        pairs = ((told.field(at), came.field(at)) for at in range(told.num_fields))
        return all(same(a.type, b.type) for a, b in pairs)
    return bool(told == came)


def run(seed: int, count: int, mixing: float = 0.04) -> Tally:
    """Run a number of random statements."""
    context, tally = engine(), Tally()
    for number in range(count):
        sql = Statements(f"{seed}/{number}", mixing).statement()
        try:
            found = difference(context, sql)
        except BaseException as error:  # a panic of the engine is one
            if isinstance(error, KeyboardInterrupt):
                raise
            tally.counts["failed"] += 1
            continue
        reason = doubt(Statement(sql))
        tally.counts["sure" if reason is None else "unsure"] += 1
        if found is not None:
            tally.counts["differ"] += 1
            if reason is None:
                tally.missed.append((sql, found))
    return tally
