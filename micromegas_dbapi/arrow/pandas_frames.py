"""Convert Arrow tables to pandas DataFrames.

Importing this module without pandas raises NotSupportedError.
"""

from __future__ import annotations

from functools import lru_cache
from operator import is_

import numpy as np
import pyarrow as pa

from micromegas_dbapi.arrow.dictionary_decoding import decode_column, decoded_type
from micromegas_dbapi.arrow.readers import reading_error
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
# Starting threads takes longer than converting fewer rows.
_THREADED_ROWS = 100_000
# Dictionaries of at most this size are kept as categories, for later results with equal ones.
_CACHED_BYTES, _CACHED_DICTIONARIES = 8192, 64


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
    names, columns = table.column_names, table.columns
    # pyarrow would convert all columns of one name to the type of the last one.
    keys = names if len(set(names)) == len(names) else list(map(str, range(len(names))))
    try:
        supported = [_supported(column) for column in columns]
        if keys is not names or not all(map(is_, columns, supported)):
            fields = [
                field.with_name(key).with_type(column.type)
                for key, field, column in zip(keys, table.schema, supported, strict=True)
            ]
            schema = pa.schema(fields, table.schema.metadata)
            table = pa.Table.from_arrays(supported, schema=schema)
        frame: pd.DataFrame = table.to_pandas(
            deduplicate_objects=_DEDUPLICATE,
            use_threads=len(table) >= _THREADED_ROWS,
            types_mapper=_TYPES.get,
        )
    except MemoryError as error:
        raise reading_error(error) or error  # noqa: B904  (it has its cause)
    except (pa.ArrowException, ValueError, OverflowError, TypeError, NotImplementedError) as error:
        raise DataError(f"pandas cannot hold the result: {error}") from error
    if keys is not names:
        frame.columns = pd.Index(names)
    return frame


def _supported(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return a column without the dictionaries that pandas does not support."""
    kind = column.type
    if kind in _TYPES or not (pa.types.is_dictionary(kind) or pa.types.is_nested(kind)):
        return column
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


class _TextDictionary(pd.CategoricalDtype):  # type: ignore[misc]
    """Converts dictionaries of strings as pyarrow does, but the same small one only once.

    Most of the time that pandas takes for a few rows is spent on the index of the categories.
    """

    def __from_arrow__(self, column: pa.ChunkedArray) -> pd.Categorical:
        chunks = column.chunks
        if len(chunks) != 1 or chunks[0].dictionary.nbytes > _CACHED_BYTES:
            return column.to_pandas().array
        indices, kind = chunks[0].indices, column.type
        codes = np.array(indices.fill_null(-1) if indices.null_count else indices)
        values = chunks[0].dictionary.to_numpy(zero_copy_only=False)
        categories = _categories(tuple(values.tolist()))
        # A view, because users can rename the index.
        dtype = pd.CategoricalDtype(categories.view(), kind.ordered)
        return pd.Categorical.from_codes(codes, dtype=dtype)


@lru_cache(_CACHED_DICTIONARIES)
def _categories(values: tuple[str, ...]) -> pd.Index:
    return pd.CategoricalDtype(np.array(values, dtype=object)).categories


# What `types_mapper` of pyarrow finds by the type of a column.
_TYPES = {
    pa.dictionary(keys, pa.string(), ordered): _TextDictionary()
    for keys in (pa.int8(), pa.int16(), pa.int32(), pa.int64())
    for ordered in (False, True)
}
