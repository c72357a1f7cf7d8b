"""Between which instants the rows of a Parquet file lie, by the statistics in its footer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

import pyarrow as pa
import pyarrow.parquet as pq

from micromegas_dbapi.time_units import NANOSECONDS

__all__ = ["Extents", "extents", "may_lie_within"]

#: Column of times -> its least and greatest value, in nanoseconds since the epoch.
Extents: TypeAlias = Mapping[str, tuple[int, int]]


def extents(file: pq.ParquetFile) -> Extents:
    """Read the extents of all columns of times; a column without statistics is left out."""
    metadata, found = file.metadata, {}
    places = {metadata.schema.column(at).path: at for at in range(metadata.num_columns)}
    for field in file.schema_arrow:
        if not pa.types.is_timestamp(field.type) or field.name not in places:
            continue
        column = places[field.name]
        parts = [
            metadata.row_group(group).column(column).statistics
            for group in range(metadata.num_row_groups)
        ]
        whole = [part for part in parts if part is not None and part.has_min_max]
        integers = all(part.physical_type == "INT64" for part in whole)
        if whole and len(whole) == len(parts) and integers:
            unit = NANOSECONDS[field.type.unit]
            low, high = min(part.min_raw for part in whole), max(part.max_raw for part in whole)
            found[field.name] = low * unit, high * unit
    return found


def may_lie_within(of_file: Extents, upto: str, since: str, bounds: tuple[int, int]) -> bool:
    """Tell whether a file may have rows with ``upto <= end`` and ``since >= begin``.

    Parameters
    ----------
    of_file : Extents
    upto, since : str
        Columns.
    bounds : (int, int)
        Begin and end, both included.
    """
    begin, end = bounds
    starts, ends = of_file.get(upto), of_file.get(since)
    return (starts is None or starts[0] <= end) and (ends is None or ends[1] >= begin)
