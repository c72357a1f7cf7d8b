"""A demo lake: its seed, size and time, and what is made of these alone.

Every part draws from a generator of its own, seeded by what it is for, so that one part can change
without moving the others. Only uniform numbers are drawn, and only operations that IEEE 754 defines
exactly are applied to them: the same arguments give the same lake on every version of numpy and on
every machine.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from micromegas_dbapi.demo.arrays import Ints
from micromegas_dbapi.service.catalog import SCHEMAS

__all__ = ["Lake"]


class Lake(NamedTuple):
    """What a lake is a function of, and what follows from that alone."""

    seed: int
    size: int
    now: int

    def _digest(self, *key: object) -> bytes:
        text = "/".join(map(str, (self.seed, *key)))
        return hashlib.blake2b(text.encode(), digest_size=16).digest()

    def random(self, *key: object) -> np.random.Generator:
        """Make the generator of the random numbers for one purpose."""
        return np.random.Generator(np.random.PCG64(int.from_bytes(self._digest(*key), "big")))

    def uuid(self, *key: object) -> str:
        """Make the identifier of one thing."""
        return str(uuid.UUID(bytes=self._digest(*key), version=4))

    def _array(self, values: Any, type_: pa.DataType) -> pa.Array | pa.ChunkedArray:
        """Make a column; times are given in ns after `now`, properties as mappings."""
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
        """Make a table; what `columns` does not give comes from each row's source."""
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
