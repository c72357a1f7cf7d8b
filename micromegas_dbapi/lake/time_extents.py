"""The minimum and maximum times of a Parquet file, from the statistics in its footer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

import pyarrow as pa
import pyarrow.parquet as pq

from micromegas_dbapi.time_units import NANOSECONDS

__all__ = ["TimeExtents", "may_overlap", "time_extents"]

#: Minimum and maximum of each time column, in nanoseconds since the epoch.
TimeExtents: TypeAlias = Mapping[str, tuple[int, int]]


def time_extents(file: pq.ParquetFile) -> TimeExtents:
    """Read the extents of all time columns.

    Parameters
    ----------
    file : pyarrow.parquet.ParquetFile
        Only its footer is used.

    Returns
    -------
    mapping of str to (int, int)
        By column name. Columns without statistics are left out.
    """
    metadata, found = file.metadata, {}
    positions = {metadata.schema.column(at).path: at for at in range(metadata.num_columns)}
    for field in file.schema_arrow:
        if not pa.types.is_timestamp(field.type) or field.name not in positions:
            continue
        column = positions[field.name]
        groups = [
            metadata.row_group(group).column(column).statistics
            for group in range(metadata.num_row_groups)
        ]
        complete = [group for group in groups if group is not None and group.has_min_max]
        integers = all(group.physical_type == "INT64" for group in complete)
        if complete and len(complete) == len(groups) and integers:
            unit = NANOSECONDS[field.type.unit]
            low = min(group.min_raw for group in complete)
            high = max(group.max_raw for group in complete)
            found[field.name] = low * unit, high * unit
    return found


def may_overlap(
    extents: TimeExtents, start_column: str, end_column: str, bounds: tuple[int, int]
) -> bool:
    """Return whether a file may contain rows within a time range.

    A row is within the range if ``start_column <= end`` and ``end_column >= begin``.

    Parameters
    ----------
    extents : mapping of str to (int, int)
        Of the file; see `time_extents`.
    start_column, end_column : str
        May be the same column.
    bounds : (int, int)
        Begin and end, both included.

    Returns
    -------
    bool
        True if the extents are unknown.
    """
    begin, end = bounds
    starts, ends = extents.get(start_column), extents.get(end_column)
    return (starts is None or starts[0] <= end) and (ends is None or ends[1] >= begin)
