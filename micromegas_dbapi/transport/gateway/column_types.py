"""Column types of queries, from ``DESCRIBE <query>``."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pyarrow as pa

from micromegas_dbapi.arrow.type_names import arrow_type, is_nullable
from micromegas_dbapi.transport.gateway.json_objects import (
    AmbiguousFieldError,
    MismatchError,
    Pairs,
)
from micromegas_dbapi.transport.gateway.json_rows import infer_type, to_batches, transpose

__all__ = ["ColumnTypes", "parse_description"]

_NAMES = ["column_name", "data_type", "is_nullable"]
# Strings that values of other types may be written as: times, durations, decimals, binary values.
_OTHER_TYPES = re.compile(
    r"[\dA-Fa-f\s.,:+\-TZPYMDHWS]*|.*\d (?:years|mons|days|hours|mins|secs)\b.*", re.DOTALL
)
_LOOKED_AT = 1000  # rows, for a value


class ColumnTypes:
    """The columns of a query.

    Parameters
    ----------
    fields : list of (str, pyarrow.DataType or None, bool)
        Name, type and nullability of each column. The type is None if the service's name for it
        is unknown.
    """

    def __init__(self, fields: list[tuple[str, pa.DataType | None, bool]]) -> None:
        self.fields = fields

    @property
    def names(self) -> list[str]:
        """The names of the columns."""
        return [name for name, _, _ in self.fields]

    def may_be_outdated(self, rows: Sequence[Pairs]) -> bool:
        """Return whether rows could be of other types than these, without a mismatch.

        Parameters
        ----------
        rows : sequence of Pairs
            The rows of a later result of the query.

        Returns
        -------
        bool
            True if there are no rows, or if the first value of a column of strings could be the
            string form of a time, a number or a binary value.
        """
        if not rows:
            return True
        for name, kind, _ in self.fields:
            if kind is not None and pa.types.is_string(kind):
                values = (dict(row).get(name) for row in rows[:_LOOKED_AT])
                first = next((value for value in values if value is not None), "")
                if type(first) is str and _OTHER_TYPES.fullmatch(first):
                    return True
        return False

    def batches(self, rows: Sequence[Pairs]) -> list[pa.RecordBatch] | None:
        """Convert rows to record batches.

        Parameters
        ----------
        rows : sequence of Pairs
            The rows of a result of the query.

        Returns
        -------
        list of pyarrow.RecordBatch or None
            None if the rows have other columns.

        Raises
        ------
        MismatchError
            If a value has another type.
        AmbiguousFieldError
            If a row has only one of several columns with the same name.
        """
        try:
            columns = transpose(rows, self.names)
        except AmbiguousFieldError:
            raise
        except MismatchError:
            return None
        fields = [
            pa.field(name, infer_type(column) if kind is None else kind, nullable)
            for (name, kind, nullable), column in zip(self.fields, columns, strict=True)
        ]
        return to_batches(fields, columns, len(rows))

    def matching_batches(self, rows: Sequence[Pairs]) -> list[pa.RecordBatch] | None:
        """Convert rows to record batches if they have these types.

        Parameters
        ----------
        rows : sequence of Pairs
            The rows of a result of the query.

        Returns
        -------
        list of pyarrow.RecordBatch or None
            None if the rows have other columns, or if a value has another type.

        Raises
        ------
        AmbiguousFieldError
            As from `batches`.
        """
        try:
            return self.batches(rows)
        except AmbiguousFieldError:
            raise
        except MismatchError:
            return None


def parse_description(rows: Sequence[Pairs]) -> ColumnTypes | None:
    """Parse the result of a DESCRIBE.

    Parameters
    ----------
    rows : sequence of Pairs
        Engines that do not support ``DESCRIBE <query>`` return a plan or an error.

    Returns
    -------
    ColumnTypes or None
        None if the rows are not a description.
    """
    fields = []
    for row in rows:
        if [name for name, _ in row] != _NAMES:
            return None
        name, type_name, nullable = (value for _, value in row)
        if type(name) is not str or type(type_name) is not str or nullable not in ("YES", "NO"):
            return None
        kind = arrow_type(type_name)
        fields.append((name, kind, kind is None or is_nullable(nullable == "YES", kind)))
    return ColumnTypes(fields) if fields else None
