"""Column types of queries, from ``DESCRIBE <query>``, and their cache."""

from __future__ import annotations

import re
import threading
from collections import OrderedDict
from collections.abc import Sequence

import pyarrow as pa

from micromegas_dbapi.arrow.type_names import arrow_type, is_nullable
from micromegas_dbapi.transport.gateway.json_objects import (
    AmbiguousFieldError,
    MismatchError,
    Pairs,
)
from micromegas_dbapi.transport.gateway.json_rows import infer_type, to_batches, transpose

__all__ = ["ColumnTypes", "ColumnTypesCache", "parse_description"]

_NAMES = ["column_name", "data_type", "is_nullable"]
_MAX_ENTRIES = 128
# Strings that values of other types may be written as: times, durations, decimals, binary values.
_OTHER_TYPES = re.compile(
    r"[\dA-Fa-f\s.,:+\-TZPYMDHWS]*|.*\d (?:years|mons|days|hours|mins|secs)\b.*", re.DOTALL
)
_LOOKED_AT = 1000  # rows, for a value
_MAX_LENGTH = 100_000  # characters of a query; longer ones are not worth their memory


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


class ColumnTypesCache:
    """LRU cache of the column types of queries. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: OrderedDict[str, ColumnTypes | None] = OrderedDict()

    def find(self, query: str) -> tuple[bool, ColumnTypes | None]:
        """Look up a query.

        Parameters
        ----------
        query : str
            The exact query.

        Returns
        -------
        is_cached : bool
            Whether the query has an entry.
        types : ColumnTypes or None
            None if there is no entry, or if the service cannot describe the query.
        """
        with self._lock:
            if query not in self._entries:
                return False, None
            self._entries.move_to_end(query)
            return True, self._entries[query]

    def store(self, query: str, types: ColumnTypes | None) -> None:
        """Add or replace the entry of a query.

        Parameters
        ----------
        query : str
            The exact query.
        types : ColumnTypes or None
            None if the service cannot describe the query.
        """
        if len(query) > _MAX_LENGTH:
            return
        with self._lock:
            self._entries[query] = types
            self._entries.move_to_end(query)
            while len(self._entries) > _MAX_ENTRIES:
                self._entries.popitem(last=False)

    def remove(self, query: str) -> None:
        """Remove the entry of a query whose result has other types.

        Parameters
        ----------
        query : str
            The exact query.
        """
        with self._lock:
            self._entries.pop(query, None)
