"""The parameters of a demo lake, and reproducible random numbers and identifiers.

Each part of the lake has a random number generator of its own, so that a change of one part does
not change the others. Only uniform numbers are drawn, and only operations that IEEE 754 defines
exactly are applied to them, so that the same parameters give the same lake on every version of
numpy and on every machine.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from micromegas_dbapi.demo.curves import Ints
from micromegas_dbapi.service.catalog import SCHEMAS

__all__ = ["SeededLake"]


class SeededLake(NamedTuple):
    """The parameters of a lake.

    Attributes
    ----------
    seed : int
        Selects the random numbers and identifiers.
    size : int
        Multiplies the number of events.
    now : int
        The time of the newest event, in ns since 1970-01-01 UTC.
    """

    seed: int
    size: int
    now: int

    def _digest(self, *key: object) -> bytes:
        text = "/".join(map(str, (self.seed, *key)))
        return hashlib.blake2b(text.encode(), digest_size=16).digest()

    def random(self, *key: object) -> np.random.Generator:
        """Create the random number generator for one purpose.

        Parameters
        ----------
        *key : object
            Identifies the purpose by its string form.

        Returns
        -------
        numpy.random.Generator
            With the same numbers for the same seed and key.
        """
        return np.random.Generator(np.random.PCG64(int.from_bytes(self._digest(*key), "big")))

    def uuid(self, *key: object) -> str:
        """Create the identifier of an object.

        Parameters
        ----------
        *key : object
            Identifies the object by its string form.

        Returns
        -------
        str
            The same for the same seed and key.
        """
        return str(uuid.UUID(bytes=self._digest(*key), version=4))

    def _array(self, values: Any, type_: pa.DataType) -> pa.Array | pa.ChunkedArray:
        """Create a column. Times are in ns relative to `now`, properties are mappings."""
        if isinstance(values, pa.ChunkedArray):
            return values
        if pa.types.is_timestamp(type_):
            return pa.array(np.asarray(values, np.int64) + self.now).cast(type_)
        if pa.types.is_list(type_) and pa.types.is_struct(type_.value_type):
            values = [[{"key": k, "value": v} for k, v in row.items()] for row in values]
        return pa.array(values, type_)

    def table(
        self,
        view: str,
        columns: Mapping[str, Any],
        sources: Sequence[Mapping[str, Any]] = (),
        source: Ints | None = None,
    ) -> pa.Table:
        """Create a table of a view.

        Parameters
        ----------
        view : str
            The name of the view.
        columns : mapping
            The values of columns by name. Times are in ns relative to `now`.
        sources : sequence of mapping, optional
            Distinct values of the other columns, by name.
        source : numpy.ndarray, optional
            For each row, the index of its values in `sources`.

        Returns
        -------
        pyarrow.Table
            With the schema of the view.
        """
        schema = SCHEMAS[view]
        arrays = [
            self._array(columns[field.name], field.type)
            if field.name in columns
            else self._array([row[field.name] for row in sources], field.type).take(
                pa.array(source)
            )
            for field in schema
        ]
        return pa.Table.from_arrays(arrays, schema=schema)
