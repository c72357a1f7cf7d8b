"""The columns of a query as ``DESCRIBE <query>`` tells them, kept for the next time."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence

import pyarrow as pa

from micromegas_dbapi.arrow.type_names import arrow_type, is_nullable
from micromegas_dbapi.transport.gateway.json_objects import AmbiguousError, Pairs, UnfitError
from micromegas_dbapi.transport.gateway.json_rows import batches, columns, shown_type

__all__ = ["Described", "Kept", "described"]

_NAMES = ["column_name", "data_type", "is_nullable"]
_KEPT = 128
_LONGEST = 100_000  # characters of a query, or else they take more memory than they are worth


class Described:
    """What is known of the columns of a query.

    Attributes
    ----------
    fields : list of (str, pyarrow.DataType or None, bool)
        Name, type, whether it may be null; no type where the service's word for it is not known.
    """

    def __init__(self, fields: list[tuple[str, pa.DataType | None, bool]]) -> None:
        self.fields = fields

    @property
    def names(self) -> list[str]:
        """The names of the columns."""
        return [name for name, _, _ in self.fields]

    def batches(self, rows: Sequence[Pairs]) -> list[pa.RecordBatch] | None:
        """Make record batches; None if the rows have other columns.

        Raises
        ------
        UnfitError
            If a value is of another type, or `AmbiguousError`.
        """
        try:
            values = columns(rows, self.names)
        except AmbiguousError:
            raise
        except UnfitError:
            return None
        fields = [
            pa.field(name, shown_type(column) if kind is None else kind, nullable)
            for (name, kind, nullable), column in zip(self.fields, values, strict=True)
        ]
        return batches(fields, values, len(rows))


def described(rows: Sequence[Pairs]) -> Described | None:
    """Read the answer to DESCRIBE; None if it is something else.

    Engines that don't know ``DESCRIBE <query>`` answer with a plan, or with an error.
    """
    fields = []
    for row in rows:
        if [name for name, _ in row] != _NAMES:
            return None
        name, kind, nullable = (value for _, value in row)
        if not all(type(value) is str for value in (name, kind)) or nullable not in ("YES", "NO"):
            return None
        found = arrow_type(kind)
        may = nullable == "YES" or found is None or is_nullable(False, found)
        fields.append((name, found, may))
    return Described(fields) if fields else None


class Kept:
    """What was described of the queries asked last; safe in several threads at once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._of: OrderedDict[str, Described | None] = OrderedDict()

    def find(self, query: str) -> tuple[bool, Described | None]:
        """Tell whether a query was asked about, and what was said."""
        with self._lock:
            if query not in self._of:
                return False, None
            self._of.move_to_end(query)
            return True, self._of[query]

    def keep(self, query: str, said: Described | None) -> None:
        """Keep what was said; None: nothing."""
        if len(query) > _LONGEST:
            return
        with self._lock:
            self._of[query] = said
            self._of.move_to_end(query)
            while len(self._of) > _KEPT:
                self._of.popitem(last=False)

    def forget(self, query: str) -> None:
        """Forget what was said, since it is not so any more."""
        with self._lock:
            self._of.pop(query, None)
