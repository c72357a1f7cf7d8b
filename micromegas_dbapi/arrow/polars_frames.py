"""Convert Arrow tables to polars DataFrames.

Importing this module without polars raises NotSupportedError.
"""

from __future__ import annotations

import pyarrow as pa

from micromegas_dbapi.arrow.dictionary_decoding import decode_column
from micromegas_dbapi.arrow.nested import child_types
from micromegas_dbapi.arrow.readers import reading_error
from micromegas_dbapi.errors import DataError, NotSupportedError

try:
    import polars as pl
except ImportError as error:
    raise NotSupportedError(
        "fetch_polars() needs polars: pip install 'micromegas-dbapi[polars]'"
    ) from error

__all__ = ["check_names", "to_polars"]


def check_names(names: list[str]) -> None:
    """Check for duplicate column names, before the result is consumed.

    Parameters
    ----------
    names : list of str
        The names of all columns.

    Raises
    ------
    DataError
        If two columns have the same name. Older polars would drop one of them.
    """
    if len(set(names)) < len(names):
        raise DataError(
            f"polars cannot hold the result: duplicate column names {', '.join(names)}; rename "
            "them with AS"
        )


def to_polars(table: pa.Table) -> pl.DataFrame:
    """Convert a table.

    Parameters
    ----------
    table : pyarrow.Table
        With distinct column names.

    Returns
    -------
    polars.DataFrame
        With dictionaries of strings as categoricals. Other dictionaries are decoded.

    Raises
    ------
    DataError
        If polars cannot hold a value.
    """
    for field in table.schema:
        if _has_wide_decimals(field.type):  # polars would panic, and print that
            raise DataError(
                f"polars cannot hold the result: column {field.name} is {field.type}, but decimals "
                "of polars have at most 38 digits; cast it in the statement"
            )
    try:
        columns = [
            column if _has_only_categoricals(column.type) else decode_column(column)
            for column in table.columns
        ]
        frame = pl.from_arrow(pa.table(columns, names=table.column_names))
    except MemoryError as error:
        raise reading_error(error) or error  # noqa: B904  (it has its cause)
    except (pl.exceptions.PolarsError, pa.ArrowException, ValueError, TypeError) as error:
        raise DataError(f"polars cannot hold the result: {error}") from error
    except BaseException as error:  # PanicException, which cannot be imported
        if type(error).__name__ != "PanicException":
            raise
        raise DataError(f"polars cannot hold the result: {error}") from error
    assert isinstance(frame, pl.DataFrame)
    return frame


def _has_only_categoricals(kind: pa.DataType) -> bool:
    """Return whether all dictionaries in a type become categoricals.

    Newer polars decodes other dictionaries. Older polars converts their values to strings, or
    fails.
    """
    if pa.types.is_dictionary(kind):
        return kind.value_type in _STRINGS and kind.index_type != pa.uint64()
    return all(map(_has_only_categoricals, child_types(kind)))


def _has_wide_decimals(kind: pa.DataType) -> bool:
    values = kind.value_type if pa.types.is_dictionary(kind) else kind
    return pa.types.is_decimal256(values) or any(map(_has_wide_decimals, child_types(values)))


_STRINGS = (pa.string(), pa.large_string())
