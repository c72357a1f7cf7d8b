"""Arrow tables -> pandas DataFrames. Importing it without pandas raises NotSupportedError."""

from __future__ import annotations

import pyarrow as pa

from micromegas_dbapi.arrow.dictionary_decoding import hydrated_column, hydrated_type
from micromegas_dbapi.errors import DataError, NotSupportedError

try:
    import pandas as pd
except ImportError as error:
    raise NotSupportedError(
        "a DataFrame needs pandas: pip install 'micromegas-dbapi[pandas]'"
    ) from error

__all__ = ["to_pandas"]

# Looking for equal strings costs more than it saves where pandas keeps objects.
_DEDUPLICATE = int(pd.__version__.partition(".")[0]) >= 3


def to_pandas(table: pa.Table) -> pd.DataFrame:
    """Make a DataFrame.

    Parameters
    ----------
    table : pyarrow.Table

    Returns
    -------
    pandas.DataFrame
        Timestamps in nanoseconds, dictionaries as categories, duplicate names kept. Dictionaries
        inside of lists, structs and maps, and those of floats, instants or lists, of which pandas
        makes no categories or wrong ones, are given as their values.

    Raises
    ------
    DataError
        If pandas cannot hold a value.
    """
    try:
        columns = [_held(column) for column in table.columns]
        fields = [f.with_type(c.type) for f, c in zip(table.schema, columns, strict=True)]
        if fields:
            table = pa.Table.from_arrays(columns, schema=pa.schema(fields, table.schema.metadata))
        frame: pd.DataFrame = table.to_pandas(deduplicate_objects=_DEDUPLICATE)
    except (pa.ArrowException, ValueError, OverflowError, TypeError, NotImplementedError) as error:
        raise DataError(f"pandas cannot hold the result: {error}") from error
    return frame


def _held(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Give a column with dictionaries in no other place, and of no other kind, than pandas has."""
    kind = column.type
    if hydrated_type(kind) == kind:
        return column
    if not (pa.types.is_dictionary(kind) and _categories(kind.value_type)):
        return hydrated_column(column)
    if pa.types.is_signed_integer(kind.index_type):
        return column
    keys = _SIGNED.get(kind.index_type, pa.int64())  # older pyarrow hands no others to pandas
    chunks = [
        pa.DictionaryArray.from_arrays(
            chunk.indices.cast(keys), chunk.dictionary, ordered=kind.ordered, safe=False
        )
        for chunk in column.chunks
    ]
    return pa.chunked_array(chunks, pa.dictionary(keys, kind.value_type, kind.ordered))


_SIGNED = {pa.uint8(): pa.int16(), pa.uint16(): pa.int32()}


def _categories(kind: pa.DataType) -> bool:
    """Tell whether pandas has categories that are just these values.

    They lose zones, and have 0.0 and -0.0 for one; null, NaN and what cannot be hashed are none.
    """
    types = pa.types
    floating, zoned = types.is_floating(kind), getattr(kind, "tz", None) is not None
    odd = types.is_null(kind) or types.is_interval(kind) or isinstance(kind, pa.BaseExtensionType)
    return not (floating or zoned or odd or types.is_nested(kind) or types.is_dictionary(kind))
