"""Convert Arrow tables to pandas DataFrames.

Importing this module without pandas raises NotSupportedError.
"""

from __future__ import annotations

import pyarrow as pa

from micromegas_dbapi.arrow.dictionary_decoding import decode_column, decoded_type
from micromegas_dbapi.errors import DataError, NotSupportedError

try:
    import pandas as pd
except ImportError as error:
    raise NotSupportedError(
        "DataFrames need pandas: pip install 'micromegas-dbapi[pandas]'"
    ) from error

__all__ = ["to_pandas"]

# Deduplicating strings costs more than it saves in versions of pandas that store objects.
_DEDUPLICATE = int(pd.__version__.partition(".")[0]) >= 3


def to_pandas(table: pa.Table) -> pd.DataFrame:
    """Convert a table.

    Parameters
    ----------
    table : pyarrow.Table
        The dictionaries of a column must be distinct.

    Returns
    -------
    pandas.DataFrame
        With timestamps in nanoseconds, dictionaries as categories, and duplicate names kept.
        Dictionaries inside lists, structs and maps, and those of floats, timestamps or lists, are
        decoded, because pandas would create no categories or wrong ones.

    Raises
    ------
    DataError
        If pandas cannot hold a value.
    """
    try:
        columns = [_supported(column) for column in table.columns]
        fields = [f.with_type(c.type) for f, c in zip(table.schema, columns, strict=True)]
        if fields:
            table = pa.Table.from_arrays(columns, schema=pa.schema(fields, table.schema.metadata))
        frame: pd.DataFrame = table.to_pandas(deduplicate_objects=_DEDUPLICATE)
    except (pa.ArrowException, ValueError, OverflowError, TypeError, NotImplementedError) as error:
        raise DataError(f"pandas cannot hold the result: {error}") from error
    return frame


def _supported(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return a column without the dictionaries that pandas does not support."""
    kind = column.type
    if decoded_type(kind) == kind:
        return column
    if not (pa.types.is_dictionary(kind) and _can_be_categories(kind.value_type)):
        return decode_column(column)
    if pa.types.is_signed_integer(kind.index_type):
        return column
    keys = _SIGNED.get(kind.index_type, pa.int64())  # older pyarrow converts no unsigned ones
    chunks = [
        pa.DictionaryArray.from_arrays(
            chunk.indices.cast(keys), chunk.dictionary, ordered=kind.ordered, safe=False
        )
        for chunk in column.chunks
    ]
    return pa.chunked_array(chunks, pa.dictionary(keys, kind.value_type, kind.ordered))


_SIGNED = {pa.uint8(): pa.int16(), pa.uint16(): pa.int32()}


def _can_be_categories(kind: pa.DataType) -> bool:
    """Return whether values of a type are unchanged as categories of pandas.

    Categories lose time zones, and do not distinguish 0.0 and -0.0. Null, NaN and unhashable
    values cannot be categories.
    """
    types = pa.types
    floating, zoned = types.is_floating(kind), getattr(kind, "tz", None) is not None
    other = types.is_null(kind) or types.is_interval(kind) or isinstance(kind, pa.BaseExtensionType)
    return not (floating or zoned or other or types.is_nested(kind) or types.is_dictionary(kind))
