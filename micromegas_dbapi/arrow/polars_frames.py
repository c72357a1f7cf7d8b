"""Arrow tables -> polars DataFrames. Importing it without polars raises NotSupportedError."""

from __future__ import annotations

import pyarrow as pa

from micromegas_dbapi.arrow.dictionary_decoding import hydrated_column
from micromegas_dbapi.arrow.nested import inner_types
from micromegas_dbapi.errors import DataError, NotSupportedError

try:
    import polars as pl
except ImportError as error:
    raise NotSupportedError(
        "fetch_polars() needs polars: pip install 'micromegas-dbapi[polars]'"
    ) from error

__all__ = ["check_names", "to_polars"]


def check_names(names: list[str]) -> None:
    """Refuse several columns of one name, before anything is consumed.

    Raises
    ------
    DataError
    """
    if len(set(names)) < len(names):  # older polars would drop all but one
        raise DataError(
            "polars cannot hold the result, which has several columns of one name: "
            f"{', '.join(names)}; rename them in the statement"
        )


def to_polars(table: pa.Table) -> pl.DataFrame:
    """Make a DataFrame.

    Parameters
    ----------
    table : pyarrow.Table

    Returns
    -------
    polars.DataFrame
        Dictionaries of text as categoricals, others as their values.

    Raises
    ------
    DataError
        If polars cannot hold a value.
    """
    try:
        columns = [
            column if _only_texts(column.type) else hydrated_column(column)
            for column in table.columns
        ]
        frame = pl.from_arrow(pa.table(columns, names=table.column_names))
    except (pl.exceptions.PolarsError, pa.ArrowException, ValueError, TypeError) as error:
        raise DataError(f"polars cannot hold the result: {error}") from error
    except BaseException as error:  # a PanicException, which cannot be imported
        if type(error).__name__ != "PanicException":
            raise
        raise DataError(f"polars cannot hold the result: {error}") from error
    assert isinstance(frame, pl.DataFrame)
    return frame


def _only_texts(kind: pa.DataType) -> bool:
    """Tell whether all dictionaries of a type, if it has any, become categoricals.

    Of others newer polars makes plain columns, and older texts of their values, or nothing.
    """
    if pa.types.is_dictionary(kind):
        return kind.value_type in _TEXTS and kind.index_type != pa.uint64()
    return all(map(_only_texts, inner_types(kind)))


_TEXTS = (pa.string(), pa.large_string())
